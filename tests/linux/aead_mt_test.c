/* SPDX-License-Identifier: BSD-2-Clause */
/* Several threads use one key, each with its own thread index, while other keys come and go. */
#include "linux/crypto/aead.h"

#include <pthread.h>

#include "harness.h"

#define SLOTS  4
#define BURST  16
#define LENGTH 600U

static struct aead *tx, *rx;
static const enum dco_cipher *others; /* ciphers of the keys that come and go: two */

struct worker {
    pthread_t thread;
    unsigned slot;
    unsigned rounds;
};

static void *
seal_and_open(void *arg)
{
    struct worker *w = arg;
    uint8_t pkt[BURST][DCO_OVERHEAD + LENGTH], plain[LENGTH];
    struct aead_op op[BURST];

    memset(plain, (int)w->slot + 1, sizeof(plain));
    for (unsigned r = 0; r < w->rounds; r++) {
        for (unsigned i = 0; i < BURST; i++) {
            dco_wire_write_hdr(pkt[i], 0, 1, (w->slot << 24) + r * BURST + i);
            op[i] = (struct aead_op){pkt[i], plain, LENGTH - i * 30, false};
        }
        aead_seal(tx, w->slot, op, BURST);
        for (unsigned i = 0; i < BURST; i++)
            CHECK(op[i].ok);
        aead_open(rx, w->slot, op, BURST);
        for (unsigned i = 0; i < BURST; i++)
            CHECK(op[i].ok && memcmp(pkt[i] + DCO_OVERHEAD, plain, op[i].len) == 0);
    }
    return NULL;
}

static void *
make_and_free(void *arg)
{
    struct worker *w = arg;
    uint8_t key[32] = {0}, tail[8] = {0}, pkt[DCO_OVERHEAD + 10];
    struct aead_op op = {pkt, pkt + DCO_OVERHEAD, 10, false};

    for (unsigned r = 0; r < w->rounds; r++) {
        struct aead *aead;

        key[0] = (uint8_t)r;
        aead = aead_new(others[r % 2], key, key, 32, tail, tail, 1);
        CHECK(aead != NULL);
        dco_wire_write_hdr(pkt, 0, 1, r);
        aead_seal(aead, 0, &op, 1);
        aead_open(aead, 0, &op, 1);
        CHECK(op.ok);
        aead_free(aead);
    }
    return NULL;
}

static void
run(enum dco_cipher cipher)
{
    static const uint8_t a[32] = {1}, b[32] = {2}, c[8] = {3}, d[8] = {4};
    struct worker w[SLOTS + 1];

    tx = aead_new(cipher, a, b, 32, c, d, SLOTS);
    rx = aead_new(cipher, b, a, 32, d, c, SLOTS);
    if (!tx || !rx) {
        test_skip("this machine has nothing of that name");
        aead_free(tx);
        aead_free(rx);
        return;
    }
    for (unsigned i = 0; i <= SLOTS; i++) {
        w[i].slot = i;
        w[i].rounds = test_rounds(i < SLOTS ? 150 : 300);
        CHECK(pthread_create(&w[i].thread, NULL, i < SLOTS ? seal_and_open : make_and_free,
                             &w[i]) == 0);
    }
    for (unsigned i = 0; i <= SLOTS; i++)
        pthread_join(w[i].thread, NULL);
    aead_free(tx);
    aead_free(rx);
}

static void
with(const char *library, enum dco_cipher cipher)
{
    static const enum dco_cipher both[] = {DCO_CIPHER_CHACHA20_POLY1305, DCO_CIPHER_AES_GCM};
    static const enum dco_cipher gcm[] = {DCO_CIPHER_AES_GCM, DCO_CIPHER_AES_GCM};

    others = strcmp(library, "vaes") == 0 ? gcm : both;
    setenv("OPENDCO_AEAD", library, 1);
    run(cipher);
    unsetenv("OPENDCO_AEAD");
}

TEST("threads share one key of AES-GCM by vaes")
{
    with("vaes", DCO_CIPHER_AES_GCM);
}

TEST("threads share one key of AES-GCM by ipsec-mb")
{
    with("ipsec-mb", DCO_CIPHER_AES_GCM);
}

TEST("threads share one key of ChaCha20-Poly1305 by ipsec-mb")
{
    with("ipsec-mb", DCO_CIPHER_CHACHA20_POLY1305);
}

TEST("threads share one key of AES-GCM by openssl")
{
    with("openssl", DCO_CIPHER_AES_GCM);
}

TEST("threads share one key of ChaCha20-Poly1305 by openssl")
{
    with("openssl", DCO_CIPHER_CHACHA20_POLY1305);
}
