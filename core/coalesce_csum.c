/* SPDX-License-Identifier: BSD-2-Clause */
#include "coalesce_csum.h"

static uint16_t
pseudo_sum(const uint8_t *pkt, const struct dco_inner *inner, uint32_t l4_len)
{
    bool v4 = inner->version == 4;

    return dco_csum_pseudo(pkt + (v4 ? DCO_IP4_SRC : DCO_IP6_SRC),
                           v4 ? DCO_IP4_ADDRS_LEN : DCO_IP6_ADDRS_LEN, inner->protocol, l4_len);
}

bool
dco_super_verify(struct dco_super *f, dco_csum_fn *csum)
{
    const uint8_t *ip = f->piece[0].data;
    uint32_t l4_len = f->len - f->inner.l4;

    f->pseudo = pseudo_sum(ip, &f->inner, 0);
    if (f->inner.version == 4) {
        if (dco_csum(ip, DCO_IP4_HDR_MIN) != 0xffff)
            return false;
        f->ip_sum = (uint16_t)~dco_ip4_own_sum(ip);
    }
    f->verified = dco_csum_add(dco_csum_add(f->pseudo, (uint16_t)l4_len),
                               csum(ip + f->inner.l4, l4_len)) == 0xffff;
    return f->verified;
}

void
dco_super_finish(struct dco_super *f)
{
    bool v4 = f->inner.version == 4, tcp = f->inner.protocol == DCO_PROTO_TCP;
    uint32_t l4_len = f->len - f->inner.l4;
    uint8_t *ip = f->piece[0].data, *l4 = ip + f->inner.l4;

    if (v4) {
        dco_write16(ip + DCO_IP4_TOTAL, (uint16_t)f->len);
        dco_write16(ip + DCO_IP4_CHECKSUM, 0);
        dco_write16(ip + DCO_IP4_CHECKSUM, (uint16_t)~dco_csum(ip, DCO_IP4_HDR_MIN));
    } else {
        dco_write16(ip + DCO_IP6_PAYLOAD, (uint16_t)l4_len);
    }
    if (tcp)
        l4[DCO_TCP_FLAGS] |= f->last_flags;
    else
        dco_write16(l4 + DCO_UDP_LEN, (uint16_t)l4_len);
    f->vnet.flags = DCO_VNET_NEEDS_CSUM;
    f->vnet.gso_type = !tcp ? DCO_VNET_GSO_UDP_L4 : v4 ? DCO_VNET_GSO_TCPV4 : DCO_VNET_GSO_TCPV6;
    f->vnet.gso_size = f->seg_len;
    f->vnet.hdr_len = f->hdr_len;
    f->vnet.csum_start = f->inner.l4;
    f->vnet.csum_offset = tcp ? DCO_TCP_CHECKSUM : DCO_UDP_CHECKSUM;
    dco_write16(l4 + f->vnet.csum_offset, pseudo_sum(ip, &f->inner, l4_len));
}
