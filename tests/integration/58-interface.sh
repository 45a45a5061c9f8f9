#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "The tunnel recovers when an interface goes away and comes back, and ICMP errors of a \
peer make no thread spin."

# ticks NAME: processor time of all its threads, 10 ms each
ticks() { awk '{ sum += $14 + $15 } END { print sum }' /proc/"$(pid_of "$1")"/task/*/stat; }

# idle WHAT: neither end uses noticeable processor time for a second
idle() {
    local server client
    server=$(ticks server) client=$(ticks client1)
    sleep 1
    between "$1: the server does not spin" $(($(ticks server) - server)) 0 15
    between "$1: the client does not spin" $(($(ticks client1) - client)) 0 15
}

works() {
    expect "$1: both inner families work" until_true 8 reach_inner client1 $VPN4 $VPN6
}

restart_both() {
    local server client
    server=$(vpn_ups server) client=$(vpn_ups client1)
    vpn_signal server USR1
    expect "$1: the server restarts" vpn_again server $((server + 1))
    expect "$1: the client connects again" vpn_again client1 $((client + 1))
    works "$1"
}

net_make 1
expect "connected" vpn_pair opendco opendco "keepalive 1 20" "explicit-exit-notify 1"
works "at first"
held=$(tasks_of server; fds_of server)

ip -n "$(ns server)" link set eth0 down
idle "the network is down"
ip -n "$(ns server)" link set eth0 up
# IPv6 addresses go with the link.
in_ns server ip addr replace $SERVER6/64 dev eth0 nodad
works "the network is up again"

tun=$(tun_of client1)
ip -n "$(ns client1)" link set "$tun" down
idle "$tun is down"
ip -n "$(ns client1)" link set "$tun" up
in_ns client1 ip addr replace "$(vpn_client6 1)/64" dev "$tun" nodad
works "$tun is up again"

# The server's host sends ICMP errors for packets that it cannot deliver.
ip -n "$(ns server)" addr del $SERVER4/16 dev eth0
background client1 ping -q -i 0.05 $VPN4 >"$W/ping.log"
idle "the server's address is gone"
ip -n "$(ns server)" addr add $SERVER4/16 dev eth0
works "the server's address is back"
end_pid "$started"

if by_plane server; then
    in_ns server ip link del "$(tun_of server)"
    idle "the server's device was deleted"
    expect "the server is alive" plane server '.[0].active'
    expect "the log says so" log_has server 'opendco: tun0 was deleted'
    restart_both "the server's device was deleted"
    equal "it holds what it held" "$(tasks_of server; fds_of server)" "$held"
    in_ns client1 ip link del "$(tun_of client1)"
    idle "the client's device was deleted"
    vpn_signal client1 USR1
    works "the client has restarted"
fi
expect "the client ends by itself" vpn_stop client1 TERM
expect "the server ends by itself" vpn_stop server TERM
test_end
