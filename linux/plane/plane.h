/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data plane of one process: devices, ports, worker threads and one housekeeping thread. Other
 * folders may use this header and those that it includes, except the parts under "Inside the
 * plane". They may not use the *_private.h headers.
 *
 * Threads. "openvpn's thread" is whichever thread holds the preload layer's lock, so one at a time:
 * every function belongs to it, unless it says otherwise. The status thread reads devices, peers
 * and sums of drops inside plane_devs_lock(). Workers and housekeeping are started with the first
 * device and have ended when plane_dev_free() of the last one returns.
 *
 * Lock order: the preload layer's lock, plane_devs_lock(), the workers' locks in order of index,
 * the control lock of a device, the small leaf locks (deferred frees, float_nat, control queue).
 *
 * Errors are negative errno values. No function here exits, aborts, or writes to openvpn's log
 * except through log.h.
 */
#ifndef DCO_PLANE_PLANE_H
#define DCO_PLANE_PLANE_H

#include "linux/plane/dev.h"
#include "linux/plane/drops.h"
#include "linux/plane/events.h"
#include "linux/plane/iroutes.h"
#include "linux/plane/port.h"
#include "linux/plane/stream.h"
#include "linux/sys/setting_rules.h"

/* Takes the settings of the user, of which the level of the log is none of the plane's. Before the
 * first device; later calls are ignored. */
void plane_configure(const struct settings *settings);

/* Opens the descriptors that cannot be opened after chroot() or a change of user: /dev/net/tun and
 * the route socket. Called once the process has asked for the family. 0 or -errno of the first
 * failure, which the caller logs as the reason why offload is off. */
int plane_prepare(void);

/* Closes every descriptor of the plane in a child of fork(). It touches no locks and no threads,
 * because the child has only one thread. */
void plane_fork_child(void);

/* Ends all threads, closes everything. Called at exit. */
void plane_shutdown(void);

/* The number of workers; 0 if it is not decided yet. Any thread. */
unsigned plane_worker_count(void);

/* The number of threads that may use one key at a time: the `threads` of aead_new(). */
unsigned plane_key_threads(void);

#endif
