/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

enum dco_frame
dco_frame_next(uint8_t *buf, size_t len, size_t *at, uint8_t **pkt, uint32_t *pkt_len)
{
    const uint8_t *hdr = buf + *at;
    size_t left = len - *at;
    uint32_t n;

    if (left < DCO_FRAME_HDR)
        return DCO_FRAME_PARTIAL;
    n = (uint32_t)hdr[0] << 8 | hdr[1];
    if (n == 0)
        return DCO_FRAME_BAD;
    if (left - DCO_FRAME_HDR < n)
        return DCO_FRAME_PARTIAL;
    *pkt = buf + *at + DCO_FRAME_HDR;
    *pkt_len = n;
    *at += DCO_FRAME_HDR + n;
    return DCO_FRAME_WHOLE;
}

size_t
dco_frame_meter_limit(const struct dco_frame_meter *m, const uint8_t *next, size_t n)
{
    if (m->left > 0)
        return m->left;
    if (m->half)
        return n > 0 ? 1 + ((size_t)m->first << 8 | next[0]) : 1;
    return n >= DCO_FRAME_HDR ? DCO_FRAME_HDR + ((size_t)next[0] << 8 | next[1]) : 1;
}

/* The bytes of a length, one or two; returns how many were used. */
static size_t
meter_length(struct dco_frame_meter *m, const uint8_t *data, size_t n)
{
    if (m->half) {
        m->half = false;
        m->left = (uint32_t)m->first << 8 | data[0];
        return 1;
    }
    if (n < DCO_FRAME_HDR) {
        m->half = true;
        m->first = data[0];
        return 1;
    }
    m->left = (uint32_t)data[0] << 8 | data[1];
    return DCO_FRAME_HDR;
}

void
dco_frame_meter_took(struct dco_frame_meter *m, const uint8_t *data, size_t n)
{
    while (n > 0) {
        size_t used;

        if (m->left == 0) {
            used = meter_length(m, data, n);
        } else {
            used = n < m->left ? n : m->left;
            m->left -= (uint32_t)used;
        }
        data += used;
        n -= used;
    }
}
