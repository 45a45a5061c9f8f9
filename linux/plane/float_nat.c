/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of floated peers, in both directions. OpenVPN 2.6 finds a session by the source address
 * of its control packets and never learns that a peer moved, so the plane translates addresses.
 *
 * A translation is a pair (known, now). No address occurs twice on the same side, so the pairs are
 * a partial injection. Closing each of its chains makes it a permutation: with A -> B and B -> C,
 * source B becomes A, source C becomes B, and a stranger at A, which openvpn must not take for the
 * peer, appears at C.
 *
 * The entries of a chain are linked in that order, and each of its two ends points to the other.
 * Therefore a stranger's packet costs two lookups whatever the length of the chain. A new
 * translation costs as much. The end of one costs a walk through its chain, whose length
 * FLOAT_NAT_CHAIN_MAX bounds.
 */
#include "linux/plane/float_nat.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/atomic.h"
#include "linux/plane/recent.h"
#include "linux/sys/log.h"

#define BUCKETS_FIRST 16U

enum { BY_KNOWN, BY_NOW, BY_ID, INDEXES };

struct entry {
    struct entry *next[INDEXES];
    struct dco_endpoint addr[2]; /* BY_KNOWN, BY_NOW */
    uint32_t peer_id;
    struct entry *before, *after; /* in its chain; never NULL in a ring */
    struct entry *end;            /* valid in the first and the last of a chain: the other one */
    uint32_t length;              /* likewise: entries of the chain */
};

struct float_nat {
    uint32_t count;       /* atomic; written under lock. 0: lookups need no lock */
    struct dco_lock lock; /* guards all below */
    uint32_t mask;        /* buckets - 1, of each index */
    struct dco_siphash_key secret;
    struct entry **bucket[INDEXES];
    struct recent answered; /* addresses of sessions that may not be peers yet */
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
    struct float_nat *nat = calloc(1, sizeof(*nat));

    if (nat == NULL)
        return NULL;
    if (getrandom(&nat->secret, sizeof(nat->secret), 0) != sizeof(nat->secret) ||
        !new_buckets(nat->bucket, BUCKETS_FIRST)) {
        free(nat);
        return NULL;
    }
    nat->mask = BUCKETS_FIRST - 1;
    recent_init(&nat->answered, &nat->secret);
    dco_lock_init(&nat->lock);
    return nat;
}

void
float_nat_free(struct float_nat *nat)
{
    if (nat == NULL)
        return;
    for (uint32_t i = 0; i <= nat->mask; i++) {
        for (struct entry *e = nat->bucket[BY_ID][i], *next; e != NULL; e = next) {
            next = e->next[BY_ID];
            free(e);
        }
    }
    free_buckets(nat->bucket);
    dco_lock_fini(&nat->lock);
    free(nat);
}

static struct entry **
bucket_by_addr(const struct float_nat *nat, int index, const struct dco_endpoint *ep)
{
    return &nat->bucket[index][dco_siphash(&nat->secret, ep, sizeof(*ep)) & nat->mask];
}

static struct entry **
bucket_by_id(const struct float_nat *nat, uint32_t peer_id)
{
    return &nat->bucket[BY_ID][dco_siphash(&nat->secret, &peer_id, sizeof(peer_id)) & nat->mask];
}

static struct entry **
bucket_for(const struct float_nat *nat, int index, const struct entry *e)
{
    return index == BY_ID ? bucket_by_id(nat, e->peer_id)
                          : bucket_by_addr(nat, index, &e->addr[index]);
}

static struct entry *
find_addr(const struct float_nat *nat, int index, const struct dco_endpoint *ep)
{
    struct entry *e = *bucket_by_addr(nat, index, ep);

    while (e != NULL && !dco_endpoint_equal(&e->addr[index], ep))
        e = e->next[index];
    return e;
}

static struct entry *
find_id(const struct float_nat *nat, uint32_t peer_id)
{
    struct entry *e = *bucket_by_id(nat, peer_id);

    while (e != NULL && e->peer_id != peer_id)
        e = e->next[BY_ID];
    return e;
}

static void
bucket_add(struct float_nat *nat, struct entry *e)
{
    for (int i = 0; i < INDEXES; i++) {
        struct entry **b = bucket_for(nat, i, e);

        e->next[i] = *b;
        *b = e;
    }
}

static void
bucket_del(struct float_nat *nat, struct entry *e)
{
    for (int i = 0; i < INDEXES; i++) {
        struct entry **p = bucket_for(nat, i, e);

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

/* Puts e between left, the last entry of its chain, and right, the first of its chain. Both may be
 * NULL. */
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
    if (left == NULL || first != right) /* else it is a ring now and has no ends */
        set_ends(first, last,
                 (left != NULL ? left->length : 0) + 1 + (right != NULL ? right->length : 0));
}

/* Takes e out. Its chain becomes two; a ring becomes one chain. */
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
link_entry(struct float_nat *nat, struct entry *e)
{
    chain_join(e, find_addr(nat, BY_NOW, &e->addr[BY_KNOWN]),
               find_addr(nat, BY_KNOWN, &e->addr[BY_NOW]));
    bucket_add(nat, e);
    dco_store_release(&nat->count, nat->count + 1);
}

static void
unlink_entry(struct float_nat *nat, struct entry *e)
{
    bucket_del(nat, e);
    chain_cut(e);
    dco_store_release(&nat->count, nat->count - 1);
}

static void
drop_entry(struct float_nat *nat, struct entry *e)
{
    if (e != NULL) {
        unlink_entry(nat, e);
        free(e);
    }
}

/* Doubles the buckets when they fill. Without memory the lists of the buckets just get longer. */
static void
grow(struct float_nat *nat)
{
    uint32_t old = nat->mask + 1;
    struct entry **was[INDEXES], **bucket[INDEXES];

    if (nat->count < old || !new_buckets(bucket, old * 2))
        return;
    memcpy(was, nat->bucket, sizeof(was));
    memcpy(nat->bucket, bucket, sizeof(bucket));
    nat->mask = old * 2 - 1;
    for (uint32_t i = 0; i < old; i++) {
        for (struct entry *e = was[BY_ID][i], *next; e != NULL; e = next) {
            next = e->next[BY_ID];
            bucket_add(nat, e);
        }
    }
    free_buckets(was);
}

/* Ends translations until the chain has room for an entry between the two addresses. */
static void
make_room(struct float_nat *nat, const struct dco_endpoint *known, const struct dco_endpoint *now)
{
    for (;;) {
        struct entry *left = find_addr(nat, BY_NOW, known), *right = find_addr(nat, BY_KNOWN, now);
        uint32_t l = left != NULL ? left->length : 0, r = right != NULL ? right->length : 0;
        bool ring = left != NULL && left->end == right;
        struct entry *longer = l >= r ? left : right;

        if (1 + l + (ring ? 0 : r) <= FLOAT_NAT_CHAIN_MAX)
            return;
        log_line(LOG_LEVEL_DEBUG,
                 "too many peers took over each other's addresses: openvpn no longer "
                 "understands peer %u, which will have to connect again",
                 longer->peer_id);
        drop_entry(nat, longer);
    }
}

/* Makes an entry that is not in the table; *out is NULL if known and now are equal. False: no
 * memory. */
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

/* Replaces the entry of peer_id by e, which may be NULL. The lock held. */
static void
replace_entry(struct float_nat *nat, uint32_t peer_id, struct entry *e)
{
    drop_entry(nat, find_id(nat, peer_id));
    if (e == NULL)
        return;
    /* A peer that claimed one of these addresses earlier has lost it. */
    drop_entry(nat, find_addr(nat, BY_KNOWN, &e->addr[BY_KNOWN]));
    drop_entry(nat, find_addr(nat, BY_NOW, &e->addr[BY_NOW]));
    make_room(nat, &e->addr[BY_KNOWN], &e->addr[BY_NOW]);
    grow(nat);
    link_entry(nat, e);
}

void
float_nat_set(struct float_nat *nat, uint32_t peer_id, const struct dco_endpoint *known,
              const struct dco_endpoint *now)
{
    struct entry *e;

    if (!new_entry(peer_id, known, now, &e))
        return;
    dco_lock_acquire(&nat->lock);
    replace_entry(nat, peer_id, e);
    dco_lock_release(&nat->lock);
}

bool
float_nat_move(struct float_nat *nat, uint32_t peer_id, const struct dco_endpoint *known,
               const struct dco_endpoint *now, uint64_t now_ns)
{
    struct entry *e;
    bool taken;

    if (!new_entry(peer_id, known, now, &e))
        return false;
    dco_lock_acquire(&nat->lock);
    taken = e != NULL && recent_has(&nat->answered, now, now_ns);
    replace_entry(nat, peer_id, taken ? NULL : e);
    dco_lock_release(&nat->lock);
    if (taken)
        free(e);
    return !taken;
}

void
float_nat_answered(struct float_nat *nat, const struct dco_endpoint *ep, uint64_t now_ns)
{
    dco_lock_acquire(&nat->lock);
    recent_add(&nat->answered, ep, now_ns);
    dco_lock_release(&nat->lock);
}

void
float_nat_forget(struct float_nat *nat, uint32_t peer_id)
{
    if (dco_load_acquire(&nat->count) == 0)
        return;
    dco_lock_acquire(&nat->lock);
    drop_entry(nat, find_id(nat, peer_id));
    dco_lock_release(&nat->lock);
}

/* If an entry has ep on side `from`, the result is that entry's other side. If an entry has ep only
 * on the other side, ep is an end of a chain, and the result is the other end. */
static bool
translate(struct float_nat *nat, int from, struct dco_endpoint *ep)
{
    int to = from == BY_NOW ? BY_KNOWN : BY_NOW;
    const struct entry *e, *end;

    if (dco_load_acquire(&nat->count) == 0)
        return false;
    dco_lock_acquire(&nat->lock);
    e = find_addr(nat, from, ep);
    end = e == NULL ? find_addr(nat, to, ep) : NULL;
    if (e != NULL)
        *ep = e->addr[to];
    else if (end != NULL)
        *ep = end->end->addr[from];
    dco_lock_release(&nat->lock);
    return e != NULL || end != NULL;
}

bool
float_nat_source(struct float_nat *nat, struct dco_endpoint *ep)
{
    return translate(nat, BY_NOW, ep);
}

bool
float_nat_dest(struct float_nat *nat, struct dco_endpoint *ep)
{
    return translate(nat, BY_KNOWN, ep);
}
