/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/route_store.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>

#define BUCKETS_FIRST 64U

struct route_entry {
    struct route_entry *next;
    struct route_key key;
    struct route_hop hop;
    int64_t place; /* among equals: the lowest is the first */
    uint32_t generation;
    uint32_t holds;
};

void
route_store_init(struct route_store *s, const struct dco_siphash_key *secret)
{
    memset(s, 0, sizeof(*s));
    s->secret = *secret;
}

static bool
is_device(const struct route_entry *e, const void *arg)
{
    return e->hop.ifindex == *(const uint32_t *)arg;
}

static bool
is_any(const struct route_entry *e, const void *arg)
{
    (void)e;
    (void)arg;
    return true;
}

static void
remove_at(struct route_store *s, struct route_entry **p)
{
    struct route_entry *e = *p;

    *p = e->next;
    s->count--;
    free(e);
}

static void
remove_all(struct route_store *s, bool (*match)(const struct route_entry *, const void *),
           const void *arg)
{
    for (uint32_t i = 0; s->bucket != NULL && i <= s->mask; i++) {
        for (struct route_entry **p = &s->bucket[i]; *p != NULL;) {
            if (match(*p, arg)) {
                remove_at(s, p);
            } else {
                p = &(*p)->next;
            }
        }
    }
}

void
route_store_forget(struct route_store *s, uint32_t ifindex)
{
    remove_all(s, is_device, &ifindex);
}

void
route_store_fini(struct route_store *s)
{
    remove_all(s, is_any, NULL);
    free(s->bucket);
    s->bucket = NULL;
}

static struct route_entry **
bucket_of(const struct route_store *s, const struct route_key *key)
{
    return &s->bucket[dco_siphash(&s->secret, key, sizeof(*key)) & s->mask];
}

/* Makes room for one more entry. Without memory the chains just get longer. */
static bool
make_room(struct route_store *s)
{
    uint32_t size = s->bucket == NULL ? 0 : s->mask + 1;
    struct route_entry **old = s->bucket, **bucket;

    if (s->count < size)
        return true;
    bucket = calloc(size == 0 ? BUCKETS_FIRST : (size_t)size * 2, sizeof(*bucket));
    if (bucket == NULL)
        return size != 0;
    s->bucket = bucket;
    s->mask = (size == 0 ? BUCKETS_FIRST : size * 2) - 1;
    for (uint32_t i = 0; i < size; i++) {
        for (struct route_entry *e = old[i], *next; e != NULL; e = next) {
            struct route_entry **b = bucket_of(s, &e->key);

            next = e->next;
            e->next = *b;
            *b = e;
        }
    }
    free(old);
    return true;
}

static bool
same_key(const struct route_entry *e, const struct route_key *key)
{
    return memcmp(&e->key, key, sizeof(*key)) == 0;
}

static bool
same_hop(const struct route_hop *a, const struct route_hop *b)
{
    return a->ifindex == b->ifindex && dco_ip_equal(&a->gateway, &b->gateway);
}

static struct route_entry **
find(const struct route_store *s, const struct route_key *key, const struct route_hop *hop)
{
    struct route_entry **p;

    if (s->bucket == NULL)
        return NULL;
    for (p = bucket_of(s, key); *p != NULL; p = &(*p)->next) {
        if (same_key(*p, key) && same_hop(&(*p)->hop, hop))
            return p;
    }
    return NULL;
}

static unsigned
position(const uint32_t *ifindexes, unsigned n, uint32_t ifindex)
{
    unsigned i = 0;

    while (i < n && ifindexes[i] != ifindex)
        i++;
    return i;
}

static bool
has_hop(const struct route_msg *msg, const struct route_hop *hop)
{
    for (unsigned i = 0; i < msg->n; i++) {
        if (same_hop(&msg->hop[i], hop))
            return true;
    }
    return false;
}

/* Removes the routes with the key of the message that it does not repeat. */
static void
remove_replaced(struct route_store *s, const struct route_msg *msg, const uint32_t *ifindexes,
                unsigned n, bool *changed)
{
    struct route_entry **p = s->bucket == NULL ? NULL : bucket_of(s, &msg->key);

    while (p != NULL && *p != NULL) {
        if (!same_key(*p, &msg->key) || has_hop(msg, &(*p)->hop)) {
            p = &(*p)->next;
            continue;
        }
        unsigned i = position(ifindexes, n, (*p)->hop.ifindex);

        if (i < n)
            changed[i] = true;
        remove_at(s, p);
    }
}

bool
route_store_has(const struct route_store *s, const struct route_key *key,
                const struct route_hop *hop)
{
    return find(s, key, hop) != NULL;
}

/* NULL: no memory, or too many. */
static struct route_entry *
add(struct route_store *s, const struct route_key *key, const struct route_hop *hop)
{
    struct route_entry *e =
        s->count < ROUTE_STORE_MAX && make_room(s) ? calloc(1, sizeof(*e)) : NULL;
    struct route_entry **p;

    if (e == NULL)
        return NULL;
    e->key = *key;
    e->hop = *hop;
    p = bucket_of(s, key);
    e->next = *p;
    *p = e;
    s->count++;
    return e;
}

int
route_store_hold(struct route_store *s, const struct route_key *key, const struct route_hop *hop)
{
    struct route_entry **p = find(s, key, hop);
    struct route_entry *e = p != NULL ? *p : add(s, key, hop);

    if (e == NULL)
        return -ENOMEM;
    e->holds++;
    e->place = --s->first;
    return 0;
}

bool
route_store_release(struct route_store *s, const struct route_key *key, const struct route_hop *hop)
{
    struct route_entry **p = find(s, key, hop);

    if (p == NULL)
        return false;
    if (--(*p)->holds == 0)
        remove_at(s, p);
    return true;
}

/* The place of an entry that a dump shows. Returns whether the order changed: equal routes follow
 * each other in a dump. */
static bool
place_by_dump(struct route_store *s, struct route_entry *e)
{
    bool changed = same_key(e, &s->dumped) && e->place < s->dumped_place;

    s->dumped = e->key;
    s->dumped_place = e->place;
    e->place = ++s->last;
    return changed;
}

static int
show(struct route_store *s, const struct route_msg *msg, const struct route_hop *hop,
     enum route_news news, bool *changed)
{
    struct route_entry **p = find(s, &msg->key, hop);
    struct route_entry *e = p != NULL ? *p : add(s, &msg->key, hop);

    if (e == NULL)
        return -ENOMEM;
    if (p == NULL) {
        e->place = msg->append || news == ROUTE_NEWS_DUMP ? ++s->last : --s->first;
        *changed = true;
    }
    if (news == ROUTE_NEWS_DUMP && place_by_dump(s, e))
        *changed = true;
    e->generation = s->generation;
    return 0;
}

static void
hide(struct route_store *s, const struct route_msg *msg, const struct route_hop *hop, bool *changed)
{
    struct route_entry **p = find(s, &msg->key, hop);

    if (p != NULL) {
        remove_at(s, p);
        *changed = true;
    }
}

int
route_store_apply(struct route_store *s, const struct route_msg *msg, enum route_news news,
                  const uint32_t *ifindexes, unsigned n, bool *changed)
{
    bool behind = msg->append || news == ROUTE_NEWS_DUMP;
    int err = 0;

    if (msg->replace)
        remove_replaced(s, msg, ifindexes, n, changed);
    for (unsigned h = 0; h < msg->n; h++) {
        /* Each is put in front of the one before, so the first nexthop comes last. */
        const struct route_hop *hop = &msg->hop[behind ? h : msg->n - 1 - h];
        unsigned i = position(ifindexes, n, hop->ifindex);
        int e = 0;

        if (i == n)
            continue;
        if (msg->add)
            e = show(s, msg, hop, news, &changed[i]);
        else
            hide(s, msg, hop, &changed[i]);
        err = err != 0 ? err : e;
    }
    return err;
}

void
route_store_mark(struct route_store *s)
{
    s->generation++;
    memset(&s->dumped, 0, sizeof(s->dumped));
}

void
route_store_sweep(struct route_store *s, const uint32_t *ifindexes, unsigned n, bool *changed)
{
    for (uint32_t b = 0; s->bucket != NULL && b <= s->mask; b++) {
        for (struct route_entry **p = &s->bucket[b]; *p != NULL;) {
            unsigned i = position(ifindexes, n, (*p)->hop.ifindex);

            if ((*p)->generation == s->generation) {
                p = &(*p)->next;
                continue;
            }
            if (i < n)
                changed[i] = true;
            remove_at(s, p);
        }
    }
}

static unsigned
table_rank(uint32_t table)
{
    return table == RT_TABLE_MAIN ? 0 : 1;
}

static int
compare(const void *va, const void *vb)
{
    const struct route_entry *a = *(struct route_entry *const *)va;
    const struct route_entry *b = *(struct route_entry *const *)vb;
    int64_t d = (int64_t)a->key.metric - b->key.metric;

    d = d != 0 ? d : (int64_t)table_rank(a->key.table) - table_rank(b->key.table);
    d = d != 0 ? d : (int64_t)a->key.table - b->key.table;
    d = d != 0 ? d : a->place - b->place;
    return d < 0 ? -1 : d > 0;
}

static size_t
collect(const struct route_store *s, uint32_t ifindex, route_filter filter,
        const struct route_entry **list)
{
    size_t n = 0;

    for (uint32_t b = 0; s->bucket != NULL && b <= s->mask; b++) {
        for (const struct route_entry *e = s->bucket[b]; e != NULL; e = e->next) {
            if (e->hop.ifindex == ifindex && filter(&e->key, &e->hop))
                list[n++] = e;
        }
    }
    return n;
}

int
route_store_list(const struct route_store *s, uint32_t ifindex, route_filter filter,
                 struct dco_route **routes, size_t *n)
{
    const struct route_entry **list;

    *n = 0;
    *routes = NULL;
    if (s->count == 0)
        return 0;
    list = malloc(s->count * sizeof(const struct route_entry *));
    *routes = calloc(s->count, sizeof(**routes));
    if (list == NULL || *routes == NULL) {
        free(list);
        free(*routes);
        return -ENOMEM;
    }
    *n = collect(s, ifindex, filter, list);
    qsort(list, *n, sizeof(const struct route_entry *), compare);
    for (size_t i = 0; i < *n; i++) {
        (*routes)[i].prefix = list[i]->key.prefix;
        (*routes)[i].len = list[i]->key.len;
        (*routes)[i].gateway = list[i]->hop.gateway;
    }
    free(list);
    return 0;
}
