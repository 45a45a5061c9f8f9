/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each metric is one row of a table: its name, type and help, and what it is of. All samples of a
 * metric have to stand together, so the rows are the outer loop and the processes the inner one.
 */
#include "cli/exposition.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "cli/instance.h"

#define LABELS_MAX   2048
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum type { GAUGE, COUNTER, INFO };

/* What a metric is of. An object of counts or flags gives one sample per member. */
enum scope { PROCESS, PROCESS_MEMBERS, DEVICE, DEVICE_MEMBERS, PEER };

struct metric {
    const char *name; /* without the "_total" of a counter and the "_info" of an info */
    enum type type;
    enum scope scope;
    const char *member; /* the number, boolean, array (its length) or object */
    const char *label;  /* of PROCESS_MEMBERS and DEVICE_MEMBERS */
    const char *help;
};

static const struct metric metrics[] = {
    {"opendco_process", INFO, PROCESS, NULL, NULL, "An openvpn process that runs under OpenDCO."},
    {"opendco_active", GAUGE, PROCESS, "active", NULL,
     "1 if the data channel of the process is offloaded, 0 if openvpn moves the packets."},
    {"opendco_restart_pending", GAUGE, PROCESS, "restart_pending", NULL,
     "1 if the library on disk is not the one that the process runs."},
    {"opendco_keys_locked", GAUGE, PROCESS, "keys_locked", NULL,
     "0 if keys lie in memory that may be swapped out."},
    {"opendco_workers", GAUGE, PROCESS, "workers", NULL, "Threads that move packets."},
    {"opendco_dropped_packets", COUNTER, PROCESS_MEMBERS, "drops", "reason",
     "Packets dropped, by the reason in opendco(8)."},
    {"opendco_peers", GAUGE, DEVICE, "peers", NULL, "Peers of the device."},
    {"opendco_mtu_bytes", GAUGE, DEVICE, "mtu", NULL, "MTU of the device."},
    {"opendco_udp_sockets", GAUGE, DEVICE, "udp_sockets", NULL,
     "Sockets that the workers read for the device."},
    {"opendco_offload_enabled", GAUGE, DEVICE_MEMBERS, "offloads", "offload",
     "1 if the kernel's offload is in use."},
    {"opendco_peer", INFO, PEER, NULL, NULL, "Addresses and cipher of a peer."},
    {"opendco_peer_key_age_seconds", GAUGE, PEER, "key_age_s", NULL,
     "Age of the key that encrypts."},
    {"opendco_peer_last_received_seconds", GAUGE, PEER, "last_received_s", NULL,
     "Time since the last authentic packet."},
    {"opendco_peer_received_bytes", COUNTER, PEER, "rx_bytes", NULL, "Received inside the tunnel."},
    {"opendco_peer_sent_bytes", COUNTER, PEER, "tx_bytes", NULL, "Sent inside the tunnel."},
    {"opendco_peer_received_packets", COUNTER, PEER, "rx_packets", NULL,
     "Received inside the tunnel."},
    {"opendco_peer_sent_packets", COUNTER, PEER, "tx_packets", NULL, "Sent inside the tunnel."},
    {"opendco_peer_link_received_bytes", COUNTER, PEER, "link_rx_bytes", NULL,
     "Received on the wire, without IP and UDP headers."},
    {"opendco_peer_link_sent_bytes", COUNTER, PEER, "link_tx_bytes", NULL,
     "Sent on the wire, without IP and UDP headers."},
};

/* The labels of a sample, as they stand between braces. */
struct labels {
    char text[LABELS_MAX];
    size_t length;
};

struct output {
    const struct exposition *exposition;
    const struct metric *metric;
    FILE *to;
};

static void
append(struct labels *labels, const char *bytes, size_t length)
{
    if (length >= sizeof(labels->text) - labels->length)
        return;
    memcpy(labels->text + labels->length, bytes, length);
    labels->length += length;
    labels->text[labels->length] = '\0';
}

/* Values may be any text; the formats escape these three characters. */
static void
add_label(struct labels *labels, const char *name, const char *value)
{
    if (labels->length > 0)
        append(labels, ",", 1);
    append(labels, name, strlen(name));
    append(labels, "=\"", 2);
    for (; *value != '\0'; value++) {
        switch (*value) {
        case '\n':
            append(labels, "\\n", 2);
            break;
        case '"':
        case '\\':
            append(labels, "\\", 1);
            /* fallthrough */
        default:
            append(labels, value, 1);
        }
    }
    append(labels, "\"", 1);
}

static void
add_member(struct labels *labels, json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    add_label(labels, name, value != NULL ? value : "");
}

static void
add_number(struct labels *labels, const char *name, json_int_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, value);
    add_label(labels, name, text);
}

/* What the name of a sample ends with. */
static const char *const suffixes[] = {[GAUGE] = "", [COUNTER] = "_total", [INFO] = "_info"};

static void
put_sample(const struct output *output, const struct labels *labels, json_int_t value)
{
    fprintf(output->to, "%s%s{%s} %" JSON_INTEGER_FORMAT "\n", output->metric->name,
            suffixes[output->metric->type], labels->text, value);
}

/* An age of -1 means never: there is no sample then. */
static void
put_value(const struct output *output, const struct labels *labels, json_t *value)
{
    if (json_is_boolean(value))
        put_sample(output, labels, json_is_true(value));
    else if (json_is_array(value))
        put_sample(output, labels, (json_int_t)json_array_size(value));
    else if (json_is_integer(value) && json_integer_value(value) >= 0)
        put_sample(output, labels, json_integer_value(value));
}

static void
put_members(const struct output *output, const struct labels *labels, json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        struct labels more = *labels;

        add_label(&more, output->metric->label, name);
        put_value(output, &more, value);
    }
}

static void
put_peer(const struct output *output, const struct labels *labels, json_t *peer)
{
    struct labels more = *labels;

    add_number(&more, "peer", json_integer_value(json_object_get(peer, "id")));
    if (output->metric->type != INFO) {
        put_value(output, &more, json_object_get(peer, output->metric->member));
        return;
    }
    add_member(&more, peer, "remote");
    add_member(&more, peer, "vpn_ipv4");
    add_member(&more, peer, "vpn_ipv6");
    add_member(&more, peer, "cipher");
    put_sample(output, &more, 1);
}

static void
put_device(const struct output *output, const struct labels *labels, json_t *device)
{
    struct labels more = *labels;
    json_t *peers = json_object_get(device, "peers");
    size_t i;
    json_t *peer;

    add_label(&more, "device", json_string_value(json_object_get(device, "name")));
    if (output->metric->scope == DEVICE)
        put_value(output, &more, json_object_get(device, output->metric->member));
    else if (output->metric->scope == DEVICE_MEMBERS)
        put_members(output, &more, json_object_get(device, output->metric->member));
    else
        json_array_foreach (peers, i, peer)
            put_peer(output, &more, peer);
}

static void
put_process(const struct output *output, json_t *instance)
{
    json_t *devices = json_object_get(instance, "devices");
    struct labels labels = {.length = 0};
    size_t i;
    json_t *device;

    add_number(&labels, "pid", json_integer_value(json_object_get(instance, "pid")));
    add_member(&labels, instance, "unit");
    if (output->metric->scope == PROCESS_MEMBERS)
        put_members(output, &labels, json_object_get(instance, output->metric->member));
    else if (output->metric->scope != PROCESS)
        json_array_foreach (devices, i, device)
            put_device(output, &labels, device);
    else if (output->metric->type != INFO)
        put_value(output, &labels, json_object_get(instance, output->metric->member));
    else {
        add_member(&labels, instance, "version");
        add_member(&labels, instance, "abi");
        add_member(&labels, instance, "reason");
        put_sample(output, &labels, 1);
    }
}

/* Only OpenMetrics has a type for infos, and names a family without the end of its samples. */
static void
put_header(const struct exposition *exposition, const struct metric *metric, FILE *to)
{
    static const char *const types[] = {[GAUGE] = "gauge", [COUNTER] = "counter", [INFO] = "info"};
    const char *suffix = suffixes[metric->type];
    const char *type = types[metric->type];

    if (exposition->openmetrics)
        suffix = "";
    else if (metric->type == INFO)
        type = types[GAUGE];
    fprintf(to, "# HELP %s%s %s\n# TYPE %s%s %s\n", metric->name, suffix, metric->help,
            metric->name, suffix, type);
}

void
exposition_print(const struct exposition *exposition, json_t *instances, FILE *to)
{
    static const struct metric complete = {
        "opendco_scrape_success", GAUGE, PROCESS, NULL, NULL, "0 if a process could not be asked."};

    put_header(exposition, &complete, to);
    fprintf(to, "%s %d\n", complete.name, exposition->complete);
    for (size_t m = 0; m < COUNT(metrics); m++) {
        struct output output = {exposition, &metrics[m], to};
        size_t i;
        json_t *instance;

        if (metrics[m].scope == PEER && !exposition->peers)
            continue;
        put_header(exposition, &metrics[m], to);
        json_array_foreach (instances, i, instance)
            put_process(&output, instance);
    }
    if (exposition->openmetrics)
        fputs("# EOF\n", to);
}
