/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The further members of a UDP port: sockets bound beside openvpn's own, with its options.
 * Called with the vfd lock held. Until steer_by_peer() every datagram goes to openvpn's socket;
 * one that arrives between the binding of the first member and the steering, some microseconds, may
 * get lost, as datagrams may.
 */
#ifndef DCO_PRELOAD_GROUP_H
#define DCO_PRELOAD_GROUP_H

#include "linux/plane/rcvbuf.h"

/* Makes n members beside fd, which was bound. 0 or -errno, and then there are none. EADDRINUSE is
 * what it says when openvpn has changed its user since it made the socket. EPERM: the socket is not
 * root's. The kernel lets every process with the uid of a group's sockets join it, and whoever has
 * joined may replace the steering and take all packets (udp_lib_lport_inuse(), sk_uid). */
int group_make(int fd, int *members, unsigned n);

struct group_buffers {
    struct rcvbuf_share share; /* in */
    int set;                   /* what the receive buffer of openvpn's own socket was set to last */
};

/* Gives openvpn's own socket and the members their share to receive and large buffers to send, as
 * far as the kernel lets us; says once when it does not. Again when the share has changed. */
void group_buffers(int fd, const int *members, unsigned n, unsigned senders,
                   struct group_buffers *b);

#endif
