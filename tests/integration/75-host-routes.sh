#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
test_begin "The host's routing table is the same with offload as without: no iroute enters it, and \
openvpn's routes have the metrics that the administrator gave them."

# table NAME: the routes of its namespace, without those that each new device has by chance
table() {
    in_ns "$1" ip route show table all | grep -v ' table local '
    in_ns "$1" ip -6 route show table all | grep -vE '^(fe80|multicast|anycast|local)|ff00::/8'
}
listing() { table "$1" | sort; }
same_table() { [ "$(listing "$1")" = "$2" ]; }

FAR4=203.0.113.7 FAR6=2001:db8:7::7 # somewhere in the Internet
LAN4=192.168.66 LAN6=2001:db8:66

server_lines=(
    "route 192.168.89.0 255.255.255.0"
    "route 192.168.90.0 255.255.255.0 vpn_gateway 50"
    "route-ipv6 2001:db8:89::/64"
    "route-ipv6 2001:db8:90::/64 :: 50"
)
client_lines=(
    "route 192.168.94.0 255.255.255.0"
    "route 192.168.95.0 255.255.255.0 net_gateway"
    "route-ipv6 2001:db8:94::/64"
)
pushed=(
    'push "route 192.168.91.0 255.255.255.0"'
    'push "route 192.168.92.0 255.255.255.0 vpn_gateway 150"'
    'push "route-ipv6 2001:db8:91::/64"'
    'push "redirect-gateway def1 ipv6"'
)

net_make 2
net_add lan
net_wire server lan eth1 eth0
in_ns server ip addr add $LAN4.1/24 dev eth1
in_ns server ip addr add $LAN6::1/64 dev eth1 nodad
net_address lan $LAN4.5/24 $LAN6::5/64
in_ns lan ip route add default via $LAN4.1
in_ns lan ip -6 route add default via $LAN6::1
# As a DHCP client does it.
in_ns server ip route add default via "$(client4 2)" metric 500
in_ns server ip -6 route add default via "$(client6 2)" metric 2000
in_ns client1 ip route add default via $SERVER4 metric 100
in_ns client1 ip -6 route add default via $SERVER6 metric 100
in_ns client2 ip addr add $FAR4/32 dev lo
in_ns client2 ip -6 addr add $FAR6/128 dev lo nodad
in_ns client2 ip route add $LAN4.0/24 via $SERVER4
in_ns client2 ip -6 route add $LAN6::/64 via $SERVER6
# The client has these, too, so it is clear which way a packet went.
in_ns client1 ip addr add 192.168.89.7/32 dev lo
in_ns client1 ip addr add 198.51.100.7/32 dev lo
in_ns client1 ip -6 addr add 2001:db8:9::7/128 dev lo nodad
for net in 91 92; do
    in_ns client1 ip link add lan$net type veth peer name far$net
    in_ns client1 ip link set lan$net up
    in_ns client1 ip link set far$net up
    in_ns client1 ip addr add 192.168.$net.9/24 dev lan$net noprefixroute
    in_ns client1 ip route add 192.168.$net.0/24 dev lan$net metric 100
done
NEW=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$NEW"; NEW=; }

vpn_ccd 1 "iroute 192.168.89.0 255.255.255.0" "iroute-ipv6 2001:db8:89::/64" \
    "iroute 0.0.0.0 0.0.0.0" "iroute-ipv6 ::/0"

# tables MODE: the tables of both ends while they are connected
tables() {
    vpn_start server "$1" "dev tun5" "${server_lines[@]}" "${pushed[@]}"
    vpn_ready server >/dev/null || return
    vpn_start client1 "$1" "dev tun5" "${client_lines[@]}"
    vpn_ready client1 >/dev/null || return
    until_true 20 reach client1 $VPN4 || return
    on_server=$(listing server)
    on_client=$(listing client1)
}
stop_both() {
    vpn_stop client1
    vpn_stop server
}

before_server=$(listing server) before_client=$(listing client1)
for OPENVPN in $OPENVPN $NEW; do
    v=2.6
    [ "$OPENVPN" != "$NEW" ] || v=2.7
    expect "$v: the routes without offload" tables stock
    stock_server=$on_server stock_client=$on_client
    stop_both
    expect "$v: the routes with offload" tables opendco
    expect "$v: they are the same on the server" diff <(echo "$stock_server") <(echo "$on_server")
    expect "$v: and on the client" diff <(echo "$stock_client") <(echo "$on_client")
    offloaded server
    offloaded client1

    # A client with an iroute for everything, on a server that has its own way out
    expect "$v: the server goes its own way to the Internet" reach server $FAR4
    expect "$v: by IPv6, too" reach server $FAR6
    expect "$v: and so does its network" reach lan $FAR4
    expect "$v: by IPv6, too" reach lan $FAR6
    expect "$v: the client's network is reached" until_true 20 reach server 192.168.89.7
    tun=$(tun_of server)
    in_ns server ip route add default dev "$tun" table 100
    in_ns server ip -6 route add default dev "$tun" table 100
    in_ns server ip rule add from $LAN4.0/24 lookup 100
    in_ns server ip -6 rule add from $LAN6::/64 lookup 100
    in_ns client1 ip route add $LAN4.0/24 dev "$(tun_of client1)"
    in_ns client1 ip -6 route add $LAN6::/64 dev "$(tun_of client1)"
    expect "$v: a rule makes the client the way out for the network" \
        until_true 20 reach lan 198.51.100.7
    expect "$v: by IPv6, too" until_true 20 reach lan 2001:db8:9::7
    expect "$v: while the server goes its own way" reach server $FAR4
    in_ns server ip rule del from $LAN4.0/24 lookup 100
    in_ns server ip -6 rule del from $LAN6::/64 lookup 100

    # The tunnel's routes win over those of the client's own network with metric 100
    for net in 91 92; do
        device=tun5
        [ $net = 91 ] || device=lan92 # pushed with a metric of its own, which is higher
        expect "$v: of a pushed route and one of the host the lower metric wins, $device" \
            grep -q "dev $device" <(in_ns client1 ip route get 192.168.$net.1)
    done

    # Restarts
    vpn_signal client1 USR1
    expect "$v: the client restarts" until_true 60 log_has client1 'Initialization Sequence' 2
    expect "$v: and works" until_true 20 reach client1 $VPN4
    in_ns client1 ip route del $LAN4.0/24 2>/dev/null
    in_ns client1 ip -6 route del $LAN6::/64 2>/dev/null
    expect "$v: with the same routes" until_true 5 same_table client1 "$stock_client"
    stop_both
    expect "$v: nothing of it stays on the server" diff <(echo "$before_server") <(listing server)
    expect "$v: nor on the client" diff <(echo "$before_client") <(listing client1)

    # A metric for all
    server_lines+=("route-metric 200")
    pushed+=('push "route-metric 300"')
    expect "$v: with route-metric, without offload" tables stock
    stock_server=$on_server stock_client=$on_client
    stop_both
    expect "$v: with route-metric, with offload" tables opendco
    expect "$v: the server's routes are the same" diff <(echo "$stock_server") <(echo "$on_server")
    expect "$v: and the client's" diff <(echo "$stock_client") <(echo "$on_client")
    stop_both
    unset "server_lines[-1]" "pushed[-1]"
done
test_end
