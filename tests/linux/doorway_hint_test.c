/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scanner of configurations says: wrong "tcp" costs an administrator the offload, and a
 * missed one breaks the tunnel.
 */
#include "harness.h"

#include <dlfcn.h>

#include "linux/doorway/real.h"

/* The scanner is part of the preloaded library, which no test program links. */
#include "linux/doorway/config_hint.c"

const struct real *
real(void)
{
    static struct real libc;

    libc.open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    libc.read = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    libc.close = (int (*)(int))dlsym(RTLD_NEXT, "close");
    return &libc;
}

#define SERVER "dev tun\nserver 10.8.0.0 255.255.255.0\ntopology subnet\n"
#define CLIENT "client\ndev tun\nremote host 1194\n"

static const struct {
    const char *text;
    bool tcp, server, client, vpn;
    const char *option;
} cases[] = {
    {SERVER, false, true, false, true, ""},
    {CLIENT, false, false, true, true, ""},
    {SERVER "proto tcp-server\n", true, true, false, true, ""},
    {SERVER "local 10.0.0.1 1194 udp4\nlocal * 1194 tcp-server\n", true, true, false, true, ""},
    {SERVER "local 10.0.0.1 1194 udp4\nlocal :: 1195 udp6\n", false, true, false, true, ""},
    {SERVER "local tcp.example.net\n", false, true, false, true, ""},
    {SERVER "  proto\ttcp6-server # comment\n", true, true, false, true, ""},
    {SERVER "proto udp6\n", false, true, false, true, ""},
    {SERVER "# proto tcp\n;proto tcp\n", false, true, false, true, ""},
    {"client\ndev tun\nremote host 1194 tcp\n", true, false, true, true, ""},
    {"client\ndev tun\nremote host 1194 udp\nremote host 443 tcp-client\n", true, false, true, true,
     ""},
    {"client\ndev tun\nremote host 443 tcp\nproto-force udp\n", false, false, true, true, ""},
    {"client\ndev tun\n<connection>\nremote host 443 tcp\n</connection>\n", true, false, true, true,
     ""},
    {CLIENT "<ca>\nproto tcp\nfragment 1200\n</ca>\n", false, false, true, true, ""},
    {CLIENT "<ca>\nproto tcp\n", false, false, true, true, ""},
    {CLIENT "proto \"tcp\"\n", true, false, true, true, ""},
    {CLIENT "proto 'tcp\n", false, false, true, true, ""}, /* ill-formed: openvpn skips it too */
    {CLIENT "server-poll-timeout 10\n", false, false, true, true, ""},
    {CLIENT "--proto tcp\n", true, false, true, true, ""},
    {CLIENT "fragment 1300\n", false, false, true, true, "fragment"},
    {CLIENT "comp-lzo no\n", false, false, true, true, "comp-lzo"},
    {CLIENT "compress migrate\n", false, false, true, true, ""},
    {CLIENT "compress lz4-v2\n", false, false, true, true, "compress lz4-v2"},
    {CLIENT "compress\n", false, false, true, true, "compress"},
    {CLIENT "allow-compression no\n", false, false, true, true, ""},
    {CLIENT "allow-compression asym\n", false, false, true, true, "allow-compression asym"},
    {CLIENT "http-proxy p 8080\n", false, false, true, true, "http-proxy"},
    {CLIENT "socks-proxy p 1080\n", false, false, true, true, "socks-proxy"},
    {CLIENT "management-query-proxy\n", false, false, true, true, "management-query-proxy"},
    {CLIENT "disable-dco\n", false, false, true, true, "disable-dco"},
    {CLIENT "data-ciphers AES-256-GCM:?CHACHA20-POLY1305\n", false, false, true, true, ""},
    {CLIENT "data-ciphers aes-256-gcm:DEFAULT\n", false, false, true, true, ""},
    {CLIENT "data-ciphers AES-256-GCM:BF-CBC\n", false, false, true, true, "data-ciphers BF-CBC"},
    {CLIENT "data-ciphers-fallback AES-256-CBC\n", false, false, true, true,
     "data-ciphers-fallback AES-256-CBC"},
    {CLIENT "cipher AES-256-CBC\n", false, false, true, true, ""},
    {"client\ndev tap0\nremote host\n", false, false, true, true, "dev tap"},
    {"client\ndev vpn\ndev-type tap\nremote host\n", false, false, true, true, "dev tap"},
    {"dev tun\nserver 10.8.0.0 255.255.255.0\n", false, true, false, true,
     "topology subnet is missing, which openvpn needs before 2.7"},
    {SERVER "topology net30\n", false, true, false, true, "topology other than subnet"},
    {"dev tun\nsecret static.key\nremote host\n", false, false, false, true, "secret"},
    {"dev tun\nremote host\n", false, false, false, true, "neither tls-server nor tls-client"},
    {"dev tun\nmode server\ntls-server\ntopology subnet\n", false, true, false, true, ""},
    {"dev tun\ntls-client\nremote host\nifconfig 10.0.0.1 10.0.0.2\n", false, false, false, true,
     ""},
    {"mktun\ndev tun\n", false, false, false, false, "neither tls-server nor tls-client"},
    {"", false, false, false, false, "neither tls-server nor tls-client"},
};

static void
texts(void)
{
    struct config_hint hint;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        config_hint_text(&hint, cases[i].text, strlen(cases[i].text));
        harness_check(hint.tcp == cases[i].tcp && hint.server == cases[i].server &&
                          hint.client == cases[i].client && hint.vpn == cases[i].vpn &&
                          strcmp(hint.option, cases[i].option) == 0,
                      __FILE__, __LINE__, "case %zu: tcp %d server %d client %d vpn %d \"%s\"", i,
                      hint.tcp, hint.server, hint.client, hint.vpn, hint.option);
    }
}

static void
inner_families(void)
{
    struct config_hint hint;

    config_hint_text(&hint, SERVER, strlen(SERVER));
    check(!hint.c2c && hint.inner4 && !hint.inner6);
    config_hint_text(&hint, SERVER "client-to-client\nserver-ipv6 fd00::/64\n",
                     strlen(SERVER "client-to-client\nserver-ipv6 fd00::/64\n"));
    check(hint.c2c && hint.inner4 && hint.inner6);
    config_hint_text(&hint, "server-ipv6 fd00::/64\n", strlen("server-ipv6 fd00::/64\n"));
    check(!hint.c2c && !hint.inner4 && hint.inner6);
}

static void
command_lines(void)
{
    char *server[] = {"openvpn",       "--dev",      "tun",    "--server", "10.8.0.0",
                      "255.255.255.0", "--topology", "subnet", "--proto",  "tcp-server"};
    char *proxy[] = {"openvpn", "--client", "--dev", "tun",        "--remote",
                     "h",       "1194",     "udp",   "--fragment", "1200"};
    char *missing[] = {"openvpn", "--config", "/nonexistent/openvpn.conf"};
    char *nothing[] = {"openvpn"};
    struct config_hint hint;

    config_hint_scan(&hint, 10, server);
    check(hint.tcp && hint.server && hint.readable && hint.vpn);
    config_hint_scan(&hint, 10, proxy);
    check(!hint.tcp && hint.client);
    check(strcmp(hint.option, "fragment") == 0);
    config_hint_scan(&hint, 3, missing);
    check(!hint.readable && !hint.vpn);
    config_hint_scan(&hint, 1, nothing);
    check(!hint.readable);
    config_hint_scan(&hint, 0, nothing);
    check(!hint.readable);
}

static void
put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (!check(f != NULL))
        return;
    fputs(text, f);
    fclose(f);
}

/* Files name files, themselves at worst. A pipe is not read: it can be read only once. */
static void
files(void)
{
    char dir[] = "/tmp/hint-test-XXXXXX", a[64], b[64], fifo[64], text[256];
    char *one[] = {"openvpn", a}, *two[] = {"openvpn", "--config", fifo};
    struct config_hint hint;

    check(mkdtemp(dir) != NULL);
    snprintf(a, sizeof(a), "%s/a", dir);
    snprintf(b, sizeof(b), "%s/b", dir);
    snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    snprintf(text, sizeof(text), SERVER "config %s\n", b);
    put(a, text);
    snprintf(text, sizeof(text), "config \"%s\"\nproto tcp\n", a);
    put(b, text);
    config_hint_scan(&hint, 2, one);
    check(hint.tcp && hint.server);
    check(!hint.readable); /* the depth was exhausted somewhere */
    put(b, "proto tcp\n");
    config_hint_scan(&hint, 2, one);
    check(hint.tcp && hint.server && hint.readable);
    check_equal(mkfifo(fifo, 0600), 0);
    config_hint_scan(&hint, 3, two);
    check(!hint.readable);
    unlink(a);
    unlink(b);
    unlink(fifo);
    rmdir(dir);
}

static bool
floats(const char *text)
{
    struct config_hint hint;

    config_hint_text(&hint, text, strlen(text));
    return config_hint_floats(&hint);
}

static void
floating(void)
{
    char *none[] = {"openvpn", "--config", "/nonexistent/x.conf"};
    char *said[] = {"openvpn", "--config", "/nonexistent/x.conf", "--float"};
    struct config_hint hint;

    check(!floats(CLIENT));
    check(floats(CLIENT "float\n"));
    check(!floats(CLIENT "# float\n"));
    check(floats("dev tun\ntls-server\nifconfig 10.8.0.1 10.8.0.2\n"));
    check(!floats("dev tun\ntls-server\nremote host\n"));
    check(!floats("client\ndev tun\n<connection>\nremote host 1194\n</connection>\n"));
    check(floats("client\ndev tun\n<connection>\nremote host 1194\nfloat\n</connection>\n"));
    config_hint_scan(&hint, 3, none);
    check(!config_hint_floats(&hint)); /* it cannot be read */
    config_hint_scan(&hint, 4, said);
    check(config_hint_floats(&hint));
}

/* Any bytes, lines of any length. */
static void
noise(void)
{
    struct rng rng = harness_rng();
    struct config_hint hint;
    static char text[100000];

    for (unsigned i = 0; i < harness_rounds(200); i++) {
        size_t len = rng_below(&rng, sizeof(text));

        rng_bytes(&rng, text, len);
        config_hint_text(&hint, text, len);
        check(strlen(hint.option) < sizeof(hint.option));
    }
    memset(text, 'x', sizeof(text));
    config_hint_text(&hint, text, sizeof(text));
    memset(text, '<', sizeof(text));
    config_hint_text(&hint, text, sizeof(text));
}

static const struct test tests[] = {
    {"configurations", texts},
    {"what is inside the tunnel", inner_families},
    {"command lines", command_lines},
    {"files that name files", files},
    {"who may be at another address", floating},
    {"noise", noise},
};

HARNESS_MAIN(tests)
