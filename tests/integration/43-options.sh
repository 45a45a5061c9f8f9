#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "The options of a server.conf for the socket, the device and the process keep their \
effect."

net_make 1

expect "a fixed device name" vpn_pair opendco opendco "dev tunoffice"
equal "is the server's" "$(tun_of server)" tunoffice
expect "and carries traffic" reach_inner client1 $VPN4 $VPN6
offloaded server
vpn_stop client1
vpn_stop server

expect "an automatic device name" vpn_pair opendco opendco
vpn_net 9
vpn_start server-b opendco
expect "a second tunnel beside it" vpn_ready server-b
vpn_start client1-b opendco
expect "and its client" vpn_ready client1-b
equal "each has the next free name" "$(tun_of server) $(tun_of server-b)" "tun0 tun1"
expect "the second one carries traffic" reach_inner client1-b $VPN4 $VPN6
offloaded server-b
vpn_stop client1-b
vpn_stop server-b
vpn_net 8
expect "and so does the first, when the second has ended" reach_inner client1 $VPN4 $VPN6
offloaded server
vpn_stop client1
vpn_stop server

if in_ns server nft list ruleset >/dev/null 2>&1; then
    vpn_start server opendco "mark 1056"
    vpn_ready server >/dev/null
    vpn_start client1 opendco
    expect "a socket with a mark" vpn_ready client1
    in_ns server nft -f - <<'END'
table inet t {
    counter marked { }
    counter plain { }
    chain c {
        type filter hook output priority 0
        oifname eth0 udp sport 1194 meta mark 1056 counter name marked
        oifname eth0 udp sport 1194 meta mark != 1056 counter name plain
    }
}
END
    expect "carries traffic" reach client1 $VPN4 1000 20
    counted() { in_ns server nft -j list counter inet t "$1" | jq '.nftables[].counter.packets // empty'; }
    between "every packet of the data channel has the mark" "$(counted marked)" 20 1000
    equal "and none is without" "$(counted plain)" 0
    offloaded server
    vpn_stop client1
    vpn_stop server
    in_ns server nft flush ruleset
else
    skip "a socket with a mark" "nft cannot run here"
fi

expect "a client with a fixed port and address" vpn_pair opendco opendco
vpn_stop client1
vpn_config client1 "lport 1999" "local $(client4 1)"
sed -i '/^nobind/d' "$W/client1.conf"
vpn_run client1 opendco
expect "connects" vpn_ready client1
expect "and carries traffic" reach_inner client1 $VPN4 $VPN6
if by_plane server; then
    equal "from that port" "$(plane server '.[0].devices[0].peers[0].remote')" "$(client4 1):1999"
fi
vpn_stop client1
vpn_stop server

expect "tls-crypt, and topology told to the client" sh -c "'$OPENVPN' --genkey secret '$W/ta.key'"
expect "connects with tls-crypt" vpn_pair opendco opendco "tls-crypt $W/ta.key"
expect "and carries traffic" reach_inner client1 $VPN4 $VPN6
offloaded client1
vpn_stop client1
vpn_stop server

# What "opendco run --mss" sets. A kernel counts 12 bytes of options out of what was agreed.
payload_serve server
for mss in auto 1200 off; do
    OPENDCO_MSS=$mss vpn_pair opendco opendco >/dev/null
    got=$(segment_size client1 $VPN4)
    if by_plane server; then
        case $mss in
        auto) between "segments by default fit the path" "$got" 1300 1396 ;;
        1200) equal "segments of 1200 bytes, as told" "$got" 1188 ;;
        off) equal "segments as large as the device allows" "$got" 1448 ;;
        esac
    fi
    expect "--mss $mss: a stream" payload client1 $VPN4 2000000
    offloaded server
    vpn_stop client1
    vpn_stop server
done

for workers in 1 2 4; do
    OPENDCO_WORKERS=$workers vpn_pair opendco opendco >/dev/null
    expect "$workers workers carry traffic" reach_inner client1 $VPN4 $VPN6
    if by_plane server; then
        between "and are as many, or what fits" "$(plane server '.[0].workers')" 1 "$workers"
    fi
    offloaded server
    vpn_stop client1
    vpn_stop server
done
test_end
