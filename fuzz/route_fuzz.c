/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: a datagram of the route socket, any bytes. Whatever the messages say, the copy of the
 * routes holds what a naive list of the same messages holds, and nothing is read past its end.
 */
#include <stdlib.h>

#include "core/route.h"
#include "linux/plane/route_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEVICES 3U
#define LISTED  512U

static const uint32_t devices[DEVICES] = {1, 2, 3};

struct listed {
    bool used;
    struct route_key key;
    struct route_hop hop;
};

static struct listed list[LISTED];
static struct route_msg msg;

static void
must(bool held)
{
    if (!held)
        abort();
}

static bool
same(const struct listed *l, const struct route_hop *hop)
{
    return l->used && memcmp(&l->key, &msg.key, sizeof(msg.key)) == 0 &&
           l->hop.ifindex == hop->ifindex && dco_ip_equal(&l->hop.gateway, &hop->gateway);
}

static struct listed *
find(const struct route_hop *hop)
{
    for (unsigned i = 0; i < LISTED; i++)
        if (same(&list[i], hop))
            return &list[i];
    return NULL;
}

static bool
list_add(const struct route_hop *hop)
{
    if (find(hop) != NULL)
        return true;
    for (unsigned i = 0; i < LISTED; i++) {
        if (!list[i].used) {
            list[i] = (struct listed){.used = true, .key = msg.key, .hop = *hop};
            return true;
        }
    }
    return false;
}

static bool
in_msg(const struct listed *l)
{
    for (unsigned h = 0; h < msg.n; h++)
        if (same(l, &msg.hop[h]))
            return true;
    return false;
}

/* False: the list is full, and the comparison ends. */
static bool
list_apply(void)
{
    for (unsigned i = 0; msg.replace && i < LISTED; i++)
        if (list[i].used && memcmp(&list[i].key, &msg.key, sizeof(msg.key)) == 0 &&
            !in_msg(&list[i]))
            list[i].used = false;
    for (unsigned h = 0; h < msg.n; h++) {
        const struct route_hop *hop = &msg.hop[h];
        struct listed *l = find(hop);

        if (hop->ifindex < 1 || hop->ifindex > DEVICES)
            continue;
        if (msg.add && !list_add(hop))
            return false;
        if (!msg.add && l != NULL)
            l->used = false;
    }
    return true;
}

static bool
is_any(const struct route_key *key, const struct route_hop *hop)
{
    (void)key;
    (void)hop;
    return true;
}

static void
compare(const struct route_store *s)
{
    size_t n, total = 0, listed = 0;

    for (unsigned i = 0; i < LISTED; i++)
        listed += list[i].used;
    for (unsigned d = 0; d < DEVICES; d++) {
        struct dco_route *routes;

        must(route_store_list(s, devices[d], is_any, &routes, &n) == 0);
        for (size_t i = 0; i < n; i++) {
            must(routes[i].prefix.family == 4 || routes[i].prefix.family == 6);
            must(routes[i].len <= (routes[i].prefix.family == 4 ? 32 : 128));
        }
        free(routes);
        total += n;
    }
    must(total == listed && s->count == listed);
}

static bool comparable, changed[DEVICES];

static void
take(const struct nlmsghdr *nlh, void *arg)
{
    if (!comparable || !route_msg_parse(nlh, &msg))
        return;
    must(msg.n <= ROUTE_HOPS_MAX);
    must(route_store_apply(arg, &msg, ROUTE_NEWS_CHANGE, devices, DEVICES, changed) == 0);
    comparable = list_apply();
}

static void
run(struct route_store *s, const void *buf, size_t size)
{
    comparable = true;
    route_msg_each(buf, size, take, s);
    if (comparable)
        compare(s);
    route_store_mark(s);
    route_store_sweep(s, devices, DEVICES, changed);
    must(s->count == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dco_siphash_key secret = {{1, 2}};
    struct route_store s;
    void *buf;

    if (size == 0 || size > 65536)
        return 0;
    memset(list, 0, sizeof(list));
    buf = malloc(size); /* exactly as long, so that a read past the end shows */
    must(buf != NULL);
    memcpy(buf, data, size);
    route_store_init(&s, &secret);
    run(&s, buf, size);
    route_store_fini(&s);
    free(buf);
    return 0;
}
