/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many threads at once: packets both ways, crypto that completes elsewhere, and an openvpn that
 * adds, rekeys and removes peers meanwhile. Nothing to assert but the sanitizer's silence, the end
 * with nothing left over, and that packets went through.
 */
#include <unistd.h>

#include "tunnel.h"

enum { PEERS = 8, ROUNDS = 400, SENDERS = 3 };

static struct tunnel tunnel;
static struct user_key keys[PEERS]; /* of the far ends; the driver's are replaced now and then */
static bool stop;                   /* atomic */
static bool stop_senders;           /* atomic; the stack lets go of an interface first */

static bool
stopped(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

/* A driver's queue is bounded, and so is what a sanitizer can follow. */
static void
breathe(void)
{
    do
        usleep(100);
    while (world_crypto_waiting() > 500 && !stopped(&stop));
}

static void
vpn_of(unsigned i, char *text, size_t size)
{
    snprintf(text, size, "198.51.100.%u", 10 + i);
}

static void
add_peer(unsigned i, unsigned round)
{
    struct user_peer p = tunnel.peer;
    struct user_key key;
    char vpn[32];

    vpn_of(i, vpn, sizeof(vpn));
    p.id = i;
    p.vpn4 = vpn;
    p.vpn6 = NULL;
    p.remote_port = (uint16_t)(5000 + i);
    (void)user_new_peer(tunnel.ifp, &p);
    (void)user_set_peer(tunnel.ifp, i, 1, 5);
    user_key_make(&key, 0, i & 1 ? "AES-256-GCM" : "CHACHA20-POLY1305", 1000 + round * PEERS + i);
    (void)user_new_key(tunnel.ifp, i, 0, &key);
}

static void *
receiver(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;
    struct world_datagram *d = calloc(1, sizeof(*d));
    uint8_t pkt[200];
    char vpn[32], from[32];

    curvnet = world_vnet[0];
    vpn_of(i, vpn, sizeof(vpn));
    inner_packet(pkt, vpn, "198.51.100.1", sizeof(pkt));
    for (uint32_t id = 1; !stopped(&stop); id++) {
        snprintf(from, sizeof(from), "192.0.2.%u", 2 + id / 64 % 8); /* floats about */
        far_address(d, from, (uint16_t)(5000 + i), SERVER, 1194);
        far_seal(d, &keys[i], i, id, pkt, sizeof(pkt));
        (void)world_receive(tunnel.fd, d, &(struct world_chain){.cut = 64});
        if (id % 16 == 0)
            breathe();
    }
    free(d);
    return NULL;
}

static void *
sender(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;
    uint8_t pkt[200];
    char vpn[32];

    curvnet = world_vnet[0];
    vpn_of(i, vpn, sizeof(vpn));
    inner_packet(pkt, "198.51.100.1", vpn, sizeof(pkt));
    while (!stopped(&stop_senders)) {
        for (int n = 0; n < 16; n++)
            (void)world_transmit(tunnel.ifp, pkt, sizeof(pkt), NULL, NULL);
        breathe();
    }
    return NULL;
}

static void *
machine(void *arg __attribute__((unused)))
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct world_packet *p = calloc(1, sizeof(*p));

    curvnet = world_vnet[0];
    while (!stopped(&stop)) {
        (void)world_crypto_complete(true);
        while (world_sent(d) || world_stacked(p))
            ;
        world_advance(50000000);
        usleep(200);
    }
    free(d);
    free(p);
    return NULL;
}

static void *
closer(void *arg __attribute__((unused)))
{
    curvnet = world_vnet[0];
    world_close(tunnel.fd);
    return NULL;
}

static void
control(unsigned round)
{
    unsigned i = (2 * round + 1) % PEERS; /* even peers stay as they are */
    struct user_event e;
    struct user_key key;
    nvlist_t *nvl;

    switch (round / PEERS % 4) {
    case 0:
        (void)user_del_peer(tunnel.ifp, i);
        add_peer(i, round + 1);
        break;
    case 1:
        user_key_make(&key, 1, "AES-128-GCM", 100000 + round);
        (void)user_new_key(tunnel.ifp, i, 1, &key);
        (void)user_swap_keys(tunnel.ifp, i);
        break;
    case 2:
        (void)user_del_key(tunnel.ifp, i, 1);
        break;
    default:
        if (user_get(tunnel.ifp, OVPN_GET_PEER_STATS, 65536, &nvl) == 0)
            nvlist_destroy(nvl);
        break;
    }
    while (user_pending(tunnel.ifp) != 0)
        CHECK_EQ(user_event(tunnel.ifp, &e), 0);
}

/* Even peers carry traffic for as long as the threads get a processor. */
static void
wait_for_traffic(void)
{
    unsigned tries = 0;

    while (user_stat(tunnel.ifp, "data", "in") == 0 || user_stat(tunnel.ifp, "data", "out") == 0) {
        CHECK(++tries < 60000);
        usleep(1000);
    }
}

static void
everything_at_once(enum world_crypto crypto)
{
    pthread_t threads[2 * SENDERS + 2];
    unsigned n = 0;

    tunnel_open(&tunnel);
    world_crypto = crypto;
    for (unsigned i = 0; i < PEERS; i++) {
        struct user_key key;

        user_key_make(&key, 0, i & 1 ? "AES-256-GCM" : "CHACHA20-POLY1305", 1000 + i);
        keys[i] = user_key_mirror(&key);
        add_peer(i, 0);
    }
    CHECK_EQ(user_start(tunnel.ifp), 0);
    pthread_create(&threads[n++], NULL, machine, NULL);
    for (uintptr_t i = 0; i < SENDERS; i++)
        pthread_create(&threads[n++], NULL, receiver, (void *)(i + i / 2));
    for (uintptr_t i = 0; i < SENDERS; i++)
        pthread_create(&threads[n++], NULL, sender, (void *)(2 * i + i / 2));
    usleep(100000);
    for (unsigned round = 0; round < ROUNDS; round++) {
        control(round);
        usleep(500);
    }
    wait_for_traffic();
    __atomic_store_n(&stop_senders, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(threads[--n], NULL);
    /* datagrams still come in */
    pthread_create(&threads[n++], NULL, closer, NULL);
    CHECK_EQ(world_destroy(tunnel.ifp), 0);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    while (n > 0)
        pthread_join(threads[--n], NULL);
    world_crypto = CRYPTO_AT_ONCE;
}

TEST("everything happens at once with synchronous crypto")
{
    everything_at_once(CRYPTO_AT_ONCE);
}

TEST("everything happens at once with asynchronous crypto")
{
    everything_at_once(CRYPTO_LATE);
}
