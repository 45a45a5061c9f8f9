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

static struct plane_mssfix fix; /* of the process; each member atomic */

void
mss_configure(int mss)
{
    mss_setting = mss;
}

void
mss_fix(struct plane_mssfix mssfix)
{
    dco_store(&fix.bytes, mssfix.bytes);
    dco_store(&fix.kind, mssfix.kind);
}

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Of a peer over TCP any size: a stream cuts packets as it likes. */
static unsigned
path_mtu_of(struct dco_peer *peer)
{
    const struct plane_port *port = dco_peer_transport(peer);
    unsigned mtu = dco_load(&dco_peer_platform(peer)->path_mtu);

    if (port->stream != NULL)
        return UINT16_MAX;
    return mtu != 0 ? mtu : MTU_UNKNOWN;
}

/* The largest inner packet, by the path and by mssfix; 0 if there is no limit, or no room for TCP.
 */
static unsigned
room_for(struct dco_peer *peer)
{
    unsigned mtu = path_mtu_of(peer), bytes = dco_load(&fix.bytes);
    unsigned headers, inner = UINT16_MAX;
    struct dco_path path;

    dco_peer_path(peer, &path);
    headers = (path.remote.ip.family == 6 ? DCO_IP6_HDR : DCO_IP4_HDR_MIN) + DCO_UDP_HDR;
    switch (dco_load(&fix.kind)) {
    case PLANE_MSSFIX_NONE:
        break;
    case PLANE_MSSFIX_OFF:
        return 0;
    case PLANE_MSSFIX_PAYLOAD:
        mtu = least(mtu, bytes + headers);
        break;
    case PLANE_MSSFIX_PACKET:
        mtu = least(mtu, bytes);
        break;
    case PLANE_MSSFIX_INNER:
        inner = bytes;
        break;
    }
    headers += DCO_OVERHEAD;
    if (mtu <= headers + DCO_IP6_HDR + DCO_TCP_HDR_MIN)
        return 0;
    return least(mtu - headers, inner);
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
        room = room_for(peer);
    if (room > 0)
        (void)dco_mss_clamp(pkt, len, inner, (uint16_t)least(room, UINT16_MAX));
}
