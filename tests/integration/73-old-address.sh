#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A client that connects from an address which another client has left, as behind one \
router, gets its packets at once."

SAME=5001 # own port of both
NEW=10.11.1.99

# remote_of N: prints the address to which the plane sends packets for that client
remote_of() { plane server ".[0].devices[].peers[] | select(.vpn_ipv4 == \"$(vpn_client4 "$1")\") | .remote"; }

heard() { in_ns client2 nft -j list counters | jq -e '[.nftables[].counter | select(. != null) | .packets] | add > 0'; }

calls() { in_ns server timeout 5 ping -c 1 -W 1 "$(vpn_client4 2)" >/dev/null; heard; }

rekeyed() { [ "$(log_count server "$1/.*Control Channel: TLS")" -gt "$2" ]; }

# renegotiates N WHEN
renegotiates() {
    local before
    before=$(log_count server "client$1/.*Control Channel: TLS")
    expect "client $1 renegotiates $2" until_true 25 rekeyed "client$1" "$before"
    expect "and works with the new key" reach "client$1" $VPN4
}

start() {
    vpn_config "$1" "lport $SAME" "reneg-sec 14 14"
    sed -i '/^nobind/d' "$W/$1.conf"
    vpn_run "$1" stock
}

net_make 2
if ! in_ns client1 nft list ruleset >/dev/null 2>&1; then
    skip "an address that another has left" "nft cannot run here"
    test_end
fi
old=$(client4 1)
vpn_start server opendco "reneg-sec 14 14"
vpn_ready server >/dev/null
start client1
expect "client 1 is up" vpn_ready client1
in_ns client1 ip addr flush dev eth0 to "$old/16"
net_address client1 $NEW/16
expect "client 1 works from a new address" until_true 6 reach client1 $VPN4 56 2

in_ns client2 ip addr flush dev eth0 to "$(client4 2)/16"
net_address client2 "$old/16"
in_ns server ip neigh flush dev eth0
in_ns client2 nft -f - <<END
table inet t {
    counter data { }
    chain in {
        type filter hook prerouting priority raw
        udp sport $PORT @th,64,8 & 0xf8 == 0x48 counter name data
    }
    chain out {
        type filter hook output priority raw
        udp dport $PORT @th,64,8 & 0xf8 == 0x48 drop
    }
}
END
start client2
expect "client 2 connects from the old one" vpn_ready client2
if by_plane server; then
    equal "the plane knows where it is" "$(remote_of 2)" "$old:$SAME"
    equal "and where client 1 is" "$(remote_of 1)" "$NEW:$SAME"
fi
expect "client 2 is reached before it has sent a packet" until_true 5 calls
expect "client 1 works" reach client1 $VPN4
in_ns client2 nft delete table inet t
expect "client 2 works" reach client2 $VPN4
renegotiates 1 "beside it"
renegotiates 2 "likewise"
vpn_stop client1
renegotiates 2 "when client 1 has gone"
offloaded server
test_end
