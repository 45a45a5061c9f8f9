/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which socket of an SO_REUSEPORT group receives a datagram: classic BPF over the UDP payload,
 * which needs no privilege (socket(7), SO_ATTACH_REUSEPORT_CBPF). Members count in the order in
 * which they were bound; openvpn's own is number 0.
 */
#ifndef DCO_PRELOAD_STEER_H
#define DCO_PRELOAD_STEER_H

/* Everything to socket 0. The group exists once a second socket was bound. 0 or -errno. */
int steer_all_to_first(int fd);

/* P_DATA_V2 to 1 + peer-id % n, everything else to 0; n >= 1 further members. 0 or -errno. */
int steer_by_peer(int fd, unsigned n);

#endif
