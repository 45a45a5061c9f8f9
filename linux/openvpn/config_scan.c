/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/config_scan.h"

#include <stdio.h>
#include <string.h>

#include "linux/openvpn/config_parse.h"

/* What the options read so far say. Some rule offload out only in combination. */
struct scan {
    struct config_scan *conf;
    struct config_parser parser;
    bool tls, topology_subnet, topology_other, proto_force_udp;
    bool dev, dev_tap, peer, tool;
};

static void
rules_out(struct scan *s, const char *phrase, const char *value)
{
    if (s->conf->option[0])
        return; /* the first reason is enough */
    snprintf(s->conf->option, sizeof(s->conf->option), value != NULL ? "%s %s" : "%s", phrase,
             value);
    for (char *c = s->conf->option; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 127)
            *c = '?';
}

static bool
is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool
starts(const char *a, const char *prefix)
{
    return strncmp(a, prefix, strlen(prefix)) == 0;
}

/* Options */

static bool
cipher_ok(const char *name, size_t len)
{
    static const char *const ok[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM",
                                     "CHACHA20-POLY1305", "DEFAULT"};

    for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++)
        if (strlen(ok[i]) == len && strncasecmp(name, ok[i], len) == 0)
            return true;
    return false;
}

static void
ciphers(struct scan *s, const char *option, const char *list)
{
    for (;;) {
        size_t len = strcspn(list, ":");
        const char *name = *list == '?' ? list + 1 : list;

        if (len && !cipher_ok(name, len - (size_t)(name - list))) {
            rules_out(s, option, list);
            return;
        }
        if (!list[len])
            return;
        list += len + 1;
    }
}

static void
transport(struct scan *s, const char *proto)
{
    if (starts(proto, "tcp"))
        s->conf->tcp = true;
}

static void
device(struct scan *s, const char *dev)
{
    s->dev = true;
    s->dev_tap |= starts(dev, "tap");
    if (is(dev, "null"))
        rules_out(s, "dev", dev);
}

static void
device_name(struct scan *s, const char *dev)
{
    size_t len = strlen(dev);

    memset(s->conf->dev, 0, sizeof(s->conf->dev));
    if (len < sizeof(s->conf->dev))
        memcpy(s->conf->dev, dev, len);
}

static void
topology(struct scan *s, const char *name)
{
    s->topology_subnet |= is(name, "subnet");
    s->topology_other |= !is(name, "subnet");
}

/* Options whose presence rules offload out. */
static const char *const plain[] = {
    "fragment",    "http-proxy", "socks-proxy", "management-query-proxy",
    "disable-dco", "comp-lzo",   "secret",
};

/* Options that openvpn 2.6 silently ignores when it uses offload. */
static const char *const dropped[] = {"shaper", "client-nat", "passtos"};

static const char *const servers[] = {"server", "server-ipv6", "server-bridge"};

static const char *const tools[] = {
    "mktun",       "rmtun",        "genkey",          "show-ciphers", "show-digests",
    "show-tls",    "show-curves",  "show-engines",    "version",      "help",
    "test-crypto", "show-gateway", "show-pkcs11-ids",
};

static bool
listed(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is(name, list[i]))
            return true;
    return false;
}

#define LISTED(name, list) listed(name, list, sizeof(list) / sizeof((list)[0]))

static void
role(struct scan *s, const char *name, const char *value)
{
    struct config_scan *h = s->conf;
    bool client = is(name, "client");

    h->server |= LISTED(name, servers) || (is(name, "mode") && is(value, "server"));
    h->client |= client || is(name, "pull");
    h->c2c |= is(name, "client-to-client");
    h->inner4 |= is(name, "server") || is(name, "ifconfig");
    h->inner6 |= is(name, "server-ipv6") || is(name, "ifconfig-ipv6");
    s->tls |= client || h->server || is(name, "tls-client") || is(name, "tls-server");
}

static void
compression(struct scan *s, const char *name, const char *value)
{
    if (is(name, "compress") && !is(value, "migrate"))
        rules_out(s, "compress", *value ? value : NULL);
    if (is(name, "allow-compression") && !is(value, "no"))
        rules_out(s, name, value);
}

/* w: the words of the option, absent ones "". */
static void
option(void *arg, const char *const *w)
{
    struct scan *s = arg;
    const char *name = starts(w[0], "--") ? w[0] + 2 : w[0];

    role(s, name, w[1]);
    if (is(name, "dev"))
        device_name(s, w[1]);
    compression(s, name, w[1]);
    if (LISTED(name, tools))
        s->tool = true;
    s->conf->remote |= is(name, "remote");
    s->conf->floats |= is(name, "float");
    s->conf->no_time |= is(name, "suppress-timestamps");
    s->peer |= is(name, "remote") || is(name, "secret") || is(name, "ifconfig");
    if (LISTED(name, dropped))
        snprintf(s->conf->dropped, sizeof(s->conf->dropped), "%s", name);
    if (LISTED(name, plain))
        rules_out(s, name, NULL);
    else if (is(name, "proto"))
        transport(s, w[1]);
    else if (is(name, "remote") || is(name, "local")) /* local: since 2.7 */
        transport(s, w[3]);
    else if (is(name, "proto-force"))
        s->proto_force_udp = is(w[1], "udp");
    else if (is(name, "dev") || is(name, "dev-type"))
        device(s, w[1]);
    else if (is(name, "data-ciphers") || is(name, "ncp-ciphers") ||
             is(name, "data-ciphers-fallback"))
        ciphers(s, name, w[1]);
    else if (is(name, "topology"))
        topology(s, w[1]);
    else if (is(name, "config"))
        config_parse_file(&s->parser, w[1]);
}

/* The result */

static void
conclude(struct scan *s)
{
    struct config_scan *h = s->conf;

    if (s->parser.unreadable)
        h->readable = false;
    h->vpn = s->dev && (s->tls || s->peer) && !s->tool;
    if (s->proto_force_udp)
        h->tcp = false;
    if (s->dev_tap)
        rules_out(s, "dev tap", NULL);
    if (h->server && s->topology_other)
        rules_out(s, "topology other than subnet", NULL);
    else if (h->server && !s->topology_subnet)
        rules_out(s, "topology subnet is missing, which openvpn needs before 2.7", NULL);
    if (h->readable && !s->tls)
        rules_out(s, "neither tls-server nor tls-client", NULL);
}

static void
arguments(struct scan *s, int argc, char *const *argv)
{
    const char *w[CONFIG_WORDS_MAX];

    if (argc == 2 && !starts(argv[1], "--")) {
        config_parse_file(&s->parser, argv[1]);
        return;
    }
    for (int i = 1; i < argc;) {
        unsigned n = 0;

        for (unsigned k = 0; k < CONFIG_WORDS_MAX; k++)
            w[k] = "";
        do {
            if (n < CONFIG_WORDS_MAX)
                w[n++] = argv[i];
            i++;
        } while (i < argc && !starts(argv[i], "--"));
        option(s, w);
    }
}

bool
config_scan_floats(const struct config_scan *conf)
{
    return conf->floats || (conf->readable && !conf->remote);
}

void
config_scan_args(struct config_scan *conf, int argc, char *const *argv)
{
    struct scan s = {.conf = conf, .parser = {.option = option, .arg = &s}};

    memset(conf, 0, sizeof(*conf));
    conf->readable = argc > 1;
    arguments(&s, argc, argv);
    conclude(&s);
}

void
config_scan_text(struct config_scan *conf, const char *text, size_t len)
{
    struct scan s = {.conf = conf, .parser = {.option = option, .arg = &s}};

    memset(conf, 0, sizeof(*conf));
    conf->readable = true;
    config_parse_text(&s.parser, text, len);
    conclude(&s);
}
