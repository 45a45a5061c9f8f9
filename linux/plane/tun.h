/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TUN queues. Descriptors of /dev/net/tun are opened as spares while the process still can. When a
 * device is deleted, its descriptors become spares again and can carry the next device, so that a
 * process without privileges in a chroot can recreate its device any number of times. openvpn's
 * thread.
 */
#ifndef DCO_PLANE_TUN_H
#define DCO_PLANE_TUN_H

#include <stdbool.h>
#include <stdint.h>

#define TUN_QUEUES_MAX 64U

/* Opens descriptors until there are n spares. 0 or -errno. */
int tun_spares_open(unsigned n);
void tun_spares_close(void);

/* Makes the device with n queues, and MTU 1428 and queue length 1000 like ovpn-dco. Fills fds[n]
 * and *ifindex. 0 or -errno; -EEXIST if the name is taken. */
int tun_new(const char *name, unsigned n, int *fds, uint32_t *ifindex);
/* Sets the length of the transmit queue, in packets. */
void tun_set_queue_len(const char *name, unsigned len);
/* Deletes the device, wherever it is and whatever it is called; ifindex is 0 if another process has
 * deleted it. Its descriptors become spares or are closed. */
void tun_free(uint32_t ifindex, unsigned n, const int *fds);

/* Enables the super-packets that the kernel supports. The kernel takes UDP ones only together with
 * TCP ones, so *uso implies *tso. */
void tun_offload(int fd, bool *tso, bool *uso);

#endif
