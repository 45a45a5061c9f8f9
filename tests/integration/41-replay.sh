#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Recorded packets that are sent again, and forged packets, are dropped and disconnect \
nobody."

# inject FILE [CHANGE]: sends the recorded UDP packets again from the client's machine, unchanged or
# with one byte changed (header, tag or body)
inject() {
    in_ns client1 python3 - "$W/$1.pcap" "${2:-none}" <<'END'
import random, socket, struct, sys

random.seed(1)
change = {'none': None, 'header': 1, 'id': 7, 'tag': 12, 'body': 30}[sys.argv[2]]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(('eth0', 0))
data = open(sys.argv[1], 'rb').read()
at, count = 24, 0
while at + 16 <= len(data):
    length = struct.unpack_from('<I', data, at + 8)[0]
    frame = bytearray(data[at + 16:at + 16 + length])
    at += 16 + length
    payload = 14 + (frame[14] & 15) * 4 + 8
    if frame[payload] >> 3 != 9:  # data packets only
        continue
    if change is not None and payload + change < len(frame):
        frame[payload + change] ^= 1 << random.randrange(8)
    frame[payload - 2:payload] = b'\0\0'  # no UDP checksum
    wire.send(bytes(frame))
    count += 1
print(count)
END
}

total_received() { plane server '[.[0].devices[].peers[].rx_packets] | add'; }

net_make 1
# Single packets on the wire, so that recorded packets can be sent again.
in_ns client1 ethtool -K eth0 tx off tso off gso off >/dev/null 2>&1
expect "connected" vpn_pair opendco stock
if ! capture_start client1 recorded "udp and dst port $PORT"; then
    skip "replay" "tcpdump cannot run here"
    test_end
fi
expect "traffic to record" reach client1 $VPN4 100 30
capture_stop
if ! by_plane server; then
    skip "replay" "the server is stock openvpn"
    test_end
fi

# dropped REASON: since $before
dropped() { echo $(($(drops server "$1") - before)); }

before=$(drops server rx_replay)
received=$(total_received)
sent=$(inject recorded)
between "there is something to replay" "$sent" 30 60
eventually "each replayed packet is dropped and counted" "$sent" dropped rx_replay
between "and none is delivered" "$(($(total_received) - received))" 0 2

# A change in the header names another peer or key; a change elsewhere makes the tag wrong.
for part in tag body id; do
    before=$(drops server rx_auth)
    sent=$(inject recorded $part)
    eventually "packets with a changed $part are dropped as forged" "$sent" dropped rx_auth
done
before=$(drops server rx_no_peer)
sent=$(inject recorded header)
eventually "packets for a peer that does not exist are dropped" "$sent" dropped rx_no_peer

# Noise: short, long and random datagrams, from the client's machine and its port.
in_ns client1 python3 - $SERVER4 $PORT <<'END'
import os, random, socket, sys
random.seed(2)
noise = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for size in list(range(0, 40)) * 5 + [500, 1400]:
    noise.sendto(os.urandom(size), (sys.argv[1], int(sys.argv[2])))
for opcode in range(32):
    for size in (1, 3, 4, 7, 8, 9, 23, 24, 25, 100):
        noise.sendto(bytes([opcode << 3]) + os.urandom(size - 1), (sys.argv[1], int(sys.argv[2])))
END
sleep 1
expect "the tunnel works after all that" reach_inner client1 $VPN4 $VPN6
equal "and openvpn is still there" "$(management server pid | grep -c SUCCESS)" 1
offloaded server
test_end
