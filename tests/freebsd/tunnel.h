/* SPDX-License-Identifier: BSD-2-Clause */
/* A started interface with one peer and one key, which most tests begin with. */
#ifndef TUNNEL_H
#define TUNNEL_H

#include "harness.h"
#include "user.h"

#include "../../freebsd/if_ovpn.h"

/* For so long an old key decrypts (core/keys.h), and the timer may be late (core/timers.h). */
#define OLD_KEY_NS 2100000000ULL

#define SERVER "192.0.2.1"
#define CLIENT "192.0.2.2"
#define VPN    "198.51.100.2"
#define VPN6   "2001:db8:1::2"

struct tunnel {
    struct ifnet *ifp;
    int fd;
    struct user_peer peer;
    struct user_key key, far; /* ours and the far end's */
    uint32_t next_id;         /* of the far end */
    const char *src, *dst;    /* of datagrams of the far end */
};

/* The interface and its socket, started, without peers. */
static inline void
tunnel_open_port(struct tunnel *t, uint16_t port)
{
    memset(t, 0, sizeof(*t));
    CHECK_EQ(world_create("ovpn", &t->ifp), 0);
    t->fd = world_socket(AF_INET, SOCK_DGRAM, NULL, port);
    CHECK(t->fd >= 0);
    t->next_id = 1;
    t->src = CLIENT;
    t->dst = SERVER;
    t->peer = (struct user_peer){
        .id = 7, .fd = t->fd, .remote = CLIENT, .remote_port = 5000, .vpn4 = VPN, .vpn6 = VPN6};
}

static inline void
tunnel_open(struct tunnel *t)
{
    tunnel_open_port(t, 1194);
}

static inline void
tunnel_key(struct tunnel *t, const char *cipher)
{
    static unsigned seed;

    user_key_make(&t->key, 0, cipher, ++seed);
    t->far = user_key_mirror(&t->key);
    CHECK_EQ(user_new_key(t->ifp, t->peer.id, 0, &t->key), 0);
    CHECK_EQ(user_start(t->ifp), 0);
}

static inline void
tunnel_up(struct tunnel *t, const char *cipher)
{
    tunnel_open(t);
    CHECK_EQ(user_new_peer(t->ifp, &t->peer), 0);
    tunnel_key(t, cipher);
}

static inline void
tunnel_down(struct tunnel *t)
{
    CHECK_EQ(world_destroy(t->ifp), 0);
    world_close(t->fd);
}

/* The far end sends inner as packet id; whether the module took it. */
static inline bool
tunnel_send_id(struct tunnel *t, uint32_t id, const void *inner, int len,
               const struct world_chain *chain)
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    bool consumed;

    far_address(d, t->src, t->peer.remote_port, t->dst, 1194);
    far_seal(d, &t->far, t->peer.id, id, inner, len);
    consumed = world_receive(t->fd, d, chain);
    free(d);
    return consumed;
}

static inline bool
tunnel_send(struct tunnel *t, const void *inner, int len)
{
    return tunnel_send_id(t, t->next_id++, inner, len, NULL);
}

/* A packet with the client's address arrives in the stack. */
static inline void
tunnel_expect_in(struct tunnel *t, const void *inner, int len)
{
    struct world_packet *p = calloc(1, sizeof(*p));

    CHECK(world_stacked(p));
    CHECK_EQ(p->len, len);
    CHECK_MEM(p->data, inner, (size_t)len);
    CHECK(p->rcvif == t->ifp);
    free(p);
}

/* The next datagram on the wire opens to inner; returns its packet id. */
static inline uint32_t
tunnel_expect_out(struct tunnel *t, const void *inner, int len)
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t *plain = calloc(1, 70000);
    uint32_t id;

    CHECK(world_sent(d));
    CHECK_EQ(far_open(d, &t->far, &id, plain), len);
    CHECK_MEM(plain, inner, (size_t)len);
    CHECK_EQ(d->dport, t->peer.remote_port);
    CHECK_EQ(d->sport, 1194);
    free(d);
    free(plain);
    return id;
}

#endif
