/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/recent.h"

#define PROBES 4U /* of 16 bits each: a hash has 64 */

void
recent_init(struct recent *r, const struct dco_siphash_key *secret)
{
    memset(r, 0, sizeof(*r));
    r->secret = *secret;
}

/* Begins a new generation when it is time. After two generations without a call the newer filter
 * has expired as well. */
static void
age(struct recent *r, uint64_t now_ns)
{
    if (r->since_ns == 0 || now_ns < r->since_ns + RECENT_GENERATION_NS)
        return;
    if (now_ns >= r->since_ns + 2 * RECENT_GENERATION_NS)
        memset(r->seen[r->newer], 0, sizeof(r->seen[r->newer]));
    r->newer ^= 1;
    memset(r->seen[r->newer], 0, sizeof(r->seen[r->newer]));
    r->since_ns = now_ns;
}

void
recent_add(struct recent *r, const struct dco_endpoint *ep, uint64_t now_ns)
{
    uint64_t hash = dco_siphash(&r->secret, ep, sizeof(*ep));

    age(r, now_ns);
    if (r->since_ns == 0)
        r->since_ns = now_ns;
    for (unsigned i = 0; i < PROBES; i++, hash >>= 16)
        r->seen[r->newer][(hash & 0xffff) / 8] |= (uint8_t)(1U << (hash & 7));
}

static bool
seen_in(const uint8_t *seen, uint64_t hash)
{
    for (unsigned i = 0; i < PROBES; i++, hash >>= 16)
        if ((seen[(hash & 0xffff) / 8] & 1U << (hash & 7)) == 0)
            return false;
    return true;
}

bool
recent_has(struct recent *r, const struct dco_endpoint *ep, uint64_t now_ns)
{
    uint64_t hash;

    if (r->since_ns == 0)
        return false;
    age(r, now_ns);
    hash = dco_siphash(&r->secret, ep, sizeof(*ep));
    return seen_in(r->seen[0], hash) || seen_in(r->seen[1], hash);
}
