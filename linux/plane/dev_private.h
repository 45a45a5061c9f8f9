/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a device, for the files of the plane. */
#ifndef DCO_PLANE_DEV_PRIVATE_H
#define DCO_PLANE_DEV_PRIVATE_H

#include "linux/plane/dev.h"
#include "linux/plane/drops.h"
#include "linux/plane/tun.h"

/* Queues of a device per worker. A TUN queue is FIFO; several queues, read in turns, let a packet
 * wait behind those of its own flow only. The queue to which the answers of a flow are written
 * decides from which queue its packets are read; see rx.c. */
#define DEV_QUEUES_EACH 8U

struct plane_dev {
    struct plane_dev *next;  /* plane_devs_lock(): list of devices */
    struct dco_peers *peers; /* const */
    char name[IFNAMSIZ];     /* const; what it was made as */
    uint32_t ifindex;        /* const */
    enum dco_mode mode;      /* const */
    const char *kind;        /* const once there is a peer */
    bool floats_told;        /* likewise; openvpn knows the new address of a peer that moved */
    bool fixed;              /* likewise; peers may not leave the address of their session */
    unsigned workers;        /* const */
    unsigned queues;         /* const; a multiple of workers */
    int tun[TUN_QUEUES_MAX]; /* const while the device lives; worker i % workers reads queue i */
    int query;               /* const; a socket to ask the kernel about the device, or -1 */
    bool tun_tso, tun_uso;   /* const; super-packets the TUN takes and gives */
    uint64_t flow_seed;      /* const; random, so that a peer cannot choose a shared queue */
    bool gone;               /* atomic; another process deleted the device */
    bool block_ipv6;         /* atomic; what struct plane_dev_options says, likewise the next */
    bool allow_recursion;
    bool c2c; /* clients reach each other without the host (c2c.h) */
    uint64_t recursion_said_ns, move_said_ns; /* atomic; when recursion.c last logged it */
    bool routes_attached;                     /* plane_devs_lock(); routes.c copies its routes */
    struct dco_drops drops[PLANE_WORKERS_MAX]
        __attribute__((aligned(64))); /* each worker its own */
};

/* The number of queues of a device: a multiple of the number of workers. */
unsigned dev_queues(unsigned workers);

/* Closes the descriptors of all devices in a child of fork(), which has no other thread. */
void dev_fork_child(void);

#endif
