/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opendco status: asks every socket in the runtime directory, and for root also those of the
 * services and sessions of other users. Each process writes one JSON object
 * and closes the connection. A socket that refuses a connection belongs to a process that no longer
 * exists (linux/status/server.h); the command removes the socket if only root and this user can
 * change the directory.
 *
 * The command makes the directory its working directory, so that a name means the same file in each
 * call.
 */
#include "cli/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/expect.h"
#include "cli/instance.h"
#include "cli/print.h"
#include "cli/unit.h"
#include "linux/sys/runtime_dir.h"

#define ANSWER_MAX  (64U << 20) /* bytes; about 100000 peers */
#define ANSWER_TIME 5000        /* milliseconds for one whole answer */

static const char usage[] =
    "usage: opendco status [--json] [--expect NAME]...\n"
    "\n"
    "Shows every openvpn that runs under OpenDCO: whether its data channel is offloaded or why\n"
    "not, and its devices, peers and drops.\n"
    "\n"
    "  -j, --json   print an array with one object per process\n"
    "  -e, --expect NAME\n"
    "               complain if the unit of systemd (an instance, or a whole name such as\n"
    "               openvpn-client@home) does not run under OpenDCO, and say why\n"
    "  -h, --help   print this text\n"
    "\n"
    "Exit status: 0 if all are offloaded, 1 if none runs or one that is expected does not run\n"
    "under OpenDCO, 2 if at least one is not offloaded, 3 if at least one could not be asked.\n";

struct folder {
    const char *path;
    bool trusted; /* only root and this user can change what is in it */
};

struct answer {
    char *bytes;
    size_t length;
    size_t room;
};

static long
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* Makes room for more bytes. Returns 0 or an errno value. */
static int
answer_grow(struct answer *answer)
{
    size_t room = answer->room == 0 ? 16384 : answer->room * 2;
    char *bytes;

    if (answer->length < answer->room)
        return 0;
    if (answer->room >= ANSWER_MAX)
        return EMSGSIZE;
    bytes = realloc(answer->bytes, room);
    if (bytes == NULL)
        return ENOMEM;
    answer->bytes = bytes;
    answer->room = room;
    return 0;
}

/* Reads to the end of the stream. Returns 0 or an errno value. */
static int
answer_read(struct answer *answer, int fd)
{
    long deadline = now_ms() + ANSWER_TIME;

    for (;;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        long left = deadline - now_ms();
        int err = answer_grow(answer);
        ssize_t got;

        if (err != 0)
            return err;
        if (left <= 0 || poll(&readable, 1, (int)left) == 0)
            return ETIMEDOUT;
        got = recv(fd, answer->bytes + answer->length, answer->room - answer->length, MSG_DONTWAIT);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return errno;
        if (got > 0)
            answer->length += (size_t)got;
    }
}

/* Returns a descriptor, or -1 with errno. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = ANSWER_TIME / 1000};
    int err;
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    err = errno;
    close(fd);
    errno = err;
    return -1;
}

static json_t *
ask(int fd, const char *folder, const char *name)
{
    struct answer answer = {0};
    char why[INSTANCE_WHY];
    json_t *instance = NULL;
    int err = answer_read(&answer, fd);

    if (err != 0)
        cli_complain("cannot read the answer of %s/%s: %s", folder, name, strerror(err));
    else if ((instance = instance_parse(answer.bytes, answer.length, why)) == NULL)
        cli_complain("%s/%s: answer not understood: %s", folder, name, why);
    free(answer.bytes);
    return instance;
}

/* Adds the answer of one socket to the array. False if the process could not be asked. */
static bool
collect(json_t *instances, const struct folder *folder, const char *name)
{
    json_t *instance;
    int fd = connect_to(name);

    if (fd < 0 && (errno == ECONNREFUSED || errno == ENOENT)) {
        if (errno == ECONNREFUSED && folder->trusted)
            unlink(name);
        return true;
    }
    if (fd < 0) {
        cli_complain("cannot connect to %s/%s: %s", folder->path, name, strerror(errno));
        return false;
    }
    instance = ask(fd, folder->path, name);
    close(fd);
    if (instance == NULL)
        return false;
    instance_note_restart(instance);
    instance_note_unit(instance);
    return json_array_append_new(instances, instance) == 0;
}

static int
is_socket_name(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 5 && strcmp(entry->d_name + length - 5, ".sock") == 0;
}

static bool
is_socket(const char *name)
{
    struct stat status;

    return lstat(name, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* Makes the folder the working directory. Like the library it refuses a symbolic link. Returns 0 or
 * an errno value. */
static int
enter(struct folder *folder)
{
    int fd = open(folder->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    int err = 0;

    if (fd < 0)
        return errno;
    if (fchdir(fd) < 0 || fstat(fd, &status) < 0)
        err = errno;
    else
        folder->trusted = runtime_dir_is_private(&status);
    close(fd);
    return err;
}

/* False if the folder or one of its sockets could not be read. */
static bool
collect_all(json_t *instances, const char *directory)
{
    struct folder folder = {.path = directory};
    struct dirent **entries;
    int err = enter(&folder), count = 0;
    bool all = true;

    if (err == 0 && (count = scandir(".", &entries, is_socket_name, versionsort)) < 0)
        err = errno;
    if (err != 0 && err != ENOENT)
        cli_complain("cannot read the folder %s: %s", directory, strerror(err));
    if (err != 0)
        return err == ENOENT;
    for (int i = 0; i < count; i++) {
        if (is_socket(entries[i]->d_name))
            all &= collect(instances, &folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return all;
}

static bool
runtime_directory(char path[PATH_MAX])
{
    int err = runtime_dir_path(path, PATH_MAX);

    if (err == -ENOENT)
        cli_complain("no runtime folder is known: set OPENDCO_RUNTIME_DIR or XDG_RUNTIME_DIR, or "
                     "run this command as root");
    else if (err != 0)
        cli_complain("the path of the runtime folder cannot be used: %s", strerror(-err));
    return err == 0;
}

static bool
looks_everywhere(void)
{
    return geteuid() == 0 && runtime_dir_chosen() == NULL;
}

/* Services with User= and sessions of users have folders of their own. */
static bool
collect_others(json_t *instances)
{
    glob_t folders;
    bool all = true;

    if (!looks_everywhere())
        return true;
    if (glob(RUNTIME_DIR_SERVICES, GLOB_ONLYDIR, NULL, &folders) == GLOB_NOSPACE ||
        glob(RUNTIME_DIR_NESTED, GLOB_ONLYDIR | GLOB_APPEND, NULL, &folders) == GLOB_NOSPACE) {
        cli_complain("out of memory");
        all = false;
    }
    for (size_t i = 0; i < folders.gl_pathc; i++)
        all &= collect_all(instances, folders.gl_pathv[i]);
    globfree(&folders);
    return all;
}

bool
status_collect(json_t *instances)
{
    char directory[PATH_MAX];
    bool all = runtime_directory(directory) && collect_all(instances, directory);

    return collect_others(instances) && all;
}

static int
verdict(json_t *instances, bool all)
{
    size_t i;
    json_t *instance;

    if (!all)
        return STATUS_ERROR;
    json_array_foreach (instances, i, instance) {
        if (!instance_is_active(instance))
            return STATUS_INACTIVE;
    }
    return json_array_size(instances) == 0 ? STATUS_NONE : STATUS_OFFLOADED;
}

static void
print(json_t *instances, bool json)
{
    size_t i;
    json_t *instance;

    if (json) {
        json_dumpf(instances, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        putchar('\n');
        return;
    }
    json_array_foreach (instances, i, instance) {
        if (i > 0)
            putchar('\n');
        instance_print(instance, stdout);
    }
}

/* False if one of the units does not run under OpenDCO. */
static bool
all_expected(json_t *instances, json_t *units)
{
    size_t i;
    json_t *unit;
    bool all = true;

    json_array_foreach (units, i, unit)
        all &= expect_unit(json_string_value(unit), instances);
    return all;
}

static int
show(bool json, json_t *expected)
{
    char directory[PATH_MAX];
    json_t *instances = json_array();
    int status = STATUS_ERROR;

    if (instances == NULL) {
        cli_complain("out of memory");
    } else if (runtime_directory(directory)) {
        bool all = collect_all(instances, directory);

        all &= collect_others(instances);
        status = verdict(instances, all);
        print(instances, json);
        if (status == STATUS_NONE && !json)
            printf("no openvpn runs under OpenDCO (looked in %s%s)\n", directory,
                   looks_everywhere() ? ", " RUNTIME_DIR_SERVICES " and " RUNTIME_DIR_NESTED : "");
        if (!all_expected(instances, expected) && status == STATUS_OFFLOADED)
            status = STATUS_NONE;
    }
    json_decref(instances);
    return cli_flush() ? status : STATUS_ERROR;
}

static bool
add_expected(json_t *expected, const char *name)
{
    char unit[UNIT_NAME_MAX];

    return unit_find(name, false, unit) && json_array_append_new(expected, json_string(unit)) == 0;
}

static int
run(int argc, char **argv, json_t *expected)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"expect", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool json = false;
    int letter;

    while ((letter = getopt_long(argc, argv, "je:h", options, NULL)) != -1) {
        switch (letter) {
        case 'j':
            json = true;
            break;
        case 'e':
            if (!add_expected(expected, optarg))
                return STATUS_ERROR;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            cli_complain("\"opendco status --help\" lists the options");
            return STATUS_ERROR;
        }
    }
    if (optind < argc) {
        cli_complain("status takes no argument, but got \"%s\"", argv[optind]);
        return STATUS_ERROR;
    }
    return show(json, expected);
}

int
cli_status(int argc, char **argv)
{
    json_t *expected = json_array(); /* names of units */
    int status = run(argc, argv, expected);

    json_decref(expected);
    return status;
}
