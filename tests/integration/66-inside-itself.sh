#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A tunnel whose route to the other end leads through itself does not carry its own \
packets, and no client can lead a server into that state."

# tun_sent NAME: packets that the kernel gave to its tunnel device
tun_sent() { in_ns "$1" cat "/sys/class/net/$(tun_of "$1")/statistics/tx_packets"; }

# pings NAME ADDRESS [PING-ARGUMENT...]: some that need no answer
pings() {
    in_ns "$1" ping -n -q -i 0.2 -c 10 -W 1 "${@:3}" "$2" >/dev/null 2>&1
    return 0
}

said() { log_count "$1" 'came back into the tunnel'; }

# bounded WHAT NAME MOST COMMAND...: the command puts few packets into the tunnel device of NAME; those
# of its transport are dropped and counted there, and the log says so, once a minute.
bounded() {
    local what=$1 name=$2 most=$3 before dropped lines
    shift 3
    before=$(tun_sent "$name") dropped=$(drops "$name" tx_recursive) lines=$(said "$name")
    "$@"
    between "$what: few packets enter the tunnel" "$(($(tun_sent "$name") - before))" 1 "$most"
    by_plane "$name" || return
    between "$what: what came back is dropped" "$(($(drops "$name" tx_recursive) - dropped))" 1 "$most"
    between "$what: the log says it, and not often" "$(said "$name")" 1 $((lines + 1))
}

net_make 2
OLD=$OPENVPN
NEW=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$NEW"; NEW=; }

# The client loses its host route

# Its server is not on its own link, so that openvpn adds a host route and the default route counts.
FAR=10.12.0.1
in_ns server ip addr add $FAR/32 dev lo
lose_way() { in_ns client1 ip addr flush dev eth0 scope global; }
find_way() {
    net_address client1 "$(client4 1)/16" "$(client6 1)/64"
    in_ns client1 ip route replace default via $SERVER4
    in_ns client1 ip route replace $FAR via $SERVER4
}
lost_way() {
    lose_way
    pings client1 $VPN4
    find_way
}
for OPENVPN in $OLD $NEW; do
    in_ns client1 ip route replace default via $SERVER4
    vpn_start server opendco "local $FAR"
    vpn_ready server >/dev/null
    vpn_config client1 "redirect-gateway def1" "keepalive 2 120"
    sed -i "s/^remote .*/remote $FAR $PORT/" "$W/client1.conf"
    vpn_run client1 opendco
    expect "redirect-gateway: connected" vpn_ready client1
    expect "redirect-gateway: works" reach client1 $VPN4
    bounded "redirect-gateway, the interface loses its addresses" client1 100 lost_way
    expect "redirect-gateway: works again with the way back" until_true 60 reach client1 $VPN4
    offloaded client1
    vpn_stop client1
    vpn_stop server
    in_ns client1 ip route del $FAR 2>/dev/null
    in_ns client1 ip route del default 2>/dev/null
done
OPENVPN=$OLD

# A host route into the tunnel

# astray NAME ADDRESS COMMAND...: meanwhile the way to ADDRESS leads through the tunnel of NAME
astray() {
    local name=$1 address=$2
    shift 2
    in_ns "$name" ip route add "$address" dev "$(tun_of "$name")" || return
    "$@"
    in_ns "$name" ip route del "$address" dev "$(tun_of "$name")"
}
for PROTO in udp4 udp6; do
    peer=$SERVER4 self=$(client4 1)
    [ $PROTO = udp4 ] || { peer=$SERVER6 self=$(client6 1); }
    expect "$PROTO: connected" vpn_pair opendco opendco "keepalive 1 120"
    bounded "$PROTO, host route at the client" client1 100 astray client1 $peer pings client1 $VPN4
    bounded "$PROTO, packets that are fragmented" client1 200 \
        astray client1 $peer pings client1 $VPN4 -s 2900
    bounded "$PROTO, keepalives alone" client1 40 astray client1 $peer sleep 4
    expect "$PROTO: the client's tunnel works again" until_true 60 reach client1 $VPN4
    in_ns server ip route add "$self" via "$(vpn_client4 1)" dev "$(tun_of server)" 2>/dev/null ||
        in_ns server ip route add "$self" via "$(vpn_client6 1)" dev "$(tun_of server)"
    bounded "$PROTO, the way to a client leads to that client" server 100 pings server "$(vpn_client4 1)"
    in_ns server ip route del "$self"
    expect "$PROTO: the server's tunnel works again" until_true 60 reach server "$(vpn_client4 1)"
    vpn_stop client1
    vpn_stop server
done
PROTO=udp4

# Address translation on the tunnel hides the port by which the plane recognises its own packets.
if in_ns client1 nft list ruleset >/dev/null 2>&1; then
    expect "translation: connected" vpn_pair opendco opendco "keepalive 1 120"
    in_ns client1 nft -f - <<NFT
table ip t {
    chain c {
        type nat hook postrouting priority 100
        oifname "$(tun_of client1)" masquerade random
    }
}
NFT
    in_ns client1 ip addr add 10.11.77.1/32 dev eth0 # a new source has no connection yet
    in_ns client1 ip route add $SERVER4 dev "$(tun_of client1)" src 10.11.77.1
    bounded "translation of addresses and ports" client1 100 pings client1 $VPN4
    in_ns client1 ip route del $SERVER4
    in_ns client1 nft flush ruleset
    expect "translation: works again" until_true 60 reach client1 $VPN4
    vpn_stop client1
    vpn_stop server
else
    skip "translation" "nft cannot run here"
fi

# Point to point

# p2p NAME ROLE OWN-LAST OTHER-LAST OTHER-OUTER
p2p() {
    pki_make client1
    {
        vpn_config_common "$1"
        cat <<CONF
proto $PROTO
lport $PORT
remote $5 $PORT
$2
topology subnet
ifconfig 10.7.0.$3 255.255.255.0
ifconfig-ipv6 fd07::$3/64 fd07::$4
keepalive 1 120
cipher AES-256-GCM
CONF
        [ "$2" != tls-server ] || echo "dh none"
    } >"$W/$1.conf"
    vpn_run "$1" opendco
}
for PROTO in udp4 udp6; do
    peer=$SERVER4 self=$(client4 1)
    [ $PROTO = udp4 ] || { peer=$SERVER6 self=$(client6 1); }
    p2p server tls-server 1 2 "$self"
    p2p client1 tls-client 2 1 $peer
    expect "peer to peer, $PROTO: up" vpn_ready client1
    expect "peer to peer, $PROTO: works" until_true 60 reach client1 10.7.0.1
    bounded "peer to peer, $PROTO, one end" client1 100 astray client1 $peer pings client1 10.7.0.1
    bounded "peer to peer, $PROTO, the other end" server 100 astray server "$self" pings server fd07::2
    expect "peer to peer, $PROTO: works again" until_true 60 reach client1 10.7.0.1
    vpn_stop client1
    vpn_stop server
done
PROTO=udp4

# A client moves itself, or another one, into the tunnel

# record: a data packet of client 1 that does not reach the server, in hexadecimal
record() {
    in_ns server nft add table ip held
    in_ns server nft 'add chain ip held c { type filter hook input priority 0; }'
    in_ns server nft add rule ip held c iifname eth0 ip saddr "$(client4 1)" udp dport "$PORT" drop
    in_ns client1 timeout 20 python3 - $VPN4 "$PORT" <<'PY'
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
wire.bind(('eth0', 3))
inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(20):
    inner.sendto(b'held back', (sys.argv[1], 9))
wire.settimeout(5)
found = []
while len(found) < 20:
    packet, where = wire.recvfrom(65536)
    start = (packet[0] & 15) * 4
    if where[2] == socket.PACKET_OUTGOING and packet[9] == 17 and packet[start + 8] >> 3 == 9 and \
       int.from_bytes(packet[start + 2:start + 4], 'big') == int(sys.argv[2]):
        found.append(packet[start + 8:int.from_bytes(packet[2:4], 'big')])
print(max(found, key=lambda data: data[4:8]).hex())
PY
    in_ns server nft delete table ip held
}
remote_of() { plane server ".[0].devices[0].peers[] | select(.vpn_ipv4 == \"$(vpn_client4 "$1")\").remote"; }
moved_into() { remote_of 1 | grep -q "^$1:"; }
carried() {
    in_ns client2 python3 -c '
import socket, sys
inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
inner.sendto(bytes.fromhex(sys.argv[1]), (sys.argv[2], int(sys.argv[3])))' "$1" $VPN4 "$PORT"
}
for OPENVPN in $OLD $NEW; do
    in_ns server nft list ruleset >/dev/null 2>&1 || { skip "a client in a tunnel" "nft cannot run here"; break; }
    in_ns client1 ethtool -K eth0 tx off tso off gso off >/dev/null 2>&1
    vpn_start server opendco float
    vpn_ready server >/dev/null
    vpn_start client1 opendco
    vpn_start client2 opendco
    expect "two clients: the first is up" vpn_ready client1
    expect "two clients: the second is up" vpn_ready client2
    expect "two clients: the first works" reach client1 $VPN4
    by_plane server || break
    before=$(remote_of 1)
    held=$(record)
    between "a packet of the first was held back" "${#held}" 64 2000
    carried "$held"
    refuse "the first does not move into the tunnel of the second" until_true 2 moved_into "$(vpn_client4 2)"
    expect "the server's log says who would move into the tunnel" \
        until_true 60 log_has server 'leads through the tunnel.*stays at'
    equal "the first stays where it was" "$(remote_of 1)" "$before"
    expect "both are reached" reach server "$(vpn_client4 1)"
    expect "both are reached, the second too" reach server "$(vpn_client4 2)"
    in_ns client1 ip addr flush dev eth0 to "$(client4 1)/16"
    net_address client1 10.11.1.99/16
    expect "a client that really moves is followed" until_true 60 reach client1 $VPN4 56 2
    in_ns client1 ip addr flush dev eth0 to 10.11.1.99/16
    net_address client1 "$(client4 1)/16"
    vpn_stop client1
    vpn_stop client2
    vpn_stop server
done
OPENVPN=$OLD

# Tunnels within tunnels

vpn_start server opendco
vpn_ready server >/dev/null
vpn_start client1 opendco
expect "an outer tunnel" vpn_ready client1
outer4=$VPN4 outer_port=$PORT

vpn_net 9
vpn_start server-b opendco
vpn_ready server-b >/dev/null
vpn_config client1-b
sed -i "s/^remote .*/remote $outer4 $PORT/" "$W/client1-b.conf"
vpn_run client1-b opendco
expect "a tunnel of its own within it" vpn_ready client1-b
expect "which works" reach_inner client1 $VPN4 $VPN6
offloaded client1-b
vpn_stop client1-b
vpn_stop server-b
vpn_net 8

# The second one ends in the same server, which reaches it through the first.
pki_make client2
vpn_ccd 2
vpn_config client1-in
sed -i "s/^remote .*/remote $outer4 $outer_port/; s/client1\.crt/client2.crt/; s/client1\.key/client2.key/" \
    "$W/client1-in.conf"
vpn_run client1-in opendco
expect "a tunnel to the same server within the tunnel" vpn_ready client1-in
in_ns client1 ip rule add from "$(vpn_client4 2)" lookup 5
in_ns client1 ip route add default dev "$(tun_of client1-in)" table 5
expect "which works" reach server "$(vpn_client4 2)"
expect "with larger packets, too" reach server "$(vpn_client4 2)" 1300
if by_plane server; then
    equal "the server reaches it through the outer one" "$(remote_of 2 | cut -d: -f1)" "$(vpn_client4 1)"
    equal "and drops nothing" "$(drops server tx_recursive)" 0
fi
offloaded server
test_end
