/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse of segment.h: joins the opened packets of a burst into super-packets, each of which
 * enters the kernel in one write. Packets stay where they are; a super-packet is a list of pieces.
 *
 * It joins TCP segments of one flow with consecutive sequence numbers, and UDP datagrams of one
 * flow and size. Their headers must agree in everything else but the PSH flag, and their checksums
 * must be right: the kernel is told to trust the result, so each is verified. All other packets
 * pass alone and unchanged. Packets of one flow leave in the order in which they came.
 *
 * One coalescer per worker; no locks. Packets must stay unchanged in memory until the next flush
 * has returned.
 */
#ifndef DCO_COALESCE_H
#define DCO_COALESCE_H

#include "csum.h"
#include "inner.h"
#include "segment.h"

#define DCO_COALESCE_FLOWS  8U   /* super-packets under construction */
#define DCO_COALESCE_PIECES 128U /* packets in one super-packet */
#define DCO_COALESCE_BYTES  65535U

struct dco_piece {
    uint8_t *data;
    size_t len;
};

/* Given to emit(). The first piece is a whole packet with repaired headers, the others payload. */
struct dco_super {
    struct dco_vnet vnet;
    struct dco_piece piece[DCO_COALESCE_PIECES];
    uint32_t pieces;        /* one for each inner packet joined */
    uint32_t len;           /* sum of the pieces */
    struct dco_inner inner; /* of the first packet, before it was joined with others */

    /* private to coalesce.c: the flow */
    uint32_t next_seq;  /* TCP */
    uint16_t next_id;   /* IPv4 */
    uint16_t hdr_len;   /* IP plus transport header */
    uint16_t seg_len;   /* payload of the first packet; the last may have less */
    uint8_t last_flags; /* TCP: FIN of the last packet, PSH of any */
    bool verified;      /* the checksums of the first packet are right; then these are set: */
    uint16_t ip_sum;    /* partial sum of its IPv4 header but length, id and checksum */
    uint16_t pseudo;    /* partial sum of its pseudo header but the length */
};

/* Called by dco_coalesce_add() and dco_coalesce_flush() with the arg of dco_coalescer_init(), which
 * stays the caller's. super is valid until the function returns. It must not call the coalescer. */
typedef void dco_emit_fn(void *arg, struct dco_super *super);

struct dco_coalescer {
    dco_csum_fn *csum;
    dco_emit_fn *emit;
    void *arg;
    bool tcp, udp; /* join these; the TUN must accept such super-packets */
    uint32_t used; /* flows in use, oldest first in order[] */
    uint8_t order[DCO_COALESCE_FLOWS];
    struct dco_super flow[DCO_COALESCE_FLOWS];
    struct dco_super alone; /* carries one packet to emit() */
};

void dco_coalescer_init(struct dco_coalescer *c, dco_csum_fn *csum, dco_emit_fn *emit, void *arg,
                        bool tcp, bool udp);

/* Takes one inner packet of len bytes (inner->total already applied: no padding). May emit. */
void dco_coalesce_add(struct dco_coalescer *c, uint8_t *pkt, uint32_t len,
                      const struct dco_inner *inner);

/* Emits everything that is left. */
void dco_coalesce_flush(struct dco_coalescer *c);

#endif
