/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/config_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ip.h"
#include "core/replay.h"
#include "core/wire.h"
#include "linux/openvpn/config_parse.h"
#include "linux/openvpn/options.h"

/* What the options read so far say. Some rule offload out only in combination. */
struct scan {
    struct config_scan *conf;
    struct config_parser parser;
    bool tls, topology_subnet, topology_other, proto_force_udp;
    bool dev, dev_tap, peer, tool;
    bool in_connection;               /* inside <connection> ... </connection> */
    struct plane_mssfix a_connection; /* the smallest in such a block */
};

void
config_text_first(char text[CONFIG_TEXT_MAX], const char *phrase, const char *value)
{
    if (text[0])
        return;
    snprintf(text, CONFIG_TEXT_MAX, value != NULL ? "%s %s" : "%s", phrase, value);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 127)
            *c = '?';
}

static void
rules_out(struct scan *s, const char *phrase, const char *value)
{
    config_text_first(s->conf->option, phrase, value);
}

static void
leave(struct scan *s, const char *option, const char *value)
{
    config_text_first(s->conf->dropped, option, value);
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

static const char *const servers[] = {"server", "server-ipv6", "server-bridge"};

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
    h->device.client_to_client |= is(name, "client-to-client");
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

/* What the plane does itself */

static unsigned
number(const char *text)
{
    unsigned long value = strtoul(text, NULL, 10);

    return value < UINT16_MAX ? (unsigned)value : UINT16_MAX;
}

static struct plane_mssfix
mssfix_of(const char *bytes, const char *kind)
{
    struct plane_mssfix fix = {.kind = PLANE_MSSFIX_PAYLOAD, .bytes = number(bytes)};

    if (!bytes[0])
        fix.kind = PLANE_MSSFIX_NONE;
    else if (fix.bytes == 0)
        fix.kind = PLANE_MSSFIX_OFF;
    else if (is(kind, "mtu"))
        fix.kind = PLANE_MSSFIX_PACKET;
    else if (is(kind, "fixed"))
        fix.kind = PLANE_MSSFIX_INNER;
    return fix;
}

/* For comparison only, so without the difference between IPv4 and IPv6. */
static unsigned
mssfix_room(struct plane_mssfix fix)
{
    switch (fix.kind) {
    case PLANE_MSSFIX_PAYLOAD:
        return fix.bytes - DCO_OVERHEAD;
    case PLANE_MSSFIX_PACKET:
        return fix.bytes - DCO_IP4_HDR_MIN - DCO_UDP_HDR - DCO_OVERHEAD;
    case PLANE_MSSFIX_INNER:
        return fix.bytes;
    default:
        return UINT16_MAX;
    }
}

/* As in openvpn the last one counts. Of those in <connection> blocks it is the smallest, because we
 * are not told which block openvpn uses. */
static void
mssfix(struct scan *s, struct plane_mssfix fix)
{
    if (!s->in_connection)
        s->conf->device.mssfix = fix;
    else if (mssfix_room(fix) < mssfix_room(s->a_connection))
        s->a_connection = fix;
}

static void
device_option(struct scan *s, const char *name, const char *const *w)
{
    struct plane_dev_options *device = &s->conf->device;

    if (is(name, "mssfix"))
        mssfix(s, mssfix_of(w[1], w[2]));
    else if (is(name, "max-packet-size"))
        mssfix(s, mssfix_of(w[1], "mtu"));
    else if (is(name, "txqueuelen"))
        device->queue_len = number(w[1]);
    device->block_ipv6 |= is(name, "block-ipv6");
    device->allow_recursion |= is(name, "allow-recursive-routing");
}

/* Options that depend on their arguments or on others. */
static void
depends(struct scan *s, const char *name, const char *const *w)
{
    if (is(name, "proto"))
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
    else if (is(name, "dev-node") && !is(w[1], "/dev/net/tun"))
        leave(s, name, w[1]);
    else if (is(name, "replay-window") && number(w[1]) > DCO_REPLAY_WINDOW)
        leave(s, name, w[1]);
    else if (starts(name, "reneg-") && number(w[1]) != 0)
        leave(s, name, w[1]);
    else
        compression(s, name, w[1]);
}

static void
filter(struct config_scan *h, const char *action, const char *text)
{
    struct config_filter *f = &h->filter[h->filters];

    if (h->filters == CONFIG_FILTERS_MAX || !text[0])
        return;
    f->accept = is(action, "accept");
    snprintf(f->text, sizeof(f->text), "%s", text);
    h->filters++;
}

static void
facts(struct scan *s, const char *name, const char *const *w)
{
    struct config_scan *h = s->conf;

    h->remote |= is(name, "remote");
    h->floats |= is(name, "float");
    h->metric |= is(name, "route-metric");
    h->no_time |= is(name, "suppress-timestamps");
    h->user |= is(name, "user");
    h->chroot |= is(name, "chroot");
    h->no_routes |= is(name, "route-nopull");
    if (is(name, "pull-filter"))
        filter(h, w[1], w[2]);
    s->peer |= is(name, "remote") || is(name, "secret") || is(name, "ifconfig");
    if (is(name, "<connection>") || is(name, "</connection>"))
        s->in_connection = name[1] != '/';
    if (is(name, "dev"))
        device_name(s, w[1]);
}

/* w: the words of the option, absent ones "". */
static void
option(void *arg, const char *const *w)
{
    struct scan *s = arg;
    const char *name;

    if (is(w[0], "setenv") && is(w[1], "opt")) /* an option that old versions may not know */
        w += 2;
    name = starts(w[0], "--") ? w[0] + 2 : w[0];
    facts(s, name, w);
    role(s, name, w[1]);
    device_option(s, name, w);
    switch (openvpn_option(name)) {
    case OPTION_RULES_OUT:
        rules_out(s, name, NULL);
        break;
    case OPTION_LEFT:
        leave(s, name, NULL);
        break;
    case OPTION_DEPENDS:
        depends(s, name, w);
        break;
    case OPTION_NO_TUNNEL:
        s->tool = true;
        break;
    default:
        break;
    }
    if (is(name, "config"))
        config_parse_file(&s->parser, w[1]);
    else if (is(name, "cd"))
        config_parse_cd(&s->parser, w[1]);
}

static void
unreadable(void *arg, const char *path)
{
    struct scan *s = arg;

    s->conf->readable = false;
    config_text_first(s->conf->unreadable, path, NULL);
}

/* The result */

static void
conclude(struct scan *s)
{
    struct config_scan *h = s->conf;

    if (mssfix_room(s->a_connection) < mssfix_room(h->device.mssfix))
        h->device.mssfix = s->a_connection;
    if (h->server && h->device.block_ipv6)
        leave(s, "block-ipv6", "at a server");
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

static void
scan_begin(struct scan *s, struct config_scan *conf)
{
    memset(s, 0, sizeof(*s));
    memset(conf, 0, sizeof(*conf));
    s->conf = conf;
    s->parser.option = option;
    s->parser.unreadable = unreadable;
    s->parser.arg = s;
}

bool
config_scan_names(int argc, char *const *argv, const char *path)
{
    struct config_scan conf;
    struct scan s;

    scan_begin(&s, &conf);
    s.parser.wanted = path;
    arguments(&s, argc, argv);
    return s.parser.found;
}

void
config_scan_args(struct config_scan *conf, int argc, char *const *argv)
{
    struct scan s;

    scan_begin(&s, conf);
    conf->readable = argc > 1;
    arguments(&s, argc, argv);
    conclude(&s);
}

void
config_scan_text(struct config_scan *conf, const char *text, size_t len)
{
    struct scan s;

    scan_begin(&s, conf);
    conf->readable = true;
    config_parse_text(&s.parser, text, len);
    conclude(&s);
}
