/* SPDX-License-Identifier: BSD-2-Clause */
/* Gives `opendco status` the plane's devices and openvpn's state. */
#include <string.h>

#include "linux/crypto/secret.h"
#include "linux/openvpn/offload_state.h"
#include "linux/plane/plane.h"
#include "linux/status/source.h"

static bool
keys_locked(void)
{
    struct secret_stats stats;

    secret_stats(&stats);
    return stats.unlocked == 0;
}

static void
describe(struct plane_dev *dev, struct status_device *out)
{
    struct plane_dev_status s;

    plane_dev_status(dev, &s);
    *out = (struct status_device){
        .ifindex = s.ifindex,
        .mode = s.mode,
        .mtu = s.mtu,
        .udp_sockets = s.udp_sockets,
        .tun_tso = s.tun_tso,
        .tun_uso = s.tun_uso,
        .udp_gso = s.udp_gso,
        .udp_gso_equal = s.udp_gso_equal,
        .trainless = s.trainless,
        .udp_gro = s.udp_gro,
        .tun_batch = s.tun_batch,
    };
    memcpy(out->name, s.name, sizeof(out->name));
    plane_dev_drops(dev, &out->drops);
}

static unsigned
devices(struct status_device *list, unsigned max, struct dco_drops *process)
{
    unsigned n = 0;

    plane_devs_lock();
    for (struct plane_dev *dev = plane_dev_next(NULL); dev != NULL && n < max;
         dev = plane_dev_next(dev))
        describe(dev, &list[n++]);
    plane_drops(process);
    plane_devs_unlock();
    return n;
}

static unsigned
peers(uint32_t ifindex, uint32_t from, struct dco_peer_info *list, unsigned max)
{
    struct plane_dev *dev;
    unsigned n = 0;

    plane_devs_lock();
    dev = plane_dev_by_index(ifindex);
    while (dev != NULL && n < max &&
           dco_control_peer_next(plane_dev_peers(dev), from, &list[n]) == 0)
        from = list[n++].id + 1;
    plane_devs_unlock();
    return n;
}

const struct status_source status_source = {
    .offload = offload_state,
    .workers = plane_worker_count,
    .keys_locked = keys_locked,
    .devices = devices,
    .peers = peers,
};
