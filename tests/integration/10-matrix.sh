#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Every pair of server and client connects and passes data undamaged: each end with \
OpenDCO or without it, every transport family and every cipher."

MIXES=("opendco opendco" "opendco stock" "stock opendco")

# try SERVER-MODE CLIENT-MODE
try() {
    local what="$PROTO $CIPHER, server $1, client $2"
    expect "$what: connected" vpn_pair "$1" "$2" || return
    expect "$what: IPv4 and IPv6 inside, from the client" reach_inner client1 $VPN4 $VPN6
    expect "$what: and from the server" \
        reach_inner server "$(vpn_client4 1)" "$(vpn_client6 1)"
    expect "$what: a stream over IPv4 arrives unchanged" payload client1 $VPN4 3000000
    expect "$what: a stream over IPv6 arrives unchanged" payload client1 $VPN6 3000000
    expect "$what: datagrams arrive unchanged" datagrams client1 $VPN4 1 7 8 15 16 100 1371 1400
    offloaded server
    offloaded client1
}

stop_both() {
    vpn_stop client1
    vpn_stop server
}

net_make 1
payload_serve server
for mix in "${MIXES[@]}"; do
    for CIPHER in AES-256-GCM AES-128-GCM AES-192-GCM CHACHA20-POLY1305; do
        # shellcheck disable=SC2086 # two words
        try $mix
        stop_both
    done
    CIPHER=AES-256-GCM
    for PROTO in udp6 udp; do
        # shellcheck disable=SC2086
        try $mix
        stop_both
    done
    PROTO=udp4
done
test_end
