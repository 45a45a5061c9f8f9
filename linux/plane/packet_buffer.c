/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/packet_buffer.h"

#include <sys/mman.h>

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
