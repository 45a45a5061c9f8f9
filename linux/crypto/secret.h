/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for keys: 64-byte aligned pieces of pages that are locked, left out of core dumps and read
 * as zero in children. Several keys share a page, so an idle peer costs what its keys need. Locking
 * may fail (RLIMIT_MEMLOCK); then the memory is used all the same, and counted.
 *
 * Any thread. Not for the packet path.
 */
#ifndef DCO_CRYPTO_SECRET_H
#define DCO_CRYPTO_SECRET_H

#include <stddef.h>

#define SECRET_MAX 4096U /* bytes, the largest piece */

/* Zeroed, or NULL if memory ran out or size is beyond SECRET_MAX. */
void *secret_alloc(size_t size);

/* Wipes. NULL is allowed. */
void secret_free(void *secret);

struct secret_stats {
    size_t used;     /* bytes in pieces that are in use */
    size_t mapped;   /* bytes of memory held for secrets */
    size_t unlocked; /* of these, what the kernel refused to lock */
};

void secret_stats(struct secret_stats *stats);

#endif
