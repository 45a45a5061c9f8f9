/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/run.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/library.h"
#include "linux/sys/setting_rules.h"

static const char usage[] =
    "usage: opendco run [--workers N] [--mss auto|off|N] [--log-level LEVEL] -- COMMAND...\n"
    "\n"
    "Runs COMMAND, an openvpn command line, with its data channel in OpenDCO.\n"
    "\n"
    "  -w, --workers N        worker threads, 1 to 16 (one per processor)   OPENDCO_WORKERS\n"
    "  -m, --mss auto|off|N   limit the TCP segment size inside the tunnel to what the path\n"
    "                         to the peer carries, never, or to N bytes (auto)   OPENDCO_MSS\n"
    "  -l, --log-level LEVEL  error, warn, info or debug (info)   OPENDCO_LOG_LEVEL\n"
    "  -h, --help             print this text\n"
    "\n"
    "Each option sets the environment variable beside it. Without the option, a variable that is\n"
    "already set applies.\n";

static const struct {
    int letter;
    const char *name;
    enum setting setting;
} setting_options[] = {
    {'w', "--workers", SETTING_WORKERS},
    {'m', "--mss", SETTING_MSS},
    {'l', "--log-level", SETTING_LOG_LEVEL},
};

static bool
set_variable(const char *name, const char *value)
{
    if (setenv(name, value, 1) == 0)
        return true;
    cli_complain("cannot set %s: %s", name, strerror(errno));
    return false;
}

static bool
is_valid(enum setting setting, const char *value)
{
    struct settings settings;

    return setting_parse(setting, value, &settings);
}

static bool
apply_option(int letter, const char *value)
{
    for (size_t i = 0; i < sizeof(setting_options) / sizeof(setting_options[0]); i++) {
        enum setting setting = setting_options[i].setting;

        if (setting_options[i].letter != letter)
            continue;
        if (is_valid(setting, value))
            return set_variable(setting_variable(setting), value);
        cli_complain("%s takes %s, but got \"%s\"", setting_options[i].name,
                     setting_expected(setting), value);
        return false;
    }
    cli_complain("\"opendco run --help\" lists the options");
    return false;
}

/* With an invalid value the library would only write to the log and use the default. */
static bool
check_variables(void)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        enum setting setting = (enum setting)i;
        const char *value = setting_value(setting);

        if (value == NULL || is_valid(setting, value))
            continue;
        cli_complain("the environment variable %s takes %s, but is \"%s\"",
                     setting_variable(setting), setting_expected(setting), value);
        return false;
    }
    return true;
}

static bool
preload(const char *library)
{
    const char *others = getenv("LD_PRELOAD");
    char *list;
    bool set;

    if (strpbrk(library, " :\t\n") != NULL) {
        cli_complain(
            "%s: the dynamic linker does not accept a path with a space or colon in LD_PRELOAD; "
            "move the library",
            library);
        return false;
    }
    if (others == NULL || *others == '\0')
        return set_variable("LD_PRELOAD", library);
    if (asprintf(&list, "%s:%s", library, others) < 0) {
        cli_complain("out of memory");
        return false;
    }
    set = set_variable("LD_PRELOAD", list);
    free(list);
    return set;
}

static bool
is_executable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Searches PATH as execvp() does; an empty part of PATH is the working directory. */
static bool
find_in_path(const char *command, char path[PATH_MAX])
{
    const char *from = getenv("PATH");

    if (from == NULL)
        from = "/bin:/usr/bin";
    for (; from != NULL; from = *from == ':' ? from + 1 : NULL) {
        size_t length = strcspn(from, ":");
        int written = snprintf(path, PATH_MAX, "%.*s/%s", length > 0 ? (int)length : 1,
                               length > 0 ? from : ".", command);

        if (written < PATH_MAX && is_executable(path))
            return true;
        from += length;
    }
    return false;
}

/*
 * Executes the command; returns an exit status if that fails. The search in PATH is done here,
 * because execvp() reports a missing command as forbidden if it may not search one of the folders.
 * execvp() then still runs scripts without an interpreter line.
 */
static int
become(char **command)
{
    char path[PATH_MAX];
    const char *program = command[0];
    int err;

    if (strchr(program, '/') == NULL) {
        if (!find_in_path(program, path)) {
            cli_complain("%s: command not found", program);
            return RUN_NOT_FOUND;
        }
        program = path;
    }
    cli_warn_if_not_preloadable(program);
    execvp(program, command);
    err = errno;
    cli_complain("cannot run %s: %s", program, strerror(err));
    return err == ENOENT ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE;
}

int
cli_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"workers", required_argument, NULL, 'w'},
        {"mss", required_argument, NULL, 'm'},
        {"log-level", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    char library[PATH_MAX];
    int letter;

    while ((letter = getopt_long(argc, argv, "+w:m:l:h", options, NULL)) != -1) {
        if (letter == 'h') {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (!apply_option(letter, optarg))
            return RUN_USAGE;
    }
    if (optind == argc) {
        cli_complain(
            "run needs a command, for example \"opendco run -- openvpn --config server.conf\"");
        return RUN_USAGE;
    }
    if (!check_variables() || cli_find_library(library) < 0 || !preload(library))
        return RUN_USAGE;
    return become(argv + optind);
}
