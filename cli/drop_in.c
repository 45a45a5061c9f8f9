/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/drop_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/file.h"

#define FOLDER   "/etc/systemd/system"
#define NAME     "10-opendco.conf"
#define TEXT_MAX 16384

/* packaging/debian and administrators look for it, too: it never changes. */
static const char mark[] =
    "# Written by \"opendco enable\"; \"opendco disable\" removes this file.\n";

static const char advice[] =
    "# Settings belong into another file of this folder, such as 20-local.conf.\n\n";

static void
folder_of(const char *path, char folder[PATH_MAX])
{
    snprintf(folder, PATH_MAX, "%s", path);
    *strrchr(folder, '/') = '\0';
}

/* Reads a small file, which is no link, into a text that the caller frees. NULL with errno. */
static char *
read_text(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(TEXT_MAX + 1);
    ssize_t length = text == NULL ? -1 : read(fd, text, TEXT_MAX);
    int err = errno;

    if (fd >= 0)
        close(fd);
    if (length < 0) {
        free(text);
        errno = err;
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/* The template without the comment at its top, which is for those who copy it by hand. */
static char *
compose(const char *template, const char *folder)
{
    static const char wanted[] = "@LIBDIR@";
    const char *body = strstr(template, "[Service]");
    const char *where = body == NULL ? NULL : strstr(body, wanted);
    char *text;

    if (where == NULL) {
        errno = EINVAL;
        return NULL;
    }
    if (asprintf(&text, "%s%s%.*s%s%s", mark, advice, (int)(where - body), body, folder,
                 where + strlen(wanted)) < 0)
        return NULL;
    return text;
}

char *
drop_in_text(const char *library)
{
    char folder[PATH_MAX], path[PATH_MAX];
    char *template, *text;

    folder_of(library, folder);
    if (snprintf(path, sizeof(path), "%s/" NAME, folder) >= (int)sizeof(path)) {
        cli_complain("the path of the library is too long");
        return NULL;
    }
    template = read_text(path);
    text = template == NULL ? NULL : compose(template, folder);
    if (text == NULL)
        cli_complain("cannot use %s: %s", path, strerror(errno));
    free(template);
    return text;
}

static enum drop_in_state
state_of(const char *path, const char *text)
{
    enum drop_in_state state = DROP_IN_FOREIGN;
    char *found = read_text(path);

    if (found == NULL)
        return errno == ENOENT ? DROP_IN_ABSENT : DROP_IN_FOREIGN;
    if (strcmp(found, text) == 0)
        state = DROP_IN_CURRENT;
    else if (strncmp(found, mark, strlen(mark)) == 0)
        state = DROP_IN_OLD;
    free(found);
    return state;
}

bool
drop_in_look(struct drop_in *drop_in, const char *unit, const char *text)
{
    if (snprintf(drop_in->path, PATH_MAX, FOLDER "/%s.service.d/" NAME, unit) >= PATH_MAX) {
        cli_complain("the name %s is too long", unit);
        return false;
    }
    drop_in->state = state_of(drop_in->path, text);
    return true;
}

bool
drop_in_write(const struct drop_in *drop_in, const char *text)
{
    char folder[PATH_MAX];
    int err = 0;

    folder_of(drop_in->path, folder);
    if (mkdir(folder, 0755) < 0 && errno != EEXIST)
        err = errno;
    if (err == 0)
        err = file_replace(drop_in->path, text, strlen(text));
    if (err == 0)
        return true;
    cli_complain("cannot write %s: %s", drop_in->path, strerror(err));
    return false;
}

bool
drop_in_remove(const struct drop_in *drop_in)
{
    char folder[PATH_MAX];

    if (unlink(drop_in->path) < 0) {
        cli_complain("cannot remove %s: %s", drop_in->path, strerror(errno));
        return false;
    }
    folder_of(drop_in->path, folder);
    rmdir(folder);
    return true;
}
