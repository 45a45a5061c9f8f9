/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: a TUN device of the kernel, its queues, and the peers behind it.
 *
 * openvpn's thread makes and frees devices, and only it may read the list without a lock. Any other
 * thread holds plane_devs_lock() from finding a device until it no longer uses it.
 */
#ifndef DCO_PLANE_DEV_H
#define DCO_PLANE_DEV_H

#include <net/if.h>

#include "core/control.h"
#include "linux/sys/setting_rules.h"

struct plane_dev;

#define PLANE_WORKERS_MAX SETTINGS_WORKERS_MAX

/* Creates the TUN device and its queues, MTU 1428, down. The device lives until plane_dev_free().
 * -EEXIST, -EPERM, -ENOENT (no /dev/net/tun), -EINVAL (name), -EBUSY ... as the kernel answers.
 * openvpn's thread. */
int plane_dev_new(const char *name, enum dco_mode mode, struct plane_dev **dev);

/* Removes peers, device and queues. The kernel device is gone when it returns. openvpn's thread. */
void plane_dev_free(struct plane_dev *dev);

/* NULL if there is none. */
struct plane_dev *plane_dev_by_index(uint32_t ifindex);
struct plane_dev *plane_dev_by_name(const char *name);
struct plane_dev *plane_dev_next(const struct plane_dev *dev); /* NULL: the first */
uint32_t plane_dev_index(const struct plane_dev *dev);

/* Sets the kind of the device (a static string; "" until then), and whether its interface tells
 * openvpn the new address of a client that moved. Before the first peer. */
void plane_dev_set_kind(struct plane_dev *dev, const char *kind, bool floats_told);
/* Sets whether peers may move away from the address of their session; the default is true. Before
 * the first peer. */
void plane_dev_set_floats(struct plane_dev *dev, bool floats);

/* openvpn's --mssfix: what its number of bytes limits. */
enum plane_mssfix_kind {
    PLANE_MSSFIX_NONE, /* not in the configuration */
    PLANE_MSSFIX_OFF,
    PLANE_MSSFIX_PAYLOAD, /* the payload of a UDP datagram */
    PLANE_MSSFIX_PACKET,  /* the IP packet that holds it */
    PLANE_MSSFIX_INNER,   /* the IP packet inside the tunnel */
};

struct plane_mssfix {
    enum plane_mssfix_kind kind;
    unsigned bytes;
};

/* What openvpn's options ask of its device, and no netlink family carries. Zero: nothing. */
struct plane_dev_options {
    struct plane_mssfix mssfix;
    unsigned queue_len;    /* --txqueuelen, packets; 0: the default of a DCO device */
    bool block_ipv6;       /* IPv6 to the peers is answered with "no route" */
    bool allow_recursion;  /* --allow-recursive-routing */
    bool client_to_client; /* clients of a server reach each other without the host (c2c.h) */
};

/* For the device, but mssfix for all devices of the process. At any time. openvpn's thread. */
void plane_dev_set_options(struct plane_dev *dev, const struct plane_dev_options *options);
const char *plane_dev_kind(const struct plane_dev *dev);
struct dco_peers *plane_dev_peers(struct plane_dev *dev);

struct plane_dev_status {
    char name[IFNAMSIZ]; /* what it is called now */
    uint32_t ifindex;
    enum dco_mode mode;
    unsigned mtu;          /* bytes; 0: unknown */
    bool tun_tso, tun_uso; /* the TUN takes and gives super-packets of TCP, of UDP */
    bool udp_gso, udp_gro; /* trains are sent, are received, in one piece */
    bool udp_gso_equal;    /* also trains whose last packet is not shorter */
    unsigned trainless;    /* peers that get no trains, because they answered single ones only */
    bool tun_batch;        /* one call writes many packets to the TUN */
    unsigned udp_sockets;  /* that workers read, of all its ports */
};

/* Any thread, inside plane_devs_lock(). */
void plane_dev_status(struct plane_dev *dev, struct plane_dev_status *status);

/* Keeps the lists of devices and ports unchanged and their members alive. Any thread. openvpn's
 * thread waits for this lock when it makes or frees one, so hold it for at most a few hundred
 * microseconds. */
void plane_devs_lock(void);
void plane_devs_unlock(void);

#endif
