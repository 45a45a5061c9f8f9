#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "The options of a server.conf for the socket, the device and the process keep their \
effect."

net_make 1
udp_client=$(declare -f vpn_config_client)

expect "a fixed device name" vpn_pair opendco opendco "dev tunoffice"
equal "is the server's" "$(tun_of server)" tunoffice
expect "and carries traffic" reach_inner client1 $VPN4 $VPN6
offloaded server
vpn_stop client1
vpn_stop server

expect "an automatic device name" vpn_pair opendco opendco
vpn_net 9
vpn_start server-b opendco
expect "a second tunnel beside it" vpn_ready server-b
vpn_start client1-b opendco
expect "and its client" vpn_ready client1-b
equal "each has the next free name" "$(tun_of server) $(tun_of server-b)" "tun0 tun1"
expect "the second one carries traffic" reach_inner client1-b $VPN4 $VPN6
offloaded server-b
vpn_stop client1-b
vpn_stop server-b
vpn_net 8
expect "and so does the first, when the second has ended" reach_inner client1 $VPN4 $VPN6
offloaded server
vpn_stop client1
vpn_stop server

if in_ns server nft list ruleset >/dev/null 2>&1; then
    vpn_start server opendco "mark 1056"
    vpn_ready server >/dev/null
    vpn_start client1 opendco
    expect "a socket with a mark" vpn_ready client1
    in_ns server nft -f - <<'END'
table inet t {
    counter marked { }
    counter plain { }
    chain c {
        type filter hook output priority 0
        oifname eth0 udp sport 1194 meta mark 1056 counter name marked
        oifname eth0 udp sport 1194 meta mark != 1056 counter name plain
    }
}
END
    expect "carries traffic" reach client1 $VPN4 1000 20
    counted() { in_ns server nft -j list counter inet t "$1" | jq '.nftables[].counter.packets // empty'; }
    between "every packet of the data channel has the mark" "$(counted marked)" 20 1000
    equal "and none is without" "$(counted plain)" 0
    offloaded server
    vpn_stop client1
    vpn_stop server
    in_ns server nft flush ruleset
else
    skip "a socket with a mark" "nft cannot run here"
fi

expect "a client with a fixed port and address" vpn_pair opendco opendco
vpn_stop client1
vpn_config client1 "lport 1999" "local $(client4 1)"
sed -i '/^nobind/d' "$W/client1.conf"
vpn_run client1 opendco
expect "connects" vpn_ready client1
expect "and carries traffic" reach_inner client1 $VPN4 $VPN6
if by_plane server; then
    equal "from that port" "$(plane server '.[0].devices[0].peers[0].remote')" "$(client4 1):1999"
fi
vpn_stop client1
vpn_stop server

expect "tls-crypt, and topology told to the client" sh -c "'$OPENVPN' --genkey secret '$W/ta.key'"
expect "connects with tls-crypt" vpn_pair opendco opendco "tls-crypt $W/ta.key"
expect "and carries traffic" reach_inner client1 $VPN4 $VPN6
offloaded client1
vpn_stop client1
vpn_stop server

# What "opendco run --mss" sets. A kernel counts 12 bytes of options out of what was agreed.
payload_serve server
for mss in auto 1200 off; do
    OPENDCO_MSS=$mss vpn_pair opendco opendco >/dev/null
    got=$(segment_size client1 $VPN4)
    if by_plane server; then
        case $mss in
        auto) between "segments by default fit the path" "$got" 1300 1396 ;;
        1200) equal "segments of 1200 bytes, as told" "$got" 1188 ;;
        off) equal "segments as large as the device allows" "$got" 1448 ;;
        esac
    fi
    expect "--mss $mss: a stream" payload client1 $VPN4 2000000
    offloaded server
    vpn_stop client1
    vpn_stop server
done

# What openvpn's own mssfix sets. Its number is the largest UDP payload, or the largest IP packet on
# the wire with "mtu", or inside the tunnel with "fixed".
# mssfix SIZE LINE...
mssfix() {
    local wanted=$1
    shift
    vpn_pair opendco opendco "$@" >/dev/null
    equal "$(tr '\n' ' ' <<<"$*"): segments of $wanted bytes" \
        "$(segment_size client1 $VPN4)" "$wanted"
    offloaded server
    vpn_stop client1
    vpn_stop server
}
mssfix $((1200 - 24 - 40 - 12)) "mssfix 1200"
mssfix $((1300 - 28 - 24 - 40 - 12)) "mssfix 1300 mtu"
mssfix $((1100 - 40 - 12)) "mssfix 1100 fixed"
mssfix 1448 "mssfix 0"
mssfix 1448 "mssfix 1200" "mssfix 0"
vpn_config_client() {
    printf '%s\n' client "proto udp4" nobind "remote-cert-tls server" "connect-retry 1 2" \
        "mssfix 1400" "<connection>" "remote $SERVER4 $PORT" "mssfix 1150" "</connection>"
}
vpn_start server opendco
vpn_ready server >/dev/null
vpn_start client1 opendco
expect "mssfix in a <connection>" vpn_ready client1
equal "limits the segments" "$(segment_size client1 $VPN4)" $((1150 - 24 - 40 - 12))
offloaded client1
vpn_stop client1
vpn_stop server
eval "$udp_client"

# queue NAME: the length of its device's transmit queue
queue() { in_ns "$1" cat "/sys/class/net/$(tun_of "$1")/tx_queue_len"; }
expect "txqueuelen" vpn_pair opendco opendco "txqueuelen 2345"
equal "is the length of the server's queue" "$(queue server)" 2345
equal "and of the client's" "$(queue client1)" 2345
expect "and traffic flows" reach_inner client1 $VPN4 $VPN6
vpn_stop client1
vpn_stop server

# refused NAME ADDRESS: a connection is answered with "no route", and not with a timeout
refused() {
    in_ns "$1" python3 -c '
import errno, socket, sys
try:
    socket.create_connection((sys.argv[1], 5300), timeout=30)
except TimeoutError:
    sys.exit("timeout")
except OSError as error:
    sys.exit(error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH))
sys.exit("connected")' "$2"
}
vpn_start server opendco
vpn_ready server >/dev/null
vpn_start client1 opendco "block-ipv6"
expect "a client with block-ipv6" vpn_ready client1
expect "reaches an IPv4 address" reach client1 $VPN4
expect "and is told at once that there is no way to an IPv6 address" refused client1 $VPN6
# A packet as large as the tunnel allows, so that the answer is cut to 1280 bytes.
expect "also for a large datagram" in_ns client1 python3 -c '
import errno, socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, 25, 1) # IPV6_RECVERR
s.connect((sys.argv[1], 5300))
s.settimeout(30)
s.send(bytes(1400))
try:
    s.recv(1)
except OSError as error:
    sys.exit(error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH))
sys.exit("answered")' $VPN6
if by_plane client1; then
    between "the packets are counted" "$(drops client1 tx_blocked)" 2 1000
fi
offloaded client1
vpn_stop client1
vpn_stop server

for workers in 1 2 4; do
    OPENDCO_WORKERS=$workers vpn_pair opendco opendco >/dev/null
    expect "$workers workers carry traffic" reach_inner client1 $VPN4 $VPN6
    if by_plane server; then
        between "and are as many, or what fits" "$(plane server '.[0].workers')" 1 "$workers"
    fi
    offloaded server
    vpn_stop client1
    vpn_stop server
done
test_end
