/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/rcvbuf.h"
#include "linux/sys/calls.h"

#include <unistd.h>

#define MIB            ((size_t)1 << 20)
#define BUDGET_MAX     (128 * MIB)
#define BUDGET_UNKNOWN (16 * MIB)
#define CONTROL_MAX    (2 * MIB)
#define DATA_MAX       (8 * MIB)
#define PRESSURE_PART  4U /* of it is ours */
#define MEMORY_PART    8  /* of all pages is where pressure begins by default: udp_init() */

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t
rcvbuf_budget(FILE *udp_mem, long pages, long page_size)
{
    long pressure = 0;

    if (page_size <= 0)
        return BUDGET_UNKNOWN;
    if (udp_mem == NULL || fscanf(udp_mem, "%*d %ld", &pressure) != 1)
        pressure = pages / MEMORY_PART;
    if (pressure <= 0)
        return BUDGET_UNKNOWN;
    if ((size_t)pressure > BUDGET_MAX * PRESSURE_PART / (size_t)page_size)
        return BUDGET_MAX;
    return (size_t)pressure * (size_t)page_size / PRESSURE_PART;
}

size_t
rcvbuf_budget_here(void)
{
    static size_t budget;
    FILE *f;

    if (budget != 0)
        return budget;
    f = sys()->fopen("/proc/sys/net/ipv4/udp_mem", "re");
    budget = rcvbuf_budget(f, sysconf(_SC_PHYS_PAGES), sysconf(_SC_PAGESIZE));
    if (f != NULL)
        fclose(f);
    return budget;
}

struct rcvbuf_share
rcvbuf_share(size_t budget, unsigned ports, unsigned n)
{
    size_t port = budget / (ports > 0 ? ports : 1);
    struct rcvbuf_share share;

    if (n == 0)
        return (struct rcvbuf_share){.own = smaller(DATA_MAX, port)};
    share.own = smaller(CONTROL_MAX, port / (n + 1));
    share.member = smaller(DATA_MAX, (port - share.own) / n);
    return share;
}
