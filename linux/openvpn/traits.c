/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/traits.h"

const struct openvpn_traits *
openvpn_traits(const struct nl_family *family)
{
    static const struct openvpn_traits of_2_6 = {0};
    static const struct openvpn_traits of_2_7 = {
        .follows_floats = true, .renews_keys = true, .keeps_order = true};

    return family == &nl_ovpn ? &of_2_7 : &of_2_6;
}
