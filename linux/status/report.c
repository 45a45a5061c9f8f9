/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer: see opendco(8) for the meaning of each member. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "linux/crypto/secret.h"
#include "linux/openvpn/state.h"
#include "linux/plane/plane_state.h"
#include "linux/status/status.h"

#define SECOND_NS     1000000000ULL
#define DEVS_MAX      64U
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

/* -1: never. */
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
    jsonw_object_begin(j, NULL);
    jsonw_uint(j, "id", peer->id);
    report_endpoint(j, "remote", &peer->path.remote);
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

/* The next peers of a device, while it exists. */
static unsigned
next_peers(uint32_t ifindex, uint32_t from, struct dco_peer_info *info, unsigned max)
{
    struct plane_dev *dev;
    unsigned n = 0;

    plane_devs_lock();
    dev = plane_dev_by_index(ifindex);
    while (dev != NULL && n < max &&
           dco_control_peer_next(plane_dev_peers(dev), from, &info[n]) == 0)
        from = info[n++].id + 1;
    plane_devs_unlock();
    return n;
}

/* In pieces, so that the plane never waits for more than a few of them. */
static void
report_peers(struct jsonw *j, uint32_t ifindex)
{
    struct dco_peer_info info[PEERS_AT_ONCE];
    uint64_t now_ns = clock_now_ns();
    uint32_t from = 0;
    unsigned n;

    jsonw_array_begin(j, "peers");
    do {
        n = next_peers(ifindex, from, info, PEERS_AT_ONCE);
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

struct dev_report {
    struct plane_dev_status status;
    struct dco_drops drops;
};

static void
report_dev(struct jsonw *j, const struct dev_report *dev)
{
    const struct plane_dev_status *status = &dev->status;

    jsonw_object_begin(j, NULL);
    jsonw_string(j, "name", status->name);
    jsonw_uint(j, "ifindex", status->ifindex);
    jsonw_string(j, "mode", status->mode == DCO_MODE_MP ? "mp" : "p2p");
    jsonw_uint(j, "mtu", status->mtu);
    jsonw_uint(j, "udp_sockets", status->udp_sockets);
    jsonw_object_begin(j, "offloads");
    jsonw_bool(j, "tun_tso", status->tun_tso);
    jsonw_bool(j, "tun_uso", status->tun_uso);
    jsonw_bool(j, "udp_gso", status->udp_gso);
    jsonw_bool(j, "udp_gro", status->udp_gro);
    jsonw_bool(j, "tun_batch", status->tun_batch);
    jsonw_object_end(j);
    report_peers(j, status->ifindex);
    report_drops(j, &dev->drops);
    jsonw_object_end(j);
}

static unsigned
all_devs(struct dev_report *list, unsigned max, struct dco_drops *process)
{
    unsigned n = 0;

    plane_devs_lock();
    for (struct plane_dev *dev = plane_dev_next(NULL); dev != NULL && n < max;
         dev = plane_dev_next(dev), n++) {
        plane_dev_status(dev, &list[n].status);
        plane_dev_drops(dev, &list[n].drops);
    }
    plane_drops(process);
    plane_devs_unlock();
    return n;
}

static void
report_thread(struct jsonw *j, unsigned thread)
{
    char name[16];
    int err;

    if (!sandbox_state(thread, &err))
        return;
    sandbox_thread_name(thread, name, sizeof(name));
    jsonw_object_begin(j, NULL);
    jsonw_string(j, "name", name);
    jsonw_bool(j, "filtered", err == 0);
    jsonw_string(j, "reason", err == 0 ? "" : strerror(-err));
    jsonw_object_end(j);
}

static void
report_threads(struct jsonw *j)
{
    jsonw_array_begin(j, "threads");
    for (unsigned i = 0; i < SANDBOX_THREADS; i++)
        report_thread(j, i);
    jsonw_array_end(j);
}

static bool
keys_locked(void)
{
    struct secret_stats stats;

    secret_stats(&stats);
    return stats.unlocked == 0;
}

void
status_report(struct jsonw *j)
{
    char reason[256] = "";
    const char *abi = "";
    bool active = offload_state(reason, sizeof(reason), &abi);
    struct dev_report devs[DEVS_MAX];
    struct dco_drops drops;
    unsigned n;

    jsonw_object_begin(j, NULL);
    jsonw_uint(j, "pid", (uint64_t)getpid());
    jsonw_string(j, "command", program_invocation_short_name);
    jsonw_string(j, "version", OPENDCO_VERSION);
    jsonw_bool(j, "active", active);
    jsonw_string(j, "reason", active ? "" : reason);
    jsonw_string(j, "abi", abi != NULL ? abi : "");
    jsonw_uint(j, "workers", plane_worker_count());
    report_threads(j);
    jsonw_bool(j, "keys_locked", keys_locked());
    jsonw_array_begin(j, "devices");
    n = all_devs(devs, DEVS_MAX, &drops);
    for (unsigned i = 0; i < n; i++)
        report_dev(j, &devs[i]);
    jsonw_array_end(j);
    report_drops(j, &drops);
    jsonw_object_end(j);
}
