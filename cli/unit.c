/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/unit.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum kind { KIND_SERVER, KIND_CLIENT, KIND_PLAIN };

static const struct {
    const char *template;
    const char *folder; /* of its configurations */
} kinds[] = {
    [KIND_SERVER] = {"openvpn-server@", "/etc/openvpn/server"},
    [KIND_CLIENT] = {"openvpn-client@", "/etc/openvpn/client"},
    [KIND_PLAIN] = {"openvpn@", "/etc/openvpn"},
};

/* systemd.unit(5): where unit files are. */
static const char *const unit_folders[] = {
    "/etc/systemd/system",     "/run/systemd/system", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system",
};

bool
unit_is_template(const char *unit)
{
    return unit[strlen(unit) - 1] == '@';
}

void
unit_template(const char *unit, char template[UNIT_NAME_MAX])
{
    snprintf(template, UNIT_NAME_MAX, "%.*s", (int)(strcspn(unit, "@") + 1), unit);
}

/* The characters that systemd allows, without those that would leave a folder. */
static bool
is_instance_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!isascii((unsigned char)*c) ||
            (!isalnum((unsigned char)*c) && strchr(":-_.\\", *c) == NULL))
            return false;
    }
    return *name != '\0' && *name != '.';
}

static bool
has_configuration(enum kind kind, const char *name)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/%s.conf", kinds[kind].folder, name) <
               (int)sizeof(path) &&
           access(path, F_OK) == 0;
}

static bool
compose(enum kind kind, const char *name, char unit[UNIT_NAME_MAX])
{
    if (snprintf(unit, UNIT_NAME_MAX, "%s%s", kinds[kind].template, name) < UNIT_NAME_MAX)
        return true;
    cli_complain("the name %s is too long for a unit", name);
    return false;
}

/* A name with "@" in it. */
static bool
find_whole(const char *name, char unit[UNIT_NAME_MAX])
{
    size_t length = strlen(name);
    char instance[UNIT_NAME_MAX];

    if (length > 8 && strcmp(name + length - 8, ".service") == 0)
        length -= 8;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t prefix = strlen(kinds[i].template);

        if (length < prefix || strncmp(name, kinds[i].template, prefix) != 0 ||
            length >= UNIT_NAME_MAX)
            continue;
        snprintf(instance, sizeof(instance), "%.*s", (int)(length - prefix), name + prefix);
        if (*instance == '\0' || is_instance_name(instance))
            return compose((enum kind)i, instance, unit);
    }
    cli_complain("\"%s\" is no unit of openvpn-server@, openvpn-client@ or openvpn@", name);
    return false;
}

bool
unit_find(const char *name, bool client, char unit[UNIT_NAME_MAX])
{
    bool server, plain;

    if (strchr(name, '@') != NULL)
        return find_whole(name, unit);
    if (!is_instance_name(name)) {
        cli_complain("\"%s\" cannot be the name of an instance", name);
        return false;
    }
    if (client && !has_configuration(KIND_CLIENT, name)) {
        cli_complain("there is no /etc/openvpn/client/%s.conf", name);
        return false;
    }
    if (client)
        return compose(KIND_CLIENT, name, unit);
    server = has_configuration(KIND_SERVER, name);
    plain = has_configuration(KIND_PLAIN, name);
    if (server != plain)
        return compose(server ? KIND_SERVER : KIND_PLAIN, name, unit);
    if (server)
        cli_complain("/etc/openvpn/server/%s.conf and /etc/openvpn/%s.conf exist: say "
                     "openvpn-server@%s or openvpn@%s",
                     name, name, name, name);
    else
        cli_complain("there is neither /etc/openvpn/server/%s.conf nor /etc/openvpn/%s.conf; "
                     "a client of /etc/openvpn/client is openvpn-client@%s",
                     name, name, name);
    return false;
}

static bool
is_installed(const char *template)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT(unit_folders); i++) {
        snprintf(path, sizeof(path), "%s/%s.service", unit_folders[i], template);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

const char *
unit_next_template(size_t *number, bool client)
{
    while (*number < COUNT(kinds)) {
        size_t i = (*number)++;

        if ((!client || i == KIND_CLIENT) && is_installed(kinds[i].template))
            return kinds[i].template;
    }
    return NULL;
}
