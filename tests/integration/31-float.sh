#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A client that moves to another network keeps its tunnel, at once and at the next \
renegotiation."

# move FROM TO: the client's outer address changes; packets in between find no source.
move() {
    in_ns client1 ip addr flush dev eth0 to "$1"
    net_address client1 "$2"
}

rekeyed() { [ "$(log_count server 'Control Channel: TLS')" -gt "$1" ]; }

net_make 1
for PROTO in udp4 udp6; do
    for mix in "opendco opendco" "opendco stock"; do
        read -r first second <<<"$mix"
        expect "$PROTO, $mix: connected" vpn_pair "$first" "$second" "reneg-sec 12 12" "keepalive 2 30"
        expect "$PROTO, $mix: works before" reach client1 $VPN4
        if [ $PROTO = udp4 ]; then
            old=$(client4 1)/16 new=10.11.1.99/16
        else
            old=$(client6 1)/64 new=fd11::1:99/64
        fi
        move "$old" "$new"
        expect "$PROTO, $mix: works from the new address" until_true 6 reach client1 $VPN4 56 2
        expect "$PROTO, $mix: and towards it" until_true 6 reach server "$(vpn_client4 1)" 56 2
        if by_plane server; then
            equal "$PROTO, $mix: the plane knows the new address" \
                "$(plane server '.[0].devices[0].peers[0].remote' | grep -c '[.:]99[]:]')" 1
        fi
        before=$(log_count server 'Control Channel: TLS')
        if by_plane server; then
            expect "$PROTO, $mix: a renegotiation succeeds from there" until_true 25 rekeyed "$before"
            expect "$PROTO, $mix: and the tunnel works with the new key" reach client1 $VPN4
        fi
        offloaded server
        vpn_stop client1
        vpn_stop server
        move "$new" "$old"
    done
done
test_end
