#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Link-local addresses keep their link on the way through the plane, so peers on the \
local network stay reachable, also after they move."

renewed() { [ "$(log_count server 'Control Channel: TLS')" -gt "$1" ]; }

# address NAME HOST: gives eth0 this link-local address and no other
address() {
    in_ns "$1" ip -6 addr flush dev eth0 scope link
    net_address "$1" "$2/64"
}

net_make 1
address server fe80::1
address client1 fe80::11
PROTO=udp6
for mix in "opendco stock" "opendco opendco"; do
    for option in "" multihome; do
        what="$mix${option:+, $option}"
        read -r first second <<<"$mix"
        # shellcheck disable=SC2086 # an option or none
        vpn_start server "$first" "reneg-sec 12 12" "keepalive 2 30" $option
        vpn_ready server >/dev/null
        vpn_config client1 "reneg-sec 0"
        sed -i "s/^remote .*/remote fe80::1%eth0 $PORT/" "$W/client1.conf"
        vpn_run client1 "$second"
        expect "$what: connected" vpn_ready client1
        expect "$what: both inner families work" reach_inner client1 $VPN4 $VPN6
        if by_plane server; then
            equal "$what: the plane knows address and link" \
                "$(plane server '.[0].devices[0].peers[0].remote' | grep -c '^.fe80::11%[0-9]*\]:')" 1
            address client1 fe80::22
            expect "$what: works from another address" until_true 6 reach client1 $VPN4 56 2
            expect "$what: and towards it" until_true 6 reach server "$(vpn_client4 1)" 56 2
            before=$(log_count server 'Control Channel: TLS')
            expect "$what: a renegotiation succeeds from there" until_true 25 renewed "$before"
            expect "$what: and the tunnel works with the new key" reach client1 $VPN4
            equal "$what: nothing was sent in vain" "$(drops server tx_error) $(drops server tx_unreachable)" "0 0"
        fi
        offloaded server
        vpn_stop client1
        vpn_stop server
        address client1 fe80::11
    done
done
test_end
