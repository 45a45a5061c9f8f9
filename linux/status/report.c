/* SPDX-License-Identifier: BSD-2-Clause */
/* opendco(8) describes each member. */
#include "linux/status/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "linux/status/source.h"
#include "linux/sys/clock.h"
#include "linux/sys/endpoint.h"
#include "linux/sys/image.h"
#include "linux/sys/sandbox.h"

#define SECOND_NS     1000000000ULL
#define DEVICES_MAX   64U
#define PEERS_AT_ONCE 64U

static void
report_ip(struct jsonw *j, const char *key, const struct dco_ip *ip)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (ip->family != 0)
        inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->addr, text, sizeof(text));
    jsonw_string(j, key, text);
}

static void
report_endpoint(struct jsonw *j, const char *key, const struct dco_endpoint *ep)
{
    char text[ENDPOINT_TEXT_LEN];

    endpoint_text(ep, text);
    jsonw_string(j, key, text);
}

static const char *
cipher_name(const struct dco_peer_info *peer)
{
    if (!peer->has_primary)
        return "";
    if (peer->primary.cipher == DCO_CIPHER_CHACHA20_POLY1305)
        return "CHACHA20-POLY1305";
    switch (peer->primary.key_len) {
    case 16:
        return "AES-128-GCM";
    case 24:
        return "AES-192-GCM";
    default:
        return "AES-256-GCM";
    }
}

/* -1 means never. */
static int64_t
seconds_since(uint64_t then_ns, uint64_t now_ns)
{
    if (then_ns == 0)
        return -1;
    return now_ns > then_ns ? (int64_t)((now_ns - then_ns) / SECOND_NS) : 0;
}

static void
report_stats(struct jsonw *j, const struct dco_peer_stats *stats)
{
    jsonw_uint(j, "rx_bytes", stats->vpn_rx_bytes);
    jsonw_uint(j, "tx_bytes", stats->vpn_tx_bytes);
    jsonw_uint(j, "rx_packets", stats->vpn_rx_packets);
    jsonw_uint(j, "tx_packets", stats->vpn_tx_packets);
    jsonw_uint(j, "link_rx_bytes", stats->link_rx_bytes);
    jsonw_uint(j, "link_tx_bytes", stats->link_tx_bytes);
    jsonw_uint(j, "link_rx_packets", stats->link_rx_packets);
    jsonw_uint(j, "link_tx_packets", stats->link_tx_packets);
}

static void
report_peer(struct jsonw *j, const struct dco_peer_info *peer, uint64_t now_ns)
{
    bool tcp = peer->path.remote.ip.family == 0;

    jsonw_object_begin(j, NULL);
    jsonw_uint(j, "id", peer->id);
    jsonw_string(j, "transport", tcp ? "tcp" : "udp");
    report_endpoint(j, "remote", tcp ? &peer->origin : &peer->path.remote);
    report_ip(j, "vpn_ipv4", &peer->vpn4);
    report_ip(j, "vpn_ipv6", &peer->vpn6);
    jsonw_string(j, "cipher", cipher_name(peer));
    jsonw_int(j, "key_id", peer->has_primary ? peer->primary.key_id : -1);
    jsonw_int(j, "key_age_s",
              peer->has_primary ? seconds_since(peer->primary.created_ns, now_ns) : -1);
    jsonw_uint(j, "keepalive_interval_s", peer->interval_s);
    jsonw_uint(j, "keepalive_timeout_s", peer->timeout_s);
    jsonw_int(j, "last_received_s", seconds_since(peer->last_rx_ns, now_ns));
    report_stats(j, &peer->stats);
    jsonw_object_end(j);
}

/* Asks for a few peers at a time, because writers of the device wait meanwhile. */
static void
report_peers(struct jsonw *j, uint32_t ifindex)
{
    struct dco_peer_info info[PEERS_AT_ONCE];
    uint64_t now_ns = clock_now_ns();
    uint32_t from = 0;
    unsigned n;

    jsonw_array_begin(j, "peers");
    do {
        n = status_source.peers(ifindex, from, info, PEERS_AT_ONCE);
        for (unsigned i = 0; i < n; i++)
            report_peer(j, &info[i], now_ns);
        from = n > 0 ? info[n - 1].id + 1 : 0;
    } while (n == PEERS_AT_ONCE);
    jsonw_array_end(j);
}

static void
report_drops(struct jsonw *j, const struct dco_drops *drops)
{
    jsonw_object_begin(j, "drops");
    for (unsigned r = 0; r < DCO_DROP_COUNT; r++)
        jsonw_uint(j, dco_drop_name((enum dco_drop)r), drops->count[r]);
    jsonw_object_end(j);
}

static void
report_device(struct jsonw *j, const struct status_device *dev)
{
    jsonw_object_begin(j, NULL);
    jsonw_string(j, "name", dev->name);
    jsonw_uint(j, "ifindex", dev->ifindex);
    jsonw_string(j, "mode", dev->mode == DCO_MODE_MP ? "mp" : "p2p");
    jsonw_uint(j, "mtu", dev->mtu);
    jsonw_uint(j, "udp_sockets", dev->udp_sockets);
    jsonw_uint(j, "peers_without_trains", dev->trainless);
    jsonw_object_begin(j, "offloads");
    jsonw_bool(j, "tun_tso", dev->tun_tso);
    jsonw_bool(j, "tun_uso", dev->tun_uso);
    jsonw_bool(j, "udp_gso", dev->udp_gso);
    jsonw_bool(j, "udp_gso_equal", dev->udp_gso_equal);
    jsonw_bool(j, "udp_gro", dev->udp_gro);
    jsonw_bool(j, "tun_batch", dev->tun_batch);
    jsonw_object_end(j);
    report_peers(j, dev->ifindex);
    report_drops(j, &dev->drops);
    jsonw_object_end(j);
}

static void
report_threads(struct jsonw *j)
{
    char name[16];
    int err;

    jsonw_array_begin(j, "threads");
    for (unsigned thread = 0; thread < THREADS; thread++) {
        if (!sandbox_state(thread, &err))
            continue;
        thread_name(thread, name, sizeof(name));
        jsonw_object_begin(j, NULL);
        jsonw_string(j, "name", name);
        jsonw_bool(j, "filtered", err == 0);
        jsonw_string(j, "reason", err == 0 ? "" : strerror(-err));
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
}

void
status_report(struct jsonw *j)
{
    char reason[256] = "";
    const char *abi = "";
    bool active = status_source.offload(reason, sizeof(reason), &abi);
    struct status_device devs[DEVICES_MAX];
    struct dco_drops drops;
    unsigned n;

    jsonw_object_begin(j, NULL);
    jsonw_uint(j, "pid", (uint64_t)getpid());
    jsonw_string(j, "command", program_invocation_short_name);
    jsonw_string(j, "version", OPENDCO_VERSION);
    jsonw_string(j, "library", image_path());
    jsonw_string(j, "build_id", image_build_id());
    jsonw_bool(j, "active", active);
    jsonw_string(j, "reason", active ? "" : reason);
    jsonw_string(j, "abi", abi != NULL ? abi : "");
    jsonw_uint(j, "workers", status_source.workers());
    report_threads(j);
    jsonw_bool(j, "keys_locked", status_source.keys_locked());
    jsonw_array_begin(j, "devices");
    n = status_source.devices(devs, DEVICES_MAX, &drops);
    for (unsigned i = 0; i < n; i++)
        report_device(j, &devs[i]);
    jsonw_array_end(j);
    report_drops(j, &drops);
    jsonw_object_end(j);
}
