#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A client without --float stays with its server when an authentic packet comes from \
another address, as with stock openvpn; with --float it follows a server that moved."

# server_data_from PORT: the server's data packets come from this port, and packets to it reach the server
server_data_from() {
    in_ns server nft -f - <<END
flush ruleset
table inet t {
    chain out {
        type filter hook output priority raw
        udp sport $PORT @th,64,5 9 udp sport set $1
    }
    chain in {
        type filter hook prerouting priority raw
        udp dport $1 udp dport set $PORT
    }
}
END
}

# seen_at PORT: the client's plane has its server at this port
seen_at() { [[ $(plane client1 '.[0].devices[0].peers[0].remote') == *:$1 ]]; }

net_make 1
if ! in_ns server nft list ruleset >/dev/null 2>&1; then
    skip "another address" "nft cannot run here"
    test_end
fi
for PROTO in udp4 udp6; do
    vpn_start server stock
    vpn_ready server >/dev/null
    vpn_start client1 opendco
    expect "$PROTO: connected without --float" vpn_ready client1
    expect "$PROTO: works" reach client1 $VPN4
    server_data_from 40003
    refuse "$PROTO: data from another port is not taken" reach client1 $VPN4 56 3
    if by_plane client1; then
        between "$PROTO: it is dropped with a reason" "$(drops client1 rx_address)" 3 1000
        expect "$PROTO: and the server is where it was" seen_at $PORT
    fi
    in_ns server nft flush ruleset
    expect "$PROTO: works again from there" until_true 10 reach client1 $VPN4 56 2
    offloaded client1
    vpn_stop client1
    if [ -z "${OPENDCO_TEST_MODE:-}" ]; then # stock wants a new session where the server is now
        vpn_start client1 opendco float
        expect "$PROTO: connected with --float" vpn_ready client1
        expect "$PROTO: works" reach client1 $VPN4
        server_data_from 40003
        expect "$PROTO: data from another port is taken" until_true 10 reach client1 $VPN4 56 2
        expect "$PROTO: and answered there" seen_at 40003
        in_ns server nft flush ruleset
        vpn_stop client1
    fi
    vpn_stop server
done
test_end
