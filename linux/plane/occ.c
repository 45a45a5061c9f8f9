/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/occ.h"

#include <string.h>

#include "core/bytes.h"
#include "core/occ.h"
#include "linux/sys/log.h"

#define ANSWER_NS  10000000ULL
#define ANSWER_MAX 2048U /* outer; openvpn asks for what its tun-mtu needs */

static void
raise(uint16_t *longest, uint32_t outer)
{
    if (outer <= UINT16_MAX && dco_load(longest) < outer)
        dco_store(longest, (uint16_t)outer);
}

static bool
may_answer(struct dco_peer_platform *platform, uint64_t now_ns)
{
    if (now_ns < dco_load(&platform->occ_ns))
        return false;
    dco_store(&platform->occ_ns, now_ns + ANSWER_NS);
    return true;
}

/* Writes the answer and returns its length; 0: there is none. */
static uint32_t
answer(struct dco_peer_platform *platform, int op, const uint8_t *inner, uint32_t len, uint8_t *to)
{
    uint32_t outer;

    if (op == DCO_OCC_MTU_REQUEST) {
        dco_occ_write_hdr(to, DCO_OCC_MTU_REPLY);
        dco_write16(to + DCO_OCC_HDR_LEN, dco_load(&platform->occ_rx));
        dco_write16(to + DCO_OCC_HDR_LEN + 2, dco_load(&platform->occ_tx));
        return DCO_OCC_HDR_LEN + 4;
    }
    if (op != DCO_OCC_MTU_LOAD_REQUEST || len < DCO_OCC_HDR_LEN + 2)
        return 0;
    outer = dco_read16(inner + DCO_OCC_HDR_LEN);
    if (outer < DCO_OCC_HDR_LEN + DCO_OVERHEAD || outer > ANSWER_MAX)
        return 0;
    dco_occ_write_hdr(to, DCO_OCC_MTU_LOAD);
    return outer - DCO_OVERHEAD;
}

static void
send_answer(struct tx *tx, struct plane_dev *dev, struct dco_peer *peer, const uint8_t *inner,
            uint32_t len, uint64_t now_ns)
{
    tx_begin(tx, dev, now_ns);
    if (tx_seal_one(tx, dev, peer, inner, len, now_ns))
        raise(&dco_peer_platform(peer)->occ_tx, len + DCO_OVERHEAD);
}

/* True if the message was carried out. */
static bool
obey(struct tx *tx, struct plane_dev *dev, struct dco_peer *peer, int op, const uint8_t *inner,
     uint32_t len, uint64_t now_ns)
{
    struct dco_peer_platform *platform = dco_peer_platform(peer);
    uint8_t out[ANSWER_MAX] = {0};
    uint32_t out_len;

    if (op == DCO_OCC_MTU_LOAD)
        return true;
    if (op == DCO_OCC_EXIT) {
        log_line(LOG_LEVEL_INFO, "peer %u has said that it leaves", dco_peer_id(peer));
        return dco_control_peer_leaves(dev->peers, peer);
    }
    out_len = answer(platform, op, inner, len, out);
    if (out_len == 0 || !may_answer(platform, now_ns))
        return false;
    send_answer(tx, dev, peer, out, out_len, now_ns);
    return true;
}

bool
occ_received(struct tx *tx, struct plane_dev *dev, struct dco_peer *peer, const uint8_t *inner,
             uint32_t len, uint64_t now_ns)
{
    int op = dco_occ_parse(inner, len);

    if (op == DCO_OCC_NONE)
        return false;
    raise(&dco_peer_platform(peer)->occ_rx, len + DCO_OVERHEAD);
    if (!obey(tx, dev, peer, op, inner, len, now_ns))
        drops_count(&dev->drops[tx->thread], DCO_DROP_RX_OCC, 1);
    return true;
}
