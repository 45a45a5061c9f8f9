/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall_filter allow|deny COMMAND...: runs the command under a filter as systemd makes it of
 * SystemCallFilter=: a refused call ends the process. The calls are read from standard input, one
 * name a line. "allow" refuses all others, "deny" refuses these.
 */
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    int deny = argc > 2 && strcmp(argv[1], "deny") == 0;
    uint32_t listed = deny ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW;
    scmp_filter_ctx ctx = seccomp_init(deny ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
    char name[64];

    if (argc < 3 || ctx == NULL)
        return 2;
    while (fgets(name, sizeof(name), stdin) != NULL) {
        int call;

        name[strcspn(name, "\n")] = '\0';
        call = seccomp_syscall_resolve_name(name);
        if (call >= 0 && seccomp_rule_add(ctx, listed, call, 0) < 0)
            return 2;
    }
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
    if (seccomp_load(ctx) < 0)
        return 2;
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
