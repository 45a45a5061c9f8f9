/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"
#include "keys_private.h"

/* A key outside of any peer. */
static struct dco_key *
make_key(struct home *home, enum dco_cipher cipher)
{
    static const uint8_t tail[2][DCO_NONCE_TAIL_LEN] = {{1, 2, 3, 4, 5, 6, 7, 8},
                                                        {9, 10, 11, 12, 13, 14, 15, 16}};
    struct dco_key_new req = {.key_id = 5,
                              .cipher = cipher,
                              .key_len = 32,
                              .tx_tail = tail[0],
                              .rx_tail = tail[1],
                              .crypto = home_crypto(home)};

    return dco_key_new(&home->env, &req, 77, 1234);
}

static void
as_made(void)
{
    struct home home;
    struct dco_key *key;

    home_init(&home, HOME_IMMEDIATE);
    key = make_key(&home, DCO_CIPHER_CHACHA20_POLY1305);
    check_equal(key->key_id, 5);
    check_equal(key->cipher, DCO_CIPHER_CHACHA20_POLY1305);
    check_equal(key->key_len, 32);
    check_equal(key->tx_tail[7], 8);
    check_equal(key->rx_tail[0], 9);
    check_equal(key->created_ns, 1234);
    check_equal(key->serial, 77);
    check((uintptr_t)&key->tx_sent % 64 == 0);
    dco_key_put(key);
    home_fini(&home);
}

static void
first_id_is_one(void)
{
    struct home home;
    struct dco_key *key;
    uint32_t first;
    bool want = true;

    home_init(&home, HOME_IMMEDIATE);
    key = make_key(&home, DCO_CIPHER_AES_GCM);
    check_equal(dco_key_reserve(key, 3, 30, &first, &want), DCO_DROP_NONE);
    check_equal(first, 1);
    check(!want);
    check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_NONE);
    check_equal(first, 4);
    check_equal(key->tx_blocks, 31);
    dco_key_put(key);
    home_fini(&home);
}

/* The last id is given out, the one after it never, and nothing afterwards. */
static void
ids_end(void)
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
    struct home home;
    uint32_t first;
    bool want;

    home_init(&home, HOME_IMMEDIATE);
    for (size_t i = 0; i < sizeof(edge) / sizeof(edge[0]); i++) {
        struct dco_key *key = make_key(&home, DCO_CIPHER_CHACHA20_POLY1305);

        key->tx_next = edge[i].next;
        check_equal(dco_key_reserve(key, edge[i].n, 1, &first, &want), edge[i].want);
        check(want); /* even where the soft limit was jumped over */
        if (edge[i].want == DCO_DROP_NONE)
            check_equal(first, edge[i].next);
        else
            check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
        dco_key_put(key);
    }
    home_fini(&home);
}

static void
refusal_is_for_ever(void)
{
    struct home home;
    struct dco_key *key;
    uint32_t first;
    bool want;

    home_init(&home, HOME_IMMEDIATE);
    key = make_key(&home, DCO_CIPHER_AES_GCM);
    key->tx_next = 0xfffffff0;
    check_equal(dco_key_reserve(key, 64, 64, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    for (unsigned i = 0; i < 1000; i++)
        check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    dco_key_put(key);
    home_fini(&home);
}

static void
block_bound(void)
{
    struct home home;
    struct dco_key *key;
    uint32_t first;
    bool want;

    home_init(&home, HOME_IMMEDIATE);
    key = make_key(&home, DCO_CIPHER_AES_GCM);
    key->tx_blocks = DCO_GCM_BLOCKS_MAX - 10;
    check_equal(dco_key_reserve(key, 1, 10, &first, &want), DCO_DROP_NONE);
    check(want);
    check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    check(want); /* once more: now it is spent */
    check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    check(!want);
    check_equal(key->tx_next, 2); /* refused before an id was taken */
    dco_key_put(key);

    key = make_key(&home, DCO_CIPHER_AES_GCM);
    key->tx_blocks = DCO_GCM_BLOCKS_MAX - 10;
    check_equal(dco_key_reserve(key, 1, 11, &first, &want), DCO_DROP_TX_KEY_LIMIT);
    check(want);
    dco_key_put(key);

    key = make_key(&home, DCO_CIPHER_CHACHA20_POLY1305); /* has none */
    key->tx_blocks = DCO_GCM_BLOCKS_MAX;
    check_equal(dco_key_reserve(key, 1, 11, &first, &want), DCO_DROP_NONE);
    check(!want);
    check(!dco_key_opened(key, DCO_GCM_BLOCKS_MAX));
    dco_key_put(key);
    home_fini(&home);
}

/* Each limit in turn passes its soft bound; the key asks once whatever comes later. */
static void
asks_once(void)
{
    struct home home;

    home_init(&home, HOME_IMMEDIATE);
    for (unsigned limit = 0; limit < 4; limit++) {
        struct dco_key *key = make_key(&home, DCO_CIPHER_AES_GCM);
        uint32_t first;
        bool want;

        check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_NONE);
        check(!want);
        key->tx_next = limit == 0 ? DCO_PACKET_ID_SOFT : 2;
        key->tx_blocks = limit == 1 ? DCO_GCM_BLOCKS_SOFT - 1 : 0;
        key->rx_blocks = limit == 2 ? DCO_GCM_BLOCKS_SOFT - 1 : 0;
        key->rx_failures = limit == 3 ? DCO_AUTH_FAILURES_SOFT - 1 : 0;
        for (unsigned i = 0; i < 4; i++) {
            unsigned asked = 0;

            check_equal(dco_key_reserve(key, 1, 1, &first, &want), DCO_DROP_NONE);
            asked += want;
            asked += dco_key_opened(key, 1);
            asked += dco_key_failed(key, 1);
            check_equal(asked, i == (limit == 0 ? 0 : 1));
        }
        dco_key_put(key);
    }
    home_fini(&home);
}

static void
failures(void)
{
    struct home home;
    struct dco_key *key;

    home_init(&home, HOME_IMMEDIATE);
    key = make_key(&home, DCO_CIPHER_AES_GCM);
    check(dco_key_may_open(key));
    check(!dco_key_failed(key, 64));
    check_equal(key->rx_failures, 64);
    key->rx_failures = DCO_AUTH_FAILURES_MAX - 1;
    check(dco_key_may_open(key));
    check(dco_key_failed(key, 1));
    check(!dco_key_may_open(key));
    dco_key_put(key);
    home_fini(&home);
}

static void
turns(void)
{
    struct home home;
    struct dco_key *key;
    uint32_t a, b;
    bool want;

    home_init(&home, HOME_IMMEDIATE);
    key = make_key(&home, DCO_CIPHER_AES_GCM);
    dco_key_reserve(key, 3, 3, &a, &want);
    dco_key_reserve(key, 2, 2, &b, &want);
    check(dco_key_turn(key, a));
    check(!dco_key_turn(key, b));
    dco_key_sent(key, a, 3);
    check(!dco_key_turn(key, a));
    check(dco_key_turn(key, b));
    key->tx_next = DCO_PACKET_ID_MAX;
    dco_key_reserve(key, 1, 1, &a, &want);
    key->tx_sent = DCO_PACKET_ID_MAX;
    check(dco_key_turn(key, a));
    dco_key_sent(key, a, 1);
    check(!dco_key_turn(key, 0)); /* does not come round */
    dco_key_put(key);
    home_fini(&home);
}

static void
references(void)
{
    struct home home;
    struct dco_key *key;
    struct test_crypto *crypto;

    home_init(&home, HOME_DELAYED);
    key = make_key(&home, DCO_CIPHER_AES_GCM);
    crypto = key->crypto;
    check(dco_key_get(key));
    dco_key_put(key);
    home_run_deferred(&home);
    check_equal(home.cryptos, 1);
    dco_key_put(key);
    check(!dco_key_get(key)); /* a reader that still sees it is too late */
    check_equal(crypto->alive, TEST_ALIVE);
    home_run_deferred(&home);
    check_equal(home.cryptos, 0);
    home_fini(&home);
}

static void
cost(void)
{
    check_equal(dco_key_cost(0), 1);
    check_equal(dco_key_cost(1), 2);
    check_equal(dco_key_cost(16), 2);
    check_equal(dco_key_cost(17), 3);
    check_equal(dco_key_cost(1500), 1 + 94);
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

static void
wiped(void)
{
    struct home home;
    struct dco_key *key;

    home_init(&home, HOME_IMMEDIATE);
    spy.seen = spy.dirty = 0;
    home.before_free = look_before_free;
    key = make_key(&home, DCO_CIPHER_AES_GCM);
    dco_key_put(key);
    check_equal(spy.seen, 1);
    check_equal(spy.dirty, 0);
    home_fini(&home);
}

static const struct test tests[] = {
    {"keys: as made", as_made},
    {"keys: the first packet id is 1", first_id_is_one},
    {"keys: the last packet id", ids_end},
    {"keys: a key that refused once refuses for ever", refusal_is_for_ever},
    {"keys: block bound of AES-GCM", block_bound},
    {"keys: each limit asks for a new key once", asks_once},
    {"keys: failed authentications", failures},
    {"keys: turns", turns},
    {"keys: references", references},
    {"keys: wiped before they are freed", wiped},
    {"keys: cost of a packet", cost},
};
HARNESS_MAIN(tests)
