/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the openvpn that speaks a family treats notifications. OpenVPN 2.6 speaks ovpn-dco-v2,
 * OpenVPN 2.7 speaks ovpn. Constants; any thread.
 */
#ifndef DCO_OPENVPN_TRAITS_H
#define DCO_OPENVPN_TRAITS_H

#include "linux/netlink/family.h"

struct openvpn_traits {
    bool follows_floats; /* looks for a server's client at its new address */
    bool renews_keys;    /* makes a new key when it is asked for one */
    bool keeps_order;    /* must read what a request caused before its acknowledgement; an openvpn
                            without this loses what it reads there */
};

const struct openvpn_traits *openvpn_traits(const struct nl_family *family);

#endif
