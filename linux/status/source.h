/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the status socket shows, asked of whoever has it: this folder knows neither the plane nor
 * openvpn. The program that links the server defines the one constant table below.
 *
 * The status thread calls these functions; none may wait for openvpn's thread.
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
    unsigned udp_sockets; /* that workers read, over all its ports */
    bool tun_tso, tun_uso, udp_gso, udp_gro, tun_batch;
    struct dco_drops drops; /* over all workers */
};

struct status_source {
    /* Whether the plane moves openvpn's data packets, or will once there is a device: then *abi
     * names the ABI (static). Else it is NULL and reason (size bytes, always terminated) says why.
     */
    bool (*offload)(char *reason, size_t size, const char **abi);
    unsigned (*workers)(void);
    /* Whether all memory of keys is locked. */
    bool (*keys_locked)(void);
    /* Up to max devices; returns how many. *process: what the process dropped, devices that are
     * gone included. */
    unsigned (*devices)(struct status_device *list, unsigned max, struct dco_drops *process);
    /* Up to max peers of a device with ids from `from` on, in order; returns how many. */
    unsigned (*peers)(uint32_t ifindex, uint32_t from, struct dco_peer_info *list, unsigned max);
};

extern const struct status_source status_source;

#endif
