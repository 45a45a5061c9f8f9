/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doors: the descriptors of the process behind which something of ours stands, found by number.
 * A descriptor without a door costs one table lookup and goes to the C library.
 *
 * Lifetime. A door lives while a number in the table stands for it or a call is inside it; end()
 * runs when the last number goes, fini() when the last call is out.
 *
 * Locks. `door_lock` is the doorway's lock of plane.h: it serialises everything that changes doors
 * or calls the plane. It is taken by the doors' own functions, never across a call that may wait.
 * The table has a small lock of its own, a leaf. Housekeeping never waits for the door lock: see
 * door_notify().
 */
#ifndef DCO_DOORWAY_DOOR_H
#define DCO_DOORWAY_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct door;

/* Calls of the C library as the door answers them: same results, errno set. A NULL entry goes to
 * the C library. fd is the number that was called. */
struct door_ops {
    ssize_t (*sendmsg)(struct door *, int fd, const struct msghdr *, int flags);
    ssize_t (*recvmsg)(struct door *, int fd, struct msghdr *, int flags);
    int (*bind)(struct door *, int fd, const struct sockaddr *, socklen_t);
    int (*connect)(struct door *, int fd, const struct sockaddr *, socklen_t);
    int (*shutdown)(struct door *, int fd, int how);
    int (*getsockname)(struct door *, int fd, struct sockaddr *, socklen_t *);
    int (*getpeername)(struct door *, int fd, struct sockaddr *, socklen_t *);
    int (*getsockopt)(struct door *, int fd, int level, int name, void *, socklen_t *);
    int (*setsockopt)(struct door *, int fd, int level, int name, const void *, socklen_t);
    void (*end)(struct door *);                /* door lock held; the descriptor is still open */
    void (*fini)(struct door *);               /* frees it; door lock not held */
    void (*fork_child)(struct door *, int fd); /* closes what a child must not hold; no locks; fd
                                                  was the last number and is still open */
};

/* An epoll set in which a door's descriptor is registered. */
struct door_watch {
    int epfd; /* -1: unused */
    struct epoll_event event;
};

#define DOOR_WATCHES 4

/* A door names its calls by a number: it lies in memory that can be written, and openvpn's own
 * thread, which no filter holds back, would call what an address there says. */
enum door_kind { DOOR_UDP, DOOR_GENL, DOOR_RTNL, DOOR_KINDS };

extern const struct door_ops *const door_kinds[DOOR_KINDS]; /* kinds.c */

struct door {
    enum door_kind kind;                   /* const */
    unsigned refs;                         /* table lock; numbers and calls inside */
    unsigned fds;                          /* table lock; numbers */
    bool ended;                            /* table lock; the last number is gone */
    struct door_watch watch[DOOR_WATCHES]; /* door lock */
};

void door_init(struct door *d, enum door_kind kind);

static inline const struct door_ops *
door_ops(const struct door *d)
{
    return door_kinds[(unsigned)d->kind % DOOR_KINDS];
}

/* The door behind fd with a reference, or NULL. Keeps errno. */
struct door *door_get(int fd);
void door_put(struct door *d);

/* fd stands for d from now on (one more number). False: no memory, or d has ended meanwhile. */
bool door_set(int fd, struct door *d);
/* fd is about to be closed or replaced: forgets it, and ends the door with the last number. */
void door_unset(int fd);

/* Calls fn for every number that stands for d. Door lock held. */
void door_each_fd(struct door *d, void (*fn)(struct door *d, int fd, void *arg), void *arg);

/* Remembers what epoll_ctl() of a door's descriptor did. */
void door_watched(struct door *d, int epfd, int op, const struct epoll_event *event);

/* Puts the open file of `with` on the number fd, which keeps its status flags, its close-on-exec
 * flag and its epoll registrations. `with` stays open. Door lock held. 0 or -errno. */
int door_swap(struct door *d, int fd, int with);

/* ---- the lock -------------------------------------------------------------------------------- */

void door_lock(void);
void door_unlock(void);

/* Runs genl_events() with the door lock held: now, or, if it is busy, by its present holder on the
 * way out. For threads of the plane. */
void door_notify(void);

/* True while this thread is inside the doorway: calls that it makes are the plane's own and go to
 * the C library. The door lock implies it. */
bool door_inside(void);
/* For stretches without the lock. */
void door_enter(void);
void door_leave(void);

/* ---- fork ------------------------------------------------------------------------------------ */

/* In a child of fork(). keep: the child goes on as the parent would have (daemon()). Otherwise
 * every door closes what it hides, and the child has no doors, now or later. */
void door_fork_child(bool keep);

#endif
