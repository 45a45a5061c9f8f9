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

#include "linux/plane/dev_private.h"

#define TX_TRAINS      32U          /* trains under construction in one burst */
#define TX_TRAIN_BYTES 65536U       /* memory of one train */
#define TX_BURST_BYTES (256U << 10) /* of packets read in one burst, from all queues together */
#define TX_BURST_READS 64U          /* packets read in one burst, likewise */
#define TX_READ_BYTES  (65536U + 256U)

/* Packets of one peer under one key, ids consecutive, sent together. All have the same length but
 * the last, which may be shorter. For a stream they are frames of any length. */
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

/* Packet ids of a peer's key, for packets that are going to be sealed. */
struct tx_ids {
    struct dco_peer *peer;
    struct dco_key *key;
    struct stream *stream; /* of peer, NULL: none */
    struct aead *aead;     /* of key */
    uint8_t key_id;        /* likewise */
    uint32_t tx_id;        /* of peer */
    uint32_t next;         /* the first id that is left */
    uint32_t segments_max; /* packets of a train */
};

/* The sending state of a worker. Only that worker uses it. */
struct tx {
    unsigned
        thread; /* const; index of the worker, and as such one of the `threads` of aead_new() */
    struct dco_drops *drops;   /* this worker's counters of the burst's device */
    uint8_t *read_buf;         /* struct dco_vnet, then the packet */
    uint8_t *arena;            /* memory of all trains */
    struct plane_dev *dev;     /* of the trains; NULL: there are none */
    uint32_t taken, packets;   /* bytes and packets read in this burst */
    uint32_t used;             /* trains in this burst, oldest packet id first */
    uint32_t copies;           /* of multicast packets in this burst; multicast.h */
    struct dco_ip dst;         /* of the last packet in this burst, family 0: none yet */
    struct dco_peer *dst_peer; /* where it went; NULL: nowhere, or to all */
    struct stream *dst_stream; /* the stream of that peer, NULL: none */
    bool dst_all;              /* dst is a multicast address */
    struct train train[TX_TRAINS];
};

/* 0 or -ENOMEM. Call tx_fini() in either case. */
int tx_init(struct tx *tx, unsigned thread);
void tx_fini(struct tx *tx);

/* One burst: tx_read() for each of the `share` TUN queues that are ready, then tx_flush(). Worker,
 * inside its lock, without interruption. tx_read() returns false if the device was deleted; its
 * queue stays readable for ever, so the caller stops watching it. */
bool tx_read(struct tx *tx, struct plane_dev *dev, int fd, unsigned share, uint64_t now_ns);
void tx_flush(struct tx *tx, uint64_t now_ns);

/* For packets that do not come from a TUN queue, in a burst of their own that tx_flush() ends:
 * tx_begin(), then tx_take_ids() and tx_seal() for each of them. */
void tx_begin(struct tx *tx, struct plane_dev *dev, uint64_t now_ns);
/* Takes n packet ids of the key with which peer's packets are sealed; cost as in dco_key_reserve().
 * DCO_DROP_NONE, or why there are none. Each id must be used: n calls of tx_seal() follow. */
enum dco_drop tx_take_ids(struct tx_ids *ids, struct plane_dev *dev, struct dco_peer *peer,
                          uint32_t n, uint64_t cost);
/* Seals one inner packet into its train under the next packet id. len: at most
 * KERNEL_UDP_PAYLOAD_MAX - DCO_OVERHEAD. */
void tx_seal(struct tx *tx, struct tx_ids *ids, const uint8_t *inner, uint32_t len,
             uint64_t now_ns);
/* Both for one packet. False: there is no packet id for it, and the drop is counted. */
bool tx_seal_one(struct tx *tx, struct plane_dev *dev, struct dco_peer *peer, const uint8_t *inner,
                 uint32_t len, uint64_t now_ns);

#endif
