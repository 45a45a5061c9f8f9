#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "OpenVPN 2.7, which asks for the kernel's own interface instead of ovpn-dco-v2, is \
offloaded and keeps its clients when keys change, when they move and when they vanish."

new=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$new"; test_end; }
old=$OPENVPN

# moved: prints the number of key exchanges of client 1 from its new address in the server's log
moved() { log_count server '^client1/udp4:10\.11\.1\.99:.*Control Channel: TLS'; }
rekeyed() { [ "$(moved)" -gt "$1" ]; }

# clients: prints the server's list of clients, empty if it did not answer
clients() { management server 'status 2' | grep -E '^(CLIENT_LIST|END)'; }
listed() { clients | grep -q "^CLIENT_LIST,$1"; }
gone() { clients | grep -q END && ! listed "$1,"; }

# abi NAME: prints the interface for which its openvpn asked
abi() { ! by_plane "$1" || equal "$1 asked through $2" "$(plane "$1" '.[0].abi')" "$2"; }

# pair SERVER-PROGRAM SERVER-MODE CLIENT-PROGRAM CLIENT-MODE [LINE...]
pair() {
    local server=("$1" "$2") client=("$3" "$4")
    shift 4
    OPENVPN=${server[0]}
    vpn_start server "${server[1]}" "$@"
    vpn_ready server >/dev/null
    OPENVPN=${client[0]}
    vpn_start client1 "${client[1]}" "$@"
    vpn_ready client1
}

expect "its version names OpenDCO" grep -q '^DCO version: .*OpenDCO' \
    <("$OPENDCO" run -- "$new" --version)
net_make 3

# With each other and with 2.6

for mix in "2.7 opendco 2.7 opendco udp4" "2.7 opendco 2.6 opendco udp6" "2.6 opendco 2.7 opendco udp" \
    "2.7 opendco 2.7 stock udp4" "2.7 stock 2.7 opendco udp6"; do
    read -r first one second two PROTO <<<"$mix"
    a=$old b=$old
    [ "$first" = 2.6 ] || a=$new
    [ "$second" = 2.6 ] || b=$new
    expect "$mix: connected" pair "$a" "$one" "$b" "$two"
    expect "$mix: both inner families" reach_inner client1 $VPN4 $VPN6
    payload_serve server
    expect "$mix: TCP arrives as it was sent" payload client1 $VPN4 20000000
    expect "$mix: datagrams arrive as they were sent" datagrams client1 $VPN4 1 100 1300 1400 4000
    [ "$one" != opendco ] || offloaded server
    [ "$two" != opendco ] || offloaded client1
    [ "$first" != 2.7 ] || [ "$one" != opendco ] || abi server ovpn
    [ "$second" != 2.7 ] || [ "$two" != opendco ] || abi client1 ovpn
    [ "$second" != 2.6 ] || abi client1 ovpn-dco-v2
    end_pid "$started"
    vpn_stop client1
    vpn_stop server
done
PROTO=udp4
OPENVPN=$new

# Keys, restarts, numbers

expect "keys every 4 s: connected" pair "$new" opendco "$new" opendco "reneg-sec 4 4"
iperf_serve server
load=$(iperf client1 $VPN4 -t 12 -b 200M --bidir)
between "the load went through" "$load" 1000000 100000000000
for name in server client1; do
    between "$name negotiated time after time" "$(log_count $name 'Control Channel: TLS')" 3 20
    equal "no error in the log of $name" \
        "$(log_count $name 'TLS Error|AEAD Decrypt error|DCO.*[Cc]annot|kernel error')" 0
    offloaded $name
done
bytes=$(management server 'status 2' | sed -nE 's/^CLIENT_LIST,client1,([^,]*,){3}([0-9]+),.*/\2/p')
between "openvpn's own counters see the plane's packets" "$bytes" 1000000 100000000000
vpn_signal client1 USR1
expect "the client is connected again after SIGUSR1" until_true 20 log_has client1 'Initialization Sequence' 2
expect "and works" until_true 10 reach_inner client1 $VPN4 $VPN6
vpn_signal server HUP
expect "the server is up again after SIGHUP" until_true 20 log_has server 'Initialization Sequence' 2
expect "and the client comes back" until_true 90 reach client1 $VPN4 56 2
offloaded server
offloaded client1
vpn_stop client1
vpn_stop server

# A client that moves, clients that vanish

vpn_start server opendco "keepalive 1 6" "reneg-sec 12 12"
vpn_ready server >/dev/null
for i in 1 2 3; do
    vpn_start client$i opendco "reneg-sec 12 12"
    expect "client $i is up" vpn_ready client$i
    expect "client $i works" reach client$i $VPN4
done
in_ns client1 ip addr flush dev eth0 to "$(client4 1)/16"
net_address client1 10.11.1.99/16
expect "a client that moved works from its new address" until_true 6 reach client1 $VPN4 56 2
expect "openvpn was told of it" until_true 5 log_has server 'floated from udp4:.*10\.11\.1\.1:[0-9]+ to udp4:.*10\.11\.1\.99:'
expect "a renegotiation succeeds from there" until_true 25 rekeyed "$(moved)"
expect "and it works with the new key" reach client1 $VPN4
expect "openvpn lists it under the new address" until_true 5 listed client1,udp4:10.11.1.99:
vpn_stop client2 KILL
expect "a client that was killed is dropped after the timeout" until_true 25 gone client2
expect "the others stay" reach client3 $VPN4
vpn_stop server KILL
expect "a client notices that its server is gone" \
    until_true 60 log_has client3 'Inactivity timeout'
vpn_run server opendco
vpn_ready server >/dev/null
expect "and connects again" until_true 60 reach client3 $VPN4 56 2
offloaded server
offloaded client3
for i in 1 3; do
    vpn_stop client$i
done
vpn_stop server

# Several sockets

vpn_start server opendco "local $SERVER4 $PORT udp4" "local $SERVER6 $((PORT + 1)) udp6"
vpn_ready server >/dev/null
vpn_start client2 opendco
PROTO=udp6
PORT=$((PORT + 1))
vpn_start client3 opendco
expect "a client of the first socket" vpn_ready client2
expect "a client of the second" vpn_ready client3
expect "the first works" reach client2 $VPN4
expect "the second works" reach client3 $VPN4
expect "and they reach each other" reach client2 "$(vpn_client4 3)"
offloaded server
vpn_stop client2
vpn_stop client3
vpn_stop server
vpn_net 8
PROTO=udp4

vpn_start server opendco "local $SERVER4 $PORT udp4" "local $SERVER4 $PORT tcp-server"
vpn_ready server >/dev/null
if by_plane server; then
    equal "a server that listens for TCP too is left to openvpn, and says so" \
        "$(plane server '.[0].active, .[0].reason' | tr '\n' ' ' | grep -c 'false.*TCP')" 1
fi
test_end
