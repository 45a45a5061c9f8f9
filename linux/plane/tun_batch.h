/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects packets for TUN queues and writes up to TUN_BATCH_PACKETS of them with one system call.
 * This saves calls; above all, the receiving application is woken once per batch instead of
 * preempting us after every write().
 *
 * The writes go through the kernel's asynchronous I/O (io_submit(2)); a TUN completes them before
 * the call returns. io_uring is not used: many containers refuse it, and a seccomp filter does not
 * see its operations. Without asynchronous I/O, or when it fails, each packet is one writev(). A
 * super-packet that the kernel refuses as such (EINVAL) is cut and written packet by packet.
 *
 * One batch per worker; no locks.
 */
#ifndef DCO_PLANE_TUN_BATCH_H
#define DCO_PLANE_TUN_BATCH_H

#include "core/coalesce.h"

#define TUN_BATCH_PACKETS 64U

struct tun_batch;

/* NULL if memory is short. Call before the worker enters its sandbox. */
struct tun_batch *tun_batch_new(void);
void tun_batch_free(struct tun_batch *b); /* NULL is allowed */

/* Adds one super-packet for the queue fd. The caller keeps its pieces unchanged until the flush.
 * Returns how many inner packets failed writes have lost, of this super-packet or earlier ones. */
uint32_t tun_batch_add(struct tun_batch *b, int fd, const struct dco_super *super);

/* Writes the packets that are left, in order. Returns the number of lost inner packets. */
uint32_t tun_batch_flush(struct tun_batch *b);

/* True if the newest batch writes several packets with one call. Any thread. */
bool tun_batch_works(void);

#endif
