/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets for a TUN queue, collected and written together: one system call for up to
 * TUN_BATCH_PACKETS of them. It saves calls, but above all the application behind the kernel's
 * stack wakes up once for all: between two write()s it would take the processor after each.
 *
 * The kernel's asynchronous I/O (io_submit(2)) carries the writes; a TUN completes them before the
 * call returns. Not io_uring: many containers refuse it, and its operations pass a seccomp filter
 * unseen. Where there is no such context, or it refuses, each packet is a writev().
 *
 * One batch per worker; no locks.
 */
#ifndef DCO_PLANE_TUN_BATCH_H
#define DCO_PLANE_TUN_BATCH_H

#include "core/coalesce.h"

#define TUN_BATCH_PACKETS 64U

struct tun_batch;

/* NULL: no memory. Before the worker's sandbox. */
struct tun_batch *tun_batch_new(void);
void tun_batch_free(struct tun_batch *b); /* NULL is allowed */

/* Takes one super-packet for the queue fd, whose pieces stay in place until the flush. Returns how
 * many inner packets were lost by writes that failed, of this super-packet or earlier ones. */
uint32_t tun_batch_add(struct tun_batch *b, int fd, const struct dco_super *super);

/* Writes what is left, in order. Returns the same. */
uint32_t tun_batch_flush(struct tun_batch *b);

/* Whether writes of the newest batch go together. Any thread. */
bool tun_batch_works(void);

#endif
