#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "A flood of one port cannot use up the memory that the host has for the UDP sockets of \
all processes."

BUDGET=$((128 << 20))

# sockets FIELD: prints the sum of a field of skmem over the server's UDP sockets: rb is the limit, r the
# use
sockets() {
    in_ns server ss -Huanm | sed -nE "s/.*skmem:\((.*,)?$1([0-9]+),.*/\2/p" | awk '{ n += $1 } END { print n + 0 }'
}

# flood: sends data packets of unknown peers, to each worker's socket more than all sockets can hold
flood() {
    in_ns client1 python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(100000):
    packet = bytes([9 << 3, 0, i >> 8 & 255, i & 255]) + bytes(1196)
    try:
        s.sendto(packet, (sys.argv[1], int(sys.argv[2])))
    except OSError:
        pass' "$SERVER4" "$1"
}

# bounded WHAT PORT...: with the server stopped, nothing is read while the floods last
bounded() {
    local what=$1 port held
    shift
    by_plane server || return 0
    # Sockets that only send have the least that the kernel gives.
    between "$what: all buffers together" "$(sockets rb)" 1 $((BUDGET + 32 * 4096))
    vpn_signal server STOP
    for port in "$@"; do
        flood "$port"
    done
    held=$(sockets r)
    vpn_signal server CONT
    # A packet is taken as long as there is any room, however large it is.
    between "$what: and what they hold in a flood" "$held" $((BUDGET / 4)) $((BUDGET + BUDGET / 16))
}

# This namespace does not show udp_mem, and the machine may be small.
memory=$(($(getconf _PHYS_PAGES) / 8 / 4 * $(getconf PAGESIZE)))
[ "$memory" -ge $BUDGET ] || BUDGET=$memory

net_make 1
OPENDCO_WORKERS=16 vpn_start server opendco
expect "sixteen workers: the server is up" vpn_ready server
vpn_start client1 opendco
expect "sixteen workers: the client is up" vpn_ready client1
bounded "sixteen workers" "$PORT"
expect "sixteen workers: the tunnel works after the flood" until_true 30 reach_inner client1 $VPN4 $VPN6
offloaded server
vpn_stop client1
vpn_stop server

if new=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7"); then
    OPENVPN=$new
    ports=("$PORT" $((PORT + 1)) $((PORT + 2)))
    lines=("${ports[@]/#/local $SERVER4 }")
    OPENDCO_WORKERS=8 vpn_start server opendco "${lines[@]/%/ udp4}"
    expect "three ports: the server is up" vpn_ready server
    vpn_start client1 opendco
    expect "three ports: the client is up" vpn_ready client1
    expect "three ports: the tunnel works" until_true 30 reach_inner client1 $VPN4 $VPN6
    bounded "three ports" "${ports[@]}"
    expect "three ports: the tunnel works after the flood" until_true 30 reach_inner client1 $VPN4 $VPN6
    offloaded server
else
    skip "three ports" "$new"
fi
test_end
