/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/expect.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/instance.h"
#include "cli/systemctl.h"

#define LIBRARY "libopendco.so"

/* Bytes of a file of /proc that are looked at. */
#define FILE_MAX (1U << 20)

struct search {
    json_t *instances;
    unsigned running;
    bool missing;
};

/* Reads /proc/PID/NAME into memory that the caller frees; a zero follows. NULL if it cannot be
 * read. */
static char *
read_proc(long pid, const char *name, size_t *length)
{
    char path[64];
    char *text;
    ssize_t got = 1;
    int fd;

    snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    text = malloc(FILE_MAX + 1);
    for (*length = 0; text != NULL && got > 0 && *length < FILE_MAX; *length += (size_t)got) {
        got = read(fd, text + *length, FILE_MAX - *length);
        if (got < 0)
            got = 0;
    }
    close(fd);
    if (text != NULL)
        text[*length] = '\0';
    return text;
}

static bool
mentions(long pid, const char *name, const char *word)
{
    size_t length;
    char *text = read_proc(pid, name, &length);
    bool found = text != NULL && memmem(text, length, word, strlen(word)) != NULL;

    free(text);
    return found;
}

/* getauxval(3): the kernel set it because the start of the program changed its rights or domain. */
static bool
is_secure(long pid)
{
    size_t length;
    char *text = read_proc(pid, "auxv", &length);
    Elf64_auxv_t entry;
    bool secure = false;

    for (size_t at = 0; text != NULL && at + sizeof(entry) <= length; at += sizeof(entry)) {
        memcpy(&entry, text + at, sizeof(entry));
        if (entry.a_type == AT_SECURE)
            secure = entry.a_un.a_val != 0;
    }
    free(text);
    return secure;
}

/* The security context, or the profile of AppArmor; "" if there is none. */
static void
read_context(long pid, char *context, size_t size)
{
    size_t length;
    char *text = read_proc(pid, "attr/current", &length);

    snprintf(context, size, "%s", text != NULL ? text : "");
    context[strcspn(context, "\n")] = '\0';
    if (strcmp(context, "unconfined") == 0)
        *context = '\0';
    free(text);
}

static void
explain(const char *unit, long pid)
{
    char context[256];

    read_context(pid, context, sizeof(context));
    if (mentions(pid, "maps", "/" LIBRARY))
        cli_complain("%s (pid %ld) has the library, but no status socket that can be asked%s%s%s",
                     unit, pid, *context != '\0' ? ": its security context " : "", context,
                     *context != '\0' ? " may forbid the runtime folder" : "");
    else if (!mentions(pid, "environ", LIBRARY))
        cli_complain("%s (pid %ld) was started without the library: run \"opendco enable %s\" and "
                     "restart it",
                     unit, pid, unit);
    else if (is_secure(pid))
        cli_complain("%s (pid %ld) was started in secure mode, in which the dynamic linker ignores "
                     "LD_PRELOAD: %s%s",
                     unit, pid,
                     *context != '\0' ? "a change of the security context to "
                                      : "openvpn's program has file capabilities or set-user-ID",
                     context);
    else
        cli_complain("%s (pid %ld) could not load the library: its log has the dynamic linker's "
                     "message",
                     unit, pid);
}

static void
look(const char *unit, long pid, void *arg)
{
    struct search *search = arg;

    search->running++;
    if (instance_find(search->instances, pid) != NULL)
        return;
    search->missing = true;
    explain(unit, pid);
}

bool
expect_unit(const char *unit, json_t *instances)
{
    struct search search = {.instances = instances};

    if (!systemctl_works()) {
        cli_complain("systemd does not run here, so no unit can be looked for");
        return false;
    }
    if (!systemctl_each_running(unit, look, &search))
        return false;
    if (search.running == 0)
        cli_complain("%s does not run", unit);
    return search.running > 0 && !search.missing;
}
