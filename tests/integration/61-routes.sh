#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
test_begin "Networks behind clients that a routing daemon or an administrator announces at run \
time are reached through the right client."

net_make 2
vpn_start server opendco
expect "the server is up" vpn_ready server
for i in 1 2; do
    vpn_start client$i opendco
    expect "client $i is up" vpn_ready client$i
    in_ns client$i ip addr add 10.44.0.1/32 dev lo
    in_ns client$i ip addr add 10.45.0.$i/32 dev lo
    in_ns client$i ip -6 addr add fd44::1/128 dev lo nodad
done
tun=$(tun_of server)
via1=$(vpn_client4 1) via2=$(vpn_client4 2)

# went_to N: a ping to 10.44.0.1 is answered, and client N got it
received() { plane server ".[0].devices[0].peers[] | select(.vpn_ipv4 == \"$(vpn_client4 "$1")\").tx_packets"; }
went_to() {
    local before after
    by_plane server || { reach server "$2"; return; }
    before=$(received "$1")
    reach server "$2" 56 5 || return 1
    after=$(received "$1")
    [ $((after - before)) -ge 5 ] || { echo "client $1 got $((after - before)) packets"; return 1; }
}
soon() { until_true 3 went_to "$@"; }

in_ns server ip route add 10.44.0.0/24 via "$via1" dev "$tun"
expect "a new route is followed" soon 1 10.44.0.1
in_ns server ip route replace 10.44.0.0/24 via "$via2" dev "$tun"
expect "a replaced one is followed to the other client" soon 2 10.44.0.1
in_ns server ip route add 10.44.0.0/25 via "$via1" dev "$tun"
expect "the longer prefix wins" soon 1 10.44.0.1
in_ns server ip route del 10.44.0.0/25
expect "and when it is gone the shorter one counts again" soon 2 10.44.0.1
in_ns server ip route del 10.44.0.0/24

in_ns server ip route add 10.45.0.0/24 via "$via2" dev "$tun" metric 50
in_ns server ip route add 10.45.0.0/24 via "$via1" dev "$tun" metric 40
expect "of two metrics the lower one wins" soon 1 10.45.0.1
in_ns server ip route del 10.45.0.0/24 metric 40
expect "and then the other one" soon 2 10.45.0.2
in_ns server ip route del 10.45.0.0/24

in_ns server ip route add 10.44.0.0/24 via "$via2" dev "$tun" table 77
in_ns server ip rule add to 10.44.0.0/24 table 77
expect "a route of another table" soon 2 10.44.0.1
in_ns server ip rule del to 10.44.0.0/24 table 77
in_ns server ip route flush table 77

in_ns server ip -6 route add fd44::/64 via "$(vpn_client6 1)" dev "$tun"
expect "an IPv6 route" soon 1 fd44::1
in_ns server ip -6 route del fd44::/64
in_ns server ip route add 10.44.0.0/24 via inet6 "$(vpn_client6 2)" dev "$tun"
expect "an IPv4 route by an IPv6 next hop" soon 2 10.44.0.1
in_ns server ip route del 10.44.0.0/24
in_ns server ip nexthop add id 7 via "$via1" dev "$tun"
in_ns server ip route add 10.44.0.0/24 nhid 7
expect "a route by a nexthop object" soon 1 10.44.0.1
in_ns server ip nexthop replace id 7 via "$via2" dev "$tun"
expect "which is changed under the route" soon 2 10.44.0.1
in_ns server ip nexthop del id 7

# A routing daemon that converges: thousands of changes, and the one that matters among them.
{
    for ((i = 0; i < 8000; i++)); do
        echo "route add 10.$((100 + i / 250)).$((i % 250)).0/24 via $via1 dev $tun"
    done
    echo "route add 10.44.0.0/24 via $via2 dev $tun"
} >"$W/batch"
in_ns server ip -batch "$W/batch"
expect "after 8000 routes at once" soon 2 10.44.0.1
sed 's/add/del/' "$W/batch" >"$W/unbatch"
in_ns server ip -batch "$W/unbatch"
if by_plane server; then
    dropped=$(drops server tx_no_peer)
    in_ns server ip route add 10.46.0.0/24 dev "$tun"
    refuse "a destination of nobody" in_ns server ping -n -c 2 -i 0.2 -W 1 10.46.0.1
    unowned() { echo $(($(drops server tx_no_peer) - dropped)); }
    until_true 5 eval '[ "$(unowned)" -ge 2 ]'
    between "is counted" "$(unowned)" 2 20
fi
expect "the clients are still reached" reach_inner server "$via1" "$(vpn_client6 1)"
test_end
