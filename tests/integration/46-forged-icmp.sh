#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A forged ICMP message does not make new connections through the tunnel use small \
segments."

# forge FROM MTU: "fragmentation needed" to the server, about a packet of its port to client 1
forge() {
    in_ns "$1" python3 -c '
import socket, struct, sys
server, client, sport, dport, mtu = sys.argv[1:2] + sys.argv[2:3] + [int(a) for a in sys.argv[3:]]
def total(data):
    n = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff
inner = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 1400, 1, 0x4000, 64, 17, 0,
                    socket.inet_aton(server), socket.inet_aton(client))
inner = inner[:10] + struct.pack("!H", total(inner)) + inner[12:]
inner += struct.pack("!HHHH", sport, dport, 1380, 0)
icmp = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + inner
icmp = icmp[:2] + struct.pack("!H", total(icmp)) + icmp[4:]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.sendto(icmp, (server, 0))' $SERVER4 "$(client4 1)" "$PORT" "$client_port" "$2"
}

believed() { in_ns server ip route get "$(client4 1)" | grep -q "mtu $1"; }

# mss_within LOW HIGH
mss_within() {
    local got
    got=$(segment_size server "$(vpn_client4 1)")
    [ "$got" -ge "$1" ] && [ "$got" -le "$2" ]
}

# connect [LINE...]: starts the client and finds its port
connect() {
    vpn_pair opendco opendco "$@" || return 1
    reach client1 $VPN4 || return 1
    client_port=$(in_ns client1 ss -Huan | awk '$4 !~ /:(0|5300)$/ { sub(/.*:/, "", $4); print $4 }' | tail -n 1)
}

net_make 2
payload_serve client1
expect "connected" connect
if ! by_plane server; then
    skip "the plane's view of the path" "OPENDCO_TEST_MODE is stock"
    test_end
fi
wide=$(segment_size server "$(vpn_client4 1)")
forge client2 552
expect "the kernel believes a forged message" until_true 5 believed 552
sleep 13 # housekeeping asks for each path every ten seconds
between "new connections keep sensible segments" "$(segment_size server "$(vpn_client4 1)")" 1100 "$wide"
expect "and a stream arrives" payload server "$(vpn_client4 1)" 2000000

# The setting of the administrator counts, with such a message and without.
in_ns server ip route add "$(client4 1)" dev eth0 mtu 1100
expect "a route with a lower MTU is honoured" until_true 20 mss_within 900 1008
expect "and a stream arrives by it" payload server "$(vpn_client4 1)" 2000000
forge client2 552
expect "the kernel believes another forged message" until_true 5 believed 552
sleep 13
between "which changes nothing" "$(segment_size server "$(vpn_client4 1)")" 900 1008
in_ns server ip route del "$(client4 1)" dev eth0 mtu 1100
in_ns server ip route flush cache # what was learnt, too
expect "the path is wide again" until_true 20 mss_within "$wide" "$wide"
vpn_stop client1
vpn_stop server

# Where openvpn forbids fragments, only packets of the believed size get out.
expect "mtu-disc yes: connected" connect "mtu-disc yes"
forge client2 600
expect "mtu-disc yes: the kernel believes a forged message" until_true 5 believed 600
expect "mtu-disc yes: segments fit it" until_true 20 mss_within 100 508
expect "mtu-disc yes: a stream arrives" payload server "$(vpn_client4 1)" 200000
test_end
