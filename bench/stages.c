/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each stage of the data path costs alone, in nanoseconds of CPU per packet: the best of many
 * rounds over a burst of one 60 KB super-packet's segments, whose memory is warm.
 *
 *   stages            all of it
 *   OPENDCO_AEAD=openssl stages
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/bytes.h"
#include "core/coalesce.h"
#include "core/segment.h"
#include "linux/crypto/aead.h"
#include "linux/plane/csum_fast.h"

#define ROUNDS  400
#define BURST   64U
#define ROOM    1600U
#define PAYLOAD 60000U

static uint8_t super[PAYLOAD + 200], pristine[PAYLOAD + 200];
static uint8_t packet[BURST][ROOM], given[BURST][ROOM];
static uint32_t length[BURST];

static uint64_t
cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void
report(const char *stage, const char *what, uint64_t best, uint32_t packets)
{
    printf("%-10s %-30s %7.1f ns per packet\n", stage, what, (double)best / packets);
}

static void
must(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "stages: %s failed\n", what);
    exit(1);
}

/* Sealing and opening */

static void
aead_burst(struct aead *aead, uint32_t len, const char *name)
{
    struct aead_op op[BURST];
    uint64_t seal = UINT64_MAX, open = UINT64_MAX, from, to;
    char what[64];

    for (unsigned r = 0; r < ROUNDS; r++) {
        for (unsigned i = 0; i < BURST; i++) {
            dco_wire_write_hdr(packet[i], 0, 1, r * BURST + i);
            op[i] = (struct aead_op){packet[i], given[i], len, false};
        }
        from = cpu_ns();
        aead_seal(aead, 0, op, BURST);
        to = cpu_ns();
        seal = to - from < seal ? to - from : seal;
        from = cpu_ns();
        aead_open(aead, 0, op, BURST);
        to = cpu_ns();
        open = to - from < open ? to - from : open;
        for (unsigned i = 0; i < BURST; i++)
            must(op[i].ok, "opening");
    }
    snprintf(what, sizeof(what), "%s, %u bytes", name, len);
    report("seal", what, seal, BURST);
    report("open", what, open, BURST);
}

static void
aead(enum dco_cipher cipher, size_t key_len, const char *name)
{
    static const uint8_t key[32] = {1}, tail[DCO_NONCE_TAIL_LEN];
    struct aead *a = aead_new(cipher, key, key, key_len, tail, tail, 1);

    must(a != NULL, name);
    printf("%s by %s\n", name, aead_backend(a));
    aead_burst(a, 64, name);
    aead_burst(a, 1400, name);
    aead_free(a);
}

/* Cutting and joining */

/* A super-packet as the stack leaves it to the device. Returns its length. */
static uint32_t
make_super(uint8_t version, uint8_t protocol, uint32_t payload)
{
    uint32_t ip = version == 4 ? 20 : 40, l4 = protocol == DCO_PROTO_TCP ? 32 : 8;
    uint32_t len = ip + l4 + payload;
    uint8_t *p = pristine;

    memset(p, 0, ip + l4);
    for (uint32_t i = ip + l4; i < len; i++)
        p[i] = (uint8_t)(i * 2654435761U >> 11);
    p[0] = version == 4 ? 0x45 : 0x60;
    if (version == 4) {
        dco_write16(p + 2, (uint16_t)len);
        dco_write16(p + 6, 0x4000);
        p[8] = 64;
    } else {
        dco_write16(p + 4, (uint16_t)(len - ip));
        p[7] = 64;
    }
    p[version == 4 ? 9 : 6] = protocol;
    memset(p + (version == 4 ? 12 : 8), version, version == 4 ? 8 : 32);
    dco_write32(p + ip, 0x1f901f91); /* ports */
    if (protocol == DCO_PROTO_TCP) {
        p[ip + 12] = 8 << 4;
        p[ip + 13] = 0x10;
        memset(p + ip + 20, 1, 12);
    } else {
        dco_write16(p + ip + 4, (uint16_t)(8 + payload));
    }
    return len;
}

static uint32_t
cut_once(const struct dco_vnet *vnet, uint32_t len)
{
    struct dco_inner inner;
    struct dco_cut cut;
    uint32_t seg_len;

    must(dco_inner_parse(super, len, &inner) &&
             dco_segment_plan(&cut, vnet, super, len, &inner, csum_best()),
         "cutting");
    for (uint32_t i = 0; i < cut.n; i++)
        dco_segment_next(&cut, i, &seg_len, csum_best());
    return cut.n;
}

/* For joining the segments must lie apart. */
static uint32_t
cut_apart(const struct dco_vnet *vnet, uint32_t len)
{
    struct dco_inner inner;
    struct dco_cut cut;
    uint8_t *seg;

    memcpy(super, pristine, len);
    must(dco_inner_parse(super, len, &inner) &&
             dco_segment_plan(&cut, vnet, super, len, &inner, csum_best()) && cut.n <= BURST,
         "cutting");
    for (uint32_t i = 0; i < cut.n; i++) {
        seg = dco_segment_next(&cut, i, &length[i], csum_best());
        memcpy(packet[i], seg, length[i]);
    }
    return cut.n;
}

static void
count(void *arg, struct dco_super *s)
{
    *(uint32_t *)arg += s->pieces > 1 ? s->pieces : 0;
}

static void
join_once(struct dco_coalescer *c, uint32_t n)
{
    struct dco_inner inner;

    for (uint32_t i = 0; i < n; i++) {
        must(dco_inner_parse(given[i], length[i], &inner), "parsing");
        dco_coalesce_add(c, given[i], length[i], &inner);
    }
    dco_coalesce_flush(c);
}

static void
cut_and_join(uint8_t version, uint8_t protocol, uint16_t gso)
{
    static struct dco_coalescer c;
    uint32_t payload = gso * BURST < PAYLOAD ? gso * BURST : PAYLOAD, joined, n = 0;
    uint32_t len = make_super(version, protocol, payload);
    struct dco_vnet vnet = {.gso_size = gso};
    uint64_t cut = UINT64_MAX, join = UINT64_MAX, from, to;
    char what[64];

    vnet.gso_type = protocol == DCO_PROTO_UDP ? DCO_VNET_GSO_UDP_L4
                    : version == 4            ? DCO_VNET_GSO_TCPV4
                                              : DCO_VNET_GSO_TCPV6;
    dco_coalescer_init(&c, csum_best(), count, &joined, true, true);
    for (unsigned r = 0; r < ROUNDS; r++) {
        memcpy(super, pristine, len);
        from = cpu_ns();
        n = cut_once(&vnet, len);
        to = cpu_ns();
        cut = to - from < cut ? to - from : cut;
        cut_apart(&vnet, len);
        memcpy(given, packet, sizeof(given));
        joined = 0;
        from = cpu_ns();
        join_once(&c, n);
        to = cpu_ns();
        join = to - from < join ? to - from : join;
        must(joined == n, "joining");
    }
    snprintf(what, sizeof(what), "%s/IPv%u, %u bytes", protocol == DCO_PROTO_TCP ? "TCP" : "UDP",
             version, gso);
    report("segment", what, cut, n);
    report("coalesce", what, join, n);
}

int
main(void)
{
    aead(DCO_CIPHER_AES_GCM, 16, "AES-128-GCM");
    aead(DCO_CIPHER_AES_GCM, 32, "AES-256-GCM");
    aead(DCO_CIPHER_CHACHA20_POLY1305, 32, "ChaCha20-Poly1305");
    for (unsigned version = 4; version <= 6; version += 2) {
        cut_and_join((uint8_t)version, DCO_PROTO_TCP, 1368);
        cut_and_join((uint8_t)version, DCO_PROTO_UDP, 1300);
        cut_and_join((uint8_t)version, DCO_PROTO_UDP, 64);
    }
    return 0;
}
