/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_sysctl.h"

#include <sys/kernel.h>
#include <sys/sbuf.h>
#include <sys/sysctl.h>

#include <net/if_types.h>

#include "ovpn_softc.h"

SYSCTL_DECL(_net_link);
SYSCTL_NODE(_net_link, IFT_OTHER, openvpn, CTLFLAG_RW | CTLFLAG_MPSAFE, 0, "OpenVPN DCO Interface");

VNET_DEFINE(int, ovpn_replay_protection) = 1;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, replay_protection, CTLFLAG_VNET | CTLFLAG_RW,
           &VNET_NAME(ovpn_replay_protection), 0, "Refuse packets that were received before");

VNET_DEFINE(int, ovpn_async_crypto) = 0;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, async_crypto, CTLFLAG_VNET | CTLFLAG_RW,
           &VNET_NAME(ovpn_async_crypto), 0, "Spread crypto over all cores, in order");

VNET_DEFINE(int, ovpn_netisr_queue) = 0;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, netisr_queue, CTLFLAG_VNET | CTLFLAG_RW,
           &VNET_NAME(ovpn_netisr_queue), 0, "Queue decrypted packets instead of handling at once");

VNET_DEFINE(int, ovpn_trust_checksums) = 1;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, trust_checksums, CTLFLAG_VNET | CTLFLAG_RW,
           &VNET_NAME(ovpn_trust_checksums), 0, "Do not verify checksums of decrypted packets");

VNET_DEFINE(int, ovpn_mssfix) = -1;
SYSCTL_INT(_net_link_openvpn, OID_AUTO, mssfix, CTLFLAG_VNET | CTLFLAG_RW, &VNET_NAME(ovpn_mssfix),
           0, "Largest inner packet TCP is told of: bytes, 0 off, -1 by the route to the peer");

static void
print_drops(struct sbuf *sb, struct ovpn_softc *sc)
{
    uint64_t n;

    for (unsigned i = 0; i < OVPN_DROP_COUNT; i++) {
        n = ovpn_counters_dropped(&sc->counters, i);
        if (n != 0)
            sbuf_printf(sb, "\n%s %s %ju", if_name(sc->ifp), ovpn_drop_name(i), (uintmax_t)n);
    }
}

static int
sysctl_drops(SYSCTL_HANDLER_ARGS)
{
    struct ovpn_softc *sc;
    struct sbuf *sb;
    int error;

    error = sysctl_wire_old_buffer(req, 0); /* so that no page fault happens under the lock */
    if (error != 0)
        return error;
    sb = sbuf_new_for_sysctl(NULL, NULL, 1024, req);
    if (sb == NULL)
        return ENOMEM;
    sx_slock(&ovpn_sx);
    LIST_FOREACH(sc, &V_ovpn_softcs, link)
    print_drops(sb, sc);
    sx_sunlock(&ovpn_sx);
    error = sbuf_finish(sb);
    sbuf_delete(sb);
    return error;
}

SYSCTL_PROC(_net_link_openvpn, OID_AUTO, drops,
            CTLFLAG_VNET | CTLTYPE_STRING | CTLFLAG_RD | CTLFLAG_MPSAFE, NULL, 0, sysctl_drops, "A",
            "Dropped packets: interface, reason, count");
