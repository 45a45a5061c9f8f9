/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TUN queues. Descriptors of /dev/net/tun are opened while that is still possible and kept in a
 * stock: a queue whose device was deleted goes back there and can carry the next device, so that a
 * process in a chroot without privileges can make its device anew any number of times.
 */
#ifndef DCO_PLANE_TUN_H
#define DCO_PLANE_TUN_H

#include <stdbool.h>
#include <stdint.h>

#define TUN_QUEUES_MAX 64U

/* Opens n descriptors into the stock. -errno. */
int tun_spares_open(unsigned n);
void tun_spares_close(void);

/* Makes the device with n queues: MTU 1428 and queue length 1000 as ovpn-dco has. fds[n] and
 * *ifindex are filled. -EEXIST if the name is taken, else -errno. */
int tun_new(const char *name, unsigned n, int *fds, uint32_t *ifindex);
/* Deletes the device, unless ifindex is 0: somebody did already. Its descriptors go back to the
 * stock or are closed. */
void tun_free(uint32_t ifindex, unsigned n, const int *fds);

/* Super-packets: switches on what the kernel has. The kernel takes UDP ones only beside TCP ones,
 * so uso implies tso. */
void tun_offload(int fd, bool *tso, bool *uso);

#endif
