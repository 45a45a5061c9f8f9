/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfd ("virtual descriptor") is an object of ours that answers calls on descriptors (fds) of the
 * process. This is the table that finds it by fd. An fd without a vfd costs one lookup, and the
 * call goes to the C library.
 *
 * Lifetime. A vfd lives while an fd in the table stands for it or a call is inside it; end() runs
 * when the last fd goes, fini() when the last call is out.
 *
 * Locks. The table has a small lock of its own, a leaf. Everything else about vfds is under the
 * preload lock (lock.h).
 */
#ifndef DCO_PRELOAD_VFD_H
#define DCO_PRELOAD_VFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct vfd;

/* Calls of the C library that the vfd answers, with the same results and errno. A call whose entry
 * is NULL goes to the C library. fd: the one that the process named. */
struct vfd_ops {
    ssize_t (*sendmsg)(struct vfd *, int fd, const struct msghdr *, int flags);
    ssize_t (*recvmsg)(struct vfd *, int fd, struct msghdr *, int flags);
    int (*bind)(struct vfd *, int fd, const struct sockaddr *, socklen_t);
    int (*connect)(struct vfd *, int fd, const struct sockaddr *, socklen_t);
    int (*shutdown)(struct vfd *, int fd, int how);
    int (*getsockname)(struct vfd *, int fd, struct sockaddr *, socklen_t *);
    int (*getpeername)(struct vfd *, int fd, struct sockaddr *, socklen_t *);
    int (*getsockopt)(struct vfd *, int fd, int level, int name, void *, socklen_t *);
    int (*setsockopt)(struct vfd *, int fd, int level, int name, const void *, socklen_t);
    void (*end)(struct vfd *);  /* preload lock held; its fd is still open */
    void (*fini)(struct vfd *); /* frees it; preload lock not held */
    /* Closes everything that a child must not hold. No lock is held. fd was the last one of the vfd
     * and is still open. */
    void (*fork_child)(struct vfd *, int fd);
};

/* An epoll set in which an fd of a vfd is registered. */
struct vfd_watch {
    int epfd; /* -1: unused */
    struct epoll_event event;
};

#define VFD_WATCHES 4

/* A vfd names its calls by a kind and not by a pointer. It lies in writable memory, so openvpn's
 * own thread, which has no system call filter, would call any address that a stray write put there.
 */
enum vfd_kind { VFD_UDP, VFD_TCP, VFD_GENL, VFD_RTNL, VFD_KINDS };

extern const struct vfd_ops *const vfd_kinds[VFD_KINDS]; /* vfd_kinds.c */

struct vfd {
    enum vfd_kind kind;                  /* const */
    unsigned refs;                       /* table lock; fds, and calls inside */
    unsigned fds;                        /* table lock; fds that stand for it */
    bool ended;                          /* table lock; the last fd is gone */
    struct vfd_watch watch[VFD_WATCHES]; /* preload lock; see vfd_swap.h */
};

void vfd_init(struct vfd *d, enum vfd_kind kind);

static inline const struct vfd_ops *
vfd_ops(const struct vfd *d)
{
    return vfd_kinds[(unsigned)d->kind % VFD_KINDS];
}

/* Returns the vfd behind fd with a reference for vfd_put(), or NULL. Both keep errno. */
struct vfd *vfd_get(int fd);
void vfd_put(struct vfd *d);

/* Makes fd stand for d, too. False if there is no memory or d has ended meanwhile. */
bool vfd_set(int fd, struct vfd *d);
/* Forgets fd, which is about to be closed or replaced, and ends the vfd if that was its last fd. */
void vfd_unset(int fd);

/* Calls fn for each fd that stands for d. The preload lock held. */
void vfd_each_fd(struct vfd *d, void (*fn)(struct vfd *d, int fd, void *arg), void *arg);

/* In a child of fork(). keep: the child goes on in the parent's place (daemon()). Otherwise each
 * vfd closes its hidden sockets, and the child has no vfds, now or later. */
void vfd_fork_child(bool keep);

#endif
