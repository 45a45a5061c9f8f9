/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory, with a count of what is out and a fault on demand. */
#define _GNU_SOURCE
#include "world.h"
#undef malloc
#undef free

bool kern_may_sleep(void);
bool kern_holds_nothing(void);

struct malloc_type M_NVLIST[1] = {{"nvlist"}};

struct header {
    size_t size;
    void *base;
};

static size_t live;      /* atomic */
static unsigned fail_in; /* atomic; 0: off */
static bool failed;      /* atomic */

void
world_fail_allocation(unsigned n)
{
    __atomic_store_n(&failed, false, __ATOMIC_RELAXED);
    __atomic_store_n(&fail_in, n, __ATOMIC_RELAXED);
}

bool
world_failed(void)
{
    return __atomic_load_n(&failed, __ATOMIC_RELAXED);
}

unsigned
world_fault_suspend(void)
{
    return __atomic_exchange_n(&fail_in, 0, __ATOMIC_RELAXED);
}

void
world_fault_resume(unsigned suspended)
{
    if (suspended != 0)
        __atomic_store_n(&fail_in, suspended, __ATOMIC_RELAXED);
}

size_t
world_live_allocations(void)
{
    return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

static bool
fails_now(void)
{
    unsigned n = __atomic_load_n(&fail_in, __ATOMIC_RELAXED);

    if (n == 0)
        return false;
    __atomic_store_n(&fail_in, n - 1, __ATOMIC_RELAXED);
    if (n != 1)
        return false;
    __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
    return true;
}

void *
kern_malloc(size_t size, size_t align, int flags)
{
    size_t room = sizeof(struct header) + align;
    struct header *h;
    char *base, *p;

    kern_assert((flags & (M_NOWAIT | M_WAITOK)) != 0);
    if (flags & M_WAITOK)
        kern_assert(kern_may_sleep());
    else if (fails_now())
        return NULL;
    base = malloc(room + size);
    kern_assert(base != NULL);
    p = (char *)(((uintptr_t)base + room) & ~(uintptr_t)(align - 1));
    h = (struct header *)(void *)p - 1;
    h->size = size;
    h->base = base;
    memset(p, flags & M_ZERO ? 0 : 0xa5, size);
    __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    return p;
}

static uint8_t secret[64];
static size_t secret_len;
static __thread int in_kernel;

void
world_secret(const void *bytes, size_t len)
{
    kern_assert(len <= sizeof(secret));
    if (len != 0)
        memcpy(secret, bytes, len);
    secret_len = len;
}

void
world_in_kernel(int step)
{
    in_kernel += step;
}

void
kern_free(void *p, bool wipe)
{
    struct header *h = p;

    if (p == NULL)
        return;
    h--;
    if (wipe)
        explicit_bzero(p, h->size);
    if (in_kernel > 0 && secret_len != 0)
        kern_assert(memmem(p, h->size, secret, secret_len) == NULL);
    __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    free(h->base);
}

void *
malloc9(size_t size, struct malloc_type *type __unused, int flags)
{
    return kern_malloc(size, 16, flags);
}

void *
malloc_aligned(size_t size, size_t align, struct malloc_type *type __unused, int flags)
{
    return kern_malloc(size, align, flags);
}

void *
mallocarray(size_t n, size_t size, struct malloc_type *type __unused, int flags)
{
    kern_assert(n == 0 || size <= SIZE_MAX / n);
    return kern_malloc(n * size, 16, flags);
}

void
free9(void *p, struct malloc_type *type __unused)
{
    kern_free(p, false);
}

void
zfree(void *p, struct malloc_type *type __unused)
{
    kern_free(p, true);
}

struct kern_zone {
    size_t size;
    size_t out; /* atomic */
};

uma_zone_t
uma_zcreate(const char *name __unused, size_t size, void *ctor __unused, void *dtor __unused,
            void *init __unused, void *fini __unused, int align __unused, uint32_t flags __unused)
{
    struct kern_zone *zone = kern_malloc(sizeof(*zone), 16, M_WAITOK | M_ZERO);

    zone->size = size;
    return zone;
}

void
uma_zdestroy(uma_zone_t zone)
{
    kern_assert(__atomic_load_n(&zone->out, __ATOMIC_ACQUIRE) == 0);
    kern_free(zone, false);
}

void *
uma_zalloc(uma_zone_t zone, int flags)
{
    void *item = kern_malloc(zone->size, 64, flags);

    if (item != NULL)
        __atomic_add_fetch(&zone->out, 1, __ATOMIC_RELAXED);
    return item;
}

void
uma_zfree(uma_zone_t zone, void *item)
{
    kern_free(item, false);
    __atomic_sub_fetch(&zone->out, 1, __ATOMIC_RELEASE);
}

counter_u64_t
counter_u64_alloc(int flags)
{
    return kern_malloc(sizeof(uint64_t), 16, flags | M_ZERO);
}

void
counter_u64_free(counter_u64_t c)
{
    kern_free(c, false);
}

void
counter_u64_add(counter_u64_t c, int64_t n)
{
    __atomic_add_fetch(c, (uint64_t)n, __ATOMIC_RELAXED);
}

uint64_t
counter_u64_fetch(counter_u64_t c)
{
    return __atomic_load_n(c, __ATOMIC_RELAXED);
}

const void *world_bad_memory;
void (*world_copy_gap)(void);

int
copyin(const void *user, void *kernel, size_t len)
{
    kern_assert(kern_holds_nothing());
    if (user == NULL || user == world_bad_memory)
        return EFAULT;
    memcpy(kernel, user, len);
    return 0;
}

int
copyout(const void *kernel, void *user, size_t len)
{
    kern_assert(kern_holds_nothing());
    if (user == NULL || user == world_bad_memory)
        return EFAULT;
    memcpy(user, kernel, len);
    if (world_copy_gap != NULL)
        world_copy_gap();
    return 0;
}

void
kern_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "panic: %s:%d: %s\n", file, line, what);
    abort();
}

/* Repeatable, so that a failure can be had again. */
void
arc4random_buf(void *buf, size_t len)
{
    static uint64_t state = 0x9e3779b97f4a7c15ULL;
    uint8_t *p = buf;

    while (len-- > 0) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        *p++ = (uint8_t)(state >> 56);
    }
}
