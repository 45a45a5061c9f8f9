/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/port_buffers.h"

#include <unistd.h>

#include "linux/sys/calls.h"
#include "linux/sys/log.h"

#define SNDBUF_WANTED  (4 << 20)
#define MIB            ((size_t)1 << 20)
#define BUDGET_MAX     (128 * MIB)
#define BUDGET_UNKNOWN (16 * MIB)
#define CONTROL_MAX    (2 * MIB)
#define DATA_MAX       (8 * MIB)
#define PRESSURE_PART  4U /* our part of the memory at which pressure begins */
#define MEMORY_PART    8  /* part of all pages at which pressure begins by default: udp_init() */

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t
port_buffers_budget(FILE *udp_mem, long pages, long page_size)
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

/* Read once, because chroot() may hide the file later. */
static size_t
budget_here(void)
{
    static size_t budget; /* openvpn's thread */
    FILE *f;

    if (budget != 0)
        return budget;
    f = sys()->fopen("/proc/sys/net/ipv4/udp_mem", "re");
    budget = port_buffers_budget(f, sysconf(_SC_PHYS_PAGES), sysconf(_SC_PAGESIZE));
    if (f != NULL)
        fclose(f);
    return budget;
}

struct buffer_share
port_buffers_share(size_t budget, unsigned ports, unsigned n)
{
    size_t port = budget / (ports > 0 ? ports : 1);
    struct buffer_share share;

    if (n == 0)
        return (struct buffer_share){.own = smaller(DATA_MAX, port)};
    share.own = smaller(CONTROL_MAX, port / (n + 1));
    share.member = smaller(DATA_MAX, (port - share.own) / n);
    return share;
}

static int
buffer_get(int fd, int name)
{
    int now = 0;
    socklen_t len = sizeof(now);

    return sys()->getsockopt(fd, SOL_SOCKET, name, &now, &len) == 0 ? now : 0;
}

/* The kernel doubles the value that is set. False: the buffer is smaller than wanted. */
static bool
buffer_set(int fd, int force, int plain, int wanted)
{
    int half = wanted / 2;

    if (sys()->setsockopt(fd, SOL_SOCKET, force, &half, sizeof(half)) < 0)
        (void)sys()->setsockopt(fd, SOL_SOCKET, plain, &half, sizeof(half));
    return buffer_get(fd, plain) >= wanted / 2 * 2;
}

static bool
sndbuf_raise(int fd)
{
    return buffer_get(fd, SO_SNDBUF) >= SNDBUF_WANTED ||
           buffer_set(fd, SO_SNDBUFFORCE, SO_SNDBUF, 2 * SNDBUF_WANTED);
}

/* Keeps a larger buffer that the administrator set (rcvbuf). */
static bool
rcvbuf_own(struct plane_port *port, int wanted)
{
    int now = buffer_get(port->fd[0], SO_RCVBUF);
    bool enough = true;

    if (now < wanted || now == port->rcvbuf_set) {
        enough = buffer_set(port->fd[0], SO_RCVBUFFORCE, SO_RCVBUF, wanted);
        port->rcvbuf_set = buffer_get(port->fd[0], SO_RCVBUF);
    }
    return enough;
}

/* False: a buffer is smaller than wanted. */
static bool
apply(struct plane_port *port, const struct buffer_share *share)
{
    bool enough = rcvbuf_own(port, (int)share->own) && sndbuf_raise(port->fd[0]);

    for (unsigned i = 1; i < port_fds(port); i++) {
        int size = i <= port->n ? (int)share->member : 0; /* senders receive nothing */

        enough = buffer_set(port->fd[i], SO_RCVBUFFORCE, SO_RCVBUF, size) && enough;
        enough = sndbuf_raise(port->fd[i]) && enough;
    }
    return enough;
}

static void
log_small(void)
{
    static bool said; /* openvpn's thread */

    if (said)
        return;
    said = true;
    log_line(
        LOG_LEVEL_WARN,
        "socket buffers are smaller than wanted, which costs speed: raise net.core.rmem_max and "
        "net.core.wmem_max to 4 MB, or grant CAP_NET_ADMIN");
}

void
port_buffers_divide(void)
{
    size_t budget = budget_here();
    unsigned ports = 0;

    for (struct plane_port *p = port_next(NULL); p != NULL; p = port_next(p))
        ports++;
    for (struct plane_port *p = port_next(NULL); p != NULL; p = port_next(p)) {
        struct buffer_share share = port_buffers_share(budget, ports, p->n);

        if (!apply(p, &share))
            log_small();
    }
}
