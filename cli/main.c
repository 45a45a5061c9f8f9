/* SPDX-License-Identifier: BSD-2-Clause */
/* The opendco command: each subcommand is one function, which gets its own arguments. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/enable.h"
#include "cli/metrics.h"
#include "cli/run.h"
#include "cli/status.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static int version(int argc, char **argv);
static int help(int argc, char **argv);

static const struct subcommand subcommands[] = {
    {"run", cli_run, "run openvpn with its data channel in OpenDCO"},
    {"enable", cli_enable, "make systemd units of OpenVPN run under OpenDCO"},
    {"disable", cli_disable, "make them run without it"},
    {"metrics", cli_metrics, "print metrics for Prometheus"},
    {"status", cli_status, "show every openvpn that runs under OpenDCO"},
    {"version", version, "print the version"},
    {"help", help, "print this text"},
};

static void
print_usage(FILE *to)
{
    fputs("usage: opendco COMMAND [ARGUMENT...]\n\n", to);
    for (size_t i = 0; i < COUNT(subcommands); i++)
        fprintf(to, "  %-9s %s\n", subcommands[i].name, subcommands[i].summary);
    fputs("\nRun \"opendco COMMAND --help\" for details, or see opendco(8).\n", to);
}

static int
help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    print_usage(stdout);
    return EXIT_SUCCESS;
}

static int
version(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("usage: opendco version\n\nPrints the version of OpenDCO.");
        return EXIT_SUCCESS;
    }
    if (argc > 1) {
        cli_complain("version takes no argument, but got \"%s\"", argv[1]);
        return EXIT_FAILURE;
    }
    puts("opendco " OPENDCO_VERSION);
    return EXIT_SUCCESS;
}

static const char *
without_dashes(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return "help";
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return "version";
    return word;
}

/* If this program was started without a standard file, the first file that it opens would get that
 * descriptor and receive its output. /dev/null takes the place; it closes itself on execve(). */
static void
reserve_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

int
main(int argc, char **argv)
{
    reserve_standard_files();
    if (argc < 2) {
        print_usage(stderr);
        return RUN_USAGE;
    }
    for (size_t i = 0; i < COUNT(subcommands); i++) {
        if (strcmp(without_dashes(argv[1]), subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
    }
    cli_complain("unknown command \"%s\"; \"opendco --help\" lists the commands", argv[1]);
    return RUN_USAGE;
}
