/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/print.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "cli/instance.h"
#include "core/drop.h"

#define NAME_WIDTH 14 /* of the longest drop reason, tx_unreachable */

static int64_t
number(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *
string(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool
has(json_t *object, const char *name)
{
    return *string(object, name) != '\0';
}

static void
put(const char *text, FILE *to)
{
    for (; *text != '\0'; text++)
        fputc(isascii((unsigned char)*text) && isprint((unsigned char)*text) ? *text : '?', to);
}

static void
put_member(json_t *object, const char *name, FILE *to)
{
    put(string(object, name), to);
}

static void
put_age(int64_t seconds, FILE *to)
{
    if (seconds < 0)
        fputs("never", to);
    else if (seconds < 120)
        fprintf(to, "%" PRId64 " s ago", seconds);
    else if (seconds < 7200)
        fprintf(to, "%" PRId64 " min ago", seconds / 60);
    else
        fprintf(to, "%" PRId64 " h %" PRId64 " min ago", seconds / 3600, seconds / 60 % 60);
}

static void
put_bytes(int64_t bytes, FILE *to)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        fprintf(to, "%" PRId64 " B", bytes);
        return;
    }
    for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        value /= 1024;
    fprintf(to, "%.2f %s", value, units[unit]);
}

/* "1.20 MiB in 890 packets received, 3.40 MiB in 2500 packets sent"; names: rx bytes, rx packets,
 * tx bytes, tx packets. */
static void
put_transfer(json_t *peer, const char *label, const char *const names[4], FILE *to)
{
    fprintf(to, "    %s: ", label);
    put_bytes(number(peer, names[0]), to);
    fprintf(to, " in %" PRId64 " packets received, ", number(peer, names[1]));
    put_bytes(number(peer, names[2]), to);
    fprintf(to, " in %" PRId64 " packets sent\n", number(peer, names[3]));
}

static void
put_cipher(json_t *peer, FILE *to)
{
    fputs("    cipher: ", to);
    if (!has(peer, "cipher")) {
        fputs("no key yet\n", to);
        return;
    }
    put_member(peer, "cipher", to);
    fprintf(to, ", key %" PRId64 " installed ", number(peer, "key_id"));
    put_age(number(peer, "key_age_s"), to);
    fputc('\n', to);
}

static void
put_vpn_addresses(json_t *peer, FILE *to)
{
    if (!has(peer, "vpn_ipv4") && !has(peer, "vpn_ipv6"))
        return;
    fputs("    vpn address: ", to);
    put_member(peer, "vpn_ipv4", to);
    if (has(peer, "vpn_ipv4") && has(peer, "vpn_ipv6"))
        fputs(", ", to);
    put_member(peer, "vpn_ipv6", to);
    fputc('\n', to);
}

static void
put_keepalive(json_t *peer, FILE *to)
{
    int64_t interval = number(peer, "keepalive_interval_s");
    int64_t timeout = number(peer, "keepalive_timeout_s");

    if (interval == 0 && timeout == 0)
        return;
    fprintf(to, "    keepalive: every %" PRId64 " s, given up after %" PRId64 " s\n", interval,
            timeout);
}

/* A library before this field knew UDP only. */
static bool
is_tcp(json_t *peer)
{
    const char *transport = json_string_value(json_object_get(peer, "transport"));

    return transport != NULL && strcmp(transport, "tcp") == 0;
}

static void
put_peer(json_t *peer, FILE *to)
{
    static const char *const inner[] = {"rx_bytes", "rx_packets", "tx_bytes", "tx_packets"};
    static const char *const outer[] = {"link_rx_bytes", "link_rx_packets", "link_tx_bytes",
                                        "link_tx_packets"};

    fprintf(to, "\n  peer: %" PRId64 "\n    endpoint: ", number(peer, "id"));
    put_member(peer, "remote", to);
    fputs(is_tcp(peer) ? " over TCP\n" : "\n", to);
    put_vpn_addresses(peer, to);
    put_cipher(peer, to);
    put_keepalive(peer, to);
    fputs("    last received: ", to);
    put_age(number(peer, "last_received_s"), to);
    fputc('\n', to);
    put_transfer(peer, "transfer", inner, to);
    put_transfer(peer, "on the wire", outer, to);
}

/* The sentence for a drop reason; NULL for a reason that this command does not know yet. */
static const char *
drop_text(const char *name)
{
    for (unsigned i = 0; i < DCO_DROP_COUNT; i++) {
        if (strcmp(name, dco_drop_name((enum dco_drop)i)) == 0)
            return dco_drop_text((enum dco_drop)i);
    }
    return NULL;
}

static void
put_drop(const char *name, json_int_t count, const char *indent, FILE *to)
{
    const char *text = drop_text(name);
    size_t length = strlen(name);

    fprintf(to, "%s  ", indent);
    put(name, to);
    fprintf(to, "%*s %11" JSON_INTEGER_FORMAT, length < NAME_WIDTH ? NAME_WIDTH - (int)length : 0,
            "", count);
    if (text != NULL)
        fprintf(to, "  %s", text);
    fputc('\n', to);
}

static void
put_drops(json_t *drops, const char *indent, FILE *to)
{
    bool first = true;
    const char *name;
    json_t *count;

    json_object_foreach (drops, name, count) {
        if (json_integer_value(count) == 0)
            continue;
        if (first)
            fprintf(to, "%sdrops:\n", indent);
        first = false;
        put_drop(name, json_integer_value(count), indent, to);
    }
}

static void
put_offloads(json_t *offloads, FILE *to)
{
    const char *name;
    json_t *on;

    fputs("  offloads:", to);
    json_object_foreach (offloads, name, on) {
        fputs(json_is_true(on) ? " " : " no-", to);
        put(name, to);
    }
    fputc('\n', to);
}

static void
put_device(json_t *device, bool alone, FILE *to)
{
    bool server = strcmp(string(device, "mode"), "mp") == 0;
    size_t i;
    json_t *peer;
    json_t *peers = json_object_get(device, "peers");

    fputs("  device: ", to);
    put_member(device, "name", to);
    fprintf(to, ", %s, mtu %" PRId64 ", %zu peer%s\n", server ? "server" : "point to point",
            number(device, "mtu"), json_array_size(peers), json_array_size(peers) == 1 ? "" : "s");
    put_offloads(json_object_get(device, "offloads"), to);
    if (number(device, "udp_sockets") > 0) /* older libraries do not report it */
        fprintf(to, "  udp sockets read: %" PRId64 "\n", number(device, "udp_sockets"));
    if (number(device, "peers_without_trains") > 0)
        fprintf(to, "  peers without trains: %" PRId64 ", see BROKEN CARDS in opendco(8)\n",
                number(device, "peers_without_trains"));
    if (!alone)
        put_drops(json_object_get(device, "drops"), "  ", to);
    json_array_foreach (peers, i, peer)
        put_peer(peer, to);
}

/* The number of filtered threads, and a line for each thread without a filter. */
static void
put_threads(json_t *threads, FILE *to)
{
    size_t i, filtered = 0;
    json_t *thread;

    json_array_foreach (threads, i, thread)
        filtered += json_is_true(json_object_get(thread, "filtered"));
    fprintf(to, "  system call filter: %zu of %zu threads\n", filtered, json_array_size(threads));
    json_array_foreach (threads, i, thread) {
        if (json_is_true(json_object_get(thread, "filtered")))
            continue;
        fputs("    not filtered: ", to);
        put_member(thread, "name", to);
        fputs(": ", to);
        put_member(thread, "reason", to);
        fputc('\n', to);
    }
}

void
instance_print(json_t *instance, FILE *to)
{
    size_t i;
    json_t *device;
    json_t *devices = json_object_get(instance, "devices");

    put_member(instance, "command", to);
    fprintf(to, " (pid %" PRId64 "): ", number(instance, "pid"));
    if (instance_is_active(instance)) {
        fputs("offloaded, ", to);
        put_member(instance, "abi", to);
        fprintf(to, ", %" PRId64 " worker%s", number(instance, "workers"),
                number(instance, "workers") == 1 ? "" : "s");
    } else {
        fputs("not offloaded: ", to);
        put_member(instance, "reason", to);
    }
    fputc('\n', to);
    if (instance_restart_pending(instance))
        fputs("  restart pending: the library on disk is not the one that this process runs\n", to);
    put_threads(json_object_get(instance, "threads"), to);
    if (!json_is_true(json_object_get(instance, "keys_locked")))
        fputs("  keys: in memory that is not locked and may be swapped out\n", to);
    put_drops(json_object_get(instance, "drops"), "  ", to);
    json_array_foreach (devices, i, device)
        put_device(device, json_array_size(devices) == 1, to);
}
