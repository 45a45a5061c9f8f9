/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * openvpn's end of the pair that replaces its UDP socket. openvpn reads control packets from it as
 * from the network, with source address and packet info.
 */
#ifndef DCO_PRELOAD_CONTROL_PAIR_H
#define DCO_PRELOAD_CONTROL_PAIR_H

#include <sys/socket.h>

/* As recvmsg(2). Any thread; no lock. */
ssize_t control_pair_recv(int fd, struct msghdr *msg, int flags);

#endif
