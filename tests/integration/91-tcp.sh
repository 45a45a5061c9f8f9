#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A tunnel over TCP is moved by the plane, undamaged: either end with OpenDCO or without \
it, OpenVPN 2.6 and 2.7, every cipher, both transport families, with and without server mode."

export OPENDCO_TCP=1
old=$OPENVPN

# carried NAME: the plane of NAME, and not openvpn, has counted what the payload needs
carried() {
    by_plane "$1" || return 0
    between "$1 moved the payload itself" "$(plane "$1" '[.[0].devices[].peers[].rx_bytes] | add')" \
        1500000 1000000000
}

# try WHAT: both ends are up
try() {
    expect "$1: both inner families, from the client" reach_inner client1 $VPN4 $VPN6
    expect "$1: and from the server" reach_inner server "$(vpn_client4 1)" "$(vpn_client6 1)"
    expect "$1: a stream arrives unchanged" payload client1 $VPN4 1500000
    expect "$1: datagrams arrive unchanged" datagrams client1 $VPN4 1 7 16 100 1400 4000
    offloaded server
    offloaded client1
    carried server
    carried client1
    if by_plane server; then
        equal "$1: nothing was dropped for its key or its id" "$(drops server rx_auth) \
$(drops server rx_replay) $(drops server rx_late)" "0 0 0"
    fi
}

stop_both() {
    vpn_stop client1
    vpn_stop server
}

net_make 2
payload_serve server
for mix in "opendco opendco tcp4 AES-256-GCM" "opendco stock tcp4 AES-128-GCM" \
    "stock opendco tcp4 CHACHA20-POLY1305" "opendco opendco tcp6 CHACHA20-POLY1305" \
    "opendco stock tcp6 AES-256-GCM" "stock opendco tcp6 AES-192-GCM"; do
    read -r first second PROTO CIPHER <<<"$mix"
    expect "$mix: connected" vpn_pair "$first" "$second"
    try "$mix"
    stop_both
done
CIPHER=AES-256-GCM

# Without server mode

# p2p NAME MODE ROLE PROTO OWN-LAST OTHER-LAST [LINE]
p2p() {
    local name=$1
    pki_make client1
    {
        vpn_config_common "$name"
        cat <<END
proto $4
port $PORT
$3
topology subnet
ifconfig 10.7.0.$5 255.255.255.0
ifconfig-ipv6 fd07::$5/64 fd07::$6
keepalive 5 30
cipher AES-256-GCM
${7:-}
END
        [ "$3" != tls-server ] || echo "dh none"
    } >"$W/$name.conf"
    vpn_run "$name" "$2"
}

for mix in "opendco opendco" "opendco stock" "stock opendco"; do
    read -r first second <<<"$mix"
    p2p server "$first" tls-server tcp4-server 1 2
    p2p client1 "$second" tls-client tcp4-client 2 1 "remote $SERVER4"
    expect "$mix, point-to-point: the client is up" vpn_ready client1
    expect "$mix, point-to-point: the server is up" vpn_ready server
    expect "$mix, point-to-point: both families" reach_inner client1 10.7.0.1 fd07::1
    expect "$mix, point-to-point: a stream" payload client1 10.7.0.1 1500000
    offloaded server
    offloaded client1
    stop_both
done

# OpenVPN 2.7

new=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$new"; test_end; }
for mix in "2.7 opendco 2.7 opendco tcp4" "2.7 opendco 2.6 stock tcp6" "2.6 opendco 2.7 opendco tcp4" \
    "2.7 stock 2.7 opendco tcp6"; do
    read -r one first two second PROTO <<<"$mix"
    OPENVPN=$old
    [ "$one" = 2.6 ] || OPENVPN=$new
    vpn_start server "$first"
    vpn_ready server >/dev/null
    OPENVPN=$old
    [ "$two" = 2.6 ] || OPENVPN=$new
    vpn_start client1 "$second"
    expect "$mix: connected" vpn_ready client1
    try "$mix"
    stop_both
done

OPENVPN=$new
PROTO=udp4
vpn_start server opendco "local $SERVER4 $PORT udp4" "local $SERVER4 $PORT tcp4-server"
expect "2.7 listens for UDP and TCP in one process" vpn_ready server
vpn_start client1 opendco
PROTO=tcp4
vpn_start client2 opendco
expect "a client over UDP" vpn_ready client1
expect "a client over TCP" vpn_ready client2
expect "the first works" reach_inner client1 $VPN4 $VPN6
expect "the second works" reach_inner client2 $VPN4 $VPN6
expect "a stream of the second" payload client2 $VPN4 1500000
expect "and they reach each other" reach client1 "$(vpn_client4 2)"
for name in server client1 client2; do
    offloaded $name
done
if by_plane server; then
    equal "both are the plane's" "$(plane server '[.[0].devices[].peers[]] | length')" 2
fi
test_end
