/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one plane of the process.
 */
#ifndef DCO_PLANE_PLANE_STATE_H
#define DCO_PLANE_PLANE_STATE_H

#include "linux/plane/internal.h"

struct plane {
    struct plane_config config; /* set before the first device */
    unsigned workers;           /* atomic; 0: not decided; lowered once if threads cannot be made */
    struct worker *worker[PLANE_WORKERS_MAX]; /* openvpn's thread; running while devices exist */
    bool running;                             /* openvpn's thread */

    pthread_mutex_t devs_lock;
    struct plane_dev *devs;   /* devs_lock */
    struct plane_port *socks; /* devs_lock */

    pthread_mutex_t deferred_lock;
    struct dco_deferred *deferred; /* deferred_lock */
    pthread_mutex_t grace_lock;    /* one grace period at a time */

    uint32_t events;          /* atomic flag: some device may have events */
    struct dco_drops retired; /* devs_lock; of devices that are gone */
};

extern struct plane plane;

/* Of every device. */
extern const struct dco_env plane_env;

/* Decides the number of workers if that was not done yet. */
unsigned plane_decide_workers(void);
/* How many queues a device has for so many workers: a multiple of them. */
unsigned plane_queues(unsigned workers);
/* Starts and ends the threads. openvpn's thread. */
int plane_start(void);
void plane_stop(void);

/* Holds all workers outside of their bursts. Not from a worker. */
void plane_stop_workers(void);
void plane_resume_workers(void);

/* Housekeeping: calls on_event if events wait. */
void plane_dispatch_events(void);

/* The list of port groups. */
void plane_port_link(struct plane_port *sock);
void plane_port_unlink(struct plane_port *sock);
/* Stops reading for a device that goes; its groups may serve another one later. */
void plane_port_forget_dev(struct plane_dev *dev);

#endif
