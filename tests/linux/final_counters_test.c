/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the script of --client-disconnect learns. If this failed, accounting would lose the traffic
 * of clients that vanish, or count one client's traffic for another.
 */
#include "linux/openvpn/final_counters.h"

#include <arpa/inet.h>

#include "device.h"
#include "linux/netlink/dco_v2.h"
#include "linux/netlink/ovpn.h"

#define V26 openvpn_traits(&nl_dco_v2)
#define V27 openvpn_traits(&nl_ovpn)

static void
traffic(uint32_t n, uint64_t received, uint64_t sent)
{
    dco_peer_count(dco_peers_by_id(p, n), DCO_LINK_RX, 1, received);
    dco_peer_count(dco_peers_by_id(p, n), DCO_LINK_TX, 1, sent);
}

static void
leaves(const struct openvpn_traits *traits, uint32_t n, enum dco_del_reason reason, uint64_t now)
{
    struct dco_event event;

    CHECK_EQ(dco_control_peer_del(p, n, reason), 0);
    event = take();
    final_counters_gone(traits, &event, now);
}

static void
expires(const struct openvpn_traits *traits, uint32_t n, uint64_t now)
{
    leaves(traits, n, DCO_DEL_EXPIRED, now);
}

static bool
has(char *const *env, const char *line)
{
    for (; *env != NULL; env++)
        if (strcmp(*env, line) == 0)
            return true;
    return false;
}

/* Whether a script for the client at 192.0.0.host:port would learn these numbers. */
static bool
learns(const char *host, const char *port, const char *received, const char *sent)
{
    char ip[64], at[32], in[64], out[64];
    char *const *given;
    bool learnt;
    char *env[] = {"script_type=client-disconnect",
                   "bytes_received=1857",
                   ip,
                   "x=y",
                   at,
                   "bytes_sent=2045",
                   NULL};

    snprintf(ip, sizeof(ip), "trusted_ip=192.0.0.%s", host);
    snprintf(at, sizeof(at), "trusted_port=%s", port);
    snprintf(in, sizeof(in), "bytes_received=%s", received);
    snprintf(out, sizeof(out), "bytes_sent=%s", sent);
    given = final_counters_env(env);
    learnt = has(given, in) && has(given, out) && has(given, "x=y");
    if (given != env)
        free((void *)given);
    return learnt;
}

TEST("the script learns the final numbers of a client that expired")
{
    begin(DCO_MODE_MP);
    add(1, 0);
    add(2, 0);
    traffic(1, 3239954, 4000000);
    traffic(2, 7000, 8000);
    expires(V26, 1, 1);
    expires(V26, 2, 2);
    CHECK(learns("1", "1000", "3239954", "4000000"));
    CHECK(learns("2", "1000", "7000", "8000"));
    CHECK(learns("1", "1001", "1857", "2045"));
    CHECK(learns("3", "1000", "1857", "2045"));
    end();
}

TEST("it learns the last numbers of a client that openvpn closes")
{
    begin(DCO_MODE_MP);
    add(1, 0);
    traffic(1, 5000, 6000);
    final_counters_asked(V26, p, 5);
    CHECK(learns("1", "1000", "5000", "6000"));
    traffic(1, 1, 1);
    leaves(V27, 1, DCO_DEL_USERSPACE, 6); /* 2.7 removes the peer, and closes the client later */
    final_counters_asked(V27, p, 7);
    CHECK(learns("1", "1000", "5001", "6001"));
    end();
}

/* Another client comes to the address of one that expired. */
TEST("of two clients with one address the later one counts")
{
    begin(DCO_MODE_MP);
    add(1, 0);
    traffic(1, 5000, 6000);
    expires(V26, 1, 1);
    add(1, 2);
    traffic(1, 3000, 4000);
    final_counters_asked(V26, p, 3);
    CHECK(learns("1", "1000", "3000", "4000"));
    traffic(1, 10, 10);
    expires(V26, 1, 4);
    CHECK(learns("1", "1000", "3010", "4010"));
    end();
}

/* 2.6 knows a client that moved by its first address, 2.7 by its last. */
TEST("a client that moved is known by the name that openvpn has for it")
{
    begin(DCO_MODE_MP);
    add(1, 0);
    traffic(1, 5000, 6000);
    CHECK(seen(dco_peers_by_id(p, 1), path4(50, 5), SECOND));
    check_event(DCO_EVENT_FLOAT, 1);
    final_counters_asked(V26, p, 1);
    CHECK(learns("1", "1000", "5000", "6000"));
    CHECK(learns("50", "5", "1857", "2045"));
    final_counters_asked(V27, p, 2);
    CHECK(learns("50", "5", "5000", "6000"));
    expires(V27, 1, 3);
    final_counters_asked(V27, p, 4);
    CHECK(learns("50", "5", "5000", "6000"));
    end();
}

TEST("numbers are kept for a time, and openvpn's own are never lowered")
{
    begin(DCO_MODE_MP);
    add(1, 0);
    add(2, 0);
    traffic(1, 5000, 6000);
    traffic(2, 1000, 6000);
    expires(V26, 1, 1);
    expires(V26, 2, 2);
    CHECK(learns("2", "1000", "1857", "6000"));
    final_counters_asked(V26, p, 1 + FINAL_COUNTERS_KEPT_NS);
    CHECK(learns("1", "1000", "1857", "2045"));
    CHECK(learns("2", "1000", "1857", "6000"));
    end();
}

TEST("any other program gets the environment as it is")
{
    char *script[] = {"script_type=client-connect", "trusted_ip=192.0.0.1", "trusted_port=1000",
                      "bytes_received=1",           "bytes_sent=1",         NULL};
    char *odd[] = {"script_type=client-disconnect", "trusted_ip=nobody", "trusted_port=1000",
                   "bytes_received=1", NULL};
    char *missing[] = {"script_type=client-disconnect", "bytes_received=1", NULL};
    char *ip6[] = {"script_type=client-disconnect", "trusted_ip6=fe80::1%eth0", "trusted_port=1000",
                   NULL};

    begin(DCO_MODE_MP);
    add(1, 0);
    traffic(1, 5000, 6000);
    expires(V26, 1, 1);
    CHECK(final_counters_env(script) == script);
    CHECK(final_counters_env(odd) == odd);
    CHECK(final_counters_env(missing) == missing);
    CHECK(final_counters_env(ip6) == ip6);
    CHECK(final_counters_env(NULL) == NULL);
    end();
}

/* Its path has no address, with either version. */
TEST("a client over TCP is known by the address of its connection")
{
    struct dco_peer_new req = request(1);

    begin(DCO_MODE_MP);
    req.origin.ip = ip4(192, 0, 0, 9);
    req.origin.port = htons(443);
    memset(&req.path, 0, sizeof(req.path));
    CHECK_EQ(dco_control_peer_new(p, &req, 0), 0);
    traffic(1, 5000000, 6000000);
    leaves(V27, 1, DCO_DEL_TRANSPORT_DISCONNECT, 1);
    CHECK(learns("9", "443", "5000000", "6000000"));
    end();
}
