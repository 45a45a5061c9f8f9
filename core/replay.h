/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replay window of one receiving key: the packet ids that were seen. It is 2048 ids wide, as in
 * the Linux ovpn drivers. After thirty seconds without an accepted packet all ids up to the highest
 * are refused, so that packets that were held back for longer cannot fill old gaps.
 *
 * Only for ids of authenticated packets. No lock of its own: the key's replay_lock guards it.
 */
#ifndef DCO_REPLAY_H
#define DCO_REPLAY_H

#include "drop.h"

#define DCO_REPLAY_WINDOW    2048U                /* ids; a power of two */
#define DCO_REPLAY_EXPIRE_NS (30ULL * 1000000000) /* idle time that raises the floor */

struct dco_replay {
    uint64_t seen[DCO_REPLAY_WINDOW / 64]; /* bit id % window */
    uint64_t expire_ns;                    /* 0: nothing accepted yet */
    uint32_t highest;
    uint32_t floor; /* ids up to here are refused whatever the bits say */
};

void dco_replay_init(struct dco_replay *r);

/* DCO_DROP_NONE if the id is new, and then it is marked; else DCO_DROP_RX_ID_ZERO, _RX_REPLAY or
 * _RX_LATE. now_ns: monotonic. */
enum dco_drop dco_replay_accept(struct dco_replay *r, uint32_t id, uint64_t now_ns);

/* NULL if the window is consistent, else what is wrong. For self-checks. */
const char *dco_replay_validate(const struct dco_replay *r);

#endif
