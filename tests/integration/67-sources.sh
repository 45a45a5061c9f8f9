#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A client with a network behind it cannot speak for hosts of the server's own network \
or for the server, however wide its iroute is."

LAN4=192.168.1 LAN6=fd99:1

# speak NAME: after this `say SOURCE DESTINATION TEXT` sends a datagram from NAME
speak() {
    mkfifo "$W/say"
    exec 8<>"$W/say"
    background "$1" python3 -u -c '
import socket, sys
print("ready")
for line in open(sys.argv[1]):
    source, destination, text = line.split()
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    out = socket.socket(family, socket.SOCK_DGRAM)
    # Any source is allowed (IPV6_TRANSPARENT, IP_TRANSPARENT), as for a client that writes raw packets.
    out.setsockopt(*((41, 75) if family == socket.AF_INET6 else (0, 19)), 1)
    try:
        out.bind((source, 0))
        out.sendto(text.encode(), (destination, 7000))
    except OSError as error:
        print(source, destination, error)
' "$W/say" >"$W/spoke" 2>&1
    until_true 60 grep -q ready "$W/spoke"
}
say() { echo "$*" >&8; }

# hear NAME: what arrives at port 7000 goes to a file
hear() {
    background "$1" python3 -u -c '
import socket
ear = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
ear.bind(("::", 7000))
print("ready")
while True:
    data, source = ear.recvfrom(2000)
    print(data.decode(), source[0].replace("::ffff:", ""))' >"$W/heard-$1"
    until_true 60 grep -q ready "$W/heard-$1"
}
said=0

# passes WHERE SOURCE DESTINATION: a datagram arrives, at the latest when routes have settled
passes_once() {
    said=$((said + 1))
    say "$2" "$3" "word$said" && until_true 5 grep -q "^word$said $2\$" "$W/heard-$1"
}
passes() { expect "$iroute: $2 may be the source of a packet to $3" until_true 60 passes_once "$@"; }

counted() { [ "$(drops server rx_source)" -gt "$1" ]; }

# refused_once WHERE SOURCE DESTINATION: a datagram sent now is counted as dropped for its source
refused_once() {
    local before
    before=$(drops server rx_source)
    said=$((said + 1))
    say "$2" "$3" "word$said" && until_true 5 counted "$before"
}

# stopped WHERE SOURCE DESTINATION: at the latest when routes have settled a datagram is dropped and
# counted, and a later valid one arrives
stopped() {
    local word
    by_plane server || { skip "$iroute: $2 is refused" "the server is stock openvpn"; return; }
    expect "$iroute: $2 is refused as the source of a packet to $3" until_true 60 refused_once "$@"
    said=$((said + 1))
    word=word$said
    say "$2" "$3" $word
    case $2 in
    *:*) passes "$1" "$(vpn_client6 1)" "$3" ;;
    *) passes "$1" "$(vpn_client4 1)" "$3" ;;
    esac
    refuse "$iroute: and nothing of it arrives before that" grep -q "^$word " "$W/heard-$1"
}

net_make 1
net_add lan
net_wire server lan eth1 eth0
in_ns server ip addr add $LAN4.1/24 dev eth1
in_ns server ip addr add $LAN6::1/64 dev eth1 nodad
net_address lan $LAN4.5/24 $LAN6::5/64
in_ns lan ip route add default via $LAN4.1
in_ns lan ip -6 route add default via $LAN6::1
in_ns server sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
expect "the server listens" hear server
expect "a host of its network listens" hear lan
expect "the client can speak" speak client1
NEW=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$NEW"; NEW=; }

for OPENVPN in $OPENVPN $NEW; do
    for iroute in "192.168.0.0 255.255.0.0 fd99::/16" "0.0.0.0 0.0.0.0 ::/0"; do
        read -r net mask net6 <<<"$iroute"
        vpn_ccd 1 "iroute $net $mask" "iroute-ipv6 $net6"
        vpn_start server opendco "push \"route $LAN4.0 255.255.255.0\"" "push \"route-ipv6 $LAN6::/64\""
        vpn_ready server >/dev/null
        vpn_start client1 opendco
        expect "$iroute: connected" vpn_ready client1
        passes server "$(vpn_client4 1)" $VPN4
        offloaded server
        passes server "$(vpn_client6 1)" $VPN6
        passes server 192.168.77.7 $VPN4
        passes server fd99:77::7 $VPN6
        passes lan 192.168.77.8 $LAN4.5
        passes lan fd99:77::8 $LAN6::5
        [ $net != 0.0.0.0 ] || passes lan 203.0.113.9 $LAN4.5
        [ $net != 0.0.0.0 ] || passes lan 2001:db8::9 $LAN6::5
        stopped server $LAN4.6 $VPN4
        stopped server $LAN6::6 $VPN6
        stopped lan $LAN4.7 $LAN4.5
        stopped lan $LAN6::7 $LAN6::5
        stopped lan $LAN4.1 $LAN4.5
        stopped lan $LAN6::1 $LAN6::5
        [ $net != 0.0.0.0 ] || stopped server 10.11.1.9 $VPN4
        [ $net != 0.0.0.0 ] || stopped server $SERVER6 $VPN6
        # The plane follows changes on the server: a route, a rule, an address.
        in_ns server ip route add 192.168.78.0/24 dev eth1
        stopped lan 192.168.78.1 $LAN4.5
        in_ns server ip route del 192.168.78.0/24
        passes lan 192.168.78.2 $LAN4.5
        in_ns server ip rule add to 192.168.79.0/24 blackhole
        stopped server 192.168.79.1 $VPN4
        in_ns server ip rule del to 192.168.79.0/24 blackhole
        passes server 192.168.79.2 $VPN4
        in_ns server ip -6 rule add to fd99:79::/64 blackhole
        stopped server fd99:79::1 $VPN6
        in_ns server ip -6 rule del to fd99:79::/64 blackhole
        passes server fd99:79::2 $VPN6
        in_ns server ip addr add fd99:80::1/64 dev eth1 nodad
        stopped lan fd99:80::2 $LAN6::5
        in_ns server ip addr del fd99:80::1/64 dev eth1
        passes lan fd99:80::3 $LAN6::5
        vpn_stop client1
        vpn_stop server
    done

    # A client as the way out for the server's network, by rules; the server has another one. That is
    # no reason to refuse what comes from the Internet: sockets bound to the device need no rule.
    iroute="0.0.0.0 0.0.0.0 ::/0"
    vpn_start server opendco "push \"route $LAN4.0 255.255.255.0\"" "push \"route-ipv6 $LAN6::/64\""
    vpn_ready server >/dev/null
    vpn_start client1 opendco
    expect "way out: connected" vpn_ready client1
    in_ns server ip route add default via $LAN4.5
    in_ns server ip -6 route add default via $LAN6::5 metric 1
    iroute="way out, without rules"
    passes lan 203.0.113.11 $LAN4.5
    passes lan 2001:db8::11 $LAN6::5
    iroute="way out"
    in_ns server ip rule add from $LAN4.0/24 lookup 50
    in_ns server ip -6 rule add from $LAN6::/64 lookup 50
    in_ns server ip route add default via "$(vpn_client4 1)" dev "$(tun_of server)" table 50
    in_ns server ip -6 route add default via "$(vpn_client6 1)" dev "$(tun_of server)" table 50
    passes lan 203.0.113.12 $LAN4.5
    passes lan 2001:db8::12 $LAN6::5
    stopped lan $LAN4.8 $LAN4.5
    stopped lan $LAN6::8 $LAN6::5
    stopped lan $LAN4.1 $LAN4.5
    in_ns server ip rule del from $LAN4.0/24 lookup 50
    in_ns server ip -6 rule del from $LAN6::/64 lookup 50
    in_ns server ip route del default via $LAN4.5
    in_ns server ip -6 route del default via $LAN6::5
    vpn_stop client1
    vpn_stop server
done

# Point to point: the other end may send from any source.
p2p() {
    pki_make client1
    {
        vpn_config_common "$1"
        cat <<CONF
proto udp4
lport $PORT
remote $5 $PORT
$2
topology subnet
ifconfig 10.7.0.$3 255.255.255.0
ifconfig-ipv6 fd07::$3/64 fd07::$4
cipher AES-256-GCM
CONF
        [ "$2" != tls-server ] || echo "dh none"
    } >"$W/$1.conf"
    vpn_run "$1" opendco
}
iroute="peer to peer"
p2p server tls-server 1 2 "$(client4 1)"
p2p client1 tls-client 2 1 $SERVER4
expect "$iroute: up" vpn_ready client1
passes server 203.0.113.10 10.7.0.1
passes server 2001:db8::10 fd07::1
test_end
