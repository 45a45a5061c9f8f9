/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of addresses that were seen recently, of fixed size. It consists of two Bloom filters; when
 * the newer one is a generation old, it replaces the older one. An address that was added is found
 * for one generation at least and for two at most. An address that was not added may be found too,
 * with a probability of 1 in 100,000 with 1,000 addresses in a generation and 1 in 25 with 10,000.
 *
 * The caller's lock guards it.
 */
#ifndef DCO_PLANE_RECENT_H
#define DCO_PLANE_RECENT_H

#include "core/addr.h"
#include "core/siphash.h"

#define RECENT_BITS          65536U /* as many as 16 bits of a hash can name */
#define RECENT_GENERATION_NS 90000000000ULL

struct recent {
    struct dco_siphash_key secret; /* const; so that nobody can choose which addresses collide */
    uint64_t since_ns;             /* start of the newer generation; 0: nothing was ever added */
    unsigned newer;                /* its index in seen[] */
    uint8_t seen[2][RECENT_BITS / 8];
};

/* Makes an empty set. */
void recent_init(struct recent *r, const struct dco_siphash_key *secret);
/* now_ns: monotonic, not 0. */
void recent_add(struct recent *r, const struct dco_endpoint *ep, uint64_t now_ns);
bool recent_has(struct recent *r, const struct dco_endpoint *ep, uint64_t now_ns);

#endif
