/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a device, for the files of the plane. */
#ifndef DCO_PLANE_DEV_PRIVATE_H
#define DCO_PLANE_DEV_PRIVATE_H

#include "linux/plane/dev.h"
#include "linux/plane/drops.h"
#include "linux/plane/tun.h"

/* Each worker reads several queues of a device in turns, so that a packet waits behind those of
 * its own flow and not behind all others: a TUN queue has no other order than that of arrival.
 * Which flow comes by which queue follows from where its answers are written; see rx.c. */
#define DEV_QUEUES_EACH 8U

struct plane_dev {
    struct plane_dev *next;  /* plane_devs_lock(): list of devices */
    struct dco_peers *peers; /* const */
    char name[IFNAMSIZ];     /* const; what it was made as */
    uint32_t ifindex;        /* const */
    enum dco_mode mode;      /* const */
    const char *kind;        /* const once there is a peer */
    bool floats_told;        /* likewise; openvpn itself looks for a peer where it is now */
    bool fixed;              /* likewise; no peer may be anywhere but where its session is */
    unsigned workers;        /* const */
    unsigned queues;         /* const; a multiple of workers */
    int tun[TUN_QUEUES_MAX]; /* const while the device lives; worker i % workers reads queue i */
    int query;               /* const; a socket to ask the kernel about the device, or -1 */
    bool tun_tso, tun_uso;   /* const; super-packets the TUN takes and gives */
    uint64_t flow_seed;      /* const; nobody can choose who shares a queue with whom */
    bool gone;               /* atomic; somebody deleted the kernel's device */
    uint64_t recursion_said_ns, move_said_ns; /* atomic; when recursion.c last said it */
    bool routes_attached;                     /* plane_devs_lock(); routes.c copies its routes */
    struct dco_routes *policy; /* atomic; the routes of peers that only rules choose */
    struct dco_drops drops[PLANE_WORKERS_MAX]
        __attribute__((aligned(64))); /* each worker its own */
};

/* How many queues a device has for so many workers: a multiple of them. */
unsigned dev_queues(unsigned workers);

/* Closes the descriptors of all devices in a child of fork(), which has no other thread. */
void dev_fork_child(void);

#endif
