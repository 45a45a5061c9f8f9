/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the TUN queue to the network: read super-packets, choose the peer, cut, seal, and send as
 * trains: runs of equally long packets of one peer, one UDP_SEGMENT send each.
 *
 *   read in turns -> parse, find peer and key -> plan the cut -> reserve packet ids
 *        -> per segment: write header, seal into the train -> send all trains with one call
 *
 * Sealing is what copies a packet into its train: out of place, so that segment headers can be
 * written over bytes that were sealed before (segment.h), and payloads are never moved otherwise.
 */
#ifndef DCO_PLANE_TX_H
#define DCO_PLANE_TX_H

#include "linux/plane/internal.h"

#define TX_TRAINS      32U          /* trains under construction in one burst */
#define TX_TRAIN_BYTES 65536U       /* memory of one train */
#define TX_BURST_BYTES (256U << 10) /* of packets read in one burst, from all queues together */
#define TX_BURST_READS 64U          /* packets read in one burst, likewise */
#define TX_READ_BYTES  (65536U + 256U)

/* Packets of one peer under one key, ids consecutive, sent together. All have the same length but
 * the last, which may be shorter. */
struct train {
    struct dco_peer *peer;
    struct dco_key *key;
    uint8_t *buf; /* const; TX_TRAIN_BYTES */
    uint32_t first_id;
    uint32_t packets;
    uint32_t bytes; /* outer: UDP payload */
    uint16_t seg;   /* length of the first packet */
    bool closed;    /* nothing may follow: the last packet is shorter, or was lost */
    bool lost;      /* one more id belongs to the train, of a packet that could not be sealed */
};

/* Packet ids that the train accounts for. */
static inline uint32_t
train_ids(const struct train *t)
{
    return t->packets + t->lost;
}

struct tx {
    uint8_t *read_buf;         /* struct dco_vnet, then the packet */
    uint8_t *arena;            /* memory of all trains */
    struct plane_dev *dev;     /* of the trains; NULL: there are none */
    uint32_t taken, packets;   /* bytes and packets read in this burst */
    uint32_t used;             /* trains in this burst, oldest packet id first */
    struct dco_ip dst;         /* of the last packet in this burst, family 0: none yet */
    struct dco_peer *dst_peer; /* where it went */
    struct train train[TX_TRAINS];
};

struct worker;

int tx_init(struct tx *tx); /* -ENOMEM */
void tx_fini(struct tx *tx);

/* One burst consists of a read from each TUN queue that is ready, `share` of them, and of the send.
 * Worker, inside its lock; nothing else of the worker in between. */
void tx_read(struct worker *w, struct plane_dev *dev, int fd, unsigned share, uint64_t now_ns);
void tx_flush(struct worker *w, uint64_t now_ns);

/* Sends the trains so far in order and empties the list. (send.c) */
void tx_send(struct worker *w, uint64_t now_ns);

/* Sends one sealed packet outside of any burst: keepalives. 0 or -errno. Any thread. */
int send_single(struct plane_port *sock, int fd, const struct dco_path *path, const void *pkt,
                size_t len);
/* What the drop is called when sending failed with this errno. */
enum dco_drop send_drop_reason(int err);

/* Most segments of one UDP_SEGMENT send on this kernel. */
uint32_t send_segments_max(void);
/* Probed at the first call, which must come before any worker starts: workers may not make sockets.
 */
bool send_gso_works(void);

#endif
