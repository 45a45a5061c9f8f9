/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aliases against a naive model: after any sequence of floats, what a source is translated to is
 * translated back by dest, no two addresses become one, and each floated peer is where it should
 * be. If this failed, a roaming client could not renegotiate, or a stranger at its old address
 * would be taken for it.
 */
#include "harness.h"
#include "linux/plane/internal.h"

#define HOSTS 12U
#define PEERS 8U

static struct dco_endpoint
host(uint32_t i)
{
    return endpoint4(i + 1, (uint16_t)(1000 + i));
}

static void
expect(struct alias *a, bool source, uint32_t from, uint32_t to)
{
    struct dco_endpoint ep = host(from), want = host(to);
    bool changed = source ? alias_source(a, &ep) : alias_dest(a, &ep);

    check(dco_endpoint_equal(&ep, &want));
    check(changed == (from != to));
}

static void
set(struct alias *a, uint32_t id, uint32_t known, uint32_t now)
{
    struct dco_endpoint k = host(known), n = host(now);

    alias_set(a, id, &k, &n);
}

static void
test_one(void)
{
    struct alias *a = alias_new();

    expect(a, true, 0, 0);
    set(a, 7, 0, 1);
    expect(a, true, 1, 0); /* the peer, from its new address */
    expect(a, false, 0, 1);
    expect(a, true, 0, 1); /* a stranger at the old address */
    expect(a, false, 1, 0);
    expect(a, true, 2, 2);
    alias_forget(a, 7);
    expect(a, true, 1, 1);
    expect(a, false, 0, 0);
    alias_free(a);
}

static void
test_chain(void)
{
    struct alias *a = alias_new();

    set(a, 1, 0, 1); /* 0 -> 1 -> 2 */
    set(a, 2, 1, 2);
    expect(a, true, 1, 0);
    expect(a, true, 2, 1);
    expect(a, true, 0, 2);
    expect(a, false, 0, 1);
    expect(a, false, 1, 2);
    expect(a, false, 2, 0);
    set(a, 3, 2, 0); /* closes the ring */
    expect(a, true, 0, 2);
    expect(a, false, 2, 0);
    set(a, 3, 2, 2); /* came home: the chain is open again */
    expect(a, true, 0, 2);
    alias_free(a);
}

static void
test_moves_again(void)
{
    struct alias *a = alias_new();

    set(a, 1, 0, 1);
    set(a, 1, 0, 2);
    expect(a, true, 2, 0);
    expect(a, true, 1, 1);
    expect(a, false, 0, 2);
    set(a, 1, 0, 0);
    expect(a, true, 2, 2);
    alias_free(a);
}

/* Two peers that claim one address: the newer claim counts. */
static void
test_contested(void)
{
    struct alias *a = alias_new();

    set(a, 1, 0, 5);
    set(a, 2, 1, 5);
    expect(a, true, 5, 1);
    expect(a, false, 0, 0);
    expect(a, false, 1, 5);
    alias_free(a);
}

static void
test_forget_unknown(void)
{
    struct alias *a = alias_new();

    alias_forget(a, 9);
    set(a, 1, 0, 1);
    alias_forget(a, 9);
    expect(a, true, 1, 0);
    alias_free(a);
    alias_free(NULL);
}

/* The naive model: a list of claims, newest last. */
struct claim {
    bool set;
    uint32_t known, now;
};

static void
model_set(struct claim *claims, uint32_t id, uint32_t known, uint32_t now)
{
    claims[id].set = false;
    for (uint32_t i = 0; known != now && i < PEERS; i++)
        if (claims[i].set && (claims[i].known == known || claims[i].now == now))
            claims[i].set = false;
    if (known != now)
        claims[id] = (struct claim){.set = true, .known = known, .now = now};
}

static void
check_permutation(struct alias *a)
{
    bool seen[HOSTS] = {false};

    for (uint32_t i = 0; i < HOSTS; i++) {
        struct dco_endpoint ep = host(i), back;
        uint32_t j = 0;

        alias_source(a, &ep);
        back = ep;
        alias_dest(a, &back);
        while (j < HOSTS) {
            struct dco_endpoint h = host(j);

            if (dco_endpoint_equal(&h, &ep))
                break;
            j++;
        }
        check(j < HOSTS && !seen[j]);
        if (j < HOSTS)
            seen[j] = true;
        struct dco_endpoint h = host(i);

        check(dco_endpoint_equal(&back, &h));
    }
}

static void
test_random(void)
{
    struct rng rng = harness_rng();

    for (unsigned round = 0; round < harness_rounds(200); round++) {
        struct alias *a = alias_new();
        struct claim claims[PEERS] = {0};

        for (unsigned step = 0; step < 30; step++) {
            uint32_t id = rng_below(&rng, PEERS);
            uint32_t known = rng_below(&rng, HOSTS), now = rng_below(&rng, HOSTS);

            if (rng_chance(&rng, 20)) {
                alias_forget(a, id);
                claims[id].set = false;
            } else {
                set(a, id, known, now);
                model_set(claims, id, known, now);
            }
            for (uint32_t i = 0; i < PEERS; i++) {
                if (claims[i].set) {
                    expect(a, true, claims[i].now, claims[i].known);
                    expect(a, false, claims[i].known, claims[i].now);
                }
            }
            check_permutation(a);
        }
        alias_free(a);
    }
}

static void
test_many(void)
{
    struct alias *a = alias_new();

    for (uint32_t i = 0; i < 10000; i++)
        set(a, i, 2 * i, 2 * i + 1);
    for (uint32_t i = 0; i < 10000; i++)
        expect(a, true, 2 * i + 1, 2 * i);
    for (uint32_t i = 0; i < 10000; i++)
        alias_forget(a, i);
    expect(a, true, 1, 1);
    alias_free(a);
}

static const struct test tests[] = {
    {"a floated peer and a stranger at its old address", test_one},
    {"chains and rings of peers that took over addresses", test_chain},
    {"a peer that moves again and comes home", test_moves_again},
    {"two peers that claim one address", test_contested},
    {"forgetting what is not there", test_forget_unknown},
    {"a permutation after any sequence", test_random},
    {"10000 peers", test_many},
};

HARNESS_MAIN(tests)
