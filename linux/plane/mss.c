/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/mss.h"

#include "core/atomic.h"
#include "core/ip.h"
#include "core/mss.h"
#include "core/wire.h"
#include "linux/plane/port_private.h"
#include "linux/sys/setting_rules.h"

#define MTU_UNKNOWN 1500 /* assumed until the path MTU is known */

/* Of the process; const while workers run. */
static int mss_setting = SETTINGS_MSS_AUTO;

void
mss_configure(int mss)
{
    mss_setting = mss;
}

/* The largest inner packet that fits one outer packet; 0 if the path MTU is too small for TCP, and
 * for a peer over TCP, where packets of any size fit. */
static uint16_t
room_on_path(struct dco_peer *peer)
{
    const struct plane_port *port = dco_peer_transport(peer);
    uint16_t mtu = dco_load(&dco_peer_platform(peer)->path_mtu);
    struct dco_path path;
    unsigned outer;

    if (port->stream != NULL)
        return 0;
    if (mtu == 0)
        mtu = MTU_UNKNOWN;
    dco_peer_path(peer, &path);
    outer =
        (path.remote.ip.family == 6 ? DCO_IP6_HDR : DCO_IP4_HDR_MIN) + DCO_UDP_HDR + DCO_OVERHEAD;
    return mtu > outer + DCO_IP6_HDR + DCO_TCP_HDR_MIN ? (uint16_t)(mtu - outer) : 0;
}

void
mss_clamp_syn(struct dco_peer *peer, uint8_t *pkt, size_t len, const struct dco_inner *inner)
{
    unsigned room;

    if (mss_setting == SETTINGS_MSS_OFF)
        return;
    if (mss_setting > 0)
        room = (unsigned)mss_setting + DCO_TCP_HDR_MIN +
               (inner->version == 6 ? DCO_IP6_HDR : DCO_IP4_HDR_MIN);
    else
        room = room_on_path(peer);
    if (room > 0)
        (void)dco_mss_clamp(pkt, len, inner, room > UINT16_MAX ? UINT16_MAX : (uint16_t)room);
}
