/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One path-compressed binary trie per family. A node stands for a prefix; its children have longer
 * prefixes that begin with it and differ in the bit after it. Each route adds at most two nodes:
 * its own, and the branch above it. The gateways of a node are a list, best first.
 */
#include "route.h"

#include "atomic.h"
#include "bytes.h"

#define NONE UINT32_MAX /* no such node or gateway */

/* An address or prefix as numbers: bit 0 is the highest of word[0]. */
struct bits {
    uint64_t word[2];
};

struct node {
    struct bits bits; /* zero beyond len */
    uint32_t child[2];
    uint32_t first, last; /* of its gateways; NONE: a branch without a route */
    uint8_t len;
};

struct gateway {
    struct dco_ip ip;
    uint32_t next;
};

struct dco_routes {
    struct dco_deferred deferred;
    const struct dco_env *env;
    size_t bytes; /* of this allocation */
    uint32_t root[2];
    uint32_t nodes, gateways; /* in use */
    struct gateway *gateway;  /* behind the nodes */
    struct node node[];
};

static inline uint64_t
get64(const uint8_t *p)
{
    return (uint64_t)dco_read32(p) << 32 | dco_read32(p + 4);
}

/* Bytes beyond an IPv4 address are zero in a struct dco_ip, so both families are read in the same
 * way. */
static inline struct bits
bits_of(const struct dco_ip *ip)
{
    struct bits bits = {{get64(ip->addr), get64(ip->addr + 8)}};

    return bits;
}

/* i < 128 */
static inline unsigned
bit_at(const struct bits *bits, unsigned i)
{
    return bits->word[i / 64] >> (63 - i % 64) & 1;
}

static inline uint64_t
high_bits(uint64_t word, unsigned n)
{
    return n == 0 ? 0 : word & ~0ULL << (64 - n);
}

/* The first len bits, the others zero. */
static inline struct bits
prefix_of(const struct bits *bits, unsigned len)
{
    struct bits prefix = {{high_bits(bits->word[0], len < 64 ? len : 64),
                           high_bits(bits->word[1], len < 64 ? 0 : len - 64)}};

    return prefix;
}

static inline bool
covers(const struct node *node, const struct bits *bits)
{
    struct bits prefix = prefix_of(bits, node->len);

    return prefix.word[0] == node->bits.word[0] && prefix.word[1] == node->bits.word[1];
}

/* How many leading bits a and b share, at most max. */
static unsigned
common_bits(const struct bits *a, const struct bits *b, unsigned max)
{
    unsigned i = 0;

    while (i < max && bit_at(a, i) == bit_at(b, i))
        i++;
    return i;
}

static uint32_t
node_new(struct dco_routes *r, const struct bits *bits, unsigned len)
{
    struct node *node = &r->node[r->nodes];

    node->bits = prefix_of(bits, len);
    node->len = (uint8_t)len;
    node->child[0] = NONE;
    node->child[1] = NONE;
    node->first = NONE;
    return r->nodes++;
}

/* Finds the node of this prefix, or makes it. */
static struct node *
node_for(struct dco_routes *r, uint32_t *link, const struct bits *bits, unsigned len)
{
    while (*link != NONE) {
        struct node *node = &r->node[*link];
        unsigned max = node->len < len ? node->len : len;
        unsigned common = common_bits(&node->bits, bits, max);
        uint32_t below = *link;

        if (common == node->len) {
            if (common == len)
                return node;
            link = &node->child[bit_at(bits, common)];
            continue;
        }
        /* The new prefix ends or branches off between the parent and node. */
        *link = node_new(r, bits, common);
        r->node[*link].child[bit_at(&node->bits, common)] = below;
        if (common == len)
            return &r->node[*link];
        link = &r->node[*link].child[bit_at(bits, common)];
    }
    *link = node_new(r, bits, len);
    return &r->node[*link];
}

static void
gateway_append(struct dco_routes *r, struct node *node, const struct dco_ip *ip)
{
    uint32_t i = r->gateways++;

    r->gateway[i].ip = dco_ip_canon(ip);
    r->gateway[i].next = NONE;
    if (node->first == NONE)
        node->first = i;
    else
        r->gateway[node->last].next = i;
    node->last = i;
}

static void
insert(struct dco_routes *r, const struct dco_route *route)
{
    struct dco_ip prefix = dco_ip_canon(&route->prefix);
    struct bits bits = bits_of(&prefix);
    unsigned family = route->prefix.family;

    if (!(family == 4 && route->len <= 32) && !(family == 6 && route->len <= 128))
        return;
    gateway_append(r, node_for(r, &r->root[family == 6], &bits, route->len), &route->gateway);
}

struct dco_routes *
dco_routes_new(const struct dco_env *env, const struct dco_route *routes, size_t n)
{
    const size_t each = 2 * sizeof(struct node) + sizeof(struct gateway);
    struct dco_routes *r;
    size_t bytes;

    if (n >= NONE / 2 || n > (SIZE_MAX - sizeof(*r)) / each)
        return NULL;
    bytes = sizeof(*r) + n * each;
    r = dco_env_alloc(env, bytes);
    if (r == NULL)
        return NULL;
    r->env = env;
    r->bytes = bytes;
    r->root[0] = NONE;
    r->root[1] = NONE;
    r->gateway = (struct gateway *)&r->node[2 * n];
    for (size_t i = 0; i < n; i++)
        insert(r, &routes[i]);
    return r;
}

void
dco_routes_free(struct dco_routes *r)
{
    if (r != NULL)
        dco_env_free(r->env, r, r->bytes);
}

/* The node with gateways that has the longest prefix of bits below limit, or NULL. */
static const struct node *
longest(const struct dco_routes *r, uint32_t i, const struct bits *bits, unsigned limit)
{
    const struct node *best = NULL;

    while (i != NONE) {
        const struct node *node = &r->node[i];

        if (node->len >= limit || !covers(node, bits))
            break;
        if (node->first != NONE)
            best = node;
        i = node->len < 128 ? node->child[bit_at(bits, node->len)] : NONE;
    }
    return best;
}

/* Nearly always the first gateway is a peer's, so each further prefix is searched from the root
 * again. */
void *
dco_routes_find(const struct dco_routes *r, const struct dco_ip *ip, dco_routes_pick pick,
                const void *arg)
{
    struct bits bits = bits_of(ip);
    const struct node *node;
    unsigned limit = 129;
    void *found;

    if (r == NULL || ip->family == 0)
        return NULL;
    while ((node = longest(r, r->root[ip->family == 6], &bits, limit)) != NULL) {
        for (uint32_t i = node->first; i != NONE; i = r->gateway[i].next) {
            found = r->gateway[i].ip.family != 0 ? pick(arg, &r->gateway[i].ip) : NULL;
            if (found != NULL || r->gateway[i].ip.family == 0)
                return found;
        }
        limit = node->len;
    }
    return NULL;
}

void
dco_routes_end(struct dco_deferred *d)
{
    dco_routes_free(dco_deferred_in(d, struct dco_routes));
}

void
dco_routes_publish(const struct dco_env *env, struct dco_routes **slot, struct dco_routes *routes)
{
    struct dco_routes *old = dco_exchange(slot, routes);

    if (old == NULL)
        return;
    old->deferred.kind = DCO_DEFERRED_ROUTES;
    dco_env_defer(env, &old->deferred);
}
