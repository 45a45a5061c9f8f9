/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet input: a sequence of datagrams, some as they are, some sealed under the peer's key so that
 * what lies behind authentication is reached, in chains cut anywhere; and packets from the stack.
 */
#include "tunnel.h"

static struct tunnel crypt, plain;

static struct tunnel
one_tunnel(const char *cipher, uint16_t port)
{
    struct tunnel t;

    tunnel_open_port(&t, port);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, cipher);
    return t;
}

static void
start(void)
{
    static const uint8_t net[4] = {192, 0, 2, 0};

    world_start();
    crypt = one_tunnel("AES-128-GCM", 1194);
    plain = one_tunnel("none", 1195);
    world_route(AF_INET, net, 24, NULL, NULL, 1500);
}

static void
drain(void)
{
    static struct world_datagram d;
    static struct world_packet p;
    struct user_event e;

    while (world_sent(&d) || world_stacked(&p))
        ;
    while (user_event(crypt.ifp, &e) == 0 || user_event(plain.ifp, &e) == 0)
        ;
    world_advance(20000000);
}

static void
receive(struct tunnel *t, uint8_t how, const uint8_t *data, size_t size,
        const struct world_chain *chain)
{
    static struct world_datagram d;
    static uint32_t id;

    far_address(&d, how & 8 ? "192.0.2.99" : CLIENT, 5000, SERVER, 1194);
    if (how & 4) {
        far_seal(&d, &t->far, t->peer.id, ++id, data, (int)size);
    } else {
        memcpy(d.data, data, size);
        d.len = (int)size;
    }
    (void)world_receive(t->fd, &d, chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (crypt.ifp == NULL)
        start();
    while (size > 3) {
        struct world_chain chain = {.cut = data[1] % 64, .cut_at = data[1], .shared = data[0] & 1};
        struct tunnel *t = data[0] & 2 ? &plain : &crypt;
        size_t len = MIN(size - 3, (size_t)data[2] * 8);

        if (data[0] & 16)
            (void)world_transmit(t->ifp, data + 3, (int)MAX(len, 1), &chain, NULL);
        else
            receive(t, data[0], data + 3, len, &chain);
        data += 3 + len;
        size -= 3 + len;
    }
    drain();
    return 0;
}
