#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "With client-to-client, clients reach each other and the networks behind them as with \
stock openvpn, whatever the host's forwarding and packet filter are; without it, only through the host."

# ttl_is NAME ADDRESS TTL: what an answer to a ping has left of the 64 hops
ttl_is() { in_ns "$1" ping -n -c 1 -W 2 "$2" | grep -Eq "(ttl|hlim)=$3 "; }
ttl_becomes() { until_true 5 ttl_is "$@"; }

# source_seen NAME SOURCE: the address from which NAME was last connected to by payload.py
sees_source() { # NAME ADDRESS SOURCE: a connection from NAME arrives with that source
    local port=5400 server=$4
    background "$server" python3 -u -c '
import socket, sys
ear = socket.create_server((sys.argv[1], 5400), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("ready")
print("from", ear.accept()[1][0])' "$2" >"$W/source"
    until_true 5 grep -q ready "$W/source" || return 1
    in_ns "$1" python3 -c '
import socket, sys
socket.create_connection((sys.argv[1], 5400), timeout=60)' "$2" || return 1
    until_true 5 grep -qx "from $3" "$W/source"
}

forwarding() { in_ns server sysctl -qw net.ipv4.ip_forward="$1" net.ipv6.conf.all.forwarding="$1"; }

unreached() { ! in_ns "$1" ping -n -q -c 2 -i 0.1 -W 1 "$2"; }

in_order() {
    in_ns "$1" ping -n -c 1 -w 2 "$2" >/dev/null
    in_ns "$1" ping -n -l 60 -c 300 -i 0.002 "$2" >"$W/pings" 2>&1
    sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "$W/pings" >"$W/answers"
    [ "$(wc -l <"$W/answers")" -ge 250 ] && sort -nc "$W/answers"
}

# bytes N MEMBER: a counter of client N
bytes() { plane server "[.[0].devices[].peers[] | select(.vpn_ipv4 == \"$(vpn_client4 "$1")\").$2] | add // 0"; }

# start [LINE...]: a server with these lines and three clients, the third one stock
start() {
    local i mode
    vpn_start server opendco "route 10.22.0.0 255.255.255.0" "route-ipv6 fd22::/64" \
        "push \"route 10.22.0.0 255.255.255.0\"" "push \"route 10.23.0.0 255.255.255.0\"" "push \"route-ipv6 fd22::/64\"" "$@"
    expect "$what: the server is up" vpn_ready server
    clients
}
clients() {
    local i mode
    for i in 1 2 3; do
        mode=opendco
        [ $i -ne 3 ] || mode=stock
        vpn_start client$i $mode
        expect "$what: client $i ($mode) is up" vpn_ready client$i
    done
}
stop() { for name in client1 client2 client3 server; do vpn_stop $name; done; }

# reaches: each other, and the host
reaches() {
    expect "$what: client 1 reaches client 2" reach_inner client1 "$(vpn_client4 2)" "$(vpn_client6 2)"
    expect "$what: client 3 reaches client 1" reach_inner client3 "$(vpn_client4 1)" "$(vpn_client6 1)"
    expect "$what: client 1 reaches the network behind client 2" reach_inner client1 10.22.0.1 fd22::1
    expect "$what: a client reaches the server" reach_inner client1 $VPN4 $VPN6
}

# filtered: as Docker or ufw does it, with the masquerading of an installer
filtered() {
    in_ns server nft -f - <<END
table inet test {
    chain forward { type filter hook forward priority 0; policy drop; }
    chain out { type nat hook postrouting priority 100; ip saddr 10.8.0.0/16 masquerade; }
}
END
}

net_make 3
in_ns client2 ip addr add 10.22.0.1/24 dev lo
in_ns client2 ip addr add fd22::1/64 dev lo nodad
# The server has no route to the second one: between clients an iroute is enough.
in_ns client2 ip addr add 10.23.0.1/24 dev lo
vpn_ccd 2 "iroute 10.22.0.0 255.255.255.0" "iroute-ipv6 fd22::/64" "iroute 10.23.0.0 255.255.255.0"
NEW=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$NEW"; NEW=; }

for OPENVPN in $OPENVPN $NEW; do
    tag=2.6
    [ "$OPENVPN" != "$NEW" ] || tag=2.7
    what="$tag, client-to-client"
    forwarding 0
    start "client-to-client"
    reaches
    expect "$what: the hop limit stays" ttl_becomes client1 "$(vpn_client4 2)" 64
    expect "$what: over IPv6, too" ttl_becomes client1 "$(vpn_client6 2)" 64
    refuse "$what: an address of nobody is not reached" in_ns client1 ping -n -c 1 -W 1 10.8.77.77
    for name in client1 client2 client3; do payload_serve $name; done
    expect "$what: a stream between clients arrives unchanged, both ways" \
        payload client1 "$(vpn_client4 2)" 1000000
    expect "$what: over IPv6" payload client2 "$(vpn_client6 1)" 1000000
    expect "$what: the server needs no route to a network behind a client" reach client1 10.23.0.1
    expect "$what: from and to a stock client" payload client3 "$(vpn_client4 2)" 500000
    expect "$what: to the network behind a client" payload client1 10.22.0.1 500000
    expect "$what: trains of datagrams" trains client1 "$(vpn_client4 2)" 1200 40 10
    expect "$what: datagrams of many sizes, and fragments" \
        datagrams client1 "$(vpn_client4 2)" 1 100 1372 1400 4000 20000
    expect "$what: answers to pings come in order" in_order client1 "$(vpn_client4 2)"
    if by_plane server; then
        rx=$(bytes 1 rx_bytes) tx=$(bytes 2 tx_bytes)
        expect "$what: a stream to count" payload client1 "$(vpn_client4 2)" 1000000
        between "$what: the sender's bytes count" $(($(bytes 1 rx_bytes) - rx)) 1000000 1500000
        between "$what: and the receiver's" $(($(bytes 2 tx_bytes) - tx)) 1000000 1500000
        if capture_start server out "udp src port $PORT and greater 1600"; then
            expect "$what: a stream while a capture runs" payload client1 "$(vpn_client4 2)" 3000000
            capture_stop
            [ "$(plane server '.[0].devices[0].offloads.udp_gso')" != true ] ||
                between "$what: what came as a train leaves as a train" "$(capture_count out)" 20 100000
        else
            skip "$what: trains" "tcpdump cannot run here"
        fi
    fi

    # Client 3 sends under the address of client 1.
    in_ns client3 ip addr add "$(vpn_client4 1)"/32 dev lo
    before=$(drops server rx_source)
    in_ns client3 ping -n -q -c 5 -i 0.1 -W 1 -I "$(vpn_client4 1)" "$(vpn_client4 2)" >/dev/null 2>&1
    refused_sources() { echo $(($(drops server rx_source) - before)); }
    ! by_plane server || eventually "$what: the source is checked first" 5 refused_sources
    in_ns client3 ip addr del "$(vpn_client4 1)"/32 dev lo

    # What the host would do with such packets does not matter.
    forwarding 1
    if filtered 2>/dev/null; then
        reaches
        expect "$what: the source stays" \
            sees_source client1 "$(vpn_client4 2)" "$(vpn_client4 1)" client2
        in_ns server nft flush ruleset
    else
        skip "$what: with a packet filter" "nft cannot run here"
    fi
    vpn_stop client2
    expect "$what: a client that left is not reached" unreached client1 "$(vpn_client4 2)"
    vpn_start client2 opendco
    expect "$what: it comes back" vpn_ready client2
    expect "$what: and is reached again" reach_inner client1 "$(vpn_client4 2)" "$(vpn_client6 2)"
    for name in server client1 client2; do offloaded $name; done
    stop

    what="$tag, without"
    start
    reaches
    expect "$what: through the host" ttl_becomes client1 "$(vpn_client4 2)" 63
    forwarding 0
    expect "$what: a host that does not forward keeps clients apart" unreached client1 "$(vpn_client4 2)"
    offloaded server
    stop
done

# Where openvpn accepts the option, and where it does not.
what="in a file that the file names"
echo client-to-client >"$W/more.conf"
start "config $W/more.conf"
expect "$what: it counts" reach client1 "$(vpn_client4 2)"
offloaded server
stop
what="on the command line"
vpn_config server
vpn_run server opendco --client-to-client
expect "$what: the server is up" vpn_ready server
clients
expect "$what: it counts" reach client1 "$(vpn_client4 2)"
offloaded server
stop
what="pushed, and in a client's file"
vpn_ccd 1 "client-to-client"
start 'push "client-to-client"'
expect "$what: it does not count" unreached client1 "$(vpn_client4 2)"
stop
vpn_ccd 1
test_end
