#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A server keeps its clients apart: each reaches the others and the networks behind \
them, and none can send under the address of another."

net_make 4
# A network behind client 2, reached by iroute.
in_ns client2 ip addr add 10.22.0.1/24 dev lo
in_ns client2 ip addr add fd22::1/64 dev lo nodad
vpn_ccd 2 "iroute 10.22.0.0 255.255.255.0" "iroute-ipv6 fd22::/64"

vpn_start server opendco "route 10.22.0.0 255.255.255.0" "route-ipv6 fd22::/64" \
    "push \"route 10.22.0.0 255.255.255.0\"" "push \"route-ipv6 fd22::/64\""
expect "the server is up" vpn_ready server
for i in 1 2 3 4; do
    mode=opendco
    [ $i -ne 4 ] || mode=stock
    vpn_start client$i $mode
    expect "client $i ($mode) is up" vpn_ready client$i
done
# Client 2 got the route to its own network, too; that must not win over the address on lo.
for i in 1 2 3 4; do
    expect "client $i reaches the server" reach_inner client$i $VPN4 $VPN6
    expect "the server reaches client $i" \
        reach_inner server "$(vpn_client4 $i)" "$(vpn_client6 $i)"
done
expect "client 1 reaches client 3" reach_inner client1 "$(vpn_client4 3)" "$(vpn_client6 3)"
expect "client 3 reaches client 4" reach_inner client3 "$(vpn_client4 4)" "$(vpn_client6 4)"
expect "the server reaches the network behind client 2" reach_inner server 10.22.0.1 fd22::1
expect "client 1 reaches it" reach_inner client1 10.22.0.1 fd22::1
expect "and client 2 answers from it" in_ns client2 ping -n -q -c 3 -i 0.1 -W 2 -I 10.22.0.1 $VPN4

refuse "an address of nobody is not reached" in_ns client1 ping -n -c 1 -W 1 10.8.77.77

# Client 3 sends under the address of client 1. Its packets must not count for client 1, and nobody may
# receive them.
spoofed=$(vpn_client4 1)
in_ns client3 ip addr add "$spoofed"/32 dev lo
dropped=$(drops server rx_source)
captures=
CAPTURE_ON=$(tun_of server) capture_start server spoof "icmp and src $spoofed" && captures=1
in_ns client3 ping -n -q -c 5 -i 0.1 -W 1 -I "$spoofed" $VPN4 >/dev/null 2>&1
refused_sources() { echo $(($(drops server rx_source) - dropped)); }
! by_plane server || eventually "each spoofed packet is counted" 5 refused_sources
if [ -n "$captures" ]; then
    capture_stop
    equal "none of them comes out of the server's tunnel" "$(capture_count spoof)" 0
else
    skip "none of them comes out of the server's tunnel" "tcpdump cannot run here"
fi
in_ns client3 ip addr del "$spoofed"/32 dev lo
expect "client 1 itself still works" reach_inner client1 $VPN4 $VPN6

# A route that somebody adds while the tunnel runs goes through the client that owns the gateway.
in_ns client1 ip addr add 10.33.0.1/32 dev lo
if by_plane server; then
    in_ns server ip route add 10.33.0.0/24 via "$(vpn_client4 1)"
    # reach alone would wait long for a packet that was sent before the plane knew the route.
    expect "a route through client 1, added by hand, is followed" \
        until_true 5 in_ns server ping -n -c 1 -W 1 10.33.0.1
    expect "and every packet takes it" reach server 10.33.0.1
    in_ns server ip route replace 10.33.0.0/24 via "$(vpn_client4 3)"
    unreached() { ! in_ns server ping -n -c 1 -W 1 10.33.0.1; }
    expect "and after it has changed, not any more" until_true 5 unreached
    in_ns server ip route del 10.33.0.0/24
fi

# When one client leaves, the others keep working.
vpn_stop client3
expect "client 1 reaches client 4 after client 3 left" reach_inner client1 "$(vpn_client4 4)" \
    "$(vpn_client6 4)"
for name in server client1 client2 client4; do
    offloaded $name
done
test_end
