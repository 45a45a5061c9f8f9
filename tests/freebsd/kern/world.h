/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world around the stand-in kernel, as tests shape and see it: time, faults, processes with
 * sockets, what lies on the wire and what reached the stack.
 */
#ifndef WORLD_H
#define WORLD_H

#include "kern.h"

/* Loads the module into a kernel with two virtual networks; and takes everything down again, after
 * which every allocation must have been given back. */
void world_start(void);
void world_stop(void);
extern struct vnet *world_vnet[2];
int world_load(void);
void world_unload(void);
void world_remove_jail(struct vnet *vnet); /* runs PR_METHOD_REMOVE */

/* Time passes, and whatever falls due runs, as do epoch callbacks. */
void world_advance(uint64_t ns);
void world_settle(void); /* the same without time */
uint64_t world_now(void);

/* The nth allocation from now that may fail does; 0: none. Tells afterwards whether it came. */
void world_fail_allocation(unsigned n);
bool world_failed(void);
unsigned world_fault_suspend(void); /* for a while: allocations of the user's half */
void world_fault_resume(unsigned suspended);
size_t world_live_allocations(void);

/* While the kernel runs, no memory may be freed that holds these bytes (len 0: no such rule). */
void world_secret(const void *bytes, size_t len);
void world_in_kernel(int step); /* +1 in, -1 out; per thread */

extern bool world_unprivileged;      /* priv_check says EPERM */
extern const void *world_bad_memory; /* copyin and copyout there say EFAULT */
/* Called while memory of the process is written, which may take as long as it likes. NULL: not. */
extern void (*world_copy_gap)(void);

enum world_crypto {
    CRYPTO_AT_ONCE,
    CRYPTO_LATE,   /* until world_crypto_complete() */
    CRYPTO_BROKEN, /* EIO */
    CRYPTO_BUSY,   /* EAGAIN, from the driver itself */
    CRYPTO_MOVED,  /* the driver left: EAGAIN and a session of the next one, once */
};
extern enum world_crypto world_crypto;
extern bool world_crypto_async;      /* the driver calls back from another thread */
extern bool world_crypto_next_async; /* so does the one that takes its place (CRYPTO_MOVED) */
extern bool world_crypto_hung;       /* what is late does not come by itself */
extern bool world_crypto_null; /* nothing is encrypted, every tag passes: for instruction counts */
extern int world_newsession_error;
extern unsigned world_async_dispatches;
extern unsigned world_crypto_pieces; /* mbufs over which the last payload was spread; one thread */
extern unsigned world_sync_requests; /* atomic; called back immediately, as they asked */
unsigned world_crypto_complete(bool newest_first); /* returns how many */
unsigned world_crypto_waiting(void);
/* Called where a callback of crypto has left the epoch and not yet returned. NULL: not. */
extern void (*world_callback_gap)(void);
bool world_quiescing(void);    /* somebody waits until every such callback has returned */
unsigned world_sessions(void); /* that exist */

/* Sockets are file descriptors of the one process. family: of the kernel; addr may be NULL (any).
 * -EADDRINUSE: the port is taken. */
int world_socket(int family, int type, const void *addr, uint16_t port);
struct socket *world_so(int fd);
bool world_hooked(int fd); /* datagrams go to a module first */
/* Called where UDP input has seen a hook, let go of its lock and not yet called it. NULL: not. */
extern void (*world_udp_gap)(void);
/* Called where the last close has seen a destructor and not yet called it. NULL: not. */
extern void (*world_dtor_gap)(void);
void world_close(int fd);

/* Interfaces: SIOCIFCREATE2, SIOCIFDESTROY, SIOCSIFVNET, SIOCSIFNAME. 0 or an errno. */
int world_create(const char *name, struct ifnet **ifp);
int world_destroy(struct ifnet *ifp);
/* Called where an interface has just become visible to others. NULL: not. */
extern void (*world_attach_gap)(struct ifnet *ifp);
extern unsigned world_log_lines; /* atomic; that the module wrote */
void world_move(struct ifnet *ifp, struct vnet *to);
void world_rename(struct ifnet *ifp, const char *name);
bool world_has_cloner(const char *name);
int world_ioctl(struct ifnet *ifp, unsigned long cmd, void *data);

/* A UDP datagram as it arrives: chains are cut every cut bytes (0: one piece), and share their
 * storage with somebody else if asked to. src and dst: 4 or 16 bytes. */
struct world_datagram {
    int family; /* of the addresses: 4 or 6 */
    uint8_t src[16], dst[16];
    uint16_t sport, dport; /* host order */
    uint32_t scope_id;
    uint8_t data[70000];
    int len;
};
struct world_chain {
    int cut;    /* every so many bytes */
    int cut_at; /* or once, here (0: not) */
    bool shared;
    int flags; /* M_BCAST ... */
};
/* True if the module consumed it. */
bool world_receive(int fd, const struct world_datagram *d, const struct world_chain *chain);

/* What the module sent, oldest first; false: nothing more. */
bool world_sent(struct world_datagram *d);
unsigned world_sent_count(void);
extern int world_output_error; /* of ip_output and ip6_output */

/* What reached the stack, but for datagrams to a socket and what was forwarded. */
#define WORLD_STREAMS 4
struct world_packet {
    unsigned proto; /* NETISR_* */
    bool queued;
    unsigned stream; /* the one of netisr's threads that a queue of this packet belongs to */
    struct ifnet *rcvif;
    bool verified; /* the stack does not look at its checksums */
    int len;
    uint8_t data[70000];
};
bool world_stacked(struct world_packet *p);
unsigned world_stacked_count(void);
void world_netisr_run(void);     /* what is queued; every way out of the kernel does it */
extern bool world_netisr_full;   /* no queue takes a packet */
extern bool world_forwarding;    /* packets whose route leads into an interface go there */
extern size_t world_stack_taken; /* bytes of the stack that callers have used already */

/* The stack gives the interface a packet, inside an epoch. route_to: dst without a route. */
int world_transmit(struct ifnet *ifp, const void *pkt, int len, const struct world_chain *chain,
                   const struct sockaddr *route_to);

/* Routes: prefix/len of fib through ifp and a gateway (NULL: on-link). */
void world_route(int family, const void *prefix, int len, struct ifnet *ifp, const void *gateway,
                 uint16_t mtu);
void world_routes_clear(void);
extern const void *world_not_ours; /* an address that is none of this host; NULL: all are */
extern const void *world_source6;  /* what in6_selectsrc_addr() chooses; NULL: EHOSTUNREACH */

#endif
