/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/calls.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#include "core/atomic.h"

#define SYMBOL(field, name)                                                                        \
    {                                                                                              \
        offsetof(struct sys_calls, field), name                                                    \
    }

static const struct {
    size_t offset;
    const char *name;
} symbols[] = {
    SYMBOL(socket, "socket"),
    SYMBOL(bind, "bind"),
    SYMBOL(connect, "connect"),
    SYMBOL(accept, "accept"),
    SYMBOL(accept4, "accept4"),
    SYMBOL(shutdown, "shutdown"),
    SYMBOL(getsockname, "getsockname"),
    SYMBOL(getpeername, "getpeername"),
    SYMBOL(getsockopt, "getsockopt"),
    SYMBOL(setsockopt, "setsockopt"),
    SYMBOL(sendmsg, "sendmsg"),
    SYMBOL(sendto, "sendto"),
    SYMBOL(send, "send"),
    SYMBOL(write, "write"),
    SYMBOL(writev, "writev"),
    SYMBOL(recvmsg, "recvmsg"),
    SYMBOL(recvfrom, "recvfrom"),
    SYMBOL(recv, "recv"),
    SYMBOL(read, "read"),
    SYMBOL(readv, "readv"),
    SYMBOL(recvfrom_chk, "__recvfrom_chk"),
    SYMBOL(recv_chk, "__recv_chk"),
    SYMBOL(read_chk, "__read_chk"),
    SYMBOL(close, "close"),
    SYMBOL(dup, "dup"),
    SYMBOL(dup2, "dup2"),
    SYMBOL(dup3, "dup3"),
    SYMBOL(fcntl, "fcntl64"),
    SYMBOL(epoll_ctl, "epoll_ctl"),
    SYMBOL(open, "open64"),
    SYMBOL(open_2, "__open64_2"),
    SYMBOL(fopen, "fopen64"),
    SYMBOL(fgets, "fgets"),
    SYMBOL(fgets_chk, "__fgets_chk"),
    SYMBOL(bio_read, "BIO_read"),
    SYMBOL(daemon, "daemon"),
    SYMBOL(openlog, "openlog"),
    SYMBOL(execve, "execve"),
};

#define PAGE_MAX 65536 /* the largest page of a machine that Linux runs on */

/* Alone on its pages, so that sys_seal() makes nothing else read-only. */
static union {
    struct sys_calls calls;
    char pages[PAGE_MAX];
} sys_table __attribute__((aligned(PAGE_MAX)));
static bool ready; /* atomic: sys_table is filled in */

/* Two threads may do this at once; both write the same pointers. */
static void
resolve(void)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void **slot = (void **)((char *)&sys_table.calls + symbols[i].offset);

        dco_store(slot, dlsym(RTLD_NEXT, symbols[i].name));
    }
    dco_store_release(&ready, true);
}

const struct sys_calls *
sys(void)
{
    if (__builtin_expect(!dco_load_acquire(&ready), 0))
        resolve();
    return &sys_table.calls;
}

void
sys_seal(void)
{
    (void)sys();
    (void)mprotect(&sys_table, sizeof(sys_table), PROT_READ);
}
