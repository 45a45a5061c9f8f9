#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A server with several addresses answers from the address that the client has called."

# only_from FAMILY ADDRESS: lets only packets from that address, which the client calls, reach the client
only_from() {
    in_ns client1 nft -f - <<END
flush ruleset
table inet t {
    chain c {
        type filter hook input priority 0
        udp sport $PORT $1 saddr != $2 drop
    }
}
END
}

# client MODE PROTO ADDRESS
client() {
    PROTO=$2
    vpn_config client1
    sed -i "s/^remote .*/remote $3 $PORT/" "$W/client1.conf"
    vpn_run client1 "$1"
}

net_make 1
if ! in_ns client1 nft list ruleset >/dev/null 2>&1; then
    skip "multihome" "nft cannot run here"
    test_end
fi
net_address server 10.11.0.2/16 fd11::2/64

for mix in "opendco stock" "opendco opendco"; do
    read -r first second <<<"$mix"
    PROTO=udp
    vpn_start server "$first" multihome
    vpn_ready server >/dev/null
    only_from ip 10.11.0.2
    client "$second" udp4 10.11.0.2
    expect "$mix: connected through the second IPv4 address" vpn_ready client1
    expect "$mix: data comes from it as well" reach_inner client1 $VPN4 $VPN6
    vpn_stop client1

    only_from ip6 fd11::2
    client "$second" udp6 fd11::2
    expect "$mix: connected through the second IPv6 address" vpn_ready client1
    expect "$mix: data comes from it as well" reach_inner client1 $VPN4 $VPN6
    offloaded server
    vpn_stop client1
    vpn_stop server
done
test_end
