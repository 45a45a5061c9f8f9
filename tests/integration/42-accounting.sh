#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "openvpn does not move the packets of an offloaded tunnel itself, and its counters \
agree with the traffic on the wire."

# peer NAME MEMBER: of the one peer
peer() { plane "$1" ".[0].devices[0].peers[0].$2"; }

# The work of openvpn's own thread so far: clock ticks of processor time, and KiB moved by read() and
# write(), with which it would use its own tun device
own_work() {
    local pid=${vpn_pid[$1]}
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/task/$pid/stat"
    awk '/^[rw]char/ { n += $2 } END { print int(n / 1024) }' "/proc/$pid/task/$pid/io"
}

status_bytes() { management server 'status 2' | sed -nE 's/^CLIENT_LIST,client1,([^,]*,){3}([0-9]+),([0-9]+),.*/\2 \3/p'; }

# own_counter NAME: of the client's openvpn, as SIGUSR2 prints it
own_counter() { sed -nE "s|^$1,([0-9]+).*|\1|p" "$W/client1.log" | tail -n 1; }

# near A B PERCENT
near() { awk -v a="$1" -v b="$2" -v p="$3" 'BEGIN { d = a > b ? a - b : b - a; exit !(d * 100 <= b * p) }'; }

# data_packets FILE DIRECTION: data packets of a capture, each segment of a train counted, and their
# UDP payload in bytes. A capture on the sender shows trains whole.
data_packets() {
    python3 - "$W/$1.pcap" "$2" <<'END'
import struct, sys
data = open(sys.argv[1], 'rb').read()
source = bytes(int(part) for part in sys.argv[2].split('.'))
at, packets, total = 24, 0, 0
while at + 16 <= len(data):
    length = struct.unpack_from('<I', data, at + 8)[0]
    frame = data[at + 16:at + 16 + length]
    at += 16 + length
    start = 14 + (frame[14] & 15) * 4 + 8
    if frame[26:30] != source or frame[start] >> 3 != 9:
        continue
    packets += 1
    total += len(frame) - start
print(packets, total)
END
}

net_make 1
# One datagram per frame, so that a capture can be counted.
for name in server client1; do
    in_ns $name ethtool -K eth0 tx-udp-segmentation off gso off gro off >/dev/null 2>&1
done
expect "connected" vpn_pair opendco opendco "keepalive 0 0"
if ! by_plane server; then
    skip "the plane's counters" "OPENDCO_TEST_MODE is stock"
    test_end
fi
payload_serve server
settled peer server rx_packets >/dev/null

members="rx_packets tx_packets rx_bytes tx_bytes link_rx_packets link_tx_packets link_rx_bytes link_tx_bytes"
declare -A before=()
for member in $members; do before[$member]=$(peer server $member); done
if capture_start server wire "udp port $PORT"; then
    expect "pings while a capture runs" reach client1 $VPN4 1000 200
    expect "and a stream both ways, in trains" payload client1 $VPN4 3000000
    capture_stop
    read -r in_packets in_bytes < <(data_packets wire "$(client4 1)")
    read -r out_packets out_bytes < <(data_packets wire $SERVER4)
    declare -A got=()
    for member in $members; do got[$member]=$(($(peer server $member) - before[$member])); done
    between "the capture holds all of it" "$in_packets" 2000 20000
    equal "received on the wire: packets as captured" "${got[link_rx_packets]}" "$in_packets"
    equal "received on the wire: bytes as captured" "${got[link_rx_bytes]}" "$in_bytes"
    equal "sent on the wire: packets as captured" "${got[link_tx_packets]}" "$out_packets"
    equal "sent on the wire: bytes as captured" "${got[link_tx_bytes]}" "$out_bytes"
    equal "received inside: packets" "${got[rx_packets]}" "$in_packets"
    equal "sent inside: packets" "${got[tx_packets]}" "$out_packets"
    equal "received inside: 24 bytes less each" "${got[rx_bytes]}" $((in_bytes - 24 * in_packets))
    equal "sent inside: 24 bytes less each" "${got[tx_bytes]}" $((out_bytes - 24 * out_packets))
else
    skip "counters against a capture" "tcpdump cannot run here"
fi

iperf_serve server
declare -A work=()
for name in server client1; do work[$name]=$(own_work $name); done
expect "a heavy transfer" iperf client1 $VPN4 -n 200M
for name in server client1; do
    read -r ticks kib <<<"$(echo ${work[$name]})"
    read -r ticks_now kib_now <<<"$(own_work $name | tr '\n' ' ')"
    between "$name: openvpn's own thread had next to nothing to do" $((ticks_now - ticks)) 0 15
    between "$name: and moved no data" $((kib_now - kib)) 0 1024
done
# With offload openvpn 2.6 prints the plane's numbers instead of its own for the tun device. So the work
# above proves that it read nothing, and these numbers must be the plane's.
vpn_signal client1 USR2
expect "client1: SIGUSR2 prints openvpn's counters" until_true 3 log_has client1 '^TCP/UDP write bytes,'
for pair in "TCP/UDP read:link_rx" "TCP/UDP write:link_tx" "TUN/TAP read:rx" "TUN/TAP write:tx"; do
    expect "client1: openvpn's \"${pair%:*} bytes\" are the plane's" \
        near "$(own_counter "${pair%:*} bytes")" "$(peer client1 "${pair#*:}_bytes")" 1
done
received=$(settled peer server rx_bytes)
read -r bytes_in bytes_out <<<"$(status_bytes)"
expect "openvpn's status shows the bytes received" near "${bytes_in:-0}" "$received" 4
expect "and sent" near "${bytes_out:-0}" "$(peer server tx_bytes)" 50
expect "the two ends agree on packets" near "$(peer server rx_packets)" "$(peer client1 tx_packets)" 2
for name in server client1; do offloaded $name; done
test_end
