/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/crypto/secret.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "linux/sys/outer_filter.h"

#define CHUNK      65536U /* one mapping; a power of two */
#define PIECE_MIN  64U
#define BITMAP_LEN (CHUNK / PIECE_MIN / 64)
#define CLASSES    7 /* 64, 128, ... 4096 */

_Static_assert(PIECE_MIN << (CLASSES - 1) == SECRET_MAX, "the largest class");

/* Pieces of one size. This description is on the heap, so the pages hold nothing but keys. */
struct chunk {
    struct chunk *next;
    uint8_t *pages;
    unsigned class;
    unsigned used; /* pieces */
    bool locked;
    uint64_t taken[BITMAP_LEN];
};

/* All secret memory of the process. */
static struct {
    pthread_mutex_t lock;
    struct chunk *chunks; /* lock: lock */
} secrets = {.lock = PTHREAD_MUTEX_INITIALIZER};

static unsigned
class_of(size_t size)
{
    unsigned c = 0;

    while (((size_t)PIECE_MIN << c) < size)
        c++;
    return c;
}

static unsigned
pieces_of(unsigned class)
{
    return CHUNK / (PIECE_MIN << class);
}

static struct chunk *
chunk_new(unsigned class)
{
    struct chunk *chunk = calloc(1, sizeof(*chunk));

    if (chunk == NULL)
        return NULL;
    chunk->pages = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk->pages == MAP_FAILED) {
        free(chunk);
        return NULL;
    }
    chunk->class = class;
    chunk->locked = !outer_filter_kills(SYS_mlock) && mlock(chunk->pages, CHUNK) == 0;
    (void)madvise(chunk->pages, CHUNK, MADV_DONTDUMP);
    (void)madvise(chunk->pages, CHUNK, MADV_WIPEONFORK);
    chunk->next = secrets.chunks;
    secrets.chunks = chunk;
    return chunk;
}

static void
chunk_free(struct chunk *chunk)
{
    struct chunk **link;

    for (link = &secrets.chunks; *link != chunk; link = &(*link)->next)
        ;
    *link = chunk->next;
    munmap(chunk->pages, CHUNK);
    free(chunk);
}

static void *
take_piece(struct chunk *chunk)
{
    unsigned i, n = pieces_of(chunk->class);

    for (i = 0; i < n; i++) {
        if (chunk->taken[i / 64] & (1ULL << (i % 64)))
            continue;
        chunk->taken[i / 64] |= 1ULL << (i % 64);
        chunk->used++;
        return chunk->pages + (size_t)i * (PIECE_MIN << chunk->class);
    }
    return NULL;
}

void *
secret_alloc(size_t size)
{
    struct chunk *chunk;
    unsigned class;
    void *piece;

    if (size > SECRET_MAX)
        return NULL;
    class = class_of(size);
    pthread_mutex_lock(&secrets.lock);
    for (chunk = secrets.chunks; chunk != NULL; chunk = chunk->next) {
        if (chunk->class == class && chunk->used < pieces_of(class))
            break;
    }
    if (chunk == NULL)
        chunk = chunk_new(class);
    piece = chunk != NULL ? take_piece(chunk) : NULL;
    pthread_mutex_unlock(&secrets.lock);
    return piece;
}

void
secret_free(void *secret)
{
    uint8_t *p = secret;
    struct chunk *chunk;
    unsigned i;

    if (p == NULL)
        return;
    pthread_mutex_lock(&secrets.lock);
    for (chunk = secrets.chunks; chunk != NULL; chunk = chunk->next) {
        if ((uintptr_t)p - (uintptr_t)chunk->pages < CHUNK)
            break;
    }
    if (chunk != NULL) {
        i = (unsigned)(p - chunk->pages) / (PIECE_MIN << chunk->class);
        explicit_bzero(p, PIECE_MIN << chunk->class);
        chunk->taken[i / 64] &= ~(1ULL << (i % 64));
        if (--chunk->used == 0)
            chunk_free(chunk);
    }
    pthread_mutex_unlock(&secrets.lock);
}

void
secret_stats(struct secret_stats *stats)
{
    const struct chunk *chunk;

    memset(stats, 0, sizeof(*stats));
    pthread_mutex_lock(&secrets.lock);
    for (chunk = secrets.chunks; chunk != NULL; chunk = chunk->next) {
        stats->mapped += CHUNK;
        stats->used += (size_t)chunk->used * (PIECE_MIN << chunk->class);
        stats->unlocked += chunk->locked ? 0 : CHUNK;
    }
    pthread_mutex_unlock(&secrets.lock);
}
