/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers whose address openvpn does not know yet: the translation between the address under which
 * openvpn knows a peer and the address where the peer is. One per port. Any thread; each function
 * takes the lock of the table by itself.
 */
#ifndef DCO_PLANE_FLOAT_NAT_H
#define DCO_PLANE_FLOAT_NAT_H

#include "core/addr.h"

struct float_nat;

/* Peers that took over each other's addresses form a chain, or a ring. Longer than this none gets:
 * the newest claim counts, and the one beside it ends. */
#define FLOAT_NAT_CHAIN_MAX 64U

struct float_nat *float_nat_new(void);
void float_nat_free(struct float_nat *nat);
/* peer_id, which openvpn knows at `known`, now is at `now`. now == known forgets it. */
void float_nat_set(struct float_nat *nat, uint32_t peer_id, const struct dco_endpoint *known,
                   const struct dco_endpoint *now);
/* The same for a peer that moved, which proves that it is it and not that it is there: false, and
 * it has no float_nat, where openvpn answered a session at `now` lately that is not this peer's. */
bool float_nat_move(struct float_nat *nat, uint32_t peer_id, const struct dco_endpoint *known,
                    const struct dco_endpoint *now, uint64_t now_ns);
/* openvpn sends to ep, where it has a session and we have no peer of that session: it may be in its
 * handshake, and its control packets must stay its own. Remembered for RECENT_GENERATION_NS to
 * twice that, anew with each answer. Any thread. */
void float_nat_answered(struct float_nat *nat, const struct dco_endpoint *ep, uint64_t now_ns);
void float_nat_forget(struct float_nat *nat, uint32_t peer_id);
/* Rewrites the source of a control packet into what openvpn knows / the destination of one of
 * openvpn's into where the peer is. The two are a permutation of addresses, so that a stranger who
 * got the old address is presented under the new one. Any thread; free of locks while there are no
 * translations. True if changed. */
bool float_nat_source(struct float_nat *nat, struct dco_endpoint *ep);
bool float_nat_dest(struct float_nat *nat, struct dco_endpoint *ep);

#endif
