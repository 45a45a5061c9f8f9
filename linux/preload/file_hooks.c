/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interposed functions on files. openvpn finds our module under /sys/module, offer.h learns
 * which files openvpn opens, and config_copy.h gets the configuration that can be read only once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "linux/openvpn/config_copy.h"
#include "linux/openvpn/offer.h"
#include "linux/preload/hook.h"
#include "linux/preload/lifecycle.h"
#include "linux/preload/lock.h"
#include "linux/sys/calls.h"

/* Declared by the C library only under _FORTIFY_SOURCE. */
HOOK int __open_2(const char *path, int flags);
HOOK int __open64_2(const char *path, int flags);
HOOK char *__fgets_chk(char *line, size_t size, int n, FILE *file);

/* Another name may lead to the device, too (--dev-node). */
static bool
is_tun_node(const char *path, int fd)
{
    struct stat st;

    if (strcmp(path, "/dev/net/tun") == 0)
        return true;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(10, 200);
}

/* Few files are opened for reading and writing, so is_tun_node() is rarely called. */
static void
look_for_tun(const char *path, int flags, int fd)
{
    if (fd < 0 || (flags & O_ACCMODE) != O_RDWR || preload_inside() || !is_tun_node(path, fd))
        return;
    preload_lock();
    if (offer_tun_opened())
        lifecycle_answer();
    preload_unlock();
}

static int
any_open(const char *path, int flags, mode_t mode)
{
    int fd = sys()->open(path, flags, mode);

    look_for_tun(path, flags, fd);
    return fd;
}

HOOK int
open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return any_open(path, flags, mode);
}

HOOK int
open64(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return any_open(path, flags, mode);
}

HOOK int
__open_2(const char *path, int flags)
{
    int fd = sys()->open_2(path, flags);

    look_for_tun(path, flags, fd);
    return fd;
}

HOOK int
__open64_2(const char *path, int flags)
{
    int fd = sys()->open_2(path, flags);

    look_for_tun(path, flags, fd);
    return fd;
}

/* Configuration that can be read only once */

static char *
read_to_end(FILE *file, size_t *size)
{
    size_t room = 0, used = 0, n;
    char *text = NULL, *more;

    do {
        if (used == room) {
            room = room > 0 ? 2 * room : 16384;
            more = realloc(text, room);
            if (more == NULL)
                break;
            text = more;
        }
        n = fread(text + used, 1, room - used, file);
        used += n;
    } while (n > 0);
    *size = used;
    return text;
}

/* The file that openvpn reads instead of this one, which it opened as path; NULL: this one. The
 * lock is not held while we wait for a pipe. */
static FILE *
config_copied(const char *path, FILE *file)
{
    bool named;
    char *text;
    size_t size;

    preload_lock();
    named = offer_config_names(path);
    preload_unlock();
    text = named ? read_to_end(file, &size) : NULL;
    if (text == NULL)
        return NULL;
    preload_lock();
    config_copy_put(path, text, size);
    file = config_copy_open(path);
    preload_unlock();
    return file;
}

static FILE *
config_opened(const char *path, FILE *file)
{
    struct stat st;
    FILE *copied;

    if (fstat(fileno(file), &st) < 0)
        return file;
    if (S_ISREG(st.st_mode)) {
        preload_lock();
        config_copy_drop(path);
        preload_unlock();
        return file;
    }
    copied = config_copied(path, file);
    if (copied == NULL)
        return file;
    fclose(file);
    return copied;
}

static bool
rereads(void)
{
    bool result;

    preload_lock();
    result = offer_rereads();
    preload_unlock();
    return result;
}

/* openvpn does not open its standard input, but reads from it at once. */
static FILE *
config_stdin(FILE *file)
{
    static bool looked;  /* openvpn's thread */
    static FILE *copied; /* likewise; NULL if it is no configuration */

    if (file != stdin || preload_inside())
        return file;
    if (!looked) {
        looked = true;
        copied = config_copied("stdin", file);
    }
    if (copied != NULL && feof(copied) && rereads())
        rewind(copied);
    return copied != NULL ? copied : file;
}

HOOK char *
fgets(char *line, int n, FILE *file)
{
    return sys()->fgets(line, n, config_stdin(file));
}

HOOK char *
__fgets_chk(char *line, size_t size, int n, FILE *file)
{
    return sys()->fgets_chk(line, size, n, config_stdin(file));
}

/* openvpn prints the first line of the file `version` there as the DCO version. 2.7 first looks for
 * the folder. */
#define MODULE_2_6 "/sys/module/ovpn_dco_v2"
#define MODULE_2_7 "/sys/module/ovpn"

static FILE *
any_fopen(const char *path, const char *mode)
{
    static const char version[] = OPENDCO_VERSION " (OpenDCO)\n";
    FILE *file;

    if (mode[0] == 'r' &&
        (strcmp(path, MODULE_2_6 "/version") == 0 || strcmp(path, MODULE_2_7 "/version") == 0))
        return fmemopen((void *)version, sizeof(version) - 1, "r");
    file = sys()->fopen(path, mode);
    if (file == NULL || mode[0] != 'r' || preload_inside())
        return file;
    offer_file_opened(path);
    return config_opened(path, file);
}

/* Whether stat() failed only because that folder does not exist. */
static bool
stands_in(const char *path, int result)
{
    return result < 0 && errno == ENOENT && strcmp(path, MODULE_2_7) == 0;
}

HOOK int
stat(const char *path, struct stat *st)
{
    int result = fstatat(AT_FDCWD, path, st, 0);

    if (!stands_in(path, result))
        return result;
    *st = (struct stat){.st_mode = S_IFDIR | 0555};
    return 0;
}

HOOK int
stat64(const char *path, struct stat64 *st)
{
    int result = fstatat64(AT_FDCWD, path, st, 0);

    if (!stands_in(path, result))
        return result;
    *st = (struct stat64){.st_mode = S_IFDIR | 0555};
    return 0;
}

HOOK FILE *
fopen(const char *path, const char *mode)
{
    return any_fopen(path, mode);
}

HOOK FILE *
fopen64(const char *path, const char *mode)
{
    return any_fopen(path, mode);
}
