/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The results of the configuration scan. If this failed, a false "tcp" would cost an administrator
 * the offload, and a missed one would break the tunnel.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "linux/sys/calls.h"

/* The scanner is part of the preloaded library, which no test program links. */
#include "linux/openvpn/config_copy.c"
#include "linux/openvpn/config_parse.c"
#include "linux/openvpn/config_scan.c"
#include "linux/openvpn/options.c"

const struct sys_calls *
sys(void)
{
    static struct sys_calls libc;

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

TEST("configurations")
{
    struct config_scan conf;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        config_scan_text(&conf, cases[i].text, strlen(cases[i].text));
        CHECK_THAT(conf.tcp == cases[i].tcp && conf.server == cases[i].server &&
                       conf.client == cases[i].client && conf.vpn == cases[i].vpn &&
                       strcmp(conf.option, cases[i].option) == 0,
                   "case %zu: tcp %d server %d client %d vpn %d \"%s\"", i, conf.tcp, conf.server,
                   conf.client, conf.vpn, conf.option);
    }
}

TEST("client-to-client counts in the server's configuration, not where it is pushed")
{
    struct config_scan conf;

    config_scan_text(&conf, SERVER, strlen(SERVER));
    CHECK(!conf.device.client_to_client);
    config_scan_text(&conf, SERVER "client-to-client\n", strlen(SERVER "client-to-client\n"));
    CHECK(conf.device.client_to_client);
    config_scan_text(&conf, SERVER "push client-to-client\n",
                     strlen(SERVER "push client-to-client\n"));
    CHECK(!conf.device.client_to_client);
}

static const struct {
    const char *text;
    enum plane_mssfix_kind kind;
    unsigned bytes;
} mssfixes[] = {
    {"", PLANE_MSSFIX_NONE, 0},
    {"mssfix\n", PLANE_MSSFIX_NONE, 0},
    {"mssfix 1300\n", PLANE_MSSFIX_PAYLOAD, 1300},
    {"mssfix 1300 mtu\n", PLANE_MSSFIX_PACKET, 1300},
    {"mssfix 1300 fixed\n", PLANE_MSSFIX_INNER, 1300},
    {"mssfix 0\n", PLANE_MSSFIX_OFF, 0},
    {"mssfix 1300\nmssfix 1400\n", PLANE_MSSFIX_PAYLOAD, 1400},
    {"mssfix 1300\nmssfix 0\n", PLANE_MSSFIX_OFF, 0},
    {"max-packet-size 1300\n", PLANE_MSSFIX_PACKET, 1300},
    {"mssfix 1300\n<connection>\nmssfix 1310\n</connection>\n", PLANE_MSSFIX_PAYLOAD, 1300},
    {"<connection>\nmssfix 1310\n</connection>\nmssfix 1300\n", PLANE_MSSFIX_PAYLOAD, 1300},
    {"<connection>\nmssfix 1250 mtu\n</connection>\n<connection>\nmssfix 1230\n</connection>\n",
     PLANE_MSSFIX_PACKET, 1250},
    {"<connection>\nmssfix 1280 fixed\n</connection>\n<connection>\nmssfix 1300\n</connection>\n",
     PLANE_MSSFIX_PAYLOAD, 1300},
    {"mssfix 999999999999999999999\n", PLANE_MSSFIX_PAYLOAD, UINT16_MAX},
};

TEST("mssfix")
{
    struct config_scan conf;

    for (size_t i = 0; i < sizeof(mssfixes) / sizeof(mssfixes[0]); i++) {
        config_scan_text(&conf, mssfixes[i].text, strlen(mssfixes[i].text));
        CHECK_THAT(conf.device.mssfix.kind == mssfixes[i].kind &&
                       conf.device.mssfix.bytes == mssfixes[i].bytes,
                   "case %zu: kind %d, %u bytes", i, (int)conf.device.mssfix.kind,
                   conf.device.mssfix.bytes);
    }
}

TEST("what the plane does itself")
{
    static const char text[] =
        CLIENT "txqueuelen 2345\nblock-ipv6\nallow-recursive-routing\nuser nobody\n";
    struct config_scan conf;

    config_scan_text(&conf, text, sizeof(text) - 1);
    CHECK_EQ(conf.device.queue_len, 2345);
    CHECK(conf.device.block_ipv6 && conf.device.allow_recursion && conf.user);
    CHECK_STR(conf.dropped, "");
    config_scan_text(&conf, CLIENT, strlen(CLIENT));
    CHECK_EQ(conf.device.queue_len, 0);
    CHECK(!conf.device.block_ipv6 && !conf.device.allow_recursion && !conf.user);
}

static const struct {
    const char *text, *dropped;
} lefts[] = {
    {CLIENT "shaper 10000\n", "shaper"},
    {CLIENT "passtos\n", "passtos"},
    {CLIENT "client-nat snat 10.0.0.0 255.0.0.0 10.1.0.0\n", "client-nat"},
    {CLIENT "mtu-test\n", "mtu-test"},
    {CLIENT "reneg-bytes 1000000\n", "reneg-bytes 1000000"},
    {CLIENT "reneg-pkts 1000\n", "reneg-pkts 1000"},
    {CLIENT "reneg-bytes 0\nreneg-pkts 0\nreneg-sec 60\n", ""},
    {CLIENT "replay-window 2048 30\n", ""},
    {CLIENT "replay-window 2049 30\n", "replay-window 2049"},
    {CLIENT "dev-node /dev/net/tun\n", ""},
    {CLIENT "dev-node /dev/tun\n", "dev-node /dev/tun"},
    {CLIENT "mute-replay-warnings\nbcast-buffers 500\nfast-io\ntun-mtu 1400\n", ""},
    {SERVER "block-ipv6\n", "block-ipv6 at a server"},
};

TEST("what offload would ignore")
{
    struct config_scan conf;

    for (size_t i = 0; i < sizeof(lefts) / sizeof(lefts[0]); i++) {
        config_scan_text(&conf, lefts[i].text, strlen(lefts[i].text));
        CHECK_STR(conf.dropped, lefts[i].dropped);
    }
}

TEST("the table of options")
{
    CHECK_EQ(openvpn_option("shaper"), OPTION_LEFT);
    CHECK_EQ(openvpn_option("mssfix"), OPTION_PLANE);
    CHECK_EQ(openvpn_option("show-tls"), OPTION_NO_TUNNEL);
    CHECK_EQ(openvpn_option("x509-username-field"), OPTION_OPENVPN);
    CHECK_EQ(openvpn_option("route"), OPTION_OPENVPN);
    CHECK_EQ(openvpn_option("rout"), OPTION_UNKNOWN);
    CHECK_EQ(openvpn_option("oute"), OPTION_UNKNOWN);
    CHECK_EQ(openvpn_option("auth verb"), OPTION_UNKNOWN);
    CHECK_EQ(openvpn_option(""), OPTION_UNKNOWN);
    CHECK_EQ(openvpn_option(" "), OPTION_UNKNOWN);
}

TEST("command lines")
{
    char *server[] = {"openvpn",       "--dev",      "tun",    "--server", "10.8.0.0",
                      "255.255.255.0", "--topology", "subnet", "--proto",  "tcp-server"};
    char *proxy[] = {"openvpn", "--client", "--dev", "tun",        "--remote",
                     "h",       "1194",     "udp",   "--fragment", "1200"};
    char *missing[] = {"openvpn", "--config", "/nonexistent/openvpn.conf"};
    char *nothing[] = {"openvpn"};
    struct config_scan conf;

    config_scan_args(&conf, 10, server);
    CHECK(conf.tcp && conf.server && conf.readable && conf.vpn);
    config_scan_args(&conf, 10, proxy);
    CHECK(!conf.tcp && conf.client);
    CHECK_STR(conf.option, "fragment");
    config_scan_args(&conf, 3, missing);
    CHECK(!conf.readable && !conf.vpn);
    config_scan_args(&conf, 1, nothing);
    CHECK(!conf.readable);
    config_scan_args(&conf, 0, nothing);
    CHECK(!conf.readable);
}

static void
put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

/* Files name files, themselves at worst. A pipe is not read: it can be read only once. */
TEST("files that name files")
{
    char dir[] = "/tmp/config-scan-XXXXXX", a[64], b[64], fifo[64], text[256];
    char *one[] = {"openvpn", a}, *two[] = {"openvpn", "--config", fifo};
    struct config_scan conf;

    CHECK(mkdtemp(dir) != NULL);
    snprintf(a, sizeof(a), "%s/a", dir);
    snprintf(b, sizeof(b), "%s/b", dir);
    snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    snprintf(text, sizeof(text), SERVER "config %s\n", b);
    put(a, text);
    snprintf(text, sizeof(text), "config \"%s\"\nproto tcp\n", a);
    put(b, text);
    config_scan_args(&conf, 2, one);
    CHECK(conf.tcp && conf.server);
    CHECK(!conf.readable); /* the depth was exhausted somewhere */
    put(b, "proto tcp\n");
    config_scan_args(&conf, 2, one);
    CHECK(conf.tcp && conf.server && conf.readable);
    CHECK_EQ(mkfifo(fifo, 0600), 0);
    config_scan_args(&conf, 3, two);
    CHECK(!conf.readable);
    unlink(a);
    unlink(b);
    unlink(fifo);
    rmdir(dir);
}

static void
copy(const char *name, const char *text)
{
    config_copy_put(name, strdup(text), strlen(text));
}

TEST("copies of what came from a pipe")
{
    char *from_stdin[] = {"openvpn", "--config", "stdin"}, *only[] = {"openvpn", "/dev/fd/63"};
    struct config_scan conf;
    char line[16];
    FILE *f;

    config_scan_args(&conf, 3, from_stdin);
    CHECK(!conf.readable);
    CHECK_STR(conf.unreadable, "stdin");
    CHECK(config_scan_names(3, from_stdin, "stdin"));
    CHECK(!config_scan_names(3, from_stdin, "/dev/stdin"));
    copy("stdin", CLIENT "config /dev/fd/63\n");
    CHECK(config_scan_names(3, from_stdin, "/dev/fd/63"));
    copy("/dev/fd/63", "proto tcp\n");
    config_scan_args(&conf, 3, from_stdin);
    CHECK(conf.readable && conf.tcp && conf.client);
    copy("/dev/fd/63", ""); /* a pipe that is read again is empty */
    config_scan_args(&conf, 2, only);
    CHECK(conf.readable && conf.tcp);
    copy("/dev/fd/63", "proto udp\n");
    config_scan_args(&conf, 2, only);
    CHECK(conf.readable && !conf.tcp);
    f = config_copy_open("/dev/fd/63");
    CHECK(f != NULL && fgets(line, sizeof(line), f) != NULL);
    CHECK_STR(line, "proto udp\n");
    fclose(f);
    config_copy_drop("/dev/fd/63");
    CHECK(config_copy_open("/dev/fd/63") == NULL);
    config_copy_drop("stdin");
}

TEST("relative names follow --cd, and setenv opt hides nothing")
{
    char dir[] = "/tmp/config-scan-XXXXXX", path[64],
         *args[] = {"openvpn", "--cd", dir, "--config", "a"};
    struct config_scan conf;

    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/a", dir);
    put(path, CLIENT "setenv opt passtos\n");
    config_scan_args(&conf, 5, args);
    CHECK(conf.readable && conf.client);
    CHECK_STR(conf.dropped, "passtos");
    unlink(path);
    rmdir(dir);
}

static bool
floats(const char *text)
{
    struct config_scan conf;

    config_scan_text(&conf, text, strlen(text));
    return config_scan_floats(&conf);
}

TEST("whether routes have a metric of the administrator's")
{
    struct config_scan conf;

    config_scan_text(&conf, CLIENT, strlen(CLIENT));
    CHECK(!conf.metric);
    config_scan_text(&conf, CLIENT "route-metric 200\n", strlen(CLIENT "route-metric 200\n"));
    CHECK(conf.metric);
}

TEST("who may be at another address")
{
    char *none[] = {"openvpn", "--config", "/nonexistent/x.conf"};
    char *said[] = {"openvpn", "--config", "/nonexistent/x.conf", "--float"};
    struct config_scan conf;

    CHECK(!floats(CLIENT));
    CHECK(floats(CLIENT "float\n"));
    CHECK(!floats(CLIENT "# float\n"));
    CHECK(floats("dev tun\ntls-server\nifconfig 10.8.0.1 10.8.0.2\n"));
    CHECK(!floats("dev tun\ntls-server\nremote host\n"));
    CHECK(!floats("client\ndev tun\n<connection>\nremote host 1194\n</connection>\n"));
    CHECK(floats("client\ndev tun\n<connection>\nremote host 1194\nfloat\n</connection>\n"));
    config_scan_args(&conf, 3, none);
    CHECK(!config_scan_floats(&conf)); /* it cannot be read */
    config_scan_args(&conf, 4, said);
    CHECK(config_scan_floats(&conf));
}

/* Any bytes, lines of any length. */
TEST("random configurations do no harm")
{
    struct rng rng = test_rng();
    struct config_scan conf;
    static char text[100000];

    for (unsigned i = 0; i < test_rounds(200); i++) {
        size_t len = rng_below(&rng, sizeof(text));

        rng_bytes(&rng, text, len);
        config_scan_text(&conf, text, len);
        CHECK(strlen(conf.option) < sizeof(conf.option));
    }
    memset(text, 'x', sizeof(text));
    config_scan_text(&conf, text, sizeof(text));
    memset(text, '<', sizeof(text));
    config_scan_text(&conf, text, sizeof(text));
}
