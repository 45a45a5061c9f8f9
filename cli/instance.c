/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/instance.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/library.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Longest string in bytes; addresses, names and reasons are much shorter. */
#define STRING_MAX 1024

enum type {
    TYPE_COUNT, /* an integer of at least 0 */
    TYPE_AGE,   /* an integer of at least 0, or -1 for "never" */
    TYPE_BOOL,
    TYPE_STRING,
    TYPE_FLAGS,    /* an object of booleans */
    TYPE_COUNTERS, /* an object of counts */
    TYPE_DEVICES,
    TYPE_PEERS,
    TYPE_THREADS,
};

struct member {
    const char *name;
    enum type type;
};

static const struct member instance_members[] = {
    {"pid", TYPE_COUNT},       {"command", TYPE_STRING},  {"version", TYPE_STRING},
    {"active", TYPE_BOOL},     {"reason", TYPE_STRING},   {"abi", TYPE_STRING},
    {"workers", TYPE_COUNT},   {"threads", TYPE_THREADS}, {"keys_locked", TYPE_BOOL},
    {"devices", TYPE_DEVICES}, {"drops", TYPE_COUNTERS},
};

static const struct member thread_members[] = {
    {"name", TYPE_STRING},
    {"filtered", TYPE_BOOL},
    {"reason", TYPE_STRING},
};

static const struct member device_members[] = {
    {"name", TYPE_STRING}, {"ifindex", TYPE_COUNT},  {"mode", TYPE_STRING},    {"mtu", TYPE_COUNT},
    {"peers", TYPE_PEERS}, {"offloads", TYPE_FLAGS}, {"drops", TYPE_COUNTERS},
};

static const struct member peer_members[] = {
    {"id", TYPE_COUNT},
    {"remote", TYPE_STRING},
    {"vpn_ipv4", TYPE_STRING},
    {"vpn_ipv6", TYPE_STRING},
    {"cipher", TYPE_STRING},
    {"key_id", TYPE_AGE},
    {"key_age_s", TYPE_AGE},
    {"keepalive_interval_s", TYPE_COUNT},
    {"keepalive_timeout_s", TYPE_COUNT},
    {"last_received_s", TYPE_AGE},
    {"rx_bytes", TYPE_COUNT},
    {"tx_bytes", TYPE_COUNT},
    {"rx_packets", TYPE_COUNT},
    {"tx_packets", TYPE_COUNT},
    {"link_rx_bytes", TYPE_COUNT},
    {"link_tx_bytes", TYPE_COUNT},
    {"link_rx_packets", TYPE_COUNT},
    {"link_tx_packets", TYPE_COUNT},
};

__attribute__((format(printf, 2, 3))) static bool
wrong(char *why, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, INSTANCE_WHY, format, arguments);
    va_end(arguments);
    return false;
}

static bool
is_integer_from(json_t *value, json_int_t low)
{
    return json_is_integer(value) && json_integer_value(value) >= low;
}

static bool
is_short_string(json_t *value)
{
    return json_is_string(value) && json_string_length(value) <= STRING_MAX;
}

static bool
is_counters(json_t *value)
{
    const char *name;
    json_t *count;

    if (!json_is_object(value))
        return false;
    json_object_foreach (value, name, count) {
        if (strlen(name) > STRING_MAX || !is_integer_from(count, 0))
            return false;
    }
    return true;
}

static bool
is_flags(json_t *value)
{
    const char *name;
    json_t *flag;

    if (!json_is_object(value))
        return false;
    json_object_foreach (value, name, flag) {
        if (strlen(name) > STRING_MAX || !json_is_boolean(flag))
            return false;
    }
    return true;
}

static bool check_object(json_t *object, const char *what, const struct member *members,
                         size_t count, char *why);

static bool
check_array(json_t *array, const char *what, const struct member *members, size_t count, char *why)
{
    size_t i;
    json_t *element;

    if (!json_is_array(array))
        return wrong(why, "expected an array of objects \"%s\"", what);
    json_array_foreach (array, i, element) {
        if (!check_object(element, what, members, count, why))
            return false;
    }
    return true;
}

static bool
check_value(json_t *value, enum type type, char *why)
{
    switch (type) {
    case TYPE_COUNT:
        return is_integer_from(value, 0);
    case TYPE_AGE:
        return is_integer_from(value, -1);
    case TYPE_BOOL:
        return json_is_boolean(value);
    case TYPE_STRING:
        return is_short_string(value);
    case TYPE_FLAGS:
        return is_flags(value);
    case TYPE_COUNTERS:
        return is_counters(value);
    case TYPE_DEVICES:
        return check_array(value, "device", device_members, COUNT(device_members), why);
    case TYPE_PEERS:
        return check_array(value, "peer", peer_members, COUNT(peer_members), why);
    case TYPE_THREADS:
        return check_array(value, "thread", thread_members, COUNT(thread_members), why);
    }
    return false;
}

static bool
check_object(json_t *object, const char *what, const struct member *members, size_t count,
             char *why)
{
    if (!json_is_object(object))
        return wrong(why, "%s: expected an object", what);
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(object, members[i].name);

        if (value == NULL)
            return wrong(why, "%s: \"%s\" is missing", what, members[i].name);
        *why = '\0';
        if (!check_value(value, members[i].type, why))
            return *why != '\0'
                       ? false
                       : wrong(why, "%s: \"%s\" has an invalid value", what, members[i].name);
    }
    return true;
}

json_t *
instance_parse(const char *bytes, size_t length, char why[INSTANCE_WHY])
{
    json_error_t err;
    json_t *instance = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &err);

    if (instance == NULL) {
        wrong(why, "the JSON is invalid at byte %d", err.position);
        return NULL;
    }
    if (!check_object(instance, "process", instance_members, COUNT(instance_members), why)) {
        json_decref(instance);
        return NULL;
    }
    return instance;
}

json_t *
instance_find(json_t *instances, long pid)
{
    size_t i;
    json_t *instance;

    json_array_foreach (instances, i, instance) {
        if (json_integer_value(json_object_get(instance, "pid")) == pid)
            return instance;
    }
    return NULL;
}

bool
instance_is_active(json_t *instance)
{
    return json_is_true(json_object_get(instance, "active"));
}

void
instance_note_restart(json_t *instance)
{
    const char *mapped = json_string_value(json_object_get(instance, "build_id"));
    const char *path = json_string_value(json_object_get(instance, "library"));
    char on_disk[BUILD_ID_TEXT];
    bool pending = false;

    if (mapped == NULL || path == NULL)
        pending = true; /* a library older than these members */
    else if (*mapped != '\0' && *path == '/')
        switch (library_build_id(path, on_disk)) {
        case 0:
            pending = strcmp(mapped, on_disk) != 0;
            break;
        case ENOENT:
            pending = true;
            break;
        default:
            break;
        }
    json_object_set_new(instance, "restart_pending", json_boolean(pending));
}

bool
instance_restart_pending(json_t *instance)
{
    return json_is_true(json_object_get(instance, "restart_pending"));
}

/* The last service in a path of /proc/PID/cgroup. */
static void
service_of(const char *path, char *unit, size_t size)
{
    static const char end[] = ".service";

    for (const char *part = strchr(path, '/'); part != NULL; part = strchr(part, '/')) {
        size_t length = strcspn(++part, "/\n");

        if (length > strlen(end) && length < size &&
            strncmp(part + length - strlen(end), end, strlen(end)) == 0)
            snprintf(unit, size, "%.*s", (int)(length - strlen(end)), part);
    }
}

void
instance_note_unit(json_t *instance)
{
    char path[64], line[4096], unit[256] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%" JSON_INTEGER_FORMAT "/cgroup",
             json_integer_value(json_object_get(instance, "pid")));
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        service_of(line, unit, sizeof(unit));
    if (file != NULL)
        fclose(file);
    json_object_set_new(instance, "unit", json_string(unit));
}
