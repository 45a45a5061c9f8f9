/* SPDX-License-Identifier: BSD-2-Clause */
#include "addresses.h"

#include "bytes.h"

struct dco_ip
ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    const uint8_t addr[4] = {a, b, c, d};

    return dco_ip4(addr);
}

struct dco_ip
ip6(uint64_t low)
{
    uint8_t addr[16] = {0x20, 0x01, 0x0d, 0xb8};

    dco_write32(addr + 8, (uint32_t)(low >> 32));
    dco_write32(addr + 12, (uint32_t)low);
    return dco_ip6(addr);
}

struct dco_endpoint
endpoint4(uint32_t host, uint16_t port)
{
    struct dco_endpoint endpoint = {0};
    uint8_t addr[4], net_port[2];

    dco_write32(addr, 0xc0000000U + host);
    dco_write16(net_port, port);
    endpoint.ip = dco_ip4(addr);
    memcpy(&endpoint.port, net_port, sizeof(endpoint.port));
    return endpoint;
}

struct dco_path
path4(uint32_t host, uint16_t port)
{
    struct dco_path path = {.remote = endpoint4(host, port)};

    return path;
}
