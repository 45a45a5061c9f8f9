/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the network to the TUN queue: receive GRO trains, separate control from data, open packets
 * in place, check replay and source, coalesce packets of one flow, write.
 *
 *   recvmmsg -> classify each segment -> run of one key: open all, replay check all
 *            -> per packet: parse, source check, MSS -> coalesce -> writev
 *                                                or: another client's (c2c.h) -> seal -> send
 *
 * A train may hold packets of several peers and control packets, in any order.
 */
#ifndef DCO_PLANE_RX_H
#define DCO_PLANE_RX_H

#include "core/coalesce.h"
#include "linux/crypto/aead.h"
#include "linux/plane/c2c.h"
#include "linux/plane/port_private.h"
#include "linux/plane/source.h"
#include "linux/plane/tun_batch.h"

#define RX_MSGS          8U /* trains of one recvmmsg */
#define RX_BUF_BYTES     65536U
#define RX_RUN           128U /* packets opened together */
#define RX_CONTROL_BYTES 128U

/* A received datagram or GRO train. */
struct rx_msg {
    struct sockaddr_storage source;
    struct dco_path path;          /* source and, if known, local address */
    struct plane_control_hdr ctrl; /* packet info for openvpn, source filled on demand */
    uint32_t seg;                  /* length of each packet but the last */
    const struct dco_peer *at;     /* the peer that is known to be at that source; for this burst */
};

/* Packets of one key that are opened together. */
struct rx_run {
    struct dco_peer *peer;
    struct dco_key *key;
    uint32_t peer_id; /* of peer */
    uint8_t key_id;   /* of key */
    uint32_t n;
    struct dco_ip source; /* inner address found to be the peer's, family 0: none yet */
    struct aead_op op[RX_RUN];
    uint32_t id[RX_RUN];
    enum dco_drop verdict[RX_RUN]; /* set once the run is opened; DCO_DROP_NONE: accepted */
    uint8_t msg[RX_RUN];           /* index of the train it came in */
};

struct rx_slot;

/* The receiving state of a worker. Only that worker uses it. */
struct rx {
    unsigned
        thread; /* const; index of the worker, and as such one of the `threads` of aead_new() */
    struct dco_drops *drops;        /* this worker's counters of the burst's device */
    uint8_t *bufs;                  /* RX_MSGS * RX_BUF_BYTES */
    struct mmsghdr *hdr;            /* RX_MSGS */
    struct rx_slot *slot;           /* RX_MSGS: the memory behind hdr */
    struct rx_msg msg[RX_MSGS + 1]; /* the last one stands for streams: without a source */
    struct rx_run run;
    struct dco_coalescer *coalescer;
    struct tun_batch *batch; /* output of the coalescer, until the end of the burst */
    struct plane_dev *dev;   /* of the burst */
    struct fib fib;
    struct source_check sources;
    struct tx
        *tx; /* const; the same worker's, whose burst is over: for what goes to peers at once */
    struct c2c c2c;
};

/* tx: the same worker's. 0 or -errno. Call rx_fini() in either case. Before the sandbox. */
int rx_init(struct rx *rx, unsigned thread, struct tx *tx);
void rx_fini(struct rx *rx);

/* Receives one burst from member fd of the port. Worker, inside its lock, after tx_flush(). */
void rx_ready(struct rx *rx, struct plane_port *port, int fd);

/* One burst from a stream, which lies in rx->bufs: rx_begin(), rx_frame() for each packet behind
 * DCO_FRAME_HDR bytes, rx_end(). rx_frame() returns false if the stream cannot go on. Worker,
 * inside its lock. */
void rx_begin(struct rx *rx, struct plane_dev *dev);
bool rx_frame(struct rx *rx, struct plane_port *port, uint8_t *pkt, uint32_t len, uint64_t now_ns);
void rx_end(struct rx *rx, struct plane_port *port, uint64_t now_ns);

#endif
