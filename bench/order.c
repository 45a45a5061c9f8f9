/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches an interface and counts data packets whose packet id is not above all earlier ones of the
 * same peer and key: what left (or arrived) out of order.
 *
 *   order INTERFACE PORT SECONDS
 *
 * Looks at IPv4 UDP packets to PORT. Trains that the interface passes on whole are taken apart
 * here. Prints "ready", and after SECONDS
 *   {"packets": N, "late": N, "unseen": N}
 * unseen: packets that this program was too slow for.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>

#include "util.h"

#define IP4_MIN   20U
#define UDP_HDR   8U
#define P_DATA_V2 9U
#define SUPER     (65536U + 256U)
#define STREAMS   65536U /* by a hash of the first four bytes: opcode, key id, peer id */

struct watch {
    uint32_t highest[STREAMS];
    uint32_t first_bytes[STREAMS];
    uint64_t packets, late;
};

static void
look(struct watch *w, const uint8_t *pkt, uint32_t len)
{
    uint32_t first, id, slot;

    if (len < 8 || pkt[0] >> 3 != P_DATA_V2)
        return;
    memcpy(&first, pkt, sizeof(first));
    memcpy(&id, pkt + 4, sizeof(id));
    id = ntohl(id);
    slot = (uint32_t)mix(first) % STREAMS;
    if (w->first_bytes[slot] != first) {
        w->first_bytes[slot] = first;
        w->highest[slot] = 0;
    }
    w->packets++;
    if (id <= w->highest[slot])
        w->late++;
    else
        w->highest[slot] = id;
}

/* An IP packet, or a train under one IP header. */
static void
take(struct watch *w, const uint8_t *ip, uint32_t len, uint32_t segment, uint16_t port)
{
    uint32_t hdr = (ip[0] & 15U) * 4U;

    if (len < IP4_MIN || ip[0] >> 4 != 4 || ip[9] != IPPROTO_UDP || len < hdr + UDP_HDR ||
        memcmp(ip + hdr + 2, &port, sizeof(port)) != 0)
        return;
    ip += hdr + UDP_HDR;
    len -= hdr + UDP_HDR;
    if (segment == 0)
        segment = len;
    for (uint32_t at = 0; at < len; at += segment)
        look(w, ip + at, len - at < segment ? len - at : segment);
}

static int
open_interface(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    int on = 1, size = 256 << 20;
    struct sockaddr_ll at = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETH_P_IP),
                             .sll_ifindex = (int)if_nametoindex(name)};

    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die(name);
    return fd;
}

static void
watch(int fd, struct watch *w, uint16_t port, double seconds)
{
    static uint8_t buf[sizeof(struct virtio_net_hdr) + SUPER];
    uint64_t end = now_ns() + (uint64_t)(seconds * SECOND);
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    while (now_ns() < end) {
        struct virtio_net_hdr vnet;
        struct sockaddr_ll from;
        socklen_t from_len = sizeof(from);
        ssize_t n;

        if (poll(&pfd, 1, 50) <= 0)
            continue;
        n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);
        if (n <= (ssize_t)(sizeof(vnet) + ETH_HLEN) || from.sll_pkttype == PACKET_OUTGOING)
            continue;
        memcpy(&vnet, buf, sizeof(vnet));
        take(w, buf + sizeof(vnet) + ETH_HLEN, (uint32_t)n - (uint32_t)sizeof(vnet) - ETH_HLEN,
             vnet.gso_size, port);
    }
}

int
main(int argc, char **argv)
{
    static struct watch w;
    struct tpacket_stats stats = {0};
    socklen_t len = sizeof(stats);
    int fd;

    if (argc != 4) {
        fprintf(stderr, "usage: order INTERFACE PORT SECONDS\n");
        return 2;
    }
    fd = open_interface(argv[1]);
    puts("ready");
    fflush(stdout);
    watch(fd, &w, htons((uint16_t)number(argv[2], 1, 65535, "PORT")),
          number(argv[3], 0.1, 3600, "SECONDS"));
    (void)getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
    printf("{\"packets\": %llu, \"late\": %llu, \"unseen\": %u}\n", (unsigned long long)w.packets,
           (unsigned long long)w.late, stats.tp_drops);
    return 0;
}
