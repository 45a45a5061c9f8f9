/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of the C library, and one of OpenSSL, behind the interposed ones. Any thread, also
 * before constructors have run and in children of fork().
 */
#ifndef DCO_SYS_CALLS_H
#define DCO_SYS_CALLS_H

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct bio_st;

struct sys_calls {
    int (*socket)(int, int, int);
    int (*bind)(int, const struct sockaddr *, socklen_t);
    int (*connect)(int, const struct sockaddr *, socklen_t);
    int (*accept)(int, struct sockaddr *, socklen_t *);
    int (*accept4)(int, struct sockaddr *, socklen_t *, int);
    int (*shutdown)(int, int);
    int (*getsockname)(int, struct sockaddr *, socklen_t *);
    int (*getpeername)(int, struct sockaddr *, socklen_t *);
    int (*getsockopt)(int, int, int, void *, socklen_t *);
    int (*setsockopt)(int, int, int, const void *, socklen_t);
    ssize_t (*sendmsg)(int, const struct msghdr *, int);
    ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*recvmsg)(int, struct msghdr *, int);
    ssize_t (*recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
    ssize_t (*recv)(int, void *, size_t, int);
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*readv)(int, const struct iovec *, int);
    ssize_t (*recvfrom_chk)(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
    ssize_t (*recv_chk)(int, void *, size_t, size_t, int);
    ssize_t (*read_chk)(int, void *, size_t, size_t);
    int (*close)(int);
    int (*dup)(int);
    int (*dup2)(int, int);
    int (*dup3)(int, int, int);
    int (*fcntl)(int, int, ...);
    int (*epoll_ctl)(int, int, int, struct epoll_event *);
    int (*open)(const char *, int, ...);
    int (*open_2)(const char *, int);
    FILE *(*fopen)(const char *, const char *);
    char *(*fgets)(char *, int, FILE *);
    char *(*fgets_chk)(char *, size_t, int, FILE *);
    int (*bio_read)(struct bio_st *, void *, int); /* of libcrypto */
    int (*daemon)(int, int);
    void (*openlog)(const char *, int, int);
    int (*execve)(const char *, char *const[], char *const[]);
};

/* sys()->close(fd). Resolved on the first call. */
const struct sys_calls *sys(void);

/* Makes the table of functions read-only, because openvpn's own thread, which has no system call
 * filter, calls through it. Call it while there is only one thread. */
void sys_seal(void);

#endif
