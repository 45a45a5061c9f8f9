/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for keys: 64-byte aligned pieces of pages that are locked, excluded from core dumps and
 * zero in children. Several keys share a page, so an idle peer costs only the bytes of its keys.
 * Locking may fail (RLIMIT_MEMLOCK); such memory is used all the same, and counted as unlocked.
 *
 * Any thread. Not for the packet path.
 */
#ifndef DCO_CRYPTO_SECRET_H
#define DCO_CRYPTO_SECRET_H

#include <stddef.h>

#define SECRET_MAX 4096U /* bytes, the largest piece */

/* Returns zeroed memory, or NULL without memory or if size is above SECRET_MAX. */
void *secret_alloc(size_t size);

/* Wipes and frees. NULL is allowed. */
void secret_free(void *secret);

struct secret_stats {
    size_t used;     /* bytes in pieces that are in use */
    size_t mapped;   /* bytes of memory held for secrets */
    size_t unlocked; /* those of them that the kernel refused to lock */
};

void secret_stats(struct secret_stats *stats);

#endif
