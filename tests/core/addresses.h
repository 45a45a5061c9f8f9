/* SPDX-License-Identifier: BSD-2-Clause */
/* Short ways to write addresses. */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include "addr.h"

struct dco_ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
/* The last 8 bytes; the first 8 are 2001:db8::. */
struct dco_ip ip6(uint64_t low);
/* 192.0.2.0/24 and up: host counts from 192.0.0.0. port in host order. */
struct dco_endpoint endpoint4(uint32_t host, uint16_t port);
struct dco_path path4(uint32_t host, uint16_t port);

#endif
