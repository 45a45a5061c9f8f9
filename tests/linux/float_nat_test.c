/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Float translation against a naive model. After any sequence of floats dest translates each
 * translated source back, no two addresses become one, and each floated peer is at its address, up
 * to the longest chain of takeovers. If this failed, a roaming client could not renegotiate, or a
 * stranger at its old address would be taken for it.
 */
#include "linux/plane/float_nat.h"

#include <arpa/inet.h>

#include "addresses.h"
#include "harness.h"
#include "linux/plane/recent.h"

#define PEERS_MAX 150U
#define SECOND    1000000000ULL

static struct dco_endpoint
host(uint32_t i)
{
    return endpoint4(i + 1, (uint16_t)(1000 + i));
}

static void
expect(struct float_nat *a, bool source, uint32_t from, uint32_t to)
{
    struct dco_endpoint ep = host(from), want = host(to);
    bool changed = source ? float_nat_source(a, &ep) : float_nat_dest(a, &ep);

    CHECK(dco_endpoint_equal(&ep, &want));
    CHECK(changed == (from != to));
}

static void
set(struct float_nat *a, uint32_t id, uint32_t known, uint32_t now)
{
    struct dco_endpoint k = host(known), n = host(now);

    float_nat_set(a, id, &k, &n);
}

TEST("a floated peer and a stranger at its old address")
{
    struct float_nat *a = float_nat_new();

    expect(a, true, 0, 0);
    set(a, 7, 0, 1);
    expect(a, true, 1, 0); /* the peer, from its new address */
    expect(a, false, 0, 1);
    expect(a, true, 0, 1); /* a stranger at the old address */
    expect(a, false, 1, 0);
    expect(a, true, 2, 2);
    float_nat_forget(a, 7);
    expect(a, true, 1, 1);
    expect(a, false, 0, 0);
    float_nat_free(a);
}

TEST("chains and rings of peers that took over addresses")
{
    struct float_nat *a = float_nat_new();

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
    float_nat_free(a);
}

TEST("a peer that moves again and comes home")
{
    struct float_nat *a = float_nat_new();

    set(a, 1, 0, 1);
    set(a, 1, 0, 2);
    expect(a, true, 2, 0);
    expect(a, true, 1, 1);
    expect(a, false, 0, 2);
    set(a, 1, 0, 0);
    expect(a, true, 2, 2);
    float_nat_free(a);
}

/* Two peers that claim one address: the newer claim counts. */
TEST("two peers that claim one address")
{
    struct float_nat *a = float_nat_new();

    set(a, 1, 0, 5);
    set(a, 2, 1, 5);
    expect(a, true, 5, 1);
    expect(a, false, 0, 0);
    expect(a, false, 1, 5);
    float_nat_free(a);
}

TEST("forgetting what is not there")
{
    struct float_nat *a = float_nat_new();

    float_nat_forget(a, 9);
    set(a, 1, 0, 1);
    float_nat_forget(a, 9);
    expect(a, true, 1, 0);
    float_nat_free(a);
    float_nat_free(NULL);
}

/* The naive model: claims by peer, each next to the one that it continues. */
struct model {
    uint32_t hosts, peers;
    struct claim {
        bool set;
        uint32_t known, now;
    } claim[PEERS_MAX];
};

/* The claim of known (or now); NULL: nobody's. */
static struct claim *
model_find(struct model *m, bool by_now, uint32_t address)
{
    for (uint32_t i = 0; i < m->peers; i++)
        if (m->claim[i].set && (by_now ? m->claim[i].now : m->claim[i].known) == address)
            return &m->claim[i];
    return NULL;
}

/* From c on, backwards or forwards; a ring once around. */
static uint32_t
model_length(struct model *m, const struct claim *c, bool back)
{
    const struct claim *start = c;
    uint32_t n = 0;

    while (c != NULL && (n == 0 || c != start)) {
        n++;
        c = back ? model_find(m, true, c->known) : model_find(m, false, c->now);
    }
    return n;
}

/* Whether a claim between the two makes no chain too long; else the longer side loses its end. */
static bool
model_fits(struct model *m, struct claim *left, struct claim *right)
{
    uint32_t l = model_length(m, left, true), r = model_length(m, right, false);
    const struct claim *first = left;

    while (first != NULL && model_find(m, true, first->known) != NULL)
        first = model_find(m, true, first->known);
    if (1 + l + (first == right ? 0 : r) <= FLOAT_NAT_CHAIN_MAX) /* or it closes a ring */
        return true;
    (l >= r ? left : right)->set = false;
    return false;
}

static void
model_set(struct model *m, uint32_t id, uint32_t known, uint32_t now)
{
    struct claim *c;

    m->claim[id].set = false;
    if (known == now)
        return;
    if ((c = model_find(m, false, known)) != NULL)
        c->set = false;
    if ((c = model_find(m, true, now)) != NULL)
        c->set = false;
    while (!model_fits(m, model_find(m, true, known), model_find(m, false, now)))
        ;
    m->claim[id] = (struct claim){.set = true, .known = known, .now = now};
}

/* Where the model has `address` on the side that is read, or at the other end of the chain that
 * begins there. */
static uint32_t
model_translate(struct model *m, bool source, uint32_t address)
{
    const struct claim *c = model_find(m, source, address);

    if (c != NULL)
        return source ? c->known : c->now;
    while ((c = model_find(m, !source, address)) != NULL)
        address = source ? c->now : c->known;
    return address;
}

static void
check_model(struct float_nat *a, struct model *m)
{
    for (uint32_t i = 0; i < m->hosts; i++) {
        expect(a, true, i, model_translate(m, true, i));
        expect(a, false, i, model_translate(m, false, i));
        CHECK(model_translate(m, false, model_translate(m, true, i)) == i);
    }
}

static void
random_floats(uint32_t hosts, uint32_t peers, unsigned steps, unsigned look_each)
{
    struct rng rng = test_rng();
    struct float_nat *a = float_nat_new();
    struct model m = {.hosts = hosts, .peers = peers};

    for (unsigned step = 0; step < steps; step++) {
        uint32_t id = rng_below(&rng, peers);
        uint32_t known = rng_below(&rng, hosts), now = rng_below(&rng, hosts);

        if (rng_chance(&rng, 50)) /* a neighbour, which makes chains long */
            now = (known + 1) % hosts;
        if (rng_chance(&rng, 10)) {
            float_nat_forget(a, id);
            m.claim[id].set = false;
        } else {
            set(a, id, known, now);
            model_set(&m, id, known, now);
        }
        if (step % look_each == 0)
            check_model(a, &m);
    }
    check_model(a, &m);
    float_nat_free(a);
}

TEST("a permutation after any sequence")
{
    for (unsigned round = 0; round < test_rounds(200); round++)
        random_floats(12, 8, 30, 1);
}

/* Chains that reach their bound all the time. */
TEST("a permutation of long chains")
{
    for (unsigned round = 0; round < test_rounds(2); round++)
        random_floats(200, PEERS_MAX, 3000, 50);
}

/* A stranger's packet costs the same however many peers took over each other's addresses, and so
 * does a claim: no chain grows beyond its bound, and the newest claim is the one that counts. */
TEST("a chain has at most FLOAT_NAT_CHAIN_MAX peers")
{
    struct float_nat *a = float_nat_new();
    uint32_t n = 1000;

    for (uint32_t i = 0; i < n; i++) {
        struct dco_endpoint stranger = host(0);

        set(a, i, i, i + 1);
        expect(a, true, i + 1, i);
        float_nat_source(a, &stranger);
        CHECK(ntohs(stranger.port) <= 1000 + FLOAT_NAT_CHAIN_MAX);
    }
    for (uint32_t i = n; i > n - 10; i--)
        expect(a, true, i, i - 1);
    for (uint32_t i = n; i-- > 0;)
        float_nat_forget(a, i);
    for (uint32_t i = 0; i <= n; i++)
        expect(a, true, i, i);
    /* The other way round: each claim goes in front of the chain. */
    for (uint32_t i = n; i-- > 0;) {
        struct dco_endpoint stranger = host(i);

        set(a, i, i, i + 1);
        expect(a, true, i + 1, i);
        float_nat_source(a, &stranger);
        CHECK(ntohs(stranger.port) <= 1000 + i + FLOAT_NAT_CHAIN_MAX);
    }
    float_nat_free(a);
}

TEST("10000 peers find their names")
{
    struct float_nat *a = float_nat_new();

    for (uint32_t i = 0; i < 10000; i++)
        set(a, i, 2 * i, 2 * i + 1);
    for (uint32_t i = 0; i < 10000; i++)
        expect(a, true, 2 * i + 1, 2 * i);
    for (uint32_t i = 0; i < 10000; i++)
        float_nat_forget(a, i);
    expect(a, true, 1, 1);
    float_nat_free(a);
}

/* Sessions that are no peers yet */

static bool
move(struct float_nat *a, uint32_t id, uint32_t known, uint32_t now, uint64_t now_ns)
{
    struct dco_endpoint k = host(known), n = host(now);

    return float_nat_move(a, id, &k, &n, now_ns);
}

static void
answered(struct float_nat *a, uint32_t address, uint64_t now_ns)
{
    struct dco_endpoint ep = host(address);

    float_nat_answered(a, &ep, now_ns);
}

/* A client in its handshake keeps its address, and who was elsewhere before has lost that too. */
TEST("nobody moves to a session in its handshake")
{
    struct float_nat *a = float_nat_new();

    answered(a, 5, 1000 * SECOND);
    CHECK(move(a, 7, 0, 1, 1001 * SECOND));
    CHECK(!move(a, 7, 0, 5, 1002 * SECOND));
    for (uint32_t i = 0; i < 6; i++) {
        expect(a, true, i, i);
        expect(a, false, i, i);
    }
    CHECK(move(a, 7, 0, 0, 1003 * SECOND)); /* home is no other's, whatever was answered there */
    answered(a, 0, 1003 * SECOND);
    CHECK(move(a, 7, 0, 0, 1003 * SECOND));
    CHECK(move(a, 7, 0, 2, 1004 * SECOND));
    expect(a, true, 2, 0);
    float_nat_free(a);
}

/* For as long as a handshake may last, from its last answer on, and not for ever. */
TEST("a handshake is remembered for as long as it may last")
{
    const uint64_t keep = RECENT_GENERATION_NS, start = 1000 * SECOND;
    struct float_nat *a = float_nat_new();

    for (uint64_t t = start; t < start + 10 * keep; t += keep / 3) {
        answered(a, 5, t);
        answered(a, 1000 + (uint32_t)(t / SECOND), t); /* others come and go */
        CHECK(!move(a, 7, 0, 5, t));
        CHECK(!move(a, 7, 0, 5, t + keep / 4));
    }
    answered(a, 6, start + 20 * keep); /* a new generation, after a long rest */
    CHECK(!move(a, 7, 0, 6, start + 20 * keep));
    CHECK(!move(a, 7, 0, 6, start + 21 * keep - 1));
    CHECK(move(a, 7, 0, 5, start + 21 * keep));
    CHECK(move(a, 7, 0, 6, start + 22 * keep));
    expect(a, true, 6, 0);
    float_nat_free(a);
}

/* What was not answered is hardly ever taken for it, and what was always is. */
TEST("any number of handshakes is remembered")
{
    struct float_nat *a = float_nat_new();
    unsigned refused = 0;

    for (uint32_t i = 0; i < 1000; i++)
        answered(a, i, SECOND);
    for (uint32_t i = 0; i < 1000; i++) {
        CHECK(!move(a, 7, 5000, i, 2 * SECOND));
        refused += !move(a, 7, 5000, 10000 + i, 2 * SECOND);
    }
    CHECK(refused < 5);
    float_nat_free(a);
}
