#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A server on one dual-stack socket keeps its IPv4 and its IPv6 clients, whichever of \
them come and go."

# client N MODE udp4|udp6: that client reaches the server by that family
client() {
    PROTO=$3
    vpn_start "client$1" "$2"
    expect "client $1 ($2, $3): connected" vpn_ready "client$1"
    PROTO=udp
}

# family_of N: prints 4 or 6, the family of client N's remote address in the server's plane
family_of() {
    case $(plane server ".[0].devices[].peers[] |
        select(.vpn_ipv4 == \"$(vpn_client4 "$1")\").remote") in
    \[*:*\]:*) echo 6 ;;
    *.*.*.*:*) echo 4 ;;
    *) echo none ;;
    esac
}

# all_reach WHEN
all_reach() {
    local i
    for i in 1 2 3 4; do
        expect "client $i reaches the server, both inner families, $1" \
            reach_inner "client$i" $VPN4 $VPN6
        expect "and is reached" \
            reach_inner server "$(vpn_client4 $i)" "$(vpn_client6 $i)"
    done
}

# rekeyed N: client N has negotiated again
rekeyed() { log_has "client$1" 'Control Channel: TLS' 2; }

net_make 4
payload_serve server
PROTO=udp
vpn_start server opendco "reneg-sec 10 10"
expect "the server is up" vpn_ready server
client 1 opendco udp4
client 2 opendco udp6
client 3 stock udp4
client 4 stock udp6
all_reach "with all four connected"
expect "from IPv4 outside to IPv6 outside" \
    reach_inner client1 "$(vpn_client4 2)" "$(vpn_client6 2)"
expect "and from IPv6 outside to IPv4 outside" \
    reach_inner client2 "$(vpn_client4 3)" "$(vpn_client6 3)"
# Streams of both outer families at once.
payload client1 $VPN6 8000000 >"$W/stream1" 2>&1 &
one=$!
payload client2 $VPN4 8000000 >"$W/stream2" 2>&1 &
two=$!
expect "a stream of client 1, IPv6 in IPv4, arrives unchanged" wait $one
expect "a stream of client 2, IPv4 in IPv6, arrives unchanged" wait $two
if by_plane server; then
    equal "the plane has each client under its own outer family" \
        "$(family_of 1)$(family_of 2)$(family_of 3)$(family_of 4)" 4646
fi
for i in 1 2 3 4; do
    expect "client $i has a new key" until_true 25 rekeyed $i
done
all_reach "with the new keys"
vpn_stop client1
vpn_stop client4
expect "client 2 works after others left" reach_inner client2 $VPN4 $VPN6
expect "so does client 3" reach_inner client3 $VPN4 $VPN6
offloaded server
test_end
