/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay.h"

_Static_assert((DCO_REPLAY_WINDOW & (DCO_REPLAY_WINDOW - 1)) == 0, "used as a mask");

static inline uint64_t *
word(struct dco_replay *r, uint32_t id)
{
    return &r->seen[(id & (DCO_REPLAY_WINDOW - 1)) / 64];
}

static inline uint64_t
bit(uint32_t id)
{
    return 1ULL << (id % 64);
}

void
dco_replay_init(struct dco_replay *r)
{
    memset(r, 0, sizeof(*r));
}

/* Moves the window up to id, which is above it, and forgets the ids that fall out. */
static void
advance(struct dco_replay *r, uint32_t id)
{
    if (id - r->highest >= DCO_REPLAY_WINDOW) {
        memset(r->seen, 0, sizeof(r->seen));
    } else {
        for (uint32_t i = r->highest + 1; i != id; i++)
            *word(r, i) &= ~bit(i);
    }
    r->highest = id;
}

enum dco_drop
dco_replay_accept(struct dco_replay *r, uint32_t id, uint64_t now_ns)
{
    if (id == 0)
        return DCO_DROP_RX_ID_ZERO;
    if (now_ns >= r->expire_ns)
        r->floor = r->highest;
    if (id > r->highest) {
        advance(r, id);
    } else {
        if (r->highest - id >= DCO_REPLAY_WINDOW)
            return DCO_DROP_RX_LATE;
        if (*word(r, id) & bit(id))
            return DCO_DROP_RX_REPLAY;
        if (id <= r->floor)
            return DCO_DROP_RX_LATE;
    }
    *word(r, id) |= bit(id);
    r->expire_ns = now_ns + DCO_REPLAY_EXPIRE_NS;
    return DCO_DROP_NONE;
}

/* Ids beyond a window that is not full yet can be checked; later their bits belong to older ids. */
const char *
dco_replay_validate(const struct dco_replay *r)
{
    if (r->floor > r->highest)
        return "the floor of a replay window is above its highest id";
    if ((r->highest == 0) != (r->expire_ns == 0))
        return "a replay window has an end without a beginning";
    if (r->highest != 0 &&
        (r->seen[(r->highest & (DCO_REPLAY_WINDOW - 1)) / 64] & bit(r->highest)) == 0)
        return "the highest id of a replay window was not seen";
    for (uint32_t id = r->highest + 1; id < DCO_REPLAY_WINDOW; id++) {
        if (r->seen[id / 64] & bit(id))
            return "an id above the highest of a replay window was seen";
    }
    return NULL;
}
