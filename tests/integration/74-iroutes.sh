#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
test_begin "An iroute decides which client a network is behind, whatever routes the host has for \
it, and a client gets no network because its address is a gateway of openvpn's."

# The first address of the pool, which openvpn takes as the gateway of its own routes.
GATEWAY4=10.8.0.2

# taken NAME: packets that came out of its tunnel
taken() { in_ns "$1" cat "/sys/class/net/$(tun_of "$1")/statistics/rx_packets"; }

# takes NAME ADDRESS: pings from the server to ADDRESS are answered and come out there
takes_once() {
    local before
    before=$(taken "$1")
    reach server "$2" 56 3 || return
    [ $(($(taken "$1") - before)) -ge 3 ]
}
takes() { expect "$3" until_true 20 takes_once "$1" "$2"; }

# untouched NAME WHAT COMMAND...: meanwhile nothing comes out of its tunnel. Keepalives do not either.
untouched() {
    local name=$1 what=$2 before
    shift 2
    before=$(taken "$name")
    "$@" >/dev/null 2>&1
    equal "$what" "$(($(taken "$name") - before))" 0
}
pings() { in_ns server ping -n -q -i 0.2 -c 5 -W 1 "$1"; }

# hear: what arrives at the server's port 7000 goes to a file
hear() {
    background server python3 -u -c '
import socket
ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ear.bind(("0.0.0.0", 7000))
print("ready")
while True:
    data, source = ear.recvfrom(2000)
    print(data.decode(), source[0])' >"$W/heard"
    until_true 60 grep -q ready "$W/heard"
}
word=0
# say NAME SOURCE: a datagram to the server from that source
say() {
    in_ns "$1" python3 -c '
import socket, sys
mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mouth.bind((sys.argv[1], 0))
mouth.sendto(sys.argv[3].encode(), (sys.argv[2], 7000))' "$2" $VPN4 "$3"
}
heard_once() {
    word=$((word + 1))
    say "$1" "$2" word$word && until_true 1 grep -q "^word$word $2\$" "$W/heard"
}
# The first datagram must not arrive, and would before the second, which does.
unheard() {
    local silent
    word=$((word + 1))
    silent=word$word
    say "$1" "$2" $silent
    expect "$4: another source is heard" until_true 20 heard_once "$1" "$3"
    refuse "$4" grep -q "^$silent " "$W/heard"
}

clients() { management server 'status 2' | grep -E '^(CLIENT_LIST|END)'; }
gone() { clients | grep -q END && ! clients | grep -q "^CLIENT_LIST,$1,"; }
join() { vpn_start "$1" opendco "explicit-exit-notify 2"; expect "$2" vpn_ready "$1"; }
leave() { vpn_stop "$1"; expect "$2" until_true 90 gone "$1"; }

net_make 3
hear
for i in 1 2 3; do
    for net in 89 90 91 92 93; do
        in_ns client$i ip addr add 192.168.$net.7/32 dev lo
        in_ns client$i ip -6 addr add 2001:db8:$net::7/128 dev lo nodad
    done
    in_ns client$i ip addr add 172.20.44.7/32 dev lo
done
vpn_ccd 1 "ifconfig-push $GATEWAY4 255.255.0.0"
vpn_ccd 2 "ifconfig-push 10.99.0.2 255.255.0.0" "ifconfig-ipv6-push fd99::2/64 fd99::1" \
    'push "route 10.8.0.0 255.255.0.0 10.99.0.1"' 'push "route-ipv6 fd08::/64"' \
    "iroute 192.168.93.0 255.255.255.0" "iroute-ipv6 2001:db8:93::/64"
{
    for net in 89 90 91 92 93; do
        echo "iroute 192.168.$net.0 255.255.255.0"
        echo "iroute-ipv6 2001:db8:$net::/64"
    done
    for ((i = 0; i < 300; i++)); do
        echo "iroute 172.$((20 + i / 256)).$((i % 256)).0 255.255.255.0"
    done
} >"$W/networks"
mapfile -t networks <"$W/networks"
vpn_ccd 3 "${networks[@]}"
NEW=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$NEW"; NEW=; }

for OPENVPN in $OPENVPN $NEW; do
    v=2.6
    [ "$OPENVPN" != "$NEW" ] || v=2.7
    vpn_start server opendco "explicit-exit-notify 1" "max-routes-per-client 1000" \
        "route 10.99.0.0 255.255.0.0" "route-ipv6 fd99::/64" "route 172.16.0.0 255.240.0.0" \
        "route 192.168.89.0 255.255.255.0" "route-ipv6 2001:db8:89::/64" \
        "route 192.168.93.0 255.255.255.0" "route-ipv6 2001:db8:93::/64"
    vpn_ready server >/dev/null
    join client1 "$v: a client has the address that is openvpn's gateway"
    expect "$v: it is reached" until_true 20 reach server $GATEWAY4

    # Outside of the pool
    join client2 "$v: a client outside of the pool's network"
    expect "$v: it reaches the server" until_true 20 reach client2 $VPN4
    takes client2 10.99.0.2 "$v: it is reached there"
    takes client2 fd99::2 "$v: by IPv6, too"
    refuse "$v: and the host has no route to it alone" \
        grep -E '^(10\.99\.0\.2|fd99::2) ' <(in_ns server ip route; in_ns server ip -6 route)
    untouched client1 "$v: and the owner of the gateway's address gets none of it" \
        reach server 10.99.0.2
    offloaded server

    # openvpn's own route, while the network's client is away
    untouched client1 "$v: a network whose client is away is not behind the gateway's owner" \
        pings 192.168.89.7
    untouched client1 "$v: nor by IPv6" pings 2001:db8:89::7
    unheard client1 192.168.89.7 $GATEWAY4 "$v: who cannot speak for it either"
    join client3 "$v: the network's client"
    takes client3 192.168.89.7 "$v: has its network"
    takes client3 2001:db8:89::7 "$v: has its IPv6 network"
    expect "$v: and speaks for it" until_true 20 heard_once client3 192.168.89.7
    takes client3 172.20.44.7 "$v: one of 300 networks more"
    leave client3 "$v: it leaves"
    untouched client1 "$v: the network is behind nobody again" pings 192.168.89.7
    join client3 "$v: it comes back"
    takes client3 192.168.89.7 "$v: and has its network again"

    # Routes without a gateway
    tun=$(tun_of server)
    in_ns server ip route add 192.168.90.0/24 dev "$tun"
    in_ns server ip -6 route add 2001:db8:90::/64 dev "$tun"
    takes client3 192.168.90.7 "$v: a route to the device alone"
    takes client3 2001:db8:90::7 "$v: by IPv6"
    expect "$v: the client speaks from there" until_true 20 heard_once client3 192.168.90.7
    in_ns server ip route add default dev "$tun" table 100
    in_ns server ip -6 route add default dev "$tun" table 100
    in_ns server ip rule add to 192.168.91.0/24 lookup 100
    in_ns server ip -6 rule add to 2001:db8:91::/64 lookup 100
    takes client3 192.168.91.7 "$v: a rule and a table that leads to the device"
    takes client3 2001:db8:91::7 "$v: by IPv6"
    expect "$v: the client speaks from there" until_true 20 heard_once client3 192.168.91.7
    in_ns server ip rule del to 192.168.91.0/24 lookup 100
    in_ns server ip -6 rule del to 2001:db8:91::/64 lookup 100
    in_ns server ip route flush table 100
    in_ns server ip -6 route flush table 100
    in_ns server ip route add 192.168.92.0/25 dev "$tun" # longer than the iroute
    takes client3 192.168.92.7 "$v: a longer prefix to the device alone"

    # Two clients with one network
    takes client3 192.168.93.7 "$v: of two clients with one network the newer one has it"
    takes client3 2001:db8:93::7 "$v: by IPv6"
    vpn_stop client2
    expect "$v: the older one leaves" until_true 90 gone client2
    join client2 "$v: and comes back as the newer one"
    takes client2 192.168.93.7 "$v: which has the network now"
    takes client2 2001:db8:93::7 "$v: by IPv6"
    leave client2 "$v: the newer one leaves"
    ! by_plane server || takes client3 192.168.93.7 "$v: and the other one has the network"

    # A restart of the server
    vpn_signal server USR1
    expect "$v: the server restarts" until_true 60 log_has server 'Initialization Sequence' 2
    takes client3 192.168.89.7 "$v: the network is reached after the restart"
    takes client3 2001:db8:89::7 "$v: by IPv6"
    takes client1 $GATEWAY4 "$v: the other client, too"
    offloaded server
    vpn_stop client3
    vpn_stop client1
    vpn_stop server
done
test_end
