/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/vfd_swap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "linux/preload/lock.h"
#include "linux/sys/calls.h"
#include "linux/sys/log.h"

void
vfd_watched(struct vfd *d, int epfd, int op, const struct epoll_event *event)
{
    struct vfd_watch *found = NULL, *unused = NULL;

    preload_lock();
    for (unsigned i = 0; i < VFD_WATCHES; i++) {
        if (d->watch[i].epfd == epfd)
            found = &d->watch[i];
        else if (d->watch[i].epfd < 0)
            unused = &d->watch[i];
    }
    if (op == EPOLL_CTL_DEL) {
        if (found != NULL)
            found->epfd = -1;
    } else if (found != NULL || unused != NULL) {
        found = found != NULL ? found : unused;
        found->epfd = epfd;
        found->event = *event;
    }
    preload_unlock();
}

static void
watches_apply(struct vfd *d, int fd, int op)
{
    for (unsigned i = 0; i < VFD_WATCHES; i++)
        if (d->watch[i].epfd >= 0)
            (void)sys()->epoll_ctl(d->watch[i].epfd, op, fd, &d->watch[i].event);
}

/* epoll registers open files. The old registration would report events for as long as a duplicate
 * of the old file exists, so it is removed first. */
int
vfd_swap(struct vfd *d, int fd, int with)
{
    int fd_flags = sys()->fcntl(fd, F_GETFD);
    int status = sys()->fcntl(fd, F_GETFL);
    int err = 0;

    if (fd_flags < 0 || status < 0)
        return -errno;
    if (sys()->fcntl(with, F_SETFL, status & (O_NONBLOCK | O_ASYNC)) < 0)
        return -errno;
    watches_apply(d, fd, EPOLL_CTL_DEL);
    if (sys()->dup3(with, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
        err = -errno;
    watches_apply(d, fd, EPOLL_CTL_ADD);
    return err;
}

int
vfd_hide(int fd)
{
    int hidden = sys()->fcntl(fd, F_DUPFD_CLOEXEC, 3);

    return hidden < 0 ? -errno : hidden;
}

int
vfd_pair_make(struct vfd_pair *pair, int type)
{
    int ends[2];

    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pair->outer = ends[0];
    pair->inner = ends[1];
    return 0;
}

struct swap {
    int with;
    const char *what;
};

static void
swap_fd(struct vfd *d, int fd, void *arg)
{
    const struct swap *swap = arg;
    int err = vfd_swap(d, fd, swap->with);

    if (err != 0)
        log_line(LOG_LEVEL_ERROR,
                 "cannot replace %s socket %d, so openvpn does not hear what arrives for it: %s",
                 swap->what, fd, strerror(-err));
}

void
vfd_pair_swap(struct vfd *d, struct vfd_pair *pair, const char *what)
{
    struct swap swap = {pair->outer, what};

    vfd_each_fd(d, swap_fd, &swap);
    sys()->close(pair->outer);
    pair->outer = -1;
}
