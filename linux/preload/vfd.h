/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual descriptors: the descriptors of the process behind which something of ours stands, found
 * by number. A descriptor without a vfd costs one table lookup and goes to the C library.
 *
 * Lifetime. A vfd lives while a number in the table stands for it or a call is inside it; end()
 * runs when the last number goes, fini() when the last call is out.
 *
 * Locks. `preload_lock` is the preload layer's lock of plane.h: it serialises everything that
 * changes vfds or calls the plane. It is taken by the vfds' own functions, never across a call that
 * may wait. The table has a small lock of its own, a leaf. Housekeeping never waits for the vfd
 * lock: see preload_notify().
 */
#ifndef DCO_PRELOAD_VFD_H
#define DCO_PRELOAD_VFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct vfd;

/* Calls of the C library as the vfd answers them: same results, errno set. A NULL entry goes to
 * the C library. fd is the number that was called. */
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
    void (*end)(struct vfd *);                /* vfd lock held; the descriptor is still open */
    void (*fini)(struct vfd *);               /* frees it; vfd lock not held */
    void (*fork_child)(struct vfd *, int fd); /* closes what a child must not hold; no locks; fd
                                                  was the last number and is still open */
};

/* An epoll set in which a vfd's descriptor is registered. */
struct vfd_watch {
    int epfd; /* -1: unused */
    struct epoll_event event;
};

#define VFD_WATCHES 4

/* A vfd names its calls by a number: it lies in memory that can be written, and openvpn's own
 * thread, which no filter holds back, would call what an address there says. */
enum vfd_kind { VFD_UDP, VFD_GENL, VFD_RTNL, VFD_KINDS };

extern const struct vfd_ops *const vfd_kinds[VFD_KINDS]; /* kinds.c */

struct vfd {
    enum vfd_kind kind;                  /* const */
    unsigned refs;                       /* table lock; numbers and calls inside */
    unsigned fds;                        /* table lock; numbers */
    bool ended;                          /* table lock; the last number is gone */
    struct vfd_watch watch[VFD_WATCHES]; /* vfd lock */
};

void vfd_init(struct vfd *d, enum vfd_kind kind);

static inline const struct vfd_ops *
vfd_ops(const struct vfd *d)
{
    return vfd_kinds[(unsigned)d->kind % VFD_KINDS];
}

/* The vfd behind fd with a reference, or NULL. Keeps errno. */
struct vfd *vfd_get(int fd);
void vfd_put(struct vfd *d);

/* fd stands for d from now on (one more number). False: no memory, or d has ended meanwhile. */
bool vfd_set(int fd, struct vfd *d);
/* fd is about to be closed or replaced: forgets it, and ends the vfd with the last number. */
void vfd_unset(int fd);

/* Calls fn for every number that stands for d. The vfd lock held. */
void vfd_each_fd(struct vfd *d, void (*fn)(struct vfd *d, int fd, void *arg), void *arg);

/* Remembers what epoll_ctl() of a vfd's descriptor did. */
void vfd_watched(struct vfd *d, int epfd, int op, const struct epoll_event *event);

/* Puts the open file of `with` on the number fd, which keeps its status flags, its close-on-exec
 * flag and its epoll registrations. `with` stays open. The vfd lock held. 0 or -errno. */
int vfd_swap(struct vfd *d, int fd, int with);

/* ---- the lock -------------------------------------------------------------------------------- */

void preload_lock(void);
void preload_unlock(void);

/* Runs genl_events() with the vfd lock held: now, or, if it is busy, by its present holder on the
 * way out. For threads of the plane. */
void preload_notify(void);

/* True while this thread is inside the preload layer: calls that it makes are the plane's own and
 * go to the C library. The vfd lock implies it. */
bool preload_inside(void);
/* For stretches without the lock. */
void preload_enter(void);
void preload_leave(void);

/* ---- fork ------------------------------------------------------------------------------------ */

/* In a child of fork(). keep: the child goes on as the parent would have (daemon()). Otherwise
 * every vfd closes what it hides, and the child has no vfds, now or later. */
void vfd_fork_child(bool keep);

#endif
