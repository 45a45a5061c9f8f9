/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of floated peers, in both directions. OpenVPN 2.6 finds a session by the source address
 * of its control packets and never learns that a peer moved; the plane translates.
 *
 * The aliases are pairs (known, now) in which no address occurs twice on the same side: a partial
 * injection. Closing each of its chains makes it a permutation: with A -> B and B -> C, source B is
 * A, source C is B, and a stranger at A, whom openvpn must not take for the peer, appears at C.
 */
#include <stdlib.h>
#include <sys/random.h>

#include "core/atomic.h"
#include "linux/plane/internal.h"
#include "linux/plane/log.h"

#define BUCKETS_FIRST 16U

enum { BY_KNOWN, BY_NOW, BY_ID, INDEXES };

struct entry {
    struct entry *next[INDEXES];
    struct dco_endpoint addr[2]; /* BY_KNOWN, BY_NOW */
    uint32_t peer_id;
};

struct alias {
    uint32_t count;       /* atomic: 0 needs no lock */
    struct dco_lock lock; /* guards all below */
    uint32_t mask;        /* buckets - 1, of each index */
    struct dco_siphash_key secret;
    struct entry **bucket[INDEXES];
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

struct alias *
alias_new(void)
{
    struct alias *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    if (getrandom(&a->secret, sizeof(a->secret), 0) != sizeof(a->secret) ||
        !new_buckets(a->bucket, BUCKETS_FIRST)) {
        free(a);
        return NULL;
    }
    a->mask = BUCKETS_FIRST - 1;
    dco_lock_init(&a->lock);
    return a;
}

void
alias_free(struct alias *a)
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
bucket_by_addr(const struct alias *a, int index, const struct dco_endpoint *ep)
{
    return &a->bucket[index][dco_siphash(&a->secret, ep, sizeof(*ep)) & a->mask];
}

static struct entry **
bucket_by_id(const struct alias *a, uint32_t peer_id)
{
    return &a->bucket[BY_ID][dco_siphash(&a->secret, &peer_id, sizeof(peer_id)) & a->mask];
}

static struct entry **
bucket_for(const struct alias *a, int index, const struct entry *e)
{
    return index == BY_ID ? bucket_by_id(a, e->peer_id) : bucket_by_addr(a, index, &e->addr[index]);
}

static struct entry *
find_addr(const struct alias *a, int index, const struct dco_endpoint *ep)
{
    struct entry *e = *bucket_by_addr(a, index, ep);

    while (e != NULL && !dco_endpoint_equal(&e->addr[index], ep))
        e = e->next[index];
    return e;
}

static struct entry *
find_id(const struct alias *a, uint32_t peer_id)
{
    struct entry *e = *bucket_by_id(a, peer_id);

    while (e != NULL && e->peer_id != peer_id)
        e = e->next[BY_ID];
    return e;
}

static void
link_entry(struct alias *a, struct entry *e)
{
    for (int i = 0; i < INDEXES; i++) {
        struct entry **b = bucket_for(a, i, e);

        e->next[i] = *b;
        *b = e;
    }
    dco_store_release(&a->count, a->count + 1);
}

static void
unlink_entry(struct alias *a, struct entry *e)
{
    for (int i = 0; i < INDEXES; i++) {
        struct entry **p = bucket_for(a, i, e);

        while (*p != e)
            p = &(*p)->next[i];
        *p = e->next[i];
    }
    dco_store_release(&a->count, a->count - 1);
}

static void
drop_entry(struct alias *a, struct entry *e)
{
    if (e != NULL) {
        unlink_entry(a, e);
        free(e);
    }
}

/* More buckets when they fill. Without memory the chains just get longer. */
static void
grow(struct alias *a)
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
            a->count--;
            link_entry(a, e);
        }
    }
    free_buckets(was);
}

void
alias_set(struct alias *a, uint32_t peer_id, const struct dco_endpoint *known,
          const struct dco_endpoint *now)
{
    struct entry *e = NULL;

    if (!dco_endpoint_equal(known, now)) {
        e = calloc(1, sizeof(*e));
        if (e == NULL) {
            dco_log(DCO_LOG_WARN, "no memory to remember where peer %u moved", peer_id);
            return;
        }
        e->peer_id = peer_id;
        e->addr[BY_KNOWN] = *known;
        e->addr[BY_NOW] = *now;
    }
    dco_lock_acquire(&a->lock);
    drop_entry(a, find_id(a, peer_id));
    if (e != NULL) {
        /* Who else claims one of the two addresses claimed it earlier, and has lost it. */
        drop_entry(a, find_addr(a, BY_KNOWN, known));
        drop_entry(a, find_addr(a, BY_NOW, now));
        grow(a);
        link_entry(a, e);
    }
    dco_lock_release(&a->lock);
}

void
alias_forget(struct alias *a, uint32_t peer_id)
{
    if (dco_load_acquire(&a->count) == 0)
        return;
    dco_lock_acquire(&a->lock);
    drop_entry(a, find_id(a, peer_id));
    dco_lock_release(&a->lock);
}

/* Where ep stands on side `from`, its pair's other side is the answer; where it only stands on the
 * other side, the end of the chain that leads back from there. */
static bool
translate(struct alias *a, int from, struct dco_endpoint *ep)
{
    int to = from == BY_NOW ? BY_KNOWN : BY_NOW;
    const struct entry *e, *found = NULL;

    if (dco_load_acquire(&a->count) == 0)
        return false;
    dco_lock_acquire(&a->lock);
    e = find_addr(a, from, ep);
    if (e != NULL) {
        *ep = e->addr[to];
        found = e;
    } else {
        while ((e = find_addr(a, to, ep)) != NULL) {
            *ep = e->addr[from];
            found = e;
        }
    }
    dco_lock_release(&a->lock);
    return found != NULL;
}

bool
alias_source(struct alias *a, struct dco_endpoint *ep)
{
    return translate(a, BY_NOW, ep);
}

bool
alias_dest(struct alias *a, struct dco_endpoint *ep)
{
    return translate(a, BY_KNOWN, ep);
}
