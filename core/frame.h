/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames in which TCP carries packets, control and data alike: the length of the packet in two
 * bytes, big endian, then the packet. (Source: OpenVPN 2.6, socket.c, packet_size_type.)
 *
 * The bytes come from the network, in pieces of any size. No state is kept but what the caller has,
 * and no byte is read beyond those that are given. Any thread.
 */
#ifndef DCO_FRAME_H
#define DCO_FRAME_H

#include "dco_os.h"

#define DCO_FRAME_HDR 2U
#define DCO_FRAME_MAX (DCO_FRAME_HDR + 65535U) /* bytes of the longest frame */

enum dco_frame {
    DCO_FRAME_WHOLE,   /* *pkt and *pkt_len are set, and the frame is counted as taken */
    DCO_FRAME_PARTIAL, /* its end is still to come */
    DCO_FRAME_BAD,     /* a length of 0: nothing that follows can be read */
};

/* Takes the next frame from the len bytes at buf, of which *at were taken already. */
enum dco_frame dco_frame_next(uint8_t *buf, size_t len, size_t *at, uint8_t **pkt,
                              uint32_t *pkt_len);

/* Writes the DCO_FRAME_HDR bytes before a packet of len bytes; 1 <= len <= 65535. */
static inline void
dco_frame_write_hdr(uint8_t *at, uint32_t len)
{
    at[0] = (uint8_t)(len >> 8);
    at[1] = (uint8_t)len;
}

/* How far a reader is in a stream that it reads in pieces. Zero at the start of a stream. */
struct dco_frame_meter {
    uint32_t left; /* bytes of the current frame that are still to come */
    uint8_t first; /* if half: the first byte of its length */
    bool half;     /* one byte of the length was read */
};

/* How many bytes may be read so that the reader stops at the end of a frame at the latest. next:
 * the n bytes that come, of which at most DCO_FRAME_HDR are looked at. Not 0 if n is not. */
size_t dco_frame_meter_limit(const struct dco_frame_meter *m, const uint8_t *next, size_t n);

/* The reader has read these n bytes. */
void dco_frame_meter_took(struct dco_frame_meter *m, const uint8_t *data, size_t n);

#endif
