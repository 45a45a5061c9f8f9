/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: the sizes of the pieces in which a stream arrives (one byte each), their number in front,
 * then the stream. Cut into pieces it must give the frames that it gives as a whole, and a metered
 * reader must stop at the same places.
 */
#include <stdlib.h>

#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes all frames of the bytes; adds up what identifies them. Returns whether all could be read.
 */
static bool
take(uint8_t *buf, size_t len, size_t *at, uint64_t *sum)
{
    enum dco_frame kind;
    uint32_t n;
    uint8_t *pkt;

    while ((kind = dco_frame_next(buf, len, at, &pkt, &n)) == DCO_FRAME_WHOLE) {
        if (n == 0 || pkt < buf || pkt + n > buf + len)
            abort();
        *sum = *sum * 31 + n + (uint64_t)(pkt - buf);
        pkt[n - 1] ^= 1; /* it may be changed in place */
    }
    return kind != DCO_FRAME_BAD;
}

static void
meter(const uint8_t *stream, size_t len, const uint8_t *pieces, size_t n)
{
    struct dco_frame_meter m = {0};
    size_t at = 0, i = 0;

    while (at < len) {
        size_t there = n > 0 ? 1 + pieces[i++ % n] : len;
        size_t limit, got;

        there = there < len - at ? there : len - at;
        limit = dco_frame_meter_limit(&m, stream + at, there);
        got = there < limit ? there : limit;
        if (got == 0 || got > there)
            abort();
        dco_frame_meter_took(&m, stream + at, got);
        at += got;
        if (got == limit && (m.left != 0) && limit > DCO_FRAME_HDR)
            abort(); /* what it allowed was a whole frame */
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = size > 0 ? data[0] : 0, len, at = 0, whole_at = 0, i = 0;
    uint64_t sum = 0, whole_sum = 0;
    const uint8_t *pieces = data + 1;
    uint8_t *buf, *whole;
    bool fine = true, whole_fine;

    if (size < 1 + n)
        return 0;
    len = size - 1 - n;
    buf = malloc(len + 1);
    whole = malloc(len + 1);
    if (buf == NULL || whole == NULL)
        abort();
    memcpy(buf, pieces + n, len);
    memcpy(whole, pieces + n, len);
    meter(buf, len, pieces, n);
    whole_fine = take(whole, len, &whole_at, &whole_sum);
    for (size_t there = 0; fine && there < len;) {
        there += n > 0 ? 1 + pieces[i++ % n] : len;
        fine = take(buf, there < len ? there : len, &at, &sum);
    }
    if (fine != whole_fine || at != whole_at || sum != whole_sum)
        abort();
    free(buf);
    free(whole);
    return 0;
}
