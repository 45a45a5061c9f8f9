/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts a socket of ours in the place of one that the process made. The fds stay the same; the
 * process's own socket goes on behind them as a hidden one. The preload lock held, unless a
 * function says otherwise.
 */
#ifndef DCO_PRELOAD_VFD_SWAP_H
#define DCO_PRELOAD_VFD_SWAP_H

#include "linux/preload/vfd.h"

/* Duplicates the process's socket, close-on-exec, so that it stays when fd is replaced. Returns the
 * descriptor or -errno. */
int vfd_hide(int fd);

/* A pair of sockets, close-on-exec. */
struct vfd_pair {
    int inner; /* our end */
    int outer; /* the end that the process gets */
};

/* type: SOCK_DGRAM or SOCK_STREAM. Returns 0, or -errno, and then nothing was made. */
int vfd_pair_make(struct vfd_pair *pair, int type);

/* Puts the outer end on each fd of d and closes pair->outer. An fd that cannot be replaced keeps
 * the old socket, and the log says so. what: the word for the socket in the log. */
void vfd_pair_swap(struct vfd *d, struct vfd_pair *pair, const char *what);

/* Puts the open file of `with` on fd, which keeps its status flags, its close-on-exec flag and its
 * epoll registrations. `with` stays open. Returns 0 or -errno. */
int vfd_swap(struct vfd *d, int fd, int with);

/* Remembers what epoll_ctl() of an fd of d did. The preload lock not held. */
void vfd_watched(struct vfd *d, int epfd, int op, const struct epoll_event *event);

#endif
