/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands: every error, stated cases, and failure of every single allocation.
 * control_model_test.c has the random sequences.
 */
#include "addresses.h"
#include "events.h"
#include "harness.h"
#include "keys_private.h"
#include "peers_private.h"
#include "platform.h"
#include "timers.h"

#define SECOND 1000000000ULL

static struct platform platform;
static struct dco_peers *p;

static void
begin(enum dco_mode mode)
{
    platform_init(&platform, PLATFORM_IMMEDIATE);
    p = peers_make(&platform, mode);
}

static void
end(void)
{
    peers_free(p);
    platform_fini(&platform);
}

static struct dco_peer_new
request(uint32_t n)
{
    struct dco_peer_new req = {.id = n,
                               .tx_id = n,
                               .vpn4 = ip4(10, 8, (uint8_t)(n >> 8), (uint8_t)n),
                               .path = path4(n, 1000)};

    return req;
}

static int
new_peer(struct dco_peer_new req)
{
    return dco_control_peer_new(p, &req, 0);
}

static int
install(uint32_t id, enum dco_slot slot, uint8_t key_id, uint64_t number)
{
    return key_install(&platform, p, id, slot, key_id, number, number * SECOND);
}

/* Peers */

TEST("control: peer new, invalid arguments")
{
    static const uint8_t v6[16] = {0x20, 1};
    struct dco_peer_new req;
    struct dco_ip none = {0};

    begin(DCO_MODE_MP);
    req = request(1);
    req.id = DCO_PEER_ID_UNDEF;
    CHECK_EQ(new_peer(req), -EINVAL);
    req.id = DCO_PEER_ID_UNDEF + 1;
    CHECK_EQ(new_peer(req), -EINVAL);
    req.id = UINT32_MAX;
    CHECK_EQ(new_peer(req), -EINVAL);
    req = request(1);
    req.tx_id = DCO_PEER_ID_MAX + 1;
    CHECK_EQ(new_peer(req), -EINVAL);

    req = request(1);
    req.vpn4 = none;
    CHECK_EQ(new_peer(req), -EINVAL);
    req.vpn4 = ip4(0, 0, 0, 0);
    CHECK_EQ(new_peer(req), -EINVAL);
    req.vpn6 = ip6(0);
    memset(req.vpn6.addr, 0, 16);
    CHECK_EQ(new_peer(req), -EINVAL);
    req = request(1);
    req.vpn4 = ip6(1);
    CHECK_EQ(new_peer(req), -EINVAL);
    req = request(1);
    req.vpn6 = ip4(1, 2, 3, 4);
    CHECK_EQ(new_peer(req), -EINVAL);

    req = request(1);
    req.path.remote.ip.family = 10; /* AF_INET6, not ours */
    CHECK_EQ(new_peer(req), -EINVAL);
    req = request(1);
    req.path.local = dco_ip6(v6);
    CHECK_EQ(new_peer(req), -EINVAL);
    memset(req.path.local.addr, 0, sizeof(req.path.local.addr));
    CHECK_EQ(new_peer(req), -EINVAL); /* all-zero, but of the other family */
    req.path.local = dco_ip6(v6);
    req.path.remote.ip = dco_ip6(v6);
    CHECK_EQ(new_peer(req), 0);
    CHECK_EQ(p->count, 1);
    end();
}

TEST("control: peer new, duplicates")
{
    struct dco_peer_new req = request(1);

    begin(DCO_MODE_MP);
    req.vpn6 = ip6(1);
    CHECK_EQ(new_peer(req), 0);
    CHECK_EQ(new_peer(req), -EEXIST);
    req.id = 2;
    CHECK_EQ(new_peer(req), -EADDRINUSE);
    req.vpn4 = ip4(10, 9, 0, 1);
    CHECK_EQ(new_peer(req), -EADDRINUSE); /* the IPv6 one */
    req.vpn6 = ip6(2);
    CHECK_EQ(new_peer(req), 0); /* the same remote is no error */
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    req = request(1);
    req.vpn6 = ip6(1);
    CHECK_EQ(new_peer(req), 0);
    end();
}

TEST("control: peer new, padding does not matter")
{
    struct dco_peer_new req;
    struct dco_ip clean = ip4(10, 8, 0, 1);
    struct dco_endpoint remote = endpoint4(1, 1000);

    begin(DCO_MODE_MP);
    memset(&req, 0xee, sizeof(req));
    req.id = 1;
    req.tx_id = 1;
    req.share_vpn = false;
    req.transport = NULL;
    req.vpn4.family = 4;
    memcpy(req.vpn4.addr, clean.addr, 4);
    req.vpn6.family = 0;
    req.path.remote.ip.family = 4;
    memcpy(req.path.remote.ip.addr, remote.ip.addr, 4);
    req.path.remote.port = remote.port;
    req.path.local.family = 0;
    CHECK_EQ(new_peer(req), 0);
    CHECK(dco_peers_by_dest(p, &clean) != NULL);
    CHECK(dco_peers_by_remote(p, &remote) != NULL);
    end();
}

TEST("control: peer new, point to point replaces")
{
    struct test_transport *t[2];
    struct dco_peer_new req = request(1);
    struct dco_event event;

    begin(DCO_MODE_P2P);
    t[0] = platform_transport(&platform, 0);
    t[1] = platform_transport(&platform, 1);
    req.transport = t[0];
    memset(&req.vpn4, 0xee, sizeof(req.vpn4)); /* not taken into account */
    CHECK_EQ(new_peer(req), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 1), 0);
    req.transport = t[1];
    CHECK_EQ(new_peer(req), 0); /* the same id again */
    CHECK_EQ(p->count, 1);
    CHECK(p->only == dco_peers_by_id(p, 1));
    CHECK(p->only->transport == t[1]);
    CHECK(dco_peer_key_tx(p->only) == NULL);
    CHECK(dco_event_take(p, &event));
    CHECK(event.kind == DCO_EVENT_DEL && event.del_reason == DCO_DEL_TEARDOWN);
    CHECK_EQ(platform.transports, 1);
    req = request(9);
    CHECK_EQ(new_peer(req), 0);
    CHECK(dco_peers_by_id(p, 1) == NULL);
    CHECK(p->only == dco_peers_by_id(p, 9));
    end();
}

TEST("control: no such peer")
{
    static const uint32_t ids[] = {0, 2, 0xfffffe, DCO_PEER_ID_UNDEF, 0x1000000, UINT32_MAX};
    struct dco_peer_info info;
    struct dco_key_info key;

    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        CHECK_EQ(dco_control_peer_set(p, ids[i], 1, 1, 0), -ENOENT);
        CHECK_EQ(dco_control_peer_del(p, ids[i], DCO_DEL_USERSPACE), -ENOENT);
        CHECK_EQ(dco_control_peer_get(p, ids[i], &info), -ENOENT);
        CHECK_EQ(dco_control_key_swap(p, ids[i]), -ENOENT);
        CHECK_EQ(dco_control_key_del(p, ids[i], DCO_SLOT_PRIMARY, 0), -ENOENT);
        CHECK_EQ(dco_control_key_get(p, ids[i], DCO_SLOT_PRIMARY, &key), -ENOENT);
        CHECK_EQ(install(ids[i], DCO_SLOT_PRIMARY, 0, 5), -ENOENT);
    }
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 5), 0); /* nobody remembers the refused ones */
    end();
}

TEST("control: peer set")
{
    struct dco_peer_info info;

    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    CHECK_EQ(dco_control_peer_set(p, 1, 10, 60, 0), 0);
    CHECK_EQ(dco_control_peer_set(p, 1, UINT32_MAX, 120, 0), 0);
    CHECK_EQ(dco_control_peer_get(p, 1, &info), 0);
    CHECK(info.interval_s == 10 && info.timeout_s == 120);
    CHECK_EQ(dco_control_peer_set(p, 1, 0, UINT32_MAX, 0), 0);
    CHECK_EQ(dco_control_peer_get(p, 1, &info), 0);
    CHECK(info.interval_s == 0 && info.timeout_s == 120);
    CHECK_EQ(dco_control_peer_set(p, 1, UINT32_MAX - 1, UINT32_MAX - 1, 0), 0);
    CHECK_EQ(dco_control_peer_get(p, 1, &info), 0);
    CHECK(info.interval_s == UINT32_MAX - 1 && info.timeout_s == UINT32_MAX - 1);
    end();
}

TEST("control: transport gone")
{
    struct test_transport *a, *b;
    struct dco_event event;

    begin(DCO_MODE_MP);
    a = platform_transport(&platform, 1);
    b = platform_transport(&platform, 2);
    for (uint32_t n = 1; n <= 6; n++) {
        struct dco_peer_new req = request(n);

        req.transport = n % 2 ? a : b;
        platform_transport_get(&platform, req.transport);
        CHECK_EQ(new_peer(req), 0);
    }
    CHECK_EQ(dco_control_transport_gone(p, a, DCO_DEL_TRANSPORT_DISCONNECT), 3);
    CHECK_EQ(dco_control_transport_gone(p, a, DCO_DEL_TRANSPORT_DISCONNECT), 0);
    CHECK_EQ(p->count, 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(dco_event_take(p, &event));
        CHECK(event.peer_id % 2 == 1 && event.del_reason == DCO_DEL_TRANSPORT_DISCONNECT);
    }
    CHECK(!dco_event_take(p, &event));
    CHECK_EQ(a->refs, 1);
    platform_transport_put(&platform, a);
    platform_transport_put(&platform, b);
    end();
}

TEST("control: a lost transport takes its own peer along, and no later one of the id")
{
    struct test_transport *a, *b;
    struct dco_peer_new req = request(5);
    struct dco_event event;

    begin(DCO_MODE_MP);
    a = platform_transport(&platform, 1);
    b = platform_transport(&platform, 2);
    req.transport = b;
    platform_transport_get(&platform, b);
    CHECK_EQ(dco_control_peer_lost(p, 5, a, DCO_DEL_TRANSPORT_ERROR), -ENOENT);
    CHECK_EQ(new_peer(req), 0);
    CHECK_EQ(dco_control_peer_lost(p, 5, a, DCO_DEL_TRANSPORT_ERROR), -ENOENT);
    CHECK_EQ(p->count, 1);
    CHECK_EQ(dco_control_peer_lost(p, 5, b, DCO_DEL_TRANSPORT_ERROR), 0);
    CHECK_EQ(p->count, 0);
    CHECK(dco_event_take(p, &event));
    CHECK(event.peer_id == 5 && event.del_reason == DCO_DEL_TRANSPORT_ERROR);
    platform_transport_put(&platform, a);
    platform_transport_put(&platform, b);
    end();
}

TEST("control: a peer that leaves is removed as expired")
{
    struct dco_peer *gone;
    struct dco_event event;

    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    gone = dco_peers_by_id(p, 1);
    CHECK(dco_peer_get(gone));
    CHECK(dco_control_peer_leaves(p, gone));
    CHECK(dco_event_take(p, &event));
    CHECK(event.kind == DCO_EVENT_DEL && event.del_reason == DCO_DEL_EXPIRED);
    CHECK_EQ(new_peer(request(1)), 0); /* its id again */
    CHECK(dco_control_peer_leaves(p, gone));
    CHECK(!dco_event_take(p, &event) && p->count == 1);
    dco_peer_put(gone);
    end();
}

TEST("control: a point-to-point peer that leaves, with and without a timeout")
{
    struct dco_peer *peer;

    begin(DCO_MODE_P2P);
    CHECK_EQ(new_peer(request(1)), 0);
    peer = dco_peers_by_id(p, 1);
    CHECK(!dco_control_peer_leaves(p, peer) && p->count == 1);
    CHECK_EQ(dco_control_peer_set(p, 1, 0, 60, 0), 0);
    CHECK(dco_control_peer_leaves(p, peer) && p->count == 0);
    end();
}

TEST("control: peer get")
{
    static const struct dco_peer_stats counted = {100, 101, 102, 103, 104, 105, 106, 107};
    struct dco_peer_info info;
    struct dco_peer_new req = request(3);
    struct dco_peer *peer;

    begin(DCO_MODE_MP);
    req.tx_id = 9;
    req.path.local = ip4(203, 0, 113, 1);
    CHECK_EQ(new_peer(req), 0);
    peer = dco_peers_by_id(p, 3);
    CHECK_EQ(dco_control_peer_get(p, 3, &info), 0);
    CHECK(!info.has_primary && info.transport == NULL);
    dco_store(&peer->last_rx_ns, 5);
    dco_store(&peer->last_tx_ns, 6);
    for (enum dco_traffic i = 0; i < DCO_TRAFFICS; i++) {
        dco_peer_count(peer, i, 90, 90);
        dco_peer_count(peer, i, 11 + 2 * i, 10 + 2 * i);
    }
    CHECK_EQ(install(3, DCO_SLOT_PRIMARY, 6, 4), 0);
    CHECK_EQ(dco_control_peer_get(p, 3, &info), 0);
    CHECK(info.id == 3 && info.tx_id == 9);
    CHECK(dco_ip_equal(&info.vpn4, &req.vpn4) && info.vpn6.family == 0);
    CHECK_MEM(&info.path, &req.path, sizeof(req.path));
    CHECK(info.last_rx_ns == 5 && info.last_tx_ns == 6);
    CHECK_MEM(&info.stats, &counted, sizeof(counted));
    CHECK(info.has_primary && info.primary.key_id == 6 && info.primary.key_len == 32);
    CHECK(info.primary.created_ns == 4 * SECOND);
    end();
}

TEST("control: dump in order, peers going meanwhile")
{
    static const uint32_t ids[] = {0, 5, 4095, 4096, 70000, 0xfffffe};
    struct dco_peer_info info;
    uint32_t from = 0, n = 0;

    begin(DCO_MODE_MP);
    CHECK_EQ(dco_control_peer_next(p, 0, &info), -ENOENT);
    for (size_t i = 0; i < 6; i++) {
        struct dco_peer_new req = request((uint32_t)i + 1);

        req.id = ids[5 - i];
        CHECK_EQ(new_peer(req), 0);
    }
    while (dco_control_peer_next(p, from, &info) == 0) {
        CHECK_EQ(info.id, ids[n++]);
        from = info.id + 1;
        if (info.id == 5) /* removed while the dump goes on */
            CHECK_EQ(dco_control_peer_del(p, 5, DCO_DEL_USERSPACE), 0);
    }
    CHECK_EQ(n, 6);
    CHECK_EQ(dco_control_peer_next(p, UINT32_MAX, &info), -ENOENT);
    end();
}

/* Keys */

TEST("control: key new, invalid arguments")
{
    static const uint8_t bytes[64];
    static const struct {
        enum dco_cipher cipher;
        uint16_t len;
        int err;
    } combination[] = {
        {DCO_CIPHER_NONE, 32, -EINVAL},
        {DCO_CIPHER_NONE, 0, -EINVAL},
        {(enum dco_cipher)3, 32, -EINVAL},
        {DCO_CIPHER_AES_GCM, 0, -EINVAL},
        {DCO_CIPHER_AES_GCM, 15, -EINVAL},
        {DCO_CIPHER_AES_GCM, 33, -EINVAL},
        {DCO_CIPHER_AES_GCM, 64, -EINVAL},
        {DCO_CIPHER_AES_GCM, 16, -ENOENT}, /* there is no peer: valid so far */
        {DCO_CIPHER_AES_GCM, 24, -ENOENT},
        {DCO_CIPHER_AES_GCM, 32, -ENOENT},
        {DCO_CIPHER_CHACHA20_POLY1305, 16, -EINVAL},
        {DCO_CIPHER_CHACHA20_POLY1305, 24, -EINVAL},
        {DCO_CIPHER_CHACHA20_POLY1305, 32, -ENOENT},
    };
    struct dco_key_new req = {.peer_id = 1, .tx_key = bytes, .tx_tail = bytes, .rx_tail = bytes};
    struct dco_key_new good;

    begin(DCO_MODE_MP);
    for (size_t i = 0; i < sizeof(combination) / sizeof(combination[0]); i++) {
        req.cipher = combination[i].cipher;
        req.key_len = combination[i].len;
        CHECK_EQ(dco_control_key_new(p, &req, 0), combination[i].err);
    }
    good = req;
    req.key_id = 8;
    CHECK_EQ(dco_control_key_new(p, &req, 0), -EINVAL);
    req = good;
    req.slot = (enum dco_slot)2;
    CHECK_EQ(dco_control_key_new(p, &req, 0), -EINVAL);
    req.slot = (enum dco_slot) - 1;
    CHECK_EQ(dco_control_key_new(p, &req, 0), -EINVAL);
    req = good;
    req.tx_key = NULL;
    CHECK_EQ(dco_control_key_new(p, &req, 0), -EINVAL);
    req = good;
    req.tx_tail = NULL;
    CHECK_EQ(dco_control_key_new(p, &req, 0), -EINVAL);
    req = good;
    req.rx_tail = NULL;
    CHECK_EQ(dco_control_key_new(p, &req, 0), -EINVAL);
    CHECK_EQ(dco_control_key_del(p, 1, (enum dco_slot)2, 0), -EINVAL);
    CHECK_EQ(dco_control_key_get(p, 1, (enum dco_slot)2, NULL), -EINVAL);
    end();
}

/* Only for a front that asks; it has no key, so nothing can be used twice. */
TEST("control: key new, cipher none")
{
    static const uint8_t bytes[DCO_NONCE_TAIL_LEN];
    struct dco_key_new req = {.peer_id = 1,
                              .cipher = DCO_CIPHER_NONE,
                              .plain_ok = true,
                              .tx_key = bytes,
                              .tx_tail = bytes,
                              .rx_tail = bytes};
    uint32_t first;
    bool want;

    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    req.key_len = 16;
    CHECK_EQ(dco_control_key_new(p, &req, 0), -EINVAL);
    req.key_len = 0;
    for (unsigned i = 0; i < 3; i++) {
        req.crypto = platform_crypto(&platform);
        CHECK_EQ(dco_control_key_new(p, &req, 0), 0);
    }
    CHECK_EQ(dco_key_reserve(dco_peer_key_tx(dco_peers_by_id(p, 1)), 1, 1, &first, &want),
             DCO_DROP_NONE);
    end();
}

TEST("control: key new, never twice")
{
    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    CHECK_EQ(new_peer(request(2)), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 1), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 1), -EEXIST);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 1, 1), -EEXIST);
    CHECK_EQ(install(2, DCO_SLOT_PRIMARY, 0, 1), -EEXIST); /* on any peer of the device */
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_PRIMARY, 0), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 1), -EEXIST);
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_USERSPACE), 0);
    CHECK_EQ(new_peer(request(1)), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 1), -EEXIST);
    end();
}

/* 4096 keys are remembered, no more and no less. */
TEST("control: key new, how many are remembered")
{
    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    for (uint64_t n = 1; n <= DCO_FINGERPRINTS; n++)
        CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, n), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 1), -EEXIST);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, DCO_FINGERPRINTS), -EEXIST);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, DCO_FINGERPRINTS + 1), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 2), -EEXIST);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 1), 0);
    CHECK_EQ(platform.cryptos, 2); /* the last, and the one before it */
    end();
}

/* Another tail, cipher or length is another key; another receiving tail is not. */
TEST("control: key new, what makes a key another")
{
    uint8_t key[32] = {1}, tail[8] = {2}, rx_tail[8] = {3};
    struct dco_key_new req = {.peer_id = 1,
                              .cipher = DCO_CIPHER_AES_GCM,
                              .key_len = 32,
                              .tx_key = key,
                              .tx_tail = tail,
                              .rx_tail = rx_tail};
    const int want[] = {0, -EEXIST, -EEXIST, 0, 0, 0, 0};

    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        int err;

        rx_tail[0] += i == 2;
        tail[7] += i == 3;
        key[31] += i == 4;
        req.cipher = i == 5 ? DCO_CIPHER_CHACHA20_POLY1305 : DCO_CIPHER_AES_GCM;
        req.key_len = i == 6 ? 16 : 32;
        req.crypto = platform_crypto(&platform);
        err = dco_control_key_new(p, &req, 0);
        CHECK_EQ(err, want[i]);
        if (err != 0)
            platform_crypto_drop(&platform, req.crypto);
    }
    end();
}

static int
key_in(enum dco_slot slot)
{
    struct dco_key_info info;
    int err = dco_control_key_get(p, 1, slot, &info);

    return err == 0 ? info.key_id : err;
}

static int
rx_number(uint8_t key_id)
{
    struct dco_key *key = dco_peer_key_rx(dco_peers_by_id(p, 1), key_id);

    return key != NULL ? (int)(key->created_ns / SECOND) : -1;
}

static int
tx_number(void)
{
    struct dco_key *key = dco_peer_key_tx(dco_peers_by_id(p, 1));

    return key != NULL ? (int)(key->created_ns / SECOND) : -1;
}

/* Time passes; no keepalive is due. When the next look is. */
static uint64_t
pass(uint64_t now_ns)
{
    struct dco_peer *due[1];
    uint64_t next;

    CHECK_EQ(dco_peers_tick(p, now_ns, due, 1, &next), 0);
    return next;
}

/* As OpenVPN drives it: first key, rekey, promotion, the old key retires. */
TEST("control: install, swap, delete")
{
    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    CHECK_EQ(rx_number(0), -1); /* an empty slot is not key 0 */
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_SECONDARY, 0), 0);
    CHECK_EQ(tx_number(), -1);
    CHECK_EQ(key_in(DCO_SLOT_PRIMARY), -ENOENT);

    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 10), 0);
    CHECK_EQ(tx_number(), 10);
    CHECK_EQ(rx_number(0), 10);
    CHECK_EQ(rx_number(1), -1);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 1, 11), 0);
    CHECK_EQ(tx_number(), 10);
    CHECK_EQ(rx_number(1), 11);
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK_EQ(tx_number(), 11);
    CHECK_EQ(rx_number(0), 10);
    CHECK_EQ(key_in(DCO_SLOT_PRIMARY), 1);
    CHECK_EQ(key_in(DCO_SLOT_SECONDARY), 0);
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_SECONDARY, 0), 0);
    CHECK_EQ(key_in(DCO_SLOT_SECONDARY), -ENOENT);
    (void)pass(DCO_KEY_RETIRED_NS);
    CHECK_EQ(rx_number(0), -1);
    CHECK_EQ(tx_number(), 11);
    CHECK_EQ(platform.cryptos, 1);

    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 2, 12), 0);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 3, 13), 0); /* replaces an occupied slot */
    CHECK_EQ(platform.cryptos, 2);
    CHECK_EQ(rx_number(2), -1);
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_PRIMARY, 0), 0);
    CHECK_EQ(tx_number(), -1);
    CHECK_EQ(rx_number(3), 13);
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK_EQ(tx_number(), 13);
    end();
}

/* After a change of keys: packets of the other end, which may be late, still come with the old one.
 */
static void
rekeyed(void)
{
    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 10), 0);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 1, 11), 0);
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_SECONDARY, 5 * SECOND), 0);
}

TEST("control: an old key decrypts for a moment, and is wiped then")
{
    uint64_t end_ns = 5 * SECOND + DCO_KEY_RETIRED_NS, next;

    rekeyed();
    CHECK_EQ(rx_number(0), 10);
    CHECK_EQ(rx_number(1), 11);
    CHECK_EQ(tx_number(), 11);
    CHECK_EQ(key_in(DCO_SLOT_SECONDARY), -ENOENT);
    next = pass(end_ns - 1);
    CHECK_EQ(rx_number(0), 10);
    CHECK(next <= end_ns + DCO_TIMER_GRAIN_NS);
    CHECK_EQ(platform.cryptos, 2);
    (void)pass(next);
    CHECK_EQ(rx_number(0), -1);
    CHECK_EQ(platform.cryptos, 1);
    end();
}

TEST("control: one old key decrypts, the last")
{
    rekeyed();
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 2, 12), 0);
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK_EQ(rx_number(0), 10);
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_SECONDARY, 6 * SECOND), 0);
    CHECK_EQ(rx_number(0), -1);
    CHECK_EQ(rx_number(1), 11);
    CHECK_EQ(platform.cryptos, 2);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 1, 13), 0); /* its id again: the key in the slot */
    CHECK_EQ(rx_number(1), 13);
    end();
}

/* openvpn replaces the old key without deleting it first. */
TEST("control: an old key that is replaced retires, too")
{
    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 0, 10), 0);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 1, 11), 0);
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 2, 12), 0);
    CHECK_EQ(rx_number(0), 10);
    CHECK_EQ(rx_number(1), 11);
    CHECK_EQ(rx_number(2), 12);
    end();
}

/* A client whose authentication ended: openvpn deletes the primary key first. */
TEST("control: a peer whose keys are taken away decrypts nothing")
{
    rekeyed();
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 2, 12), 0);
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_PRIMARY, 5 * SECOND), 0);
    CHECK_EQ(rx_number(0), -1);
    CHECK_EQ(rx_number(1), -1);
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_SECONDARY, 5 * SECOND), 0);
    CHECK_EQ(rx_number(2), -1);
    CHECK_EQ(platform.cryptos, 0);
    end();
}

TEST("control: a peer that is removed keeps no old key")
{
    rekeyed();
    CHECK_EQ(dco_control_peer_del(p, 1, DCO_DEL_EXPIRED), 0);
    CHECK_EQ(platform.cryptos, 0);
    end();
}

TEST("control: two keys of one id")
{
    begin(DCO_MODE_MP);
    CHECK_EQ(new_peer(request(1)), 0);
    CHECK_EQ(install(1, DCO_SLOT_PRIMARY, 4, 20), 0);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 4, 21), 0);
    CHECK_EQ(rx_number(4), 21);
    CHECK_EQ(dco_control_key_swap(p, 1), 0);
    CHECK_EQ(rx_number(4), 21);
    CHECK_EQ(install(1, DCO_SLOT_SECONDARY, 4, 19), 0); /* later is newer, whatever its clock */
    CHECK_EQ(rx_number(4), 19);
    CHECK_EQ(dco_control_key_del(p, 1, DCO_SLOT_SECONDARY, 0), 0);
    CHECK_EQ(rx_number(4), 21);
    end();
}

/* Memory */

/* Retried until it succeeds; at most one try fails for want of memory. */
#define retried(call)                                                                              \
    do {                                                                                           \
        int err_ = (call);                                                                         \
        if (err_ == -ENOMEM)                                                                       \
            err_ = (call);                                                                         \
        CHECK_EQ(err_, 0);                                                                         \
    } while (0)

static int
peer_with_transport(uint32_t n)
{
    struct dco_peer_new req = request(n);
    int err;

    req.transport = platform_transport(&platform, n);
    req.vpn6 = ip6(n);
    err = new_peer(req);
    if (err != 0) {
        CHECK_EQ(err, -ENOMEM);
        CHECK(p->mode == DCO_MODE_P2P || dco_peers_by_id(p, n) == NULL);
        platform_transport_put(&platform, req.transport);
    }
    return err;
}

static void
life_of_some_peers(void)
{
    for (uint32_t n = 1; n <= 12; n++) {
        uint32_t before = p->count;

        retried(peer_with_transport(n * 4000));
        CHECK(p->mode == DCO_MODE_P2P || p->count == before + 1);
        retried(install(n * 4000, DCO_SLOT_PRIMARY, 0, 2 * n));
        retried(install(n * 4000, DCO_SLOT_SECONDARY, 1, 2 * n + 1));
        retried(dco_control_key_swap(p, n * 4000));
    }
    for (uint32_t n = 1; n <= 12; n++) {
        struct dco_endpoint remote = endpoint4(n * 4000, 1000);
        struct dco_peer *peer = dco_peers_by_id(p, n * 4000);

        if (p->mode == DCO_MODE_P2P && n < 12) {
            CHECK(peer == NULL);
            continue;
        }
        CHECK(peer != NULL && dco_peers_by_remote(p, &remote) == peer);
        CHECK(dco_peer_key_tx(peer)->key_id == 1);
    }
}

static void
every_allocation_fails(enum dco_mode mode)
{
    bool failed = true;
    long n;

    for (n = 0; failed; n++) {
        begin(mode);
        platform.fail_in = n;
        life_of_some_peers();
        failed = platform.fail_in == -1;
        end();
    }
    CHECK(n > 40);
}

TEST("control: every allocation fails once")
{
    every_allocation_fails(DCO_MODE_MP);
}

TEST("control: every allocation fails once, point to point")
{
    every_allocation_fails(DCO_MODE_P2P);
}

/* P2P: where the new peer cannot be made the present one stays. */
TEST("control: a failed replacement leaves the peer")
{
    struct dco_event event;
    struct dco_peer *present;

    begin(DCO_MODE_P2P);
    CHECK_EQ(new_peer(request(1)), 0);
    present = p->only;
    for (long n = 0; n < 2; n++) { /* the peer, the page of its id */
        platform.fail_in = n;
        CHECK_EQ(new_peer(request(5000)), -ENOMEM);
        CHECK(p->only == present && dco_peers_by_id(p, 1) == present);
        CHECK(!dco_event_take(p, &event));
    }
    platform.fail_in = -1;
    CHECK_EQ(new_peer(request(5000)), 0);
    end();
}
