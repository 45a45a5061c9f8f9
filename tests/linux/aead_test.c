/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layout fixes nonce and additional data, so published vectors do not fit aead.h. They verify a
 * plain reference, and the reference is compared with every implementation.
 */
#include "linux/crypto/aead.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "linux/crypto/secret.h"

#define TEXT_MAX 9000U
#define ROOM     (DCO_OVERHEAD + TEXT_MAX + 64)

static const struct suite {
    const char *name; /* OpenSSL's */
    enum dco_cipher cipher;
    size_t key_len;
} suite[] = {
    {"AES-128-GCM", DCO_CIPHER_AES_GCM, 16},
    {"AES-192-GCM", DCO_CIPHER_AES_GCM, 24},
    {"AES-256-GCM", DCO_CIPHER_AES_GCM, 32},
    {"ChaCha20-Poly1305", DCO_CIPHER_CHACHA20_POLY1305, 32},
};
#define SUITES (sizeof(suite) / sizeof(suite[0]))

static const char *const backend[] = {"openssl", "ipsec-mb", "vaes"};
#define BACKENDS (sizeof(backend) / sizeof(backend[0]))

/* The reference */

static void
reference_seal(const char *cipher, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad,
               int aad_len, const uint8_t *in, int len, uint8_t *text, uint8_t *tag)
{
    EVP_CIPHER *evp = EVP_CIPHER_fetch(NULL, cipher, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    CHECK(EVP_EncryptInit_ex2(ctx, evp, key, nonce, NULL) == 1);
    CHECK(EVP_EncryptUpdate(ctx, NULL, &n, aad, aad_len) == 1);
    if (len > 0)
        CHECK(EVP_EncryptUpdate(ctx, text, &n, in, len) == 1);
    CHECK(EVP_EncryptFinal_ex(ctx, text + len, &n) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, DCO_TAG_LEN, tag) == 1);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(evp);
}

static size_t
unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;

    for (; hex[0] && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[n++] = (uint8_t)byte;
    return n;
}

#define GCM_KEY   "feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_AAD   "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_TEXT                                                                                   \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"

/* Test cases 4, 10 and 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), as submitted
 * to NIST; RFC 8439, 2.8.2. */
static const struct vector {
    const char *cipher, *key, *nonce, *aad, *in, *text, *tag;
} vector[] = {
    {"AES-128-GCM", GCM_KEY, GCM_NONCE, GCM_AAD, GCM_TEXT,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"AES-192-GCM", GCM_KEY "feffe9928665731c", GCM_NONCE, GCM_AAD, GCM_TEXT,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
     "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {"AES-256-GCM", GCM_KEY GCM_KEY, GCM_NONCE, GCM_AAD, GCM_TEXT,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"ChaCha20-Poly1305", "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
};

TEST("the reference computes the published vectors")
{
    uint8_t key[32], nonce[12], aad[32], in[128], want[128], want_tag[16], text[128], tag[16];

    for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
        int aad_len = (int)unhex(vector[i].aad, aad), len = (int)unhex(vector[i].in, in);

        unhex(vector[i].key, key);
        unhex(vector[i].nonce, nonce);
        CHECK_EQ(unhex(vector[i].text, want), len);
        unhex(vector[i].tag, want_tag);
        reference_seal(vector[i].cipher, key, nonce, aad, aad_len, in, len, text, tag);
        CHECK_THAT(memcmp(text, want, (size_t)len) == 0 && memcmp(tag, want_tag, 16) == 0, "%s",
                   vector[i].cipher);
    }
}

/* Ours */

struct both {
    uint8_t key[2][32], tail[2][8];
};

static struct aead *
make(const struct suite *s, const struct both *k, unsigned from, const char *name, unsigned threads)
{
    struct aead *aead;

    setenv("OPENDCO_AEAD", name, 1);
    aead = aead_new(s->cipher, k->key[from], k->key[1 - from], s->key_len, k->tail[from],
                    k->tail[1 - from], threads);
    unsetenv("OPENDCO_AEAD");
    if (aead)
        CHECK_STR(aead_backend(aead), name);
    return aead;
}

static bool
offers(const char *name, const struct suite *s)
{
    static const struct both k;
    struct aead *aead = make(s, &k, 0, name, 1);

    aead_free(aead);
    return aead != NULL;
}

static bool
has(const char *name)
{
    return offers(name, &suite[0]);
}

/* Sealed by one, it is what the reference says; opened by the other end, it is what went in. The
 * last byte of each buffer lies at the end of its allocation. */
static void
one_packet(struct aead *tx, struct aead *rx, const struct suite *s, const struct both *k,
           const uint8_t *plain, uint32_t len, uint32_t id, bool in_place)
{
    uint8_t *pkt = malloc(DCO_OVERHEAD + len), nonce[12], tag[16];
    static uint8_t want[TEXT_MAX];
    struct aead_op op = {.pkt = pkt, .in = plain, .len = len};

    if (!pkt)
        abort();
    dco_wire_write_hdr(pkt, id & 7, id * 7, id);
    if (in_place) {
        memcpy(pkt + DCO_OVERHEAD, plain, len);
        op.in = pkt + DCO_OVERHEAD;
    }
    aead_seal(tx, 0, &op, 1);
    CHECK(op.ok);
    dco_wire_nonce(nonce, pkt, k->tail[0]);
    reference_seal(s->name, k->key[0], nonce, pkt, 8, plain, (int)len, want, tag);
    CHECK_THAT(memcmp(pkt + DCO_OVERHEAD, want, len) == 0 &&
                   memcmp(pkt + DCO_HDR_LEN, tag, DCO_TAG_LEN) == 0,
               "%s by %s, %u bytes", s->name, aead_backend(tx), len);
    aead_open(rx, 0, &op, 1);
    CHECK_THAT(op.ok && memcmp(pkt + DCO_OVERHEAD, plain, len) == 0, "%s opened by %s, %u bytes",
               s->name, aead_backend(rx), len);
    free(pkt);
}

static void
against_reference(const char *name)
{
    static uint8_t plain[TEXT_MAX];
    struct rng rng = test_rng();
    struct both k;

    if (!has(name))
        test_skip("this machine has nothing of that name");
    rng_bytes(&rng, &k, sizeof(k));
    rng_bytes(&rng, plain, sizeof(plain));
    for (size_t i = 0; i < SUITES; i++) {
        struct aead *tx = make(&suite[i], &k, 0, name, 1);
        struct aead *rx = make(&suite[i], &k, 1, name, 1);

        if (!tx && suite[i].cipher != DCO_CIPHER_AES_GCM && strcmp(name, "vaes") == 0)
            continue;
        CHECK(tx && rx);
        for (uint32_t len = 0; len < 2000; len++)
            one_packet(tx, rx, &suite[i], &k, plain + len % 64, len, len + 1, len % 2 == 0);
        for (unsigned n = 0; n < 200; n++)
            one_packet(tx, rx, &suite[i], &k, plain, 2000 + rng_below(&rng, TEXT_MAX - 2000),
                       (uint32_t)rng_next(&rng), n % 2 == 0);
        aead_free(tx);
        aead_free(rx);
    }
}

TEST("openssl agrees with the reference at every length")
{
    against_reference("openssl");
}

TEST("ipsec-mb agrees with the reference at every length")
{
    against_reference("ipsec-mb");
}

TEST("vaes agrees with the reference at every length")
{
    against_reference("vaes");
}

/* Any single wrong bit in header, tag or text, and a text cut short: refused, and the packets
 * before and after it in the burst are not. */
TEST("forged packets are refused")
{
    struct rng rng = test_rng();
    uint8_t pkt[3][256], plain[200];
    struct aead_op op[3];
    struct both k;

    rng_bytes(&rng, &k, sizeof(k));
    rng_bytes(&rng, plain, sizeof(plain));
    for (size_t i = 0; i < SUITES * BACKENDS; i++) {
        const struct suite *s = &suite[i / BACKENDS];
        struct aead *tx, *rx;

        if (!offers(backend[i % BACKENDS], s))
            continue;
        tx = make(s, &k, 0, backend[i % BACKENDS], 1);
        rx = make(s, &k, 1, backend[i % BACKENDS], 1);
        for (uint32_t bit = 0; bit <= (DCO_OVERHEAD + 80) * 8; bit++) {
            for (uint32_t n = 0; n < 3; n++) {
                dco_wire_write_hdr(pkt[n], 1, 2, 3 + n);
                op[n] = (struct aead_op){pkt[n], plain, 80, false};
            }
            aead_seal(tx, 0, op, 3);
            if (bit == (DCO_OVERHEAD + 80) * 8)
                op[1].len--;
            else
                pkt[1][bit / 8] ^= (uint8_t)(1U << bit % 8);
            aead_open(rx, 0, op, 3);
            CHECK_THAT(op[0].ok && !op[1].ok && op[2].ok, "%s by %s, bit %u: %d %d %d", s->name,
                       backend[i % BACKENDS], bit, op[0].ok, op[1].ok, op[2].ok);
            CHECK_MEM(pkt[2] + DCO_OVERHEAD, plain, 80);
        }
        aead_free(tx);
        aead_free(rx);
    }
}

/* The key of the other direction must not open what this one sealed. */
TEST("the two directions use different keys")
{
    struct rng rng = test_rng();
    uint8_t pkt[256], plain[100];
    struct aead_op op = {pkt, plain, 100, false};
    struct both k;

    rng_bytes(&rng, &k, sizeof(k));
    rng_bytes(&rng, plain, sizeof(plain));
    for (size_t i = 0; i < SUITES * BACKENDS; i++) {
        struct aead *aead = make(&suite[i / BACKENDS], &k, 0, backend[i % BACKENDS], 1);

        if (!aead)
            continue;
        dco_wire_write_hdr(pkt, 0, 0, 1);
        aead_seal(aead, 0, &op, 1);
        CHECK(op.ok);
        aead_open(aead, 0, &op, 1);
        CHECK(!op.ok);
        aead_free(aead);
    }
}

TEST("bad arguments are refused")
{
    static const uint8_t key[64], tail[8];

    for (int cipher = -1; cipher < 5; cipher++) {
        for (size_t len = 0; len <= 64; len++) {
            bool suits = (cipher == DCO_CIPHER_AES_GCM && (len == 16 || len == 24 || len == 32)) ||
                         (cipher == DCO_CIPHER_CHACHA20_POLY1305 && len == 32);
            struct aead *aead;

            errno = 0;
            aead = aead_new((enum dco_cipher)cipher, key, key, len, tail, tail, 1);
            CHECK((aead != NULL) == suits);
            CHECK(suits || errno == EINVAL);
            aead_free(aead);
        }
    }
    errno = 0;
    CHECK(!aead_new(DCO_CIPHER_AES_GCM, key, key, 32, tail, tail, 0));
    CHECK_EQ(errno, EINVAL);
    errno = 0;
    CHECK(!make(&suite[0], &(struct both){0}, 0, "no-such-library", 1));
    CHECK_EQ(errno, EINVAL);
    CHECK(!make(&suite[0], &(struct both){0}, 0, "null", 1)); /* benchmarks only */
    aead_free(NULL);
}

static const char *
fastest(void)
{
#if defined(__x86_64__)
    if (has("vaes") && !__builtin_cpu_supports("avx512vl"))
        return "vaes";
#endif
    return has("ipsec-mb") ? "ipsec-mb" : "openssl";
}

TEST("AES-GCM goes to the fastest library")
{
    static const uint8_t key[32], tail[8];
    struct aead *aead = aead_new(DCO_CIPHER_AES_GCM, key, key, 32, tail, tail, 1);

    CHECK(aead != NULL);
    printf("# AES-GCM by %s\n", aead_backend(aead));
    CHECK_STR(aead_backend(aead), fastest());
    aead_free(aead);
}

/* Secrets */

TEST("secret memory has pieces of every size")
{
    static uint8_t *piece[400];
    static size_t size[400];
    struct rng rng = test_rng();
    struct secret_stats stats;

    for (unsigned i = 0; i < 20000; i++) {
        unsigned at = rng_below(&rng, 400);

        if (piece[at]) {
            for (size_t n = 0; n < size[at]; n += 13)
                CHECK_EQ(piece[at][n], (uint8_t)at);
            secret_free(piece[at]);
            piece[at] = NULL;
            continue;
        }
        size[at] = 1 + rng_below(&rng, SECRET_MAX);
        piece[at] = secret_alloc(size[at]);
        CHECK(piece[at] != NULL);
        CHECK_EQ((uintptr_t)piece[at] % 64, 0);
        for (size_t n = 0; n < size[at]; n++)
            CHECK_EQ(piece[at][n], 0);
        memset(piece[at], (int)at, size[at]);
    }
    for (unsigned i = 0; i < 400; i++)
        secret_free(piece[i]);
    secret_stats(&stats);
    CHECK_EQ(stats.used, 0);
    CHECK_EQ(stats.mapped, 0);
    CHECK(!secret_alloc(SECRET_MAX + 1));
}

/* Freed memory holds zeros: seen through a neighbour that keeps the page alive. */
TEST("secret memory is wiped when it is freed")
{
    uint8_t *keeps = secret_alloc(64), *gone = secret_alloc(64);

    memset(gone, 0xaa, 64);
    secret_free(gone);
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(gone[i], 0);
    secret_free(keeps);
}

TEST("children have no secret memory")
{
    uint8_t *secret = secret_alloc(64);
    int status = -1;
    pid_t child;

    memset(secret, 0xaa, 64);
    fflush(stdout);
    child = fork();
    if (child == 0)
        _exit(secret[0] == 0 && secret[63] == 0 ? 0 : 1);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(secret[0], 0xaa);
    secret_free(secret);
}

/* Where the kernel refuses to lock memory it serves all the same, and is counted. */
TEST("secret memory that may not be locked is usable and reported")
{
    const struct rlimit none = {0, 0};
    struct secret_stats stats;
    int status = -1;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        void *secret = NULL;

        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (getuid() == 0 && setuid(65534) != 0))
            _exit(1);
        if (mlock(&stats, sizeof(stats)) == 0)
            _exit(77);
        secret = secret_alloc(100);
        secret_stats(&stats);
        _exit(secret && stats.used >= 100 && stats.unlocked == stats.mapped ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        test_skip("memory can be locked without limit here (the address sanitizer pretends so)");
    else
        CHECK_EQ(status, 0);
}

/* What a peer with both slots filled costs. */
TEST("the secret memory per peer is bounded")
{
    struct secret_stats stats;
    struct aead *key[200];
    struct both k = {0};

    for (size_t i = 0; i < 200; i++) {
        k.key[0][0] = (uint8_t)i;
        key[i] = make(&suite[2], &k, 0, fastest(), 1);
    }
    secret_stats(&stats);
    printf("# secret memory of 100 peers with two AES-256-GCM keys each: %zu\n", stats.mapped);
    CHECK(stats.mapped <= 100 * 8192);
    for (size_t i = 0; i < 200; i++)
        aead_free(key[i]);
    secret_stats(&stats);
    CHECK_EQ(stats.used, 0);
}

/* What a burst leaves behind: looked for on the stack of a thread that has done one. */

#define BURST_STACK (256U << 10)
#define BURST_TEXT  1000U

struct burst {
    struct aead *tx, *rx;
    struct aead_op op;
    uint8_t pkt[DCO_OVERHEAD + BURST_TEXT], sealed[BURST_TEXT], plain[BURST_TEXT];
    bool forget;
};

static void *
burst_main(void *arg)
{
    struct burst *b = arg;

    b->op = (struct aead_op){.pkt = b->pkt, .in = b->plain, .len = BURST_TEXT};
    dco_wire_write_hdr(b->pkt, 1, 2, 0x01020304);
    aead_seal(b->tx, 0, &b->op, 1);
    memcpy(b->sealed, b->pkt + DCO_OVERHEAD, BURST_TEXT);
    aead_open(b->rx, 0, &b->op, 1);
    if (b->forget)
        aead_forget();
    return NULL;
}

/* How many blocks of key stream and of text, and how many nonce tails, are on that stack. */
static unsigned
traces(const uint8_t *stack, const struct burst *b, const struct both *k)
{
    unsigned found = 0;

    for (unsigned at = 0; at + 16 <= BURST_TEXT; at += 16) {
        uint8_t key_stream[16];

        for (unsigned i = 0; i < 16; i++)
            key_stream[i] = b->sealed[at + i] ^ b->plain[at + i];
        found += memmem(stack, BURST_STACK, key_stream, 16) != NULL;
        found += memmem(stack, BURST_STACK, b->plain + at, 16) != NULL;
    }
    for (unsigned i = 0; i < 2; i++)
        found += memmem(stack, BURST_STACK, k->tail[i], sizeof(k->tail[i])) != NULL;
    return found;
}

static unsigned
burst_leaves(struct burst *b, const struct both *k, bool forget)
{
    uint8_t *stack =
        mmap(NULL, BURST_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attr;
    pthread_t thread;
    unsigned found;

    b->forget = forget;
    pthread_attr_init(&attr);
    CHECK(stack != MAP_FAILED && pthread_attr_setstack(&attr, stack, BURST_STACK) == 0);
    CHECK(pthread_create(&thread, &attr, burst_main, b) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    CHECK(b->op.ok && memcmp(b->pkt + DCO_OVERHEAD, b->plain, BURST_TEXT) == 0);
    found = traces(stack, b, k);
    munmap(stack, BURST_STACK);
    return found;
}

TEST("a burst leaves no plain text behind")
{
    struct rng rng = test_rng();
    struct burst *b = calloc(1, sizeof(*b));
    struct both k;

    rng_bytes(&rng, &k, sizeof(k));
    rng_bytes(&rng, b->plain, sizeof(b->plain));
    for (size_t i = 0; i < SUITES * BACKENDS; i++) {
        const struct suite *s = &suite[i % SUITES];
        const char *name = backend[i / SUITES];

        if (!offers(name, s))
            continue;
        b->tx = make(s, &k, 0, name, 1);
        b->rx = make(s, &k, 1, name, 1);
        printf("# %s by %s leaves %u traces\n", s->name, name, burst_leaves(b, &k, false));
        CHECK_EQ(burst_leaves(b, &k, true), 0);
        aead_free(b->tx);
        aead_free(b->rx);
    }
    free(b);
}
