/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/exposition.h"
#include "cli/file.h"
#include "cli/status.h"

static const char usage[] =
    "usage: opendco metrics [--no-peers] [--openmetrics] [--output FILE]\n"
    "\n"
    "Prints metrics of every openvpn that runs under OpenDCO, as Prometheus reads them.\n"
    "\n"
    "  -p, --no-peers     without the series of each peer\n"
    "  -m, --openmetrics  in the format OpenMetrics 1.0 instead of the text format 0.0.4\n"
    "  -o, --output FILE  replace FILE at once, for the textfile collector of node_exporter\n"
    "  -h, --help         print this text\n"
    "\n"
    "Exit status: 0, or 1 if the metrics could not be written. A process that could not be asked\n"
    "makes opendco_scrape_success 0.\n";

/* The text, which the caller frees; NULL after a message. */
static char *
make_text(struct exposition *exposition, size_t *length)
{
    json_t *instances = json_array();
    char *text = NULL;
    FILE *to = instances == NULL ? NULL : open_memstream(&text, length);

    if (to != NULL) {
        exposition->complete = status_collect(instances);
        exposition_print(exposition, instances, to);
    }
    json_decref(instances);
    if (to != NULL && fclose(to) == 0)
        return text;
    cli_complain("out of memory");
    free(text);
    return NULL;
}

/* status_collect() changes the working directory, so a relative path is made absolute first. */
static bool
absolute(const char *path, char whole[PATH_MAX])
{
    char here[PATH_MAX] = "";

    if (*path == '/' || getcwd(here, sizeof(here)) != NULL) {
        if (snprintf(whole, PATH_MAX, "%s%s%s", here, *path == '/' ? "" : "/", path) < PATH_MAX)
            return true;
        errno = ENAMETOOLONG;
    }
    cli_complain("cannot write %s: %s", path, strerror(errno));
    return false;
}

static int
write_metrics(struct exposition *exposition, const char *output)
{
    char path[PATH_MAX];
    size_t length;
    char *text;
    int err;

    if (output != NULL && !absolute(output, path))
        return EXIT_FAILURE;
    text = make_text(exposition, &length);
    if (text == NULL)
        return EXIT_FAILURE;
    if (output != NULL)
        err = file_replace(path, text, length);
    else
        err = fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0 ? 0 : errno;
    free(text);
    if (err == 0)
        return EXIT_SUCCESS;
    cli_complain("cannot write %s: %s", output != NULL ? output : "to standard output",
                 strerror(err));
    return EXIT_FAILURE;
}

int
cli_metrics(int argc, char **argv)
{
    static const struct option options[] = {
        {"no-peers", no_argument, NULL, 'p'},
        {"openmetrics", no_argument, NULL, 'm'},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct exposition exposition = {.peers = true};
    const char *output = NULL;
    int letter;

    while ((letter = getopt_long(argc, argv, "pmo:h", options, NULL)) != -1) {
        switch (letter) {
        case 'p':
            exposition.peers = false;
            break;
        case 'm':
            exposition.openmetrics = true;
            break;
        case 'o':
            output = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            cli_complain("\"opendco metrics --help\" lists the options");
            return EXIT_FAILURE;
        }
    }
    if (optind == argc)
        return write_metrics(&exposition, output);
    cli_complain("metrics takes no argument, but got \"%s\"", argv[optind]);
    return EXIT_FAILURE;
}
