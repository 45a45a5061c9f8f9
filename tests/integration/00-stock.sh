#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Stock openvpn alone works in the test network; all other tests rest on that."

net_make 2
vpn_start server stock
expect "the server comes up" vpn_ready server
for i in 1 2; do
    vpn_start "client$i" stock
    expect "client $i comes up" vpn_ready "client$i"
done
for i in 1 2; do
    expect "client $i reaches the server, IPv4 and IPv6, small and large" \
        reach_inner "client$i" $VPN4 $VPN6
    expect "the server reaches client $i" reach server "$(vpn_client4 "$i")"
done
expect "one client reaches the other" reach client1 "$(vpn_client4 2)"

if capture_start server wire "udp port $PORT"; then
    expect "pings while a capture runs" reach client1 $VPN4 100 10
    capture_stop
    between "the capture holds them" "$(capture_count wire host "$(client4 1)")" 20 40
else
    skip "a capture of pings" "tcpdump cannot run here"
fi

iperf_serve server
between "TCP through the tunnel" "$(iperf client1 $VPN4 -t 1)" 1000000 1000000000000
expect "the management interface answers" management server version
expect "the server ends on SIGTERM" vpn_stop server TERM
test_end
