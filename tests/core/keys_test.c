/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"
#include "keys_private.h"
#include "platform.h"

/* A key outside of any peer. */
static struct dco_key *
make_key(struct platform *platform, enum dco_cipher cipher)
{
    static const uint8_t tail[2][DCO_NONCE_TAIL_LEN] = {{1, 2, 3, 4, 5, 6, 7, 8},
                                                        {9, 10, 11, 12, 13, 14, 15, 16}};
    struct dco_key_new req = {.key_id = 5,
                              .cipher = cipher,
                              .key_len = 32,
                              .tx_tail = tail[0],
                              .rx_tail = tail[1],
                              .crypto = platform_crypto(platform)};

    return dco_key_new(&platform->env, &req, 77, 1234);
}

TEST("keys: as made")
{
    struct platform platform;
    struct dco_key *key;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    key = make_key(&platform, DCO_CIPHER_CHACHA20_POLY1305);
    CHECK_EQ(key->key_id, 5);
    CHECK_EQ(key->cipher, DCO_CIPHER_CHACHA20_POLY1305);
    CHECK_EQ(key->key_len, 32);
    CHECK_EQ(key->tx_tail[7], 8);
    CHECK_EQ(key->rx_tail[0], 9);
    CHECK_EQ(key->created_ns, 1234);
    CHECK_EQ(key->serial, 77);
    CHECK((uintptr_t)&key->tx_sent % 64 == 0);
    dco_key_put(key);
    platform_fini(&platform);
}

TEST("keys: the first packet id is 1")
{
    struct platform platform;
    struct dco_key *key;
    uint32_t first;
    bool want = true;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    key = make_key(&platform, DCO_CIPHER_AES_GCM);
    CHECK_EQ(dco_key_reserve(key, 3, 30, &first, &want), DCO_DROP_NONE);
    CHECK_EQ(first, 1);
    CHECK(!want);
    CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_NONE);
    CHECK_EQ(first, 4);
    CHECK_EQ(key->tx_blocks, 31);
    dco_key_put(key);
    platform_fini(&platform);
}

/* The last id is given out, the one after it never, and nothing afterwards. */
TEST("keys: the last packet id")
{
    static const struct {
        uint64_t next;
        uint32_t n;
        enum dco_drop want;
    } edge[] = {
        {0xffffffff, 1, DCO_DROP_NONE},          {0xffffffff, 2, DCO_DROP_TX_KEY_LIMIT},
        {0x100000000, 1, DCO_DROP_TX_KEY_LIMIT}, {0xffffffc0, 64, DCO_DROP_NONE},
        {0xffffffc1, 64, DCO_DROP_TX_KEY_LIMIT}, {1, UINT32_MAX, DCO_DROP_NONE},
        {2, UINT32_MAX, DCO_DROP_TX_KEY_LIMIT},
    };
    struct platform platform;
    uint32_t first;
    bool want;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    for (size_t i = 0; i < sizeof(edge) / sizeof(edge[0]); i++) {
        struct dco_key *key = make_key(&platform, DCO_CIPHER_CHACHA20_POLY1305);

        key->tx_next = edge[i].next;
        CHECK_EQ(dco_key_reserve(key, edge[i].n, 1, &first, &want), edge[i].want);
        CHECK(want); /* even where the soft limit was jumped over */
        if (edge[i].want == DCO_DROP_NONE)
            CHECK_EQ(first, edge[i].next);
        else
            CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
        dco_key_put(key);
    }
    platform_fini(&platform);
}

TEST("keys: a key that refused once refuses for ever")
{
    struct platform platform;
    struct dco_key *key;
    uint32_t first;
    bool want;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    key = make_key(&platform, DCO_CIPHER_AES_GCM);
    key->tx_next = 0xfffffff0;
    CHECK_EQ(dco_key_reserve(key, 64, 64, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    dco_key_put(key);
    platform_fini(&platform);
}

TEST("keys: block bound of AES-GCM")
{
    struct platform platform;
    struct dco_key *key;
    uint32_t first;
    bool want;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    key = make_key(&platform, DCO_CIPHER_AES_GCM);
    key->tx_blocks = DCO_GCM_BLOCKS_MAX - 10;
    CHECK_EQ(dco_key_reserve(key, 1, 10, &first, &want), DCO_DROP_NONE);
    CHECK(want);
    CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    CHECK(want); /* once more: now it is spent */
    CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    CHECK(!want);
    CHECK_EQ(key->tx_next, 2); /* refused before an id was taken */
    dco_key_put(key);

    key = make_key(&platform, DCO_CIPHER_AES_GCM);
    key->tx_blocks = DCO_GCM_BLOCKS_MAX - 10;
    CHECK_EQ(dco_key_reserve(key, 1, 11, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    CHECK(want);
    dco_key_put(key);

    key = make_key(&platform, DCO_CIPHER_CHACHA20_POLY1305); /* has none */
    key->tx_blocks = DCO_GCM_BLOCKS_MAX;
    CHECK_EQ(dco_key_reserve(key, 1, 11, &first, &want), DCO_DROP_NONE);
    CHECK(!want);
    CHECK(!dco_key_opened(key, DCO_GCM_BLOCKS_MAX));
    dco_key_put(key);
    platform_fini(&platform);
}

/* Each limit in turn passes its soft bound; the key asks once whatever comes later. */
TEST("keys: each limit asks for a new key once")
{
    struct platform platform;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    for (unsigned limit = 0; limit < 4; limit++) {
        struct dco_key *key = make_key(&platform, DCO_CIPHER_AES_GCM);
        uint32_t first;
        bool want;

        CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_NONE);
        CHECK(!want);
        key->tx_next = limit == 0 ? DCO_PACKET_ID_SOFT : 2;
        key->tx_blocks = limit == 1 ? DCO_GCM_BLOCKS_SOFT - 1 : 0;
        key->rx_blocks = limit == 2 ? DCO_GCM_BLOCKS_SOFT - 1 : 0;
        key->rx_failures = limit == 3 ? DCO_AUTH_FAILURES_SOFT - 1 : 0;
        for (unsigned i = 0; i < 4; i++) {
            unsigned asked = 0;

            CHECK_EQ(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_NONE);
            asked += want;
            asked += dco_key_opened(key, 1);
            asked += dco_key_failed(key, 1);
            CHECK_EQ(asked, i == (limit == 0 ? 0 : 1));
        }
        dco_key_put(key);
    }
    platform_fini(&platform);
}

TEST("keys: failed authentications")
{
    struct platform platform;
    struct dco_key *key;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    key = make_key(&platform, DCO_CIPHER_AES_GCM);
    CHECK(dco_key_may_open(key));
    CHECK(!dco_key_failed(key, 64));
    CHECK_EQ(key->rx_failures, 64);
    key->rx_failures = DCO_AUTH_FAILURES_MAX - 1;
    CHECK(dco_key_may_open(key));
    CHECK(dco_key_failed(key, 1));
    CHECK(!dco_key_may_open(key));
    dco_key_put(key);
    platform_fini(&platform);
}

TEST("keys: turns")
{
    struct platform platform;
    struct dco_key *key;
    uint32_t a, b;
    bool want;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    key = make_key(&platform, DCO_CIPHER_AES_GCM);
    dco_key_reserve(key, 3, 3, &a, &want);
    dco_key_reserve(key, 2, 2, &b, &want);
    CHECK(dco_key_turn(key, a));
    CHECK(!dco_key_turn(key, b));
    dco_key_sent(key, a, 3);
    CHECK(!dco_key_turn(key, a));
    CHECK(dco_key_turn(key, b));
    key->tx_next = DCO_PACKET_ID_MAX;
    dco_key_reserve(key, 1, 1, &a, &want);
    key->tx_sent = DCO_PACKET_ID_MAX;
    CHECK(dco_key_turn(key, a));
    dco_key_sent(key, a, 1);
    CHECK(!dco_key_turn(key, 0)); /* does not come round */
    dco_key_put(key);
    platform_fini(&platform);
}

TEST("keys: references")
{
    struct platform platform;
    struct dco_key *key;
    struct test_crypto *crypto;

    platform_init(&platform, PLATFORM_DELAYED);
    key = make_key(&platform, DCO_CIPHER_AES_GCM);
    crypto = key->crypto;
    CHECK(dco_key_get(key));
    dco_key_put(key);
    platform_run_deferred(&platform);
    CHECK_EQ(platform.cryptos, 1);
    dco_key_put(key);
    CHECK(!dco_key_get(key)); /* a reader that still sees it is too late */
    CHECK_EQ(crypto->alive, TEST_ALIVE);
    platform_run_deferred(&platform);
    CHECK_EQ(platform.cryptos, 0);
    platform_fini(&platform);
}

TEST("keys: cost of a packet")
{
    CHECK_EQ(dco_key_cost(0), 1);
    CHECK_EQ(dco_key_cost(1), 2);
    CHECK_EQ(dco_key_cost(16), 2);
    CHECK_EQ(dco_key_cost(17), 3);
    CHECK_EQ(dco_key_cost(1500), 1 + 94);
}

/* When a key is freed its memory has been wiped. */
static struct {
    unsigned seen, dirty;
} spy;

static void
look_before_free(const void *p, size_t size)
{
    spy.seen++;
    for (size_t i = 0; i < size; i++)
        spy.dirty += ((const uint8_t *)p)[i] != 0;
}

TEST("keys: wiped before they are freed")
{
    struct platform platform;
    struct dco_key *key;

    platform_init(&platform, PLATFORM_IMMEDIATE);
    spy.seen = spy.dirty = 0;
    platform.before_free = look_before_free;
    key = make_key(&platform, DCO_CIPHER_AES_GCM);
    dco_key_put(key);
    CHECK_EQ(spy.seen, 1);
    CHECK_EQ(spy.dirty, 0);
    platform_fini(&platform);
}
