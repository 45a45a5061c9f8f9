/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenCrypto, with OpenSSL for a driver. What the framework asserts under INVARIANTS of a session
 * and of a request is asserted here as well: a panic there must not be a pass here.
 */
#include <unistd.h>

#include <openssl/evp.h>

#include "world.h"
#undef malloc
#undef free

bool kern_may_sleep(void);
int kern_chain_length(const struct mbuf *m);
void *kern_stack_enter(void);
void kern_stack_leave(void *before);
void kern_stack_check(void);

struct kern_session {
    struct kern_session *dead; /* dead_lock; next one */
    bool alive;                /* atomic */
    uint32_t hid;
    struct crypto_session_params csp;
    const EVP_CIPHER *cipher;
};

enum world_crypto world_crypto;
bool world_crypto_async, world_crypto_next_async;
bool world_crypto_hung; /* atomic */
bool world_crypto_null;
int world_newsession_error;
unsigned world_async_dispatches;
unsigned world_sync_requests;
unsigned world_crypto_pieces; /* atomic */
static unsigned sessions;     /* atomic */
static pthread_mutex_t dead_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kern_session *dead; /* dead_lock; kept, so that every later use is seen */

/* Drivers are numbered; one leaves for good, and the next one takes its place. */
static struct kern_driver {
    char unused;
} drivers[64];
static unsigned driver; /* atomic; the one that has not left */
static pthread_mutex_t late_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cryptop *late; /* late_lock; newest first */
static unsigned waiting;     /* atomic; length of late */

unsigned
world_sessions(void)
{
    return __atomic_load_n(&sessions, __ATOMIC_RELAXED);
}

static const EVP_CIPHER *
cipher_of(const struct crypto_session_params *csp)
{
    if (csp->csp_cipher_alg == CRYPTO_CHACHA20_POLY1305)
        return csp->csp_cipher_klen == 32 ? EVP_chacha20_poly1305() : NULL;
    switch (csp->csp_cipher_klen) {
    case 16:
        return EVP_aes_128_gcm();
    case 24:
        return EVP_aes_192_gcm();
    case 32:
        return EVP_aes_256_gcm();
    default:
        return NULL;
    }
}

/* What the framework refuses, and what a driver then refuses: a key length. */
static bool
params_ok(const struct crypto_session_params *csp)
{
    return csp->csp_mode == CSP_MODE_AEAD && csp->csp_flags == CSP_F_SEPARATE_AAD &&
           (csp->csp_cipher_alg == CRYPTO_AES_NIST_GCM_16 ||
            csp->csp_cipher_alg == CRYPTO_CHACHA20_POLY1305) &&
           csp->csp_cipher_klen != 0 && csp->csp_ivlen == 12 && csp->csp_auth_alg == 0 &&
           csp->csp_auth_klen == 0 && csp->csp_auth_mlen >= 0 && csp->csp_auth_mlen <= 16 &&
           cipher_of(csp) != NULL;
}

static bool
alive(const struct kern_session *s)
{
    return __atomic_load_n(&s->alive, __ATOMIC_RELAXED);
}

uint32_t
crypto_ses2hid(crypto_session_t session)
{
    kern_assert(alive(session));
    return session->hid;
}

/* A driver that may be late does not say that it is synchronous. */
bool
kern_session_is_sync(crypto_session_t session)
{
    kern_assert(alive(session));
    return !world_crypto_async && world_crypto != CRYPTO_LATE;
}

device_t
crypto_find_device_byhid(int hid)
{
    return hid == (int)__atomic_load_n(&driver, __ATOMIC_RELAXED) ? &drivers[hid] : NULL;
}

static int
session_new(crypto_session_t *session, const struct crypto_session_params *csp)
{
    struct kern_session *s;

    if (world_newsession_error != 0)
        return world_newsession_error;
    if (!params_ok(csp))
        return EINVAL;
    s = calloc(1, sizeof(*s));
    s->alive = true;
    s->hid = __atomic_load_n(&driver, __ATOMIC_RELAXED);
    s->csp = *csp;
    s->cipher = cipher_of(csp);
    __atomic_add_fetch(&sessions, 1, __ATOMIC_RELAXED);
    *session = s;
    return 0;
}

int
crypto_newsession(crypto_session_t *session, const struct crypto_session_params *csp, int crid)
{
    kern_assert(kern_may_sleep());
    kern_assert(crid == (CRYPTOCAP_F_HARDWARE | CRYPTOCAP_F_SOFTWARE));
    return session_new(session, csp);
}

void
crypto_freesession(crypto_session_t session)
{
    if (session == NULL)
        return;
    kern_assert(__atomic_exchange_n(&session->alive, false, __ATOMIC_RELAXED));
    __atomic_sub_fetch(&sessions, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&dead_lock);
    session->dead = dead;
    dead = session;
    pthread_mutex_unlock(&dead_lock);
}

void
crypto_initreq(struct cryptop *crp, crypto_session_t session)
{
    memset(crp, 0, sizeof(*crp));
    crp->crp_session = session;
}

void
crypto_destroyreq(struct cryptop *crp)
{
    kern_assert(crp->next == NULL);
}

void
crypto_use_mbuf(struct cryptop *crp, struct mbuf *m)
{
    crp->mbuf = m;
}

static void
check_aad(const struct cryptop *crp, int len)
{
    if (crp->crp_aad != NULL) {
        kern_assert(crp->crp_session->csp.csp_flags & CSP_F_SEPARATE_AAD);
        kern_assert(crp->crp_aad_start == 0 && crp->crp_aad_length != 0);
        return;
    }
    kern_assert(crp->crp_aad_start == 0 || crp->crp_aad_start < len);
    kern_assert(crp->crp_aad_length != 0 || crp->crp_aad_start == 0);
    kern_assert(crp->crp_aad_length == 0 || crp->crp_aad_start + crp->crp_aad_length <= len);
}

/* A payload must begin before the end of the buffer, even one of no bytes. */
static void
check_regions(const struct cryptop *crp, int len)
{
    kern_assert(crp->crp_payload_start >= 0 && crp->crp_payload_length >= 0);
    kern_assert(crp->crp_payload_start == 0 || crp->crp_payload_start < len);
    kern_assert(crp->crp_payload_start + crp->crp_payload_length <= len);
    kern_assert(crp->crp_payload_output_start == 0);
    kern_assert(crp->crp_digest_start >= 0);
    kern_assert(crp->crp_digest_start == 0 || crp->crp_digest_start < len);
    kern_assert(crp->crp_digest_start + crp->crp_session->csp.csp_auth_mlen <= len);
}

static void
count_pieces(const struct cryptop *crp)
{
    int at = crp->crp_payload_start, end = at + crp->crp_payload_length, from = 0;
    unsigned n = 0;

    for (const struct mbuf *m = crp->mbuf; m != NULL; from += m->m_len, m = m->m_next)
        n += from < end && from + m->m_len > at;
    __atomic_store_n(&world_crypto_pieces, n, __ATOMIC_RELAXED);
}

/* The framework's assertions about a request, then what the drivers take for granted: the tag lies
 * whole inside the buffer, and the bytes are the caller's alone to change. */
static void
check_request(const struct cryptop *crp)
{
    const struct crypto_session_params *csp;
    int len;

    kern_stack_check();
    kern_assert(crp->crp_session != NULL && alive(crp->crp_session));
    kern_assert(crp->crp_etype == 0 && crp->crp_callback != NULL);
    csp = &crp->crp_session->csp;
    kern_assert(crp->mbuf != NULL && (crp->mbuf->m_flags & M_PKTHDR));
    len = crp->mbuf->m_pkthdr.len;
    kern_assert(crp->crp_op == (CRYPTO_OP_ENCRYPT | CRYPTO_OP_COMPUTE_DIGEST) ||
                crp->crp_op == (CRYPTO_OP_DECRYPT | CRYPTO_OP_VERIFY_DIGEST));
    kern_assert(crp->crp_flags == (CRYPTO_F_IV_SEPARATE | CRYPTO_F_CBIFSYNC) ||
                crp->crp_flags == (CRYPTO_F_IV_SEPARATE | CRYPTO_F_CBIMM));
    kern_assert(crp->crp_iv_start == 0);
    check_aad(crp, len);
    check_regions(crp, len);
    kern_assert(csp->csp_cipher_klen == 0 || csp->csp_cipher_key != NULL);
    kern_assert(crp->crp_digest_start + 16 <= len);
    kern_assert(kern_chain_length(crp->mbuf) == len);
    count_pieces(crp);
}

/* Returns whether the tag is right; seals write it. */
static bool
transform(const struct kern_session *s, const struct cryptop *crp, uint8_t *data, uint8_t *tag)
{
    bool seal = CRYPTO_OP_IS_ENCRYPT(crp->crp_op) != 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n, len = crp->crp_payload_length;
    bool ok;

    EVP_CipherInit_ex(ctx, s->cipher, NULL, s->csp.csp_cipher_key, crp->crp_iv, seal);
    EVP_CipherUpdate(ctx, NULL, &n, crp->crp_aad, crp->crp_aad_length);
    if (len > 0)
        EVP_CipherUpdate(ctx, data, &n, data, len);
    if (!seal)
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag);
    ok = EVP_CipherFinal_ex(ctx, data + len, &n) == 1;
    if (seal)
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static int
process(const struct cryptop *crp)
{
    int len = crp->crp_payload_length;
    uint8_t *data, tag[16];
    int error = 0;

    kern_assert(crp->crp_payload_start + len == crp->mbuf->m_pkthdr.len);
    if (world_crypto == CRYPTO_BROKEN)
        return EIO;
    if (world_crypto_null)
        return 0;
    data = malloc((size_t)len + 16);
    m_copydata(crp->mbuf, crp->crp_payload_start, len, (char *)data);
    m_copydata(crp->mbuf, crp->crp_digest_start, sizeof(tag), (char *)tag);
    if (!transform(crp->crp_session, crp, data, tag)) {
        error = EBADMSG;
    } else {
        m_copyback(crp->mbuf, crp->crp_payload_start, len, (const char *)data);
        if (CRYPTO_OP_IS_ENCRYPT(crp->crp_op))
            m_copyback(crp->mbuf, crp->crp_digest_start, sizeof(tag), (const char *)tag);
    }
    free(data);
    return error;
}

/* As the framework does when a driver unregisters: the old session is gone by now, and if there can
 * be no new one, the request still has the old. */
static void
move_session(struct cryptop *crp)
{
    struct crypto_session_params csp = crp->crp_session->csp;
    crypto_session_t next;

    world_crypto = CRYPTO_AT_ONCE;
    world_crypto_async = world_crypto_next_async;
    __atomic_add_fetch(&driver, 1, __ATOMIC_RELAXED);
    kern_assert(driver < nitems(drivers));
    if (alive(crp->crp_session)) /* by another request that was on its way with it */
        crypto_freesession(crp->crp_session);
    if (session_new(&next, &csp) == 0)
        crp->crp_session = next;
    crp->crp_etype = EAGAIN;
}

static void
complete(struct cryptop *crp)
{
    switch (world_crypto) {
    case CRYPTO_MOVED:
        move_session(crp);
        break;
    case CRYPTO_BUSY:
        crp->crp_etype = EAGAIN;
        break;
    default:
        crp->crp_etype = process(crp);
        break;
    }
}

/* To the thread of the framework that calls back. */
static void
put_off(struct cryptop *crp)
{
    crp->vnet = curvnet;
    pthread_mutex_lock(&late_lock);
    crp->next = late;
    late = crp;
    __atomic_add_fetch(&waiting, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&late_lock);
}

/* A request that is to be called back immediately may lie on a stack, so only a driver that says
 * that it is synchronous may have it. The session may be another driver's afterwards. */
int
crypto_dispatch(struct cryptop *crp)
{
    bool immediate = (crp->crp_flags & CRYPTO_F_CBIMM) != 0;

    check_request(crp);
    kern_assert(!immediate || kern_session_is_sync(crp->crp_session));
    if (world_crypto == CRYPTO_LATE) {
        put_off(crp);
        return 0;
    }
    complete(crp);
    crp->completed = true;
    if (immediate)
        __atomic_add_fetch(&world_sync_requests, 1, __ATOMIC_RELAXED);
    if (immediate || !world_crypto_async)
        crp->crp_callback(crp);
    else
        put_off(crp);
    return 0;
}

int
crypto_dispatch_async(struct cryptop *crp, int flags)
{
    kern_assert(flags == CRYPTO_ASYNC_ORDERED);
    __atomic_add_fetch(&world_async_dispatches, 1, __ATOMIC_RELAXED);
    return crypto_dispatch(crp);
}

unsigned
world_crypto_waiting(void)
{
    return __atomic_load_n(&waiting, __ATOMIC_RELAXED);
}

/* Time passes; a driver that has not died uses it. */
void kern_crypto_time(void);
void
kern_crypto_time(void)
{
    if (__atomic_load_n(&world_crypto_hung, __ATOMIC_RELAXED))
        usleep(1000);
    else
        (void)world_crypto_complete(false);
}

static void
reverse(struct cryptop **list)
{
    struct cryptop *from = *list, *to = NULL, *next;

    for (; from != NULL; from = next) {
        next = from->next;
        from->next = to;
        to = from;
    }
    *list = to;
}

/* Threads of the framework inside the module */

void (*world_callback_gap)(void);
static unsigned callbacks; /* atomic; that have not returned */
static unsigned quiescing; /* atomic */
static __thread bool in_callback;

unsigned kern_callbacks(void);
unsigned
kern_callbacks(void)
{
    return __atomic_load_n(&callbacks, __ATOMIC_ACQUIRE);
}

bool
world_quiescing(void)
{
    return __atomic_load_n(&quiescing, __ATOMIC_RELAXED) != 0;
}

/* Such threads go before ours on every CPU. */
int
quiesce_all_cpus(const char *what __unused, int flags)
{
    kern_assert(kern_may_sleep() && flags == PDROP);
    __atomic_add_fetch(&quiescing, 1, __ATOMIC_RELAXED);
    while (kern_callbacks() != 0)
        usleep(1000);
    __atomic_sub_fetch(&quiescing, 1, __ATOMIC_RELAXED);
    return 0;
}

void kern_epoch_left(void);
void
kern_epoch_left(void)
{
    void (*gap)(void) = world_callback_gap;

    if (in_callback && gap != NULL)
        gap();
}

static void
call_back(struct cryptop *crp)
{
    void *before = kern_stack_enter();

    __atomic_add_fetch(&callbacks, 1, __ATOMIC_RELAXED);
    in_callback = true;
    CURVNET_SET(NULL);
    crp->crp_callback(crp);
    CURVNET_RESTORE();
    in_callback = false;
    __atomic_sub_fetch(&callbacks, 1, __ATOMIC_RELEASE);
    kern_stack_leave(before);
}

/* In a thread of the framework, which has no virtual network and is in no epoch. */
unsigned
world_crypto_complete(bool newest_first)
{
    struct cryptop *list, *crp;
    unsigned n = 0;

    pthread_mutex_lock(&late_lock);
    list = late;
    late = NULL;
    __atomic_store_n(&waiting, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&late_lock);
    if (!newest_first)
        reverse(&list);
    while ((crp = list) != NULL) {
        list = crp->next;
        crp->next = NULL;
        if (!crp->completed)
            complete(crp);
        call_back(crp);
        n++;
    }
    return n;
}
