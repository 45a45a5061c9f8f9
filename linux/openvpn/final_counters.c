/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/final_counters.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of UDP payload, as openvpn counts them. */
struct record {
    struct dco_endpoint name; /* the address under which openvpn knows the client; no scope */
    uint64_t received, sent;
    uint64_t at_ns;
};

struct records {
    struct record *list; /* oldest first */
    size_t n, size;
};

/* One per process, as openvpn is. Preload lock. */
static struct records asked; /* at openvpn's last question */
static struct records gone;

/* Without memory the script gets openvpn's numbers. */
static void
record_add(struct records *r, const struct record *record)
{
    size_t size = r->n < r->size ? r->size : 2 * r->size + 16;
    struct record *list = size == r->size ? r->list : realloc(r->list, size * sizeof(*list));

    if (list == NULL)
        return;
    r->list = list;
    r->size = size;
    list[r->n++] = *record;
}

static void
record_make(struct record *record, const struct dco_endpoint *name,
            const struct dco_peer_stats *stats, uint64_t now_ns)
{
    record->name = *name;
    record->name.scope_id = 0;
    record->received = stats->link_rx_bytes;
    record->sent = stats->link_tx_bytes;
    record->at_ns = now_ns;
}

/* A client over TCP never moves, and its path has no address. */
static const struct dco_endpoint *
name_of(const struct openvpn_traits *traits, const struct dco_endpoint *remote,
        const struct dco_endpoint *origin)
{
    return traits->follows_floats && remote->ip.family != 0 ? remote : origin;
}

static void
expire(struct records *r, uint64_t now_ns)
{
    size_t old = 0;

    while (old < r->n && r->list[old].at_ns + FINAL_COUNTERS_KEPT_NS <= now_ns)
        old++;
    if (old == 0)
        return;
    r->n -= old;
    memmove(r->list, r->list + old, r->n * sizeof(*r->list));
}

void
final_counters_asked(const struct openvpn_traits *traits, struct dco_peers *peers, uint64_t now_ns)
{
    struct dco_peer_info info;
    struct record record;
    uint32_t from = 0;

    asked.n = 0;
    expire(&gone, now_ns);
    while (dco_control_peer_next(peers, from, &info) == 0) {
        record_make(&record, name_of(traits, &info.path.remote, &info.origin), &info.stats, now_ns);
        record_add(&asked, &record);
        from = info.id + 1; /* ids end below UINT32_MAX */
    }
}

void
final_counters_gone(const struct openvpn_traits *traits, const struct dco_event *event,
                    uint64_t now_ns)
{
    struct record record;

    expire(&gone, now_ns);
    record_make(&record, name_of(traits, &event->remote, &event->origin), &event->stats, now_ns);
    record_add(&gone, &record);
}

/* The environment of a script */

static const char *
value_of(char *const envp[], const char *name)
{
    size_t len = strlen(name);

    for (; *envp != NULL; envp++)
        if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
            return *envp + len + 1;
    return NULL;
}

/* The address of the client as openvpn writes it, without the scope of a link-local one. */
static bool
name_read(char *const envp[], struct dco_endpoint *name)
{
    const char *ip4 = value_of(envp, "trusted_ip"), *ip6 = value_of(envp, "trusted_ip6");
    const char *port = value_of(envp, "trusted_port");
    char text[INET6_ADDRSTRLEN];
    uint8_t addr[16];

    memset(name, 0, sizeof(*name));
    if (port == NULL || (ip4 == NULL && ip6 == NULL))
        return false;
    name->port = htons((uint16_t)strtoul(port, NULL, 10));
    if (ip4 != NULL) {
        if (inet_pton(AF_INET, ip4, addr) != 1)
            return false;
        name->ip = dco_ip4(addr);
        return true;
    }
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(ip6, "%"), ip6);
    if (inet_pton(AF_INET6, text, addr) != 1)
        return false;
    name->ip = dco_ip6(addr);
    return true;
}

static const struct record *
record_find(const struct records *r, const struct dco_endpoint *name)
{
    for (size_t i = r->n; i-- > 0;)
        if (dco_endpoint_equal(&r->list[i].name, name))
            return &r->list[i];
    return NULL;
}

/* The last numbers of the client with this name, or NULL. */
static const struct record *
last_of(const struct dco_endpoint *name)
{
    const struct record *a = record_find(&asked, name), *b = record_find(&gone, name);

    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    return a->at_ns > b->at_ns ? a : b;
}

/* openvpn's number includes its control packets, so where it is the larger one it is right. */
static void
value_raise(char **env, const char *name, uint64_t value, char *text, size_t size)
{
    const char *given = value_of(env, name);

    if (given == NULL || strtoull(given, NULL, 10) >= value)
        return;
    snprintf(text, size, "%s=%llu", name, (unsigned long long)value);
    while (*env + strlen(name) + 1 != given)
        env++;
    *env = text;
}

char *const *
final_counters_env(char *const envp[])
{
    static char received[48], sent[48];
    const char *type = envp != NULL ? value_of(envp, "script_type") : NULL;
    const struct record *last = NULL;
    struct dco_endpoint name;
    size_t n = 0;
    char **copy;

    if (type != NULL && strcmp(type, "client-disconnect") == 0 && name_read(envp, &name))
        last = last_of(&name);
    if (last == NULL)
        return envp;
    while (envp[n] != NULL)
        n++;
    copy = malloc((n + 1) * sizeof(*copy));
    if (copy == NULL)
        return envp;
    memcpy(copy, envp, (n + 1) * sizeof(*copy));
    value_raise(copy, "bytes_received", last->received, received, sizeof(received));
    value_raise(copy, "bytes_sent", last->sent, sent, sizeof(sent));
    return copy;
}
