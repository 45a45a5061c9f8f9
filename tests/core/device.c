/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

struct platform platform;
struct dco_peers *p;

void
begin(enum dco_mode mode)
{
    platform_init(&platform, PLATFORM_IMMEDIATE);
    p = peers_make(&platform, mode);
}

void
end(void)
{
    peers_free(p);
    platform_fini(&platform);
}

struct dco_peer_new
request(uint32_t n)
{
    struct dco_peer_new req = {.id = n,
                               .tx_id = n,
                               .vpn4 = ip4(10, 8, (uint8_t)(n >> 8), (uint8_t)n),
                               .vpn6 = ip6(n),
                               .path = path4(n, 1000)};

    return req;
}

struct dco_peer *
add(uint32_t n, uint64_t now)
{
    struct dco_peer_new req = request(n);

    req.share_vpn = true;
    CHECK_EQ(dco_control_peer_new(p, &req, now), 0);
    return dco_peers_by_id(p, n);
}

struct dco_peer *
at(uint32_t host, uint16_t port)
{
    struct dco_endpoint remote = endpoint4(host, port);

    return dco_peers_by_remote(p, &remote);
}

struct dco_peer *
to(struct dco_ip ip)
{
    return dco_peers_by_dest(p, &ip);
}

bool
seen(struct dco_peer *peer, struct dco_path path, uint64_t now)
{
    return dco_peers_seen_from(p, peer, &path, now);
}

struct dco_event
take(void)
{
    struct dco_event event;

    if (!dco_event_take(p, &event))
        memset(&event, 0, sizeof(event));
    return event;
}

void
check_event(uint32_t kind, uint32_t peer_id)
{
    struct dco_event event = take();

    CHECK_THAT(event.kind == kind && event.peer_id == peer_id, "event %" PRIu32 " of peer %" PRIu32,
               event.kind, event.peer_id);
}

unsigned
tick(uint64_t now, uint64_t *next)
{
    struct dco_peer *due[4];
    unsigned total = 0, n;

    do {
        n = dco_peers_tick(p, now, due, 4, next);
        for (unsigned i = 0; i < n; i++)
            dco_peer_put(due[i]);
        total += n;
    } while (n == 4);
    return total;
}
