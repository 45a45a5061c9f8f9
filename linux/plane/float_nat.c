/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of floated peers, in both directions. OpenVPN 2.6 finds a session by the source address
 * of its control packets and never learns that a peer moved; the plane translates.
 *
 * The translations are pairs (known, now) in which no address occurs twice on the same side: a
 * partial injection. Closing each of its chains makes it a permutation: with A -> B and B -> C,
 * source B is A, source C is B, and a stranger at A, whom openvpn must not take for the peer,
 * appears at C.
 *
 * The entries of a chain are linked in that order, and its two ends know each other, so that a
 * stranger's packet costs two lookups whatever the length. A new float_nat costs as much; one that
 * ends a walk through its chain, which FLOAT_NAT_CHAIN_MAX bounds.
 */
#include "linux/plane/float_nat.h"

#include <stdlib.h>
#include <sys/random.h>

#include "core/atomic.h"
#include "linux/sys/log.h"
#include "linux/plane/recent.h"

#define BUCKETS_FIRST 16U

enum { BY_KNOWN, BY_NOW, BY_ID, INDEXES };

struct entry {
    struct entry *next[INDEXES];
    struct dco_endpoint addr[2]; /* BY_KNOWN, BY_NOW */
    uint32_t peer_id;
    struct entry *before, *after; /* in its chain; in a ring all have both */
    struct entry *end;            /* of the first and the last of a chain: the other one */
    uint32_t length;              /* likewise: of the chain */
};

struct float_nat {
    uint32_t count;       /* atomic: 0 needs no lock */
    struct dco_lock lock; /* guards all below */
    uint32_t mask;        /* buckets - 1, of each index */
    struct dco_siphash_key secret;
    struct entry **bucket[INDEXES];
    struct recent answered; /* where sessions may be that are no peers yet */
};

static void
free_buckets(struct entry **bucket[INDEXES])
{
    for (int i = 0; i < INDEXES; i++)
        free(bucket[i]);
}

static bool
new_buckets(struct entry **bucket[INDEXES], uint32_t n)
{
    bool all = true;

    for (int i = 0; i < INDEXES; i++) {
        bucket[i] = calloc(n, sizeof(*bucket[i]));
        all = all && bucket[i] != NULL;
    }
    if (!all)
        free_buckets(bucket);
    return all;
}

struct float_nat *
float_nat_new(void)
{
    struct float_nat *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    if (getrandom(&a->secret, sizeof(a->secret), 0) != sizeof(a->secret) ||
        !new_buckets(a->bucket, BUCKETS_FIRST)) {
        free(a);
        return NULL;
    }
    a->mask = BUCKETS_FIRST - 1;
    recent_init(&a->answered, &a->secret);
    dco_lock_init(&a->lock);
    return a;
}

void
float_nat_free(struct float_nat *a)
{
    if (a == NULL)
        return;
    for (uint32_t i = 0; i <= a->mask; i++) {
        for (struct entry *e = a->bucket[BY_ID][i], *next; e != NULL; e = next) {
            next = e->next[BY_ID];
            free(e);
        }
    }
    free_buckets(a->bucket);
    dco_lock_fini(&a->lock);
    free(a);
}

static struct entry **
bucket_by_addr(const struct float_nat *a, int index, const struct dco_endpoint *ep)
{
    return &a->bucket[index][dco_siphash(&a->secret, ep, sizeof(*ep)) & a->mask];
}

static struct entry **
bucket_by_id(const struct float_nat *a, uint32_t peer_id)
{
    return &a->bucket[BY_ID][dco_siphash(&a->secret, &peer_id, sizeof(peer_id)) & a->mask];
}

static struct entry **
bucket_for(const struct float_nat *a, int index, const struct entry *e)
{
    return index == BY_ID ? bucket_by_id(a, e->peer_id) : bucket_by_addr(a, index, &e->addr[index]);
}

static struct entry *
find_addr(const struct float_nat *a, int index, const struct dco_endpoint *ep)
{
    struct entry *e = *bucket_by_addr(a, index, ep);

    while (e != NULL && !dco_endpoint_equal(&e->addr[index], ep))
        e = e->next[index];
    return e;
}

static struct entry *
find_id(const struct float_nat *a, uint32_t peer_id)
{
    struct entry *e = *bucket_by_id(a, peer_id);

    while (e != NULL && e->peer_id != peer_id)
        e = e->next[BY_ID];
    return e;
}

static void
bucket_add(struct float_nat *a, struct entry *e)
{
    for (int i = 0; i < INDEXES; i++) {
        struct entry **b = bucket_for(a, i, e);

        e->next[i] = *b;
        *b = e;
    }
}

static void
bucket_del(struct float_nat *a, struct entry *e)
{
    for (int i = 0; i < INDEXES; i++) {
        struct entry **p = bucket_for(a, i, e);

        while (*p != e)
            p = &(*p)->next[i];
        *p = e->next[i];
    }
}

/* Chains */

static void
set_ends(struct entry *first, struct entry *last, uint32_t length)
{
    first->end = last;
    last->end = first;
    first->length = last->length = length;
}

/* e comes between left, the last of its chain, and right, the first of its; both may be NULL. */
static void
chain_join(struct entry *e, struct entry *left, struct entry *right)
{
    struct entry *first = left != NULL ? left->end : e;
    struct entry *last = right != NULL ? right->end : e;

    e->before = left;
    e->after = right;
    if (left != NULL)
        left->after = e;
    if (right != NULL)
        right->before = e;
    if (left == NULL || first != right) /* else it is a ring now, which has no ends */
        set_ends(first, last, (left ? left->length : 0) + 1 + (right ? right->length : 0));
}

/* What is left on both sides of e, which of a ring is one chain. */
static void
chain_cut(struct entry *e)
{
    struct entry *left = e->before, *right = e->after, *end;
    uint32_t n = 1;

    if (left != NULL)
        left->after = NULL;
    if (right != NULL)
        right->before = NULL;
    for (end = left; end != NULL && end->before != NULL; end = end->before)
        n++;
    if (left != NULL)
        set_ends(end, left, n);
    n = 1;
    for (end = right; end != NULL && end->after != NULL; end = end->after)
        n++;
    if (right != NULL)
        set_ends(right, end, n);
}

static void
link_entry(struct float_nat *a, struct entry *e)
{
    chain_join(e, find_addr(a, BY_NOW, &e->addr[BY_KNOWN]),
               find_addr(a, BY_KNOWN, &e->addr[BY_NOW]));
    bucket_add(a, e);
    dco_store_release(&a->count, a->count + 1);
}

static void
unlink_entry(struct float_nat *a, struct entry *e)
{
    bucket_del(a, e);
    chain_cut(e);
    dco_store_release(&a->count, a->count - 1);
}

static void
drop_entry(struct float_nat *a, struct entry *e)
{
    if (e != NULL) {
        unlink_entry(a, e);
        free(e);
    }
}

/* More buckets when they fill. Without memory the chains just get longer. */
static void
grow(struct float_nat *a)
{
    uint32_t old = a->mask + 1;
    struct entry **was[INDEXES], **bucket[INDEXES];

    if (a->count < old || !new_buckets(bucket, old * 2))
        return;
    memcpy(was, a->bucket, sizeof(was));
    memcpy(a->bucket, bucket, sizeof(bucket));
    a->mask = old * 2 - 1;
    for (uint32_t i = 0; i < old; i++) {
        for (struct entry *e = was[BY_ID][i], *next; e != NULL; e = next) {
            next = e->next[BY_ID];
            bucket_add(a, e);
        }
    }
    free_buckets(was);
}

/* Room in the chain for an entry between the two addresses. */
static void
make_room(struct float_nat *a, const struct dco_endpoint *known, const struct dco_endpoint *now)
{
    for (;;) {
        struct entry *left = find_addr(a, BY_NOW, known), *right = find_addr(a, BY_KNOWN, now);
        uint32_t l = left != NULL ? left->length : 0, r = right != NULL ? right->length : 0;
        bool ring = left != NULL && left->end == right;
        struct entry *longer = l >= r ? left : right;

        if (1 + l + (ring ? 0 : r) <= FLOAT_NAT_CHAIN_MAX)
            return;
        log_line(LOG_LEVEL_DEBUG,
                 "too many peers took over each other's addresses: openvpn no longer "
                 "understands peer %u, which will have to connect again",
                 longer->peer_id);
        drop_entry(a, longer);
    }
}

/* Of `known` to `now`; *out is NULL where the two are the same. False: no memory. */
static bool
new_entry(uint32_t peer_id, const struct dco_endpoint *known, const struct dco_endpoint *now,
          struct entry **out)
{
    struct entry *e;

    *out = NULL;
    if (dco_endpoint_equal(known, now))
        return true;
    e = calloc(1, sizeof(*e));
    if (e == NULL) {
        log_line(LOG_LEVEL_WARN, "no memory: peer %u moved and may have to connect again", peer_id);
        return false;
    }
    e->peer_id = peer_id;
    e->addr[BY_KNOWN] = *known;
    e->addr[BY_NOW] = *now;
    *out = e;
    return true;
}

/* In place of what peer_id had. */
static void
replace_entry(struct float_nat *a, uint32_t peer_id, struct entry *e)
{
    drop_entry(a, find_id(a, peer_id));
    if (e == NULL)
        return;
    /* Who else claims one of the two addresses claimed it earlier, and has lost it. */
    drop_entry(a, find_addr(a, BY_KNOWN, &e->addr[BY_KNOWN]));
    drop_entry(a, find_addr(a, BY_NOW, &e->addr[BY_NOW]));
    make_room(a, &e->addr[BY_KNOWN], &e->addr[BY_NOW]);
    grow(a);
    link_entry(a, e);
}

void
float_nat_set(struct float_nat *a, uint32_t peer_id, const struct dco_endpoint *known,
              const struct dco_endpoint *now)
{
    struct entry *e;

    if (!new_entry(peer_id, known, now, &e))
        return;
    dco_lock_acquire(&a->lock);
    replace_entry(a, peer_id, e);
    dco_lock_release(&a->lock);
}

bool
float_nat_move(struct float_nat *a, uint32_t peer_id, const struct dco_endpoint *known,
               const struct dco_endpoint *now, uint64_t now_ns)
{
    struct entry *e;
    bool taken;

    if (!new_entry(peer_id, known, now, &e))
        return false;
    dco_lock_acquire(&a->lock);
    taken = e != NULL && recent_has(&a->answered, now, now_ns);
    replace_entry(a, peer_id, taken ? NULL : e);
    dco_lock_release(&a->lock);
    if (taken)
        free(e);
    return !taken;
}

void
float_nat_answered(struct float_nat *a, const struct dco_endpoint *ep, uint64_t now_ns)
{
    dco_lock_acquire(&a->lock);
    recent_add(&a->answered, ep, now_ns);
    dco_lock_release(&a->lock);
}

void
float_nat_forget(struct float_nat *a, uint32_t peer_id)
{
    if (dco_load_acquire(&a->count) == 0)
        return;
    dco_lock_acquire(&a->lock);
    drop_entry(a, find_id(a, peer_id));
    dco_lock_release(&a->lock);
}

/* Where ep stands on side `from`, its pair's other side is the answer; where it only stands on the
 * other side, it is an end of a chain, and the answer the other end. */
static bool
translate(struct float_nat *a, int from, struct dco_endpoint *ep)
{
    int to = from == BY_NOW ? BY_KNOWN : BY_NOW;
    const struct entry *e, *end;

    if (dco_load_acquire(&a->count) == 0)
        return false;
    dco_lock_acquire(&a->lock);
    e = find_addr(a, from, ep);
    end = e == NULL ? find_addr(a, to, ep) : NULL;
    if (e != NULL)
        *ep = e->addr[to];
    else if (end != NULL)
        *ep = end->end->addr[from];
    dco_lock_release(&a->lock);
    return e != NULL || end != NULL;
}

bool
float_nat_source(struct float_nat *a, struct dco_endpoint *ep)
{
    return translate(a, BY_NOW, ep);
}

bool
float_nat_dest(struct float_nat *a, struct dco_endpoint *ep)
{
    return translate(a, BY_KNOWN, ep);
}
