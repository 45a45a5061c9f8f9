/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/mman.h>

#include "linux/plane/internal.h"

void *
packet_buffer_new(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, size, MADV_DONTDUMP);
    (void)madvise(p, size, MADV_WIPEONFORK);
    return p;
}

void
packet_buffer_free(void *p, size_t size)
{
    if (p != NULL)
        munmap(p, size);
}
