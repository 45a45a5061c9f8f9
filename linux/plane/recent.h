/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses that were seen lately, in memory of a fixed size whatever their number: two Bloom
 * filters, of which the older is forgotten when the newer has lasted a generation. What was added
 * is found for one generation at least and for two at most. What was not added may be found too:
 * one in 100,000 with 1,000 addresses in a generation, one in 25 with 10,000.
 *
 * Whoever calls holds a lock of its own.
 */
#ifndef DCO_PLANE_RECENT_H
#define DCO_PLANE_RECENT_H

#include "core/addr.h"
#include "core/siphash.h"

#define RECENT_BITS          65536U /* as many as 16 bits of a hash can name */
#define RECENT_GENERATION_NS 90000000000ULL

struct recent {
    struct dco_siphash_key secret; /* const; nobody can choose what is taken for something else */
    uint64_t since_ns;             /* of the newer generation; 0: nothing was ever added */
    unsigned newer;                /* index of it */
    uint8_t seen[2][RECENT_BITS / 8];
};

/* All zero but for the secret. */
void recent_init(struct recent *r, const struct dco_siphash_key *secret);
/* now_ns: monotonic, not 0. */
void recent_add(struct recent *r, const struct dco_endpoint *ep, uint64_t now_ns);
bool recent_has(struct recent *r, const struct dco_endpoint *ep, uint64_t now_ns);

#endif
