/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/tun_batch.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/atomic.h"
#include "linux/plane/csum_fast.h"
#include "linux/plane/kernel_offload.h"
#include "linux/plane/packet_buffer.h"
#include "linux/sys/calls.h"
#include "linux/sys/log.h"
#include "linux/sys/outer_filter.h"

#define PIECES_MAX 1280U /* iovecs of a batch: one full super-packet and many small ones */

/* The ring of completions that the kernel maps into the process (fs/aio.c, as libaio reads it). */
#define RING_MAGIC 0xa10a10a1U

struct ring {
    uint32_t id;
    uint32_t nr;
    uint32_t head; /* ours */
    uint32_t tail; /* atomic; the kernel's */
    uint32_t magic;
    uint32_t compat_features;
    uint32_t incompat_features;
    uint32_t header_length;
    struct io_event event[];
};

struct tun_batch {
    aio_context_t aio; /* 0: there is none */
    uint32_t used;     /* packets */
    uint32_t pieces;   /* iovecs */
    uint8_t *whole;    /* DCO_COALESCE_BYTES: a refused super-packet in one piece */
    bool one_by_one;   /* a super-packet was refused: what is written again must not be overtaken */
    uint32_t packets[TUN_BATCH_PACKETS];
    struct dco_vnet vnet[TUN_BATCH_PACKETS];
    struct iocb iocb[TUN_BATCH_PACKETS];
    struct iocb *list[TUN_BATCH_PACKETS]; /* const: each of iocb[] */
    struct iovec iov[PIECES_MAX];
};
_Static_assert(PIECES_MAX > DCO_COALESCE_PIECES, "one super-packet always fits");

/* Of the process: the status line shows one value for all workers. */
static bool works;        /* atomic */
static bool refusal_said; /* atomic; the log has the line about it */

static struct ring *
ring_of(const struct tun_batch *b)
{
    return (struct ring *)(uintptr_t)b->aio;
}

static bool
ring_known(const struct ring *ring)
{
    return ring->magic == RING_MAGIC && ring->incompat_features == 0 &&
           ring->header_length == sizeof(*ring);
}

static void
context_close(struct tun_batch *b)
{
    if (b->aio != 0)
        (void)syscall(SYS_io_destroy, b->aio);
    b->aio = 0;
}

static bool
aio_allowed(void)
{
    return !outer_filter_kills(SYS_io_setup) && !outer_filter_kills(SYS_io_submit) &&
           !outer_filter_kills(SYS_io_destroy);
}

static void
context_open(struct tun_batch *b)
{
    if (!offload_wanted(OFFLOAD_TUN_BATCH) || !aio_allowed())
        return;
    if (syscall(SYS_io_setup, (long)TUN_BATCH_PACKETS, &b->aio) < 0)
        b->aio = 0;
    else if (!ring_known(ring_of(b)))
        context_close(b);
}

struct tun_batch *
tun_batch_new(void)
{
    struct tun_batch *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->whole = packet_buffer_new(DCO_COALESCE_BYTES);
    if (b->whole == NULL) {
        free(b);
        return NULL;
    }
    for (unsigned i = 0; i < TUN_BATCH_PACKETS; i++)
        b->list[i] = &b->iocb[i];
    context_open(b);
    if (b->aio == 0)
        log_line(
            LOG_LEVEL_INFO,
            "no io_submit(): packets are written to the TUN device one by one, which is slower");
    dco_store(&works, b->aio != 0);
    return b;
}

void
tun_batch_free(struct tun_batch *b)
{
    if (b == NULL)
        return;
    context_close(b);
    packet_buffer_free(b->whole, DCO_COALESCE_BYTES);
    free(b);
}

bool
tun_batch_works(void)
{
    return dco_load(&works);
}

/* Returns the length of packet i in b->whole, or 0 if it has no room there. */
static uint32_t
gather(struct tun_batch *b, uint32_t i)
{
    const struct iovec *iov = (const struct iovec *)(uintptr_t)b->iocb[i].aio_buf;
    size_t len = 0;

    for (uint64_t p = 1; p < b->iocb[i].aio_nbytes; p++) {
        if (len + iov[p].iov_len > DCO_COALESCE_BYTES)
            return 0;
        memcpy(b->whole + len, iov[p].iov_base, iov[p].iov_len);
        len += iov[p].iov_len;
    }
    return (uint32_t)len;
}

/* Writes the packets of which a super-packet was made. Returns how many were lost. */
static uint32_t
write_cut(struct tun_batch *b, uint32_t i)
{
    const struct dco_vnet plain = {.gso_type = DCO_VNET_GSO_NONE};
    dco_csum_fn *csum = csum_best();
    uint32_t len = gather(b, i), lost = 0;
    struct dco_inner inner;
    struct dco_cut cut;

    if (!dco_inner_parse(b->whole, len, &inner) ||
        !dco_segment_plan(&cut, &b->vnet[i], b->whole, len, &inner, csum))
        return b->packets[i];
    for (uint32_t s = 0; s < cut.n; s++) {
        struct iovec iov[2] = {{(void *)(uintptr_t)&plain, sizeof(plain)}};
        uint32_t seg_len;

        iov[1].iov_base = dco_segment_next(&cut, s, &seg_len, csum);
        iov[1].iov_len = seg_len;
        lost += sys()->writev((int)b->iocb[i].aio_fildes, iov, 2) < 0;
    }
    return lost;
}

/* Some stable kernels answer EINVAL to super-packets that others take. Returns how many inner
 * packets are lost. */
static uint32_t
refused(struct tun_batch *b, uint32_t i, int err)
{
    if (err != EINVAL || b->vnet[i].gso_type == DCO_VNET_GSO_NONE)
        return b->packets[i];
    b->one_by_one = true;
    if (!dco_exchange(&refusal_said, true))
        log_line(LOG_LEVEL_WARN,
                 "the kernel refuses joined packets at the TUN device, so they are written one by "
                 "one, which is slower; see OPENDCO_OFFLOADS_OFF in opendco(8)");
    return write_cut(b, i);
}

static uint32_t
write_one(struct tun_batch *b, uint32_t i)
{
    const struct iocb *io = &b->iocb[i];

    if (sys()->writev((int)io->aio_fildes, (const struct iovec *)(uintptr_t)io->aio_buf,
                      (int)io->aio_nbytes) < 0)
        return refused(b, i, errno);
    return 0;
}

/* Takes the completions of n finished writes. Returns how many packets failed writes have lost. */
static uint32_t
reap(struct tun_batch *b, uint32_t n)
{
    struct ring *ring = ring_of(b);
    uint32_t head = ring->head, tail = dco_load_acquire(&ring->tail), lost = 0;

    for (; n > 0 && head != tail; n--) {
        const struct io_event *e = &ring->event[head];

        if (e->res < 0)
            lost += refused(b, (uint32_t)e->data, (int)-e->res);
        head = head + 1 == ring->nr ? 0 : head + 1;
    }
    dco_store_release(&ring->head, head);
    return lost;
}

uint32_t
tun_batch_flush(struct tun_batch *b)
{
    uint32_t done = 0, lost = 0;

    if (b->used > 1 && b->aio != 0 && !b->one_by_one) {
        long n = syscall(SYS_io_submit, b->aio, (long)b->used, b->list);

        done = n > 0 ? (uint32_t)n : 0;
        lost = reap(b, done);
    }
    for (; done < b->used; done++)
        lost += write_one(b, done);
    b->used = 0;
    b->pieces = 0;
    return lost;
}

uint32_t
tun_batch_add(struct tun_batch *b, int fd, const struct dco_super *super)
{
    bool full = b->used == TUN_BATCH_PACKETS || b->pieces + 1 + super->pieces > PIECES_MAX;
    uint32_t lost = full ? tun_batch_flush(b) : 0, i = b->used++;
    struct iovec *iov = &b->iov[b->pieces];

    b->pieces += 1 + super->pieces;
    b->packets[i] = super->pieces;
    b->vnet[i] = super->vnet;
    iov[0] = (struct iovec){.iov_base = &b->vnet[i], .iov_len = sizeof(b->vnet[i])};
    for (uint32_t p = 0; p < super->pieces; p++)
        iov[p + 1] = (struct iovec){super->piece[p].data, super->piece[p].len};
    b->iocb[i] = (struct iocb){
        .aio_data = i,
        .aio_lio_opcode = IOCB_CMD_PWRITEV,
        .aio_fildes = (uint32_t)fd,
        .aio_buf = (uintptr_t)iov,
        .aio_nbytes = 1 + super->pieces,
    };
    return lost;
}
