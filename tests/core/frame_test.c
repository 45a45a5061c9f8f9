/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include <stdlib.h>

#include "harness.h"

static size_t
put(uint8_t *at, uint32_t len, uint8_t fill)
{
    dco_frame_write_hdr(at, len);
    memset(at + DCO_FRAME_HDR, fill, len);
    return DCO_FRAME_HDR + len;
}

TEST("frame: whole frames one after the other, then a part")
{
    static uint8_t buf[2 * DCO_FRAME_MAX];
    static const uint32_t lens[] = {1, 2, 255, 256, 1500, 65535, 24};
    size_t len = 0, at = 0, n = sizeof(lens) / sizeof(lens[0]);
    uint32_t got;
    uint8_t *pkt;

    for (size_t i = 0; i < n; i++)
        len += put(buf + len, lens[i], (uint8_t)i);
    for (size_t i = 0; i < n - 1; i++) {
        CHECK_THAT(dco_frame_next(buf, len - 1, &at, &pkt, &got) == DCO_FRAME_WHOLE, "frame %zu",
                   i);
        CHECK_THAT(got == lens[i] && pkt[0] == i && pkt[got - 1] == i, "frame %zu", i);
    }
    CHECK(dco_frame_next(buf, len - 1, &at, &pkt, &got) == DCO_FRAME_PARTIAL);
    CHECK(at == len - put(buf + len - 26, 24, 6));
    CHECK(dco_frame_next(buf, len, &at, &pkt, &got) == DCO_FRAME_WHOLE);
    CHECK(dco_frame_next(buf, len, &at, &pkt, &got) == DCO_FRAME_PARTIAL);
}

TEST("frame: one byte at a time is partial until the last one")
{
    uint8_t buf[DCO_FRAME_HDR + 300], *pkt;
    size_t at = 0;
    uint32_t got;

    put(buf, 300, 7);
    for (size_t len = 0; len < sizeof(buf); len++)
        CHECK_THAT(dco_frame_next(buf, len, &at, &pkt, &got) == DCO_FRAME_PARTIAL && at == 0,
                   "%zu bytes", len);
    CHECK(dco_frame_next(buf, sizeof(buf), &at, &pkt, &got) == DCO_FRAME_WHOLE);
    CHECK(got == 300 && at == sizeof(buf));
}

TEST("frame: a length of 0 is an error as soon as it is there, and takes nothing")
{
    uint8_t buf[4] = {0, 0, 1, 2}, *pkt;
    size_t at = 0;
    uint32_t got;

    CHECK(dco_frame_next(buf, 1, &at, &pkt, &got) == DCO_FRAME_PARTIAL);
    for (size_t len = 2; len <= 4; len++)
        CHECK_THAT(dco_frame_next(buf, len, &at, &pkt, &got) == DCO_FRAME_BAD && at == 0, "%zu",
                   len);
}

TEST("frame: a length of 65535 that never comes is partial at every length")
{
    static uint8_t buf[DCO_FRAME_MAX];
    size_t at = 0;
    uint32_t got;
    uint8_t *pkt;

    put(buf, 65535, 1);
    CHECK(dco_frame_next(buf, DCO_FRAME_MAX - 1, &at, &pkt, &got) == DCO_FRAME_PARTIAL);
    CHECK(dco_frame_next(buf, DCO_FRAME_MAX, &at, &pkt, &got) == DCO_FRAME_WHOLE && got == 65535);
}

/* A reader that takes what the meter allows, in pieces of any size, stops at the end of each frame
 * and never reads beyond it. */
TEST("frame: a metered reader stops at the ends of frames")
{
    static uint8_t buf[1 << 18];
    struct dco_frame_meter m = {0};
    size_t len = 0, at = 0, ends = 0, frames = 0, next = 0;
    unsigned seed = 1;

    while (len + 2000 < sizeof(buf)) {
        len += put(buf + len, 1 + (unsigned)rand_r(&seed) % 1900, (uint8_t)seed);
        frames++;
    }
    while (at < len) {
        size_t there = 1 + (unsigned)rand_r(&seed) % 1000; /* bytes that have arrived */
        size_t limit, n;

        there = there < len - at ? there : len - at;
        limit = dco_frame_meter_limit(&m, buf + at, there);
        n = there < limit ? there : limit;
        CHECK(n > 0);
        if (at == next) /* the start of a frame, which the reader may not pass */
            next += DCO_FRAME_HDR + ((size_t)buf[at] << 8 | buf[at + 1]);
        CHECK_THAT(at + n <= next, "read beyond the frame's end at %zu", next);
        dco_frame_meter_took(&m, buf + at, n);
        at += n;
        if (m.left == 0 && !m.half) {
            CHECK_THAT(at == next, "an end at %zu instead of %zu", at, next);
            ends++;
        }
    }
    CHECK(ends == frames);
}

TEST("frame: the meter follows a reader that it did not limit")
{
    uint8_t buf[64];
    struct dco_frame_meter m = {0};
    size_t len = put(buf, 3, 1);

    len += put(buf + len, 10, 2);
    dco_frame_meter_took(&m, buf, len - 4);
    CHECK(m.left == 4 && !m.half);
    dco_frame_meter_took(&m, buf, 4);
    buf[0] = 1;
    dco_frame_meter_took(&m, buf, 1);
    CHECK(m.left == 0 && m.half && m.first == 1);
    buf[0] = 2;
    CHECK(dco_frame_meter_limit(&m, buf, 1) == 1 + 0x102);
    dco_frame_meter_took(&m, buf, 1);
    CHECK(m.left == 0x102 && !m.half);
}
