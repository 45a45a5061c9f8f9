#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Packets of every size arrive undamaged, and TCP segments fit the path."

# Sizes around every limit of a path of 1500 bytes, and sizes that need fragments.
EDGES=$(seq 1 61 1300; seq 1340 1420; echo 1452 1472 2000 2900 4000 8000 20000 60000)

# syn_mss FILE: the largest segment size in the SYNs of a capture
syn_mss() {
    tcpdump -n -r "$W/$1.pcap" 'tcp[tcpflags] & tcp-syn != 0' 2>/dev/null |
        sed -nE 's/.*mss ([0-9]+).*/\1/p' | sort -n | tail -n 1
}

net_make 1
payload_serve server
payload_serve client1
for mix in "opendco opendco" "opendco stock" "stock opendco"; do
    read -r first second <<<"$mix"
    expect "$mix: connected" vpn_pair "$first" "$second"
    # shellcheck disable=SC2086 # a list of numbers
    expect "$mix: datagrams of every size, IPv4" datagrams client1 $VPN4 $EDGES
    # shellcheck disable=SC2086
    expect "$mix: datagrams of every size, IPv6" datagrams client1 $VPN6 $EDGES
    expect "$mix: streams, IPv4 and IPv6" payload client1 $VPN4 20000000 &&
        expect "$mix: streams, IPv4 and IPv6" payload client1 $VPN6 20000000
    expect "$mix: pings that need fragments" reach client1 $VPN4 5000
    expect "$mix: a stream started by the server" payload server "$(vpn_client4 1)" 5000000
    offloaded server
    offloaded client1
    vpn_stop client1
    vpn_stop server
done

# Segments must fit the path by themselves: nothing outside may be fragmented.
vpn_pair opendco opendco >/dev/null
# Both interfaces are watched where packets come out of the tunnel.
if capture_start server outer "ip[6:2] & 0x3fff != 0"; then
    outer=$capture_pid
    CAPTURE_ON=$(tun_of server) capture_start server inner "tcp and src $(vpn_client4 1)"
    expect "a stream while captures run" payload client1 $VPN4 5000000
    capture_stop
    capture_pid=$outer
    capture_stop
    between "the segment size of connections is limited to the path" "$(syn_mss inner)" 1300 1410
    equal "no packet was fragmented outside" "$(capture_count outer)" 0
else
    skip "the segment size of connections is limited to the path" "tcpdump cannot run here"
fi
vpn_stop client1
vpn_stop server

# The path is smaller than the interface shows, so a large tun-mtu must work with fragments.
for PROTO in udp4 udp6; do
    for size in 1400 6000; do
        vpn_pair opendco opendco "tun-mtu $size" "mssfix 0" >/dev/null
        expect "$PROTO, tun-mtu $size: datagrams of every size, IPv4" datagrams client1 $VPN4 \
            100 1300 1370 1390 1400 1500 3000 5900 8000
        expect "$PROTO, tun-mtu $size: datagrams of every size, IPv6" datagrams client1 $VPN6 \
            100 1300 1370 1390 1400 1500 3000 5900 8000
        expect "$PROTO, tun-mtu $size: a stream" payload client1 $VPN4 5000000
        expect "$PROTO, tun-mtu $size: a stream from the server" \
            payload server "$(vpn_client6 1)" 2000000
        offloaded server
        vpn_stop client1
        vpn_stop server
    done
done

# The same path by IPv6, where headers are longer.
PROTO=udp6
expect "udp6: connected" vpn_pair opendco opendco
# shellcheck disable=SC2086 # a list of numbers
expect "udp6: datagrams of every size, IPv4" datagrams client1 $VPN4 $EDGES
# shellcheck disable=SC2086
expect "udp6: datagrams of every size, IPv6" datagrams client1 $VPN6 $EDGES
if capture_start server outer6 "ip6[6] == 44"; then
    expect "udp6: a stream while a capture runs" payload client1 $VPN6 5000000
    capture_stop
    equal "udp6: no packet was fragmented outside" "$(capture_count outer6)" 0
else
    skip "udp6: no packet was fragmented outside" "tcpdump cannot run here"
fi
offloaded client1
test_end
