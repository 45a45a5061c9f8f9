/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions from which the status server gets its answers; it knows neither the plane nor
 * openvpn. The program that links the server defines the constant table below.
 *
 * The status thread calls these functions. None of them may wait for openvpn's thread.
 */
#ifndef DCO_STATUS_SOURCE_H
#define DCO_STATUS_SOURCE_H

#include <net/if.h>

#include "core/control.h"
#include "core/drop.h"

struct status_device {
    char name[IFNAMSIZ];
    uint32_t ifindex;
    enum dco_mode mode;
    unsigned mtu;         /* bytes */
    unsigned udp_sockets; /* sockets of all its ports that workers read */
    bool tun_tso, tun_uso, udp_gso, udp_gso_equal, udp_gro, tun_batch;
    unsigned trainless;     /* peers that answer single packets but not trains */
    struct dco_drops drops; /* sum of all workers */
};

struct status_source {
    /* Whether the plane moves openvpn's data packets, or will do so once there is a device. If so,
     * *abi names the ABI (static). If not, *abi is NULL and reason (size bytes, always terminated)
     * says why. */
    bool (*offload)(char *reason, size_t size, const char **abi);
    unsigned (*workers)(void);
    /* Whether all memory for keys is locked. */
    bool (*keys_locked)(void);
    /* Writes up to max devices and returns their number. *process: the drops of the process,
     * including those of devices that are gone. */
    unsigned (*devices)(struct status_device *list, unsigned max, struct dco_drops *process);
    /* Writes up to max peers of a device, in order of ids and beginning at the id `from`; returns
     * their number. */
    unsigned (*peers)(uint32_t ifindex, uint32_t from, struct dco_peer_info *list, unsigned max);
};

extern const struct status_source status_source;

#endif
