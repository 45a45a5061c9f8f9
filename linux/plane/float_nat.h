/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The translation between the address at which openvpn knows a peer and the address to which the
 * peer floated. One table for each port. Any thread; each function takes the table's lock itself.
 */
#ifndef DCO_PLANE_FLOAT_NAT_H
#define DCO_PLANE_FLOAT_NAT_H

#include "core/addr.h"

struct float_nat;

/* Peers that took over each other's addresses form a chain or a ring of at most this length. When a
 * new translation would make it longer, an older one next to it ends. */
#define FLOAT_NAT_CHAIN_MAX 64U

/* NULL: no memory or no random numbers. */
struct float_nat *float_nat_new(void);
/* NULL is allowed. */
void float_nat_free(struct float_nat *nat);

/* openvpn knows peer_id at `known`, and the peer is at `now`. Equal addresses end its translation.
 */
void float_nat_set(struct float_nat *nat, uint32_t peer_id, const struct dco_endpoint *known,
                   const struct dco_endpoint *now);
/* The same for a peer that moved. Its packet proves who sent it, but not that the peer owns the
 * address `now`. False if openvpn recently answered another session there: the peer then has no
 * translation. False as well without memory. now_ns: monotonic, not 0. */
bool float_nat_move(struct float_nat *nat, uint32_t peer_id, const struct dco_endpoint *known,
                    const struct dco_endpoint *now, uint64_t now_ns);

/* openvpn sends to ep, where it has a session that is no peer of ours. The session may be in its
 * handshake, so no peer may take over its control packets by a move to ep. Each answer is
 * remembered for RECENT_GENERATION_NS at least and twice that at most. */
void float_nat_answered(struct float_nat *nat, const struct dco_endpoint *ep, uint64_t now_ns);

/* Ends the translation of peer_id, if there is one. */
void float_nat_forget(struct float_nat *nat, uint32_t peer_id);

/* float_nat_source() rewrites the source of a control packet to the address that openvpn knows;
 * float_nat_dest() rewrites the destination of a packet of openvpn to the address where the peer
 * is. Each is the inverse of the other and a permutation of addresses, so openvpn sees a stranger
 * at a peer's old address under another one. Take no lock while there are no translations. True if
 * *ep changed. */
bool float_nat_source(struct float_nat *nat, struct dco_endpoint *ep);
bool float_nat_dest(struct float_nat *nat, struct dco_endpoint *ep);

#endif
