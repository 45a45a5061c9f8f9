/* SPDX-License-Identifier: BSD-2-Clause */
#include "netlink_world.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

/* Stands for the process, of which there is one: the world that was initialised last. */
static struct world *world;

static int
world_device(const char *kind, uint32_t ifindex, struct dco_peers **peers)
{
    (void)kind;
    if (ifindex == WORLD_FOREIGN)
        return -EINVAL;
    if (ifindex != WORLD_MP && ifindex != WORLD_P2P)
        return -ENODEV;
    *peers = ifindex == WORLD_MP ? world->mp : world->p2p;
    return 0;
}

static int
world_socket_check(uint32_t fd)
{
    return fd >= WORLD_FD_LOW && fd <= WORLD_FD_HIGH ? 0 : -ENOTSOCK;
}

static int
world_transport_get(uint32_t fd, uint32_t ifindex, void **transport)
{
    (void)ifindex;
    *transport = platform_transport(&world->platform, fd);
    return 0;
}

static void
world_transport_put(void *transport)
{
    platform_transport_put(&world->platform, transport);
}

static uint16_t
world_transport_port(const void *transport)
{
    (void)transport;
    return htons(1194);
}

static int
world_crypto_new(const struct nl_key *key, void **crypto)
{
    struct test_crypto *c = platform_crypto(&world->platform);

    memcpy(c->tx, key->tx, key->len);
    memcpy(c->rx, key->rx, key->len);
    *crypto = c;
    return 0;
}

static void
world_crypto_free(void *crypto)
{
    platform_crypto_drop(&world->platform, crypto);
}

static uint64_t
world_now(void)
{
    return world->now;
}

static void
world_emit(void *arg, const void *data, size_t len)
{
    struct world *w = arg;

    if (w->out_len + len > w->out_size) {
        w->out_size = 2 * (w->out_len + len);
        w->out = realloc(w->out, w->out_size);
    }
    if (w->datagrams == w->ends_size) {
        w->ends_size = 2 * w->ends_size + 16;
        w->ends = realloc(w->ends, w->ends_size * sizeof(*w->ends));
    }
    if (!w->out || !w->ends)
        abort();
    memcpy(w->out + w->out_len, data, len);
    w->out_len += len;
    w->ends[w->datagrams++] = w->out_len;
}

void
world_init(struct world *w)
{
    world = w;
    memset(w, 0, sizeof(*w));
    platform_init(&w->platform, PLATFORM_IMMEDIATE);
    w->mp = peers_make(&w->platform, DCO_MODE_MP);
    w->p2p = peers_make(&w->platform, DCO_MODE_P2P);
    w->now = 1000000000;
    w->ops = (struct nl_ops){
        .device = world_device,
        .socket_check = world_socket_check,
        .transport_get = world_transport_get,
        .transport_put = world_transport_put,
        .transport_port = world_transport_port,
        .crypto_new = world_crypto_new,
        .crypto_free = world_crypto_free,
        .now = world_now,
    };
    w->sink = (struct netlink_sink){world_emit, w, WORLD_PORTID};
}

void
world_request(struct world *w, const struct nl_family *family, const struct nlmsghdr *nlh)
{
    int err;

    if (nl_request(family, &w->ops, &w->sink, nlh, &err))
        nl_request_acknowledge(family, &w->sink, nlh, err);
}

void
world_forget(struct world *w)
{
    w->out_len = 0;
    w->datagrams = 0;
}

void
world_fini(struct world *w)
{
    peers_free(w->mp);
    peers_free(w->p2p);
    platform_fini(&w->platform);
    free(w->out);
    free(w->ends);
}

size_t
world_bytes(const char *hex, uint8_t *to)
{
    size_t n = 0;

    for (; *hex; hex++) {
        unsigned digit = *hex >= 'a' ? (unsigned)(*hex - 'a') + 10 : (unsigned)(*hex - '0');

        if (*hex == ' ')
            continue;
        if (n % 2 == 0)
            to[n / 2] = (uint8_t)(digit << 4);
        else
            to[n / 2] |= (uint8_t)digit;
        n++;
    }
    return n / 2;
}

struct nlmsghdr *
world_start(void *message, const struct nl_family *family, uint8_t command, uint16_t flags,
            uint32_t ifindex)
{
    struct nlmsghdr *nlh;
    struct genlmsghdr *genl;

    memset(message, 0, WORLD_MESSAGE);
    nlh = mnl_nlmsg_put_header(message);
    nlh->nlmsg_type = family->family_id;
    nlh->nlmsg_flags = NLM_F_REQUEST | flags;
    nlh->nlmsg_seq = WORLD_SEQ;
    genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
    genl->cmd = command;
    if (ifindex)
        mnl_attr_put_u32(nlh, NL_A_IFINDEX, ifindex);
    return nlh;
}

const void *
world_datagram(const struct world *w, unsigned i, size_t *len)
{
    size_t from = i ? w->ends[i - 1] : 0;

    CHECK(i < w->datagrams);
    *len = w->ends[i] - from;
    return w->out + from;
}
