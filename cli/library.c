/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/library.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/complain.h"

int
cli_find_library(char path[PATH_MAX])
{
    /* Where make puts it, make install, Debian and Fedora. */
    static const char *const places[] = {
        "libopendco.so",
        "../lib/opendco/libopendco.so",
        "../lib/" OPENDCO_MULTIARCH "/opendco/libopendco.so",
        "../lib64/opendco/libopendco.so",
    };
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

    if (length < 0) {
        cli_complain("cannot find the folder of this program: /proc is not mounted");
        return -1;
    }
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char candidate[PATH_MAX];

        if (snprintf(candidate, PATH_MAX, "%s/%s", program, places[i]) < PATH_MAX &&
            realpath(candidate, path) != NULL && access(path, R_OK) == 0)
            return 0;
    }
    cli_complain(
        "libopendco.so is neither in %s nor in opendco/ of %s/../lib, ../lib/%s or ../lib64, "
        "or cannot be read",
        program, program, OPENDCO_MULTIARCH);
    return -1;
}

/* The start of a 64-bit ELF file: its header, and the program headers that fit. */
struct elf_start {
    Elf64_Ehdr header;
    unsigned char rest[4096 - sizeof(Elf64_Ehdr)];
};

static bool
is_elf(const struct elf_start *start, ssize_t length)
{
    return length >= (ssize_t)sizeof(start->header) &&
           memcmp(start->header.e_ident, ELFMAG, SELFMAG) == 0;
}

static bool
same_machine(const Elf64_Ehdr *header)
{
    struct elf_start self;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, &self, sizeof(self));

    if (fd >= 0)
        close(fd);
    return !is_elf(&self, length) || (self.header.e_ident[EI_CLASS] == header->e_ident[EI_CLASS] &&
                                      self.header.e_machine == header->e_machine);
}

/* True for a program without an interpreter, which loads no library. */
static bool
is_static(const struct elf_start *start, ssize_t length)
{
    const Elf64_Ehdr *header = &start->header;
    const unsigned char *bytes = (const unsigned char *)start;

    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr program;
        Elf64_Off offset = header->e_phoff + (Elf64_Off)i * sizeof(program);

        if (header->e_phoff > (Elf64_Off)length || offset + sizeof(program) > (Elf64_Off)length)
            return false;
        memcpy(&program, bytes + offset, sizeof(program));
        if (program.p_type == PT_INTERP)
            return false;
    }
    return true;
}

/* Why the kernel would start the program in secure mode, in which the dynamic linker ignores paths
 * in LD_PRELOAD; NULL if it would not. */
static const char *
secure_mode(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return NULL;
    if ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid())
        return "it is set-user-ID";
    if ((status.st_mode & S_ISGID) != 0 && status.st_gid != getgid())
        return "it is set-group-ID";
    if (getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
        return "it has file capabilities";
    return NULL;
}

static const char *
why_not_preloadable(int fd)
{
    struct elf_start start;
    const char *why = secure_mode(fd);
    ssize_t length;

    if (why != NULL)
        return why;
    length = pread(fd, &start, sizeof(start), 0);
    if (!is_elf(&start, length))
        return NULL; /* a script: its interpreter passes the environment on */
    if (!same_machine(&start.header))
        return "it is built for another machine than OpenDCO";
    return is_static(&start, length) ? "it is statically linked" : NULL;
}

void
cli_warn_if_not_preloadable(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *why;

    if (fd < 0)
        return;
    why = why_not_preloadable(fd);
    close(fd);
    if (why != NULL)
        cli_complain("warning: %s will run without OpenDCO because %s", path, why);
}

/* Opens a file for reading only if it is a regular one: to open a device may have effects. Returns
 * a descriptor, or -1 with errno. */
static int
open_regular(const char *path)
{
    char again[32];
    struct stat status;
    int place = open(path, O_PATH | O_CLOEXEC), fd = -1, err;

    if (place < 0)
        return -1;
    snprintf(again, sizeof(again), "/proc/self/fd/%d", place);
    errno = ENOEXEC;
    if (fstat(place, &status) == 0 && S_ISREG(status.st_mode))
        fd = open(again, O_RDONLY | O_CLOEXEC);
    err = errno;
    close(place);
    errno = err;
    return fd;
}

int
library_build_id(const char *path, char text[BUILD_ID_TEXT])
{
    struct elf_start start;
    int fd = open_regular(path);
    ssize_t length;
    int err;

    if (fd < 0)
        return errno;
    length = pread(fd, &start, sizeof(start), 0);
    err = length < 0 ? errno : 0;
    close(fd);
    if (err != 0)
        return err;
    return build_id_of(&start, (size_t)length, text) ? 0 : ENOEXEC;
}
