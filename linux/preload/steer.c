/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/preload/steer.h"

#include <errno.h>
#include <linux/filter.h>
#include <stddef.h>
#include <sys/socket.h>

#include "core/wire.h"
#include "linux/sys/calls.h"

static int
attach(int fd, struct sock_filter *code, size_t len)
{
    struct sock_fprog prog = {.len = (unsigned short)len, .filter = code};

    return sys()->setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog)) ? -errno
                                                                                            : 0;
}

int
steer_all_to_first(int fd)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};

    return attach(fd, code, 1);
}

/* A load beyond the end of a short packet ends the program with 0. */
int
steer_by_peer(int fd, unsigned n)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 3),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DCO_OPCODE_DATA_V2, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, DCO_PEER_ID_UNDEF),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };

    return attach(fd, code, sizeof(code) / sizeof(code[0]));
}
