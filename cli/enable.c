/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/enable.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/complain.h"
#include "cli/drop_in.h"
#include "cli/instance.h"
#include "cli/library.h"
#include "cli/status.h"
#include "cli/systemctl.h"
#include "cli/unit.h"

static const char usage[] =
    "usage: opendco enable [--client] [--dry-run] NAME... | --all\n"
    "       opendco disable [--client] [--dry-run] NAME... | --all\n"
    "\n"
    "Makes systemd units of OpenVPN run under OpenDCO, or no longer, from their next start. "
    "Writes\n"
    "or removes a drop-in, reloads systemd, and prints what has to be restarted.\n"
    "\n"
    "NAME is an instance, such as office for openvpn-server@office, or a unit of openvpn-server@,\n"
    "openvpn-client@ or openvpn@. A unit that ends in \"@\" means all its instances.\n"
    "\n"
    "  -c, --client   NAME is an instance of openvpn-client@\n"
    "  -a, --all      all instances of the three, with --client of openvpn-client@\n"
    "  -n, --dry-run  only print what would be done\n"
    "  -h, --help     print this text\n";

struct request {
    bool enable, client, all, dry_run;
    char *text;        /* of the drop-in */
    json_t *instances; /* the openvpn processes that run under OpenDCO */
    bool changed;      /* a drop-in was written or removed */
};

static bool
write_one(struct request *request, const struct drop_in *drop_in)
{
    if (drop_in->state == DROP_IN_CURRENT) {
        printf("%s is there already\n", drop_in->path);
        return true;
    }
    if (!request->dry_run && !drop_in_write(drop_in, request->text))
        return false;
    printf("%s %s\n", request->dry_run ? "would write" : "wrote", drop_in->path);
    request->changed = true;
    return true;
}

static bool
remove_one(struct request *request, const struct drop_in *drop_in)
{
    if (drop_in->state == DROP_IN_ABSENT) {
        printf("%s is not there\n", drop_in->path);
        return true;
    }
    if (!request->dry_run && !drop_in_remove(drop_in))
        return false;
    printf("%s %s\n", request->dry_run ? "would remove" : "removed", drop_in->path);
    request->changed = true;
    return true;
}

static bool
apply(struct request *request, const char *unit)
{
    struct drop_in drop_in;

    if (!drop_in_look(&drop_in, unit, request->text))
        return false;
    if (drop_in.state == DROP_IN_FOREIGN) {
        cli_complain("%s was not written by \"opendco enable\" and stays as it is", drop_in.path);
        return false;
    }
    return request->enable ? write_one(request, &drop_in) : remove_one(request, &drop_in);
}

static bool
is_enabled(const char *unit, const char *text)
{
    struct drop_in drop_in;

    return drop_in_look(&drop_in, unit, text) && drop_in.state != DROP_IN_ABSENT;
}

/* Prints what a running process needs, so that it is as its unit now says. */
static void
advise(const char *unit, long pid, void *arg)
{
    const struct request *request = arg;
    json_t *instance = instance_find(request->instances, pid);
    char template[UNIT_NAME_MAX];

    unit_template(unit, template);
    if (!request->enable && !request->dry_run &&
        (is_enabled(unit, request->text) || is_enabled(template, request->text)))
        printf("%s stays under OpenDCO: %s has a drop-in, too\n", unit,
               is_enabled(unit, request->text) ? unit : template);
    else if (request->enable && instance != NULL && !instance_restart_pending(instance))
        printf("%s runs under OpenDCO already\n", unit);
    else if (request->enable || instance != NULL)
        printf("when an interruption is acceptable: systemctl restart %s\n", unit);
}

/* What the caller names, one unit after the other. False if one of them failed. */
static bool
each_unit(struct request *request, char **names,
          bool (*act)(struct request *request, const char *unit))
{
    char unit[UNIT_NAME_MAX];
    bool all = true;
    size_t number = 0;
    const char *template;

    for (; *names != NULL; names++)
        all &= unit_find(*names, request->client, unit) && act(request, unit);
    while (request->all && (template = unit_next_template(&number, request->client)) != NULL)
        all &= act(request, template);
    return all;
}

static bool
advise_all(struct request *request, const char *unit)
{
    return systemctl_each_running(unit, advise, request);
}

static bool
carry_out(struct request *request, char **names)
{
    bool done = each_unit(request, names, apply);

    if (!systemctl_works()) {
        puts("systemd does not run here; it applies when the units start");
        return done;
    }
    if (request->changed && !request->dry_run)
        done &= systemctl_reload();
    status_collect(request->instances);
    return each_unit(request, names, advise_all) && done;
}

static bool
prepare(struct request *request)
{
    char library[PATH_MAX];

    if (cli_find_library(library) < 0)
        return false;
    request->text = drop_in_text(library);
    request->instances = json_array();
    return request->text != NULL && request->instances != NULL;
}

/* Sets the request from the options. Returns -1 to go on, or an exit status. */
static int
read_options(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {
        {"client", no_argument, NULL, 'c'},
        {"all", no_argument, NULL, 'a'},
        {"dry-run", no_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "canh", options, NULL)) != -1) {
        request->client |= letter == 'c';
        request->all |= letter == 'a';
        request->dry_run |= letter == 'n';
        if (letter == 'h') {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (letter == '?') {
            cli_complain("\"opendco %s --help\" lists the options", argv[0]);
            return EXIT_FAILURE;
        }
    }
    if (request->all != (optind < argc))
        return -1;
    cli_complain("%s needs the name of an instance, or --all", argv[0]);
    return EXIT_FAILURE;
}

static int
run(struct request *request, int argc, char **argv)
{
    int status = read_options(request, argc, argv);

    if (status >= 0)
        return status;
    status = prepare(request) && carry_out(request, argv + optind) ? EXIT_SUCCESS : EXIT_FAILURE;
    free(request->text);
    json_decref(request->instances);
    return cli_flush() ? status : EXIT_FAILURE;
}

int
cli_enable(int argc, char **argv)
{
    struct request request = {.enable = true};

    return run(&request, argc, argv);
}

int
cli_disable(int argc, char **argv)
{
    struct request request = {.enable = false};

    return run(&request, argc, argv);
}
