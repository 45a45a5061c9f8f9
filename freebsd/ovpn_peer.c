/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_peer.h"

#include <sys/capsicum.h>
#include <sys/file.h>
#include <sys/filedesc.h>
#include <sys/proc.h>
#include <sys/protosw.h>
#include <sys/socket.h>
#include <sys/socketvar.h>

#include "ovpn_addr.h"
#include "ovpn_clock.h"
#include "ovpn_inet6.h"
#include "ovpn_notify.h"
#include "ovpn_nv.h"
#include "ovpn_sock.h"
#include "ovpn_timer.h"

uint32_t
ovpn_peers_count(struct ovpn_softc *sc)
{
    sx_assert(&sc->ctl, SA_XLOCKED);
    return sc->active != NULL ? dco_peers_count(sc->active) : 0;
}

static void
use_set(struct ovpn_softc *sc, enum dco_mode mode)
{
    struct dco_peers *set;

    sx_assert(&sc->ctl, SA_XLOCKED);
    if (sc->set[mode] == NULL) {
        set = malloc(dco_peers_size(), M_OVPN, M_WAITOK | M_ZERO);
        dco_peers_init(set, &sc->env, mode, &sc->secret);
        sc->set[mode] = set;
    }
    dco_store_release(&sc->active, sc->set[mode]);
}

/* The ABI has no command for the mode, but openvpn gives VPN addresses exactly to the peers of a
 * server. The first peer of an interface without peers decides. */
static void
choose_set(struct ovpn_softc *sc, const struct dco_peer_new *req)
{
    bool many = req->vpn4.family != 0 || req->vpn6.family != 0;

    if (ovpn_peers_count(sc) == 0)
        use_set(sc, many ? DCO_MODE_MP : DCO_MODE_P2P);
}

static int
get_vpn_address(const nvlist_t *nvl, const char *name, size_t want, struct dco_ip *ip)
{
    const void *bytes;
    struct dco_ip any;
    size_t len;

    if (!nvlist_exists_binary(nvl, name))
        return 0;
    bytes = nvlist_get_binary(nvl, name, &len);
    if (len != want)
        return EINVAL;
    any = want == 4 ? dco_ip4(bytes) : dco_ip6(bytes);
    *ip = dco_ip_canon(&any);
    return 0;
}

/* Where the socket is bound, or the list "local" (multihome), whose port 0 means the socket's. */
static int
get_local(const nvlist_t *nvl, struct socket *so, struct dco_endpoint *local, uint16_t *port)
{
    struct sockaddr_storage bound = {.ss_len = sizeof(bound)};
    int error;

    error = sosockaddr(so, (struct sockaddr *)&bound);
    if (error != 0)
        return error;
    ovpn_addr_endpoint((const struct sockaddr *)&bound, local);
    *port = local->port;
    if (nvlist_exists_nvlist(nvl, "local")) {
        error = ovpn_nv_endpoint(nvl, "local", local);
        if (error != 0)
            return error;
        if (local->port != 0 && *port != 0 && local->port != *port)
            return EINVAL;
        if (*port == 0)
            *port = local->port;
    }
    return *port != 0 ? 0 : EINVAL;
}

/* The checksum of an IPv6 datagram needs the source; for IPv4 the routing of every packet chooses
 * one. */
static bool
needs_source(const struct dco_ip *local, const struct dco_ip *remote)
{
    return dco_ip_is_any(local) && dco_ip_unmap(*remote).family == 6;
}

static int
get_path(const nvlist_t *nvl, struct socket *so, const struct dco_endpoint *remote,
         struct dco_path *path, uint16_t *port)
{
    struct dco_endpoint local;
    int error;

    error = get_local(nvl, so, &local, port);
    if (error != 0)
        return error;
    if (local.ip.family != remote->ip.family)
        return EINVAL;
    if (needs_source(&local.ip, &remote->ip)) {
        error = ovpn_inet6_choose_source((uint32_t)so->so_fibnum, remote, &local.ip);
        if (error != 0)
            return error;
    }
    path->local = dco_ip_canon(&local.ip);
    path->remote = *remote;
    return 0;
}

/* The core's point-to-point mode does not refuse this: a new peer replaces the old one. */
static bool
id_is_taken(struct ovpn_softc *sc, uint32_t id)
{
    struct dco_peer_info info;

    return sc->active != NULL && dco_control_peer_get(sc->active, id, &info) == 0;
}

/* In multi-peer mode every peer needs a VPN address. A peer without one gets an address that no
 * packet has: 100::/64 is for discarding (RFC 6666). */
static void
park(struct dco_peer_new *req)
{
    uint8_t addr[16] = {0x01};

    if (req->vpn4.family != 0 || req->vpn6.family != 0)
        return;
    dco_write32(addr + 12, req->id);
    req->vpn6 = dco_ip6(addr);
}

static int
add_peer(struct ovpn_softc *sc, struct dco_peer_new *req, struct socket *so, uint16_t port)
{
    int error;

    if (id_is_taken(sc, req->id))
        return EEXIST;
    error = ovpn_sock_adopt(sc, so, port);
    if (error != 0)
        return error;
    choose_set(sc, req);
    if (dco_peers_mode(sc->active) == DCO_MODE_MP)
        park(req);
    dco_add(&sc->objects, 1);
    error = -dco_control_peer_new(sc->active, req, ovpn_now_ns());
    if (error != 0)
        dco_add(&sc->objects, -1);
    return error;
}

static int
new_peer_on(struct ovpn_softc *sc, const nvlist_t *nvl, struct dco_peer_new *req,
            const struct dco_endpoint *remote, struct socket *so)
{
    uint16_t port;
    int error;

    error = get_vpn_address(nvl, "vpn_ipv4", 4, &req->vpn4);
    if (error != 0)
        return error;
    error = get_vpn_address(nvl, "vpn_ipv6", 16, &req->vpn6);
    if (error != 0)
        return error;
    error = get_path(nvl, so, remote, &req->path, &port);
    if (error != 0)
        return error;
    return add_peer(sc, req, so, port);
}

int
ovpn_cmd_new_peer(struct ovpn_softc *sc, const nvlist_t *nvl)
{
    struct dco_peer_new req = {.share_vpn = true, .transport = sc};
    struct dco_endpoint remote;
    struct file *fp = NULL;
    uint64_t id, fd;
    int error;

    if (ovpn_nv_number(nvl, "peerid", UINT64_MAX, &id) != 0 ||
        ovpn_nv_number(nvl, "fd", UINT64_MAX, &fd) != 0 ||
        ovpn_nv_endpoint(nvl, "remote", &remote) != 0 || id >= DCO_PEER_ID_UNDEF)
        return EINVAL;
    if (fd > INT_MAX)
        return EBADF;
    req.id = req.tx_id = (uint32_t)id;
    error = getsock(curthread, (int)fd, &cap_connect_rights, &fp);
    if (error != 0)
        return error;
    error = new_peer_on(sc, nvl, &req, &remote, fp->f_data);
    fdrop(fp, curthread);
    return error;
}

int
ovpn_peer_id(struct ovpn_softc *sc, const nvlist_t *nvl, uint32_t *id)
{
    uint64_t value;

    sx_assert(&sc->ctl, SA_XLOCKED);
    if (ovpn_nv_number(nvl, "peerid", UINT64_MAX, &value) != 0)
        return EINVAL;
    if (value > DCO_PEER_ID_MAX || sc->active == NULL)
        return ENOENT;
    *id = (uint32_t)value;
    return 0;
}

int
ovpn_cmd_del_peer(struct ovpn_softc *sc, const nvlist_t *nvl)
{
    uint32_t id;
    int error;

    error = ovpn_peer_id(sc, nvl, &id);
    return error == 0 ? -dco_control_peer_del(sc->active, id, DCO_DEL_USERSPACE) : error;
}

int
ovpn_cmd_set_peer(struct ovpn_softc *sc, const nvlist_t *nvl)
{
    uint64_t interval, timeout;
    uint32_t id;
    int error;

    if (ovpn_nv_number(nvl, "interval", INT32_MAX, &interval) != 0 ||
        ovpn_nv_number(nvl, "timeout", INT32_MAX, &timeout) != 0)
        return EINVAL;
    error = ovpn_peer_id(sc, nvl, &id);
    if (error != 0)
        return error;
    error =
        -dco_control_peer_set(sc->active, id, (uint32_t)interval, (uint32_t)timeout, ovpn_now_ns());
    ovpn_timer_kick(sc);
    return error;
}

void
ovpn_peers_orphaned(struct ovpn_softc *sc)
{
    struct dco_peers *set = dco_load_acquire(&sc->active);

    NET_EPOCH_ASSERT();
    if (set != NULL)
        (void)dco_control_transport_gone(set, sc, DCO_DEL_TRANSPORT_DISCONNECT);
}

void
ovpn_peers_flush(struct ovpn_softc *sc)
{
    sx_assert(&sc->ctl, SA_XLOCKED);
    if (sc->active != NULL)
        (void)dco_control_transport_gone(sc->active, sc, DCO_DEL_TEARDOWN);
    ovpn_events_flush(sc);
}
