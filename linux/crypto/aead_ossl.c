/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "linux/crypto/backend.h"
#include "linux/crypto/secret.h"

#define KEY_MAX 32U

/* Every packet changes an OpenSSL context, so each thread has its own pair. A thread makes its pair
 * when it first uses the key, because one worker serves most peers. */
struct thread {
    EVP_CIPHER_CTX *tx; /* owner: the thread with this index */
    EVP_CIPHER_CTX *rx; /* owner: the thread with this index */
} __attribute__((aligned(64)));

struct keys {
    uint8_t tx[KEY_MAX];
    uint8_t rx[KEY_MAX];
};

struct ossl {
    struct aead base;
    EVP_CIPHER *cipher; /* const */
    struct keys *keys;  /* const; secret memory */
    unsigned threads;
    struct thread thread[];
};

/* Fetched once for the process, because a fetch takes a lock and a search; never freed. */
static struct {
    pthread_once_t once;
    /* const after fetch(); NULL: OpenSSL does not offer it */
    EVP_CIPHER *gcm128, *gcm192, *gcm256, *chacha;
} ciphers = {.once = PTHREAD_ONCE_INIT};

static void
fetch(void)
{
    ciphers.gcm128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    ciphers.gcm192 = EVP_CIPHER_fetch(NULL, "AES-192-GCM", NULL);
    ciphers.gcm256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    ciphers.chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    ERR_clear_error();
}

static EVP_CIPHER *
find_cipher(enum dco_cipher cipher, size_t key_len)
{
    pthread_once(&ciphers.once, fetch);
    if (cipher == DCO_CIPHER_CHACHA20_POLY1305)
        return ciphers.chacha;
    switch (key_len) {
    case 16:
        return ciphers.gcm128;
    case 24:
        return ciphers.gcm192;
    default:
        return ciphers.gcm256;
    }
}

static bool
ossl_usable(enum dco_cipher cipher)
{
    return find_cipher(cipher, 32) != NULL;
}

static bool
ossl_preferred(enum dco_cipher cipher)
{
    (void)cipher;
    return true;
}

static bool
make_ctx(EVP_CIPHER_CTX **ctx, const EVP_CIPHER *cipher, const uint8_t *key, int encrypt)
{
    *ctx = EVP_CIPHER_CTX_new();
    if (*ctx != NULL && EVP_CipherInit_ex2(*ctx, cipher, key, NULL, encrypt, NULL) == 1)
        return true;
    EVP_CIPHER_CTX_free(*ctx);
    *ctx = NULL;
    ERR_clear_error();
    return false;
}

static bool
make_thread(struct ossl *ossl, unsigned thread)
{
    struct thread *t = &ossl->thread[thread];

    return (t->tx != NULL || make_ctx(&t->tx, ossl->cipher, ossl->keys->tx, 1)) &&
           (t->rx != NULL || make_ctx(&t->rx, ossl->cipher, ossl->keys->rx, 0));
}

static void
fail_all(struct aead_op *ops, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        ops[i].ok = false;
}

static bool
seal_one(EVP_CIPHER_CTX *ctx, const uint8_t *tail, const struct aead_op *op)
{
    uint8_t nonce[DCO_NONCE_LEN], *text = op->pkt + DCO_OVERHEAD;
    int len;

    dco_wire_nonce(nonce, op->pkt, tail);
    return EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &len, op->pkt, DCO_AAD_LEN) == 1 &&
           (op->len == 0 || EVP_EncryptUpdate(ctx, text, &len, op->in, (int)op->len) == 1) &&
           EVP_EncryptFinal_ex(ctx, text, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, DCO_TAG_LEN, op->pkt + DCO_HDR_LEN) == 1;
}

static bool
open_one(EVP_CIPHER_CTX *ctx, const uint8_t *tail, const struct aead_op *op)
{
    uint8_t nonce[DCO_NONCE_LEN], *text = op->pkt + DCO_OVERHEAD;
    int len;

    dco_wire_nonce(nonce, op->pkt, tail);
    return EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, DCO_TAG_LEN, op->pkt + DCO_HDR_LEN) ==
               1 &&
           EVP_DecryptUpdate(ctx, NULL, &len, op->pkt, DCO_AAD_LEN) == 1 &&
           (op->len == 0 || EVP_DecryptUpdate(ctx, text, &len, text, (int)op->len) == 1) &&
           EVP_DecryptFinal_ex(ctx, text, &len) == 1;
}

static void
ossl_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    struct ossl *ossl = (struct ossl *)aead;
    unsigned i;

    if (!make_thread(ossl, thread)) {
        fail_all(ops, n);
        return;
    }
    for (i = 0; i < n; i++)
        ops[i].ok = seal_one(ossl->thread[thread].tx, aead->tx_tail, &ops[i]);
}

static void
ossl_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    struct ossl *ossl = (struct ossl *)aead;
    unsigned i;

    if (!make_thread(ossl, thread)) {
        fail_all(ops, n);
        return;
    }
    for (i = 0; i < n; i++)
        ops[i].ok = open_one(ossl->thread[thread].rx, aead->rx_tail, &ops[i]);
}

static void
ossl_free(struct aead *aead)
{
    struct ossl *ossl = (struct ossl *)aead;
    unsigned i;

    for (i = 0; i < ossl->threads; i++) {
        EVP_CIPHER_CTX_free(ossl->thread[i].tx);
        EVP_CIPHER_CTX_free(ossl->thread[i].rx);
    }
    secret_free(ossl->keys);
    free(ossl);
}

static struct ossl *
ossl_alloc(unsigned threads)
{
    size_t size = sizeof(struct ossl) + threads * sizeof(struct thread);
    struct ossl *ossl = aligned_alloc(64, (size + 63) / 64 * 64);

    if (ossl == NULL)
        return NULL;
    memset(ossl, 0, size);
    ossl->threads = threads;
    ossl->keys = secret_alloc(sizeof(*ossl->keys));
    if (ossl->keys == NULL) {
        free(ossl);
        return NULL;
    }
    return ossl;
}

static struct aead *
ossl_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
         unsigned threads)
{
    struct ossl *ossl = ossl_alloc(threads);

    if (ossl == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    /* OpenSSL's contexts hold expanded keys on its heap and wipe them at their end. No page of that
     * heap can be left out of a core dump, so the process makes none. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ossl->cipher = find_cipher(cipher, key_len);
    memcpy(ossl->keys->tx, tx_key, key_len);
    memcpy(ossl->keys->rx, rx_key, key_len);
    if (!make_thread(ossl, 0)) {
        ossl_free(&ossl->base);
        errno = ENOMEM;
        return NULL;
    }
    return &ossl->base;
}

const struct aead_backend aead_ossl = {
    .name = "openssl",
    .usable = ossl_usable,
    .preferred = ossl_preferred,
    .new = ossl_new,
    .free = ossl_free,
    .seal = {ossl_seal, ossl_seal},
    .open = {ossl_open, ossl_open},
};
