/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AES-GCM uses the library's direct calls: a single buffer already fills the processor's pipelines.
 * ChaCha20-Poly1305 uses its job interface, which is faster, completes each job at once, and needs
 * a manager per thread. Both compute the tag of the text that they decrypt; we compare it.
 */
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdlib.h>

#include "linux/crypto/backend.h"
#include "linux/crypto/nonce_x86.h"
#include "linux/crypto/secret.h"
#include "linux/sys/compiler.h"

struct gcm_keys {
    struct gcm_key_data tx __attribute__((aligned(64)));
    struct gcm_key_data rx __attribute__((aligned(64)));
};
_Static_assert(sizeof(struct gcm_keys) <= SECRET_MAX, "one piece of secret memory");

struct gcm {
    struct aead base;
    const struct gcm_keys *keys; /* const; secret memory */
    aes_gcm_enc_dec_t enc, dec;  /* const; for keys of this length */
};

struct chacha_keys {
    uint8_t tx[32];
    uint8_t rx[32];
};

struct chacha {
    struct aead base;
    const struct chacha_keys *keys; /* const; secret memory */
};

/* The library, probed once for the process. */
static struct {
    pthread_once_t once;
    /* The rest is const after probe(). */
    IMB_MGR *mgr; /* for its function pointers only, never its job queues; NULL: not usable */
    IMB_ARCH arch;
    pthread_key_t thread_mgr_end; /* frees the thread_mgr of a thread that ends */
} imb = {.once = PTHREAD_ONCE_INIT};

static __thread IMB_MGR *thread_mgr;

/* The expanded key has another size in each release, so the library must be of the header's
 * version. */
static IMB_MGR *
make_mgr(IMB_ARCH *used)
{
    const uint64_t tested = IMB_FEATURE_SELF_TEST | IMB_FEATURE_SELF_TEST_PASS;
    IMB_MGR *mgr;

    if (imb_get_version() != IMB_VERSION_NUM)
        return NULL;
    mgr = alloc_mb_mgr(0);
    if (mgr == NULL)
        return NULL;
    init_mb_mgr_auto(mgr, used);
    if (imb_get_errno(mgr) == 0 && (mgr->features & tested) != IMB_FEATURE_SELF_TEST)
        return mgr;
    free_mb_mgr(mgr);
    return NULL;
}

static void
free_thread_mgr(void *mgr)
{
    free_mb_mgr(mgr);
}

static void
probe(void)
{
    if (pthread_key_create(&imb.thread_mgr_end, free_thread_mgr) == 0)
        imb.mgr = make_mgr(&imb.arch);
}

static bool
imb_usable(enum dco_cipher cipher)
{
    const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX;

    (void)cipher;
    pthread_once(&imb.once, probe);
    return imb.mgr != NULL && (imb.mgr->features & needed) == needed;
}

/* Measured against OpenSSL 3.0 with 64 and 1400 bytes: OpenSSL's AES-GCM is slower on every
 * processor that is usable here, and its ChaCha20-Poly1305 is faster below AVX2. */
static bool
imb_preferred(enum dco_cipher cipher)
{
    pthread_once(&imb.once, probe);
    return cipher == DCO_CIPHER_AES_GCM || imb.arch >= IMB_ARCH_AVX2;
}

/* One store, because the library reads the nonce in one load. After two stores that load would wait
 * until both, and all stores before them, have reached the cache. */
static inline void
fill_nonce(uint8_t nonce[16], const uint8_t *pkt, const uint8_t *tail)
{
    _mm_store_si128((__m128i *)nonce, nonce_vector(pkt, tail));
}

static void
gcm_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    const struct gcm *gcm = (const struct gcm *)aead;
    const struct gcm_key_data *key = &gcm->keys->tx;
    UNINITIALIZED struct gcm_context_data ctx; /* the library sets it for each packet */
    uint8_t nonce[16] __attribute__((aligned(16))), aad[16] __attribute__((aligned(16)));
    unsigned i;

    (void)thread;
    for (i = 0; i < n; i++) {
        uint8_t *pkt = ops[i].pkt;

        fill_nonce(nonce, pkt, aead->tx_tail);
        _mm_store_si128((__m128i *)aad, _mm_loadl_epi64((const __m128i *)pkt));
        gcm->enc(key, &ctx, pkt + DCO_OVERHEAD, ops[i].in, ops[i].len, nonce, aad, DCO_AAD_LEN,
                 pkt + DCO_HDR_LEN, DCO_TAG_LEN);
        ops[i].ok = true;
    }
}

static void
gcm_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    const struct gcm *gcm = (const struct gcm *)aead;
    const struct gcm_key_data *key = &gcm->keys->rx;
    UNINITIALIZED struct gcm_context_data ctx; /* the library sets it for each packet */
    uint8_t nonce[2][16] __attribute__((aligned(16))), tag[DCO_TAG_LEN];
    unsigned i;

    (void)thread;
    if (n > 0)
        fill_nonce(nonce[0], ops[0].pkt, aead->rx_tail);
    for (i = 0; i < n; i++) {
        uint8_t *pkt = ops[i].pkt, *text = pkt + DCO_OVERHEAD;

        if (i + 1 < n) /* long before the library reads it */
            fill_nonce(nonce[~i & 1], ops[i + 1].pkt, aead->rx_tail);
        gcm->dec(key, &ctx, text, text, ops[i].len, nonce[i & 1], pkt, DCO_AAD_LEN, tag,
                 DCO_TAG_LEN);
        ops[i].ok = aead_tags_equal(tag, pkt + DCO_HDR_LEN);
    }
}

static void
gcm_expand(struct gcm *gcm, struct gcm_keys *keys, const uint8_t *tx_key, const uint8_t *rx_key,
           size_t key_len)
{
    aes_gcm_pre_t expand;

    switch (key_len) {
    case 16:
        expand = imb.mgr->gcm128_pre;
        gcm->enc = imb.mgr->gcm128_enc;
        gcm->dec = imb.mgr->gcm128_dec;
        break;
    case 24:
        expand = imb.mgr->gcm192_pre;
        gcm->enc = imb.mgr->gcm192_enc;
        gcm->dec = imb.mgr->gcm192_dec;
        break;
    default:
        expand = imb.mgr->gcm256_pre;
        gcm->enc = imb.mgr->gcm256_enc;
        gcm->dec = imb.mgr->gcm256_dec;
        break;
    }
    expand(tx_key, &keys->tx);
    expand(rx_key, &keys->rx);
    gcm->keys = keys;
}

static struct aead *
gcm_new(const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len)
{
    struct gcm_keys *keys = secret_alloc(sizeof(*keys));
    struct gcm *gcm = calloc(1, sizeof(*gcm));

    if (keys == NULL || gcm == NULL) {
        secret_free(keys);
        free(gcm);
        return NULL;
    }
    gcm_expand(gcm, keys, tx_key, rx_key, key_len);
    return &gcm->base;
}

/* NULL without memory for one; the direct calls of the shared manager then do the work. */
static IMB_MGR *
get_thread_mgr(void)
{
    IMB_ARCH unused;
    IMB_MGR *mgr;

    if (thread_mgr != NULL)
        return thread_mgr;
    mgr = make_mgr(&unused);
    if (mgr != NULL && pthread_setspecific(imb.thread_mgr_end, mgr) != 0) {
        free_mb_mgr(mgr);
        mgr = NULL;
    }
    thread_mgr = mgr;
    return mgr;
}

static bool
chacha_job(IMB_MGR *mgr, IMB_CIPHER_DIRECTION direction, const uint8_t *key, const uint8_t *nonce,
           const struct aead_op *op, const uint8_t *src, uint8_t *tag)
{
    IMB_JOB *job = IMB_GET_NEXT_JOB(mgr);

    job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job->cipher_direction = direction;
    job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->enc_keys = key;
    job->dec_keys = key;
    job->key_len_in_bytes = 32;
    job->u.CHACHA20_POLY1305.aad = op->pkt;
    job->u.CHACHA20_POLY1305.aad_len_in_bytes = DCO_AAD_LEN;
    job->src = src;
    job->dst = op->pkt + DCO_OVERHEAD;
    job->iv = nonce;
    job->iv_len_in_bytes = DCO_NONCE_LEN;
    job->msg_len_to_cipher_in_bytes = op->len;
    job->cipher_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = op->len;
    job->hash_start_src_offset_in_bytes = 0;
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = DCO_TAG_LEN;
    job = IMB_SUBMIT_JOB(mgr);
    return job != NULL && job->status == IMB_STATUS_COMPLETED;
}

static bool
chacha_direct(IMB_CIPHER_DIRECTION direction, const uint8_t *key, const uint8_t *nonce,
              const struct aead_op *op, const uint8_t *src, uint8_t *tag)
{
    struct chacha20_poly1305_context_data ctx;
    uint8_t *text = op->pkt + DCO_OVERHEAD;

    IMB_CHACHA20_POLY1305_INIT(imb.mgr, key, &ctx, nonce, op->pkt, DCO_AAD_LEN);
    if (direction == IMB_DIR_ENCRYPT)
        IMB_CHACHA20_POLY1305_ENC_UPDATE(imb.mgr, key, &ctx, text, src, op->len);
    else
        IMB_CHACHA20_POLY1305_DEC_UPDATE(imb.mgr, key, &ctx, text, src, op->len);
    IMB_CHACHA20_POLY1305_ENC_FINALIZE(imb.mgr, &ctx, tag, DCO_TAG_LEN);
    dco_wipe(&ctx, sizeof(ctx));
    return true;
}

static bool
chacha_one(IMB_MGR *mgr, IMB_CIPHER_DIRECTION direction, const uint8_t *key, const uint8_t *nonce,
           const struct aead_op *op, const uint8_t *src, uint8_t *tag)
{
    if (mgr != NULL)
        return chacha_job(mgr, direction, key, nonce, op, src, tag);
    return chacha_direct(direction, key, nonce, op, src, tag);
}

static void
chacha_seal(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    const struct chacha *chacha = (const struct chacha *)aead;
    IMB_MGR *mgr = get_thread_mgr();
    uint8_t nonce[16];
    unsigned i;

    (void)thread;
    for (i = 0; i < n; i++) {
        dco_wire_nonce(nonce, ops[i].pkt, aead->tx_tail);
        ops[i].ok = chacha_one(mgr, IMB_DIR_ENCRYPT, chacha->keys->tx, nonce, &ops[i], ops[i].in,
                               ops[i].pkt + DCO_HDR_LEN);
    }
}

static void
chacha_open(struct aead *aead, unsigned thread, struct aead_op *ops, unsigned n)
{
    const struct chacha *chacha = (const struct chacha *)aead;
    IMB_MGR *mgr = get_thread_mgr();
    uint8_t nonce[16], tag[DCO_TAG_LEN];
    unsigned i;

    (void)thread;
    for (i = 0; i < n; i++) {
        uint8_t *pkt = ops[i].pkt;

        dco_wire_nonce(nonce, pkt, aead->rx_tail);
        ops[i].ok = chacha_one(mgr, IMB_DIR_DECRYPT, chacha->keys->rx, nonce, &ops[i],
                               pkt + DCO_OVERHEAD, tag) &&
                    aead_tags_equal(tag, pkt + DCO_HDR_LEN);
    }
}

static struct aead *
chacha_new(const uint8_t *tx_key, const uint8_t *rx_key)
{
    struct chacha_keys *keys = secret_alloc(sizeof(*keys));
    struct chacha *chacha = calloc(1, sizeof(*chacha));

    if (keys == NULL || chacha == NULL) {
        secret_free(keys);
        free(chacha);
        return NULL;
    }
    memcpy(keys->tx, tx_key, sizeof(keys->tx));
    memcpy(keys->rx, rx_key, sizeof(keys->rx));
    chacha->keys = keys;
    return &chacha->base;
}

static struct aead *
imb_new(enum dco_cipher cipher, const uint8_t *tx_key, const uint8_t *rx_key, size_t key_len,
        unsigned threads)
{
    struct aead *aead;

    (void)threads;
    if (cipher == DCO_CIPHER_AES_GCM)
        aead = gcm_new(tx_key, rx_key, key_len);
    else
        aead = chacha_new(tx_key, rx_key);
    if (aead == NULL)
        errno = ENOMEM;
    return aead;
}

static void
imb_free(struct aead *aead)
{
    if (aead->mode == AEAD_GCM)
        secret_free((void *)((struct gcm *)aead)->keys);
    else
        secret_free((void *)((struct chacha *)aead)->keys);
    free(aead);
}

const struct aead_backend aead_imb = {
    .name = "ipsec-mb",
    .usable = imb_usable,
    .preferred = imb_preferred,
    .new = imb_new,
    .free = imb_free,
    .seal = {gcm_seal, chacha_seal},
    .open = {gcm_open, chacha_open},
};
