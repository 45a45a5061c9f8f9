#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Downloads go on after the path has become narrower (another uplink, another tunnel on \
the way), without a restart of openvpn."

# narrow MTU: sets the MTU of the wire between server and client
narrow() {
    ip -n "$(ns server)" link set eth0 mtu "$1"
    ip -n "$(ns client1)" link set eth0 mtu "$1"
}

# mss_within LOW HIGH: the segment size of a new connection to client 1, which the plane has limited
mss_within() {
    local got
    got=$(segment_size server "$(vpn_client4 1)")
    [ "$got" -ge "$1" ] && [ "$got" -le "$2" ]
}

# flowing BYTES: the server has sent clearly more than that
flowing() { [ "$(tx_bytes)" -gt $(($1 + 2000000)) ]; }
tx_bytes() { plane server '[.[0].devices[].peers[].tx_bytes] | add // 0'; }

net_make 1
payload_serve server
payload_serve client1
for PROTO in udp4 udp6; do
    narrow 1500
    expect "$PROTO: connected" vpn_pair opendco opendco
    if ! by_plane server; then
        skip "$PROTO: the plane's view of the path" "OPENDCO_TEST_MODE is stock"
        vpn_stop client1
        vpn_stop server
        continue
    fi
    iperf_serve server
    wide=$(segment_size server "$(vpn_client4 1)")
    background client1 iperf3 -c $VPN4 -t 3000 -b 80M --bidir >"$W/load-$PROTO" 2>&1
    load=$started
    sleep 1
    for mtu in 1400 1300 1500; do
        narrow $mtu
        begin=$(tx_bytes)
        expect "$PROTO, path of $mtu bytes: a transfer that was under way goes on" \
            until_true 8 flowing "$begin"
        expect "$PROTO, path of $mtu bytes: a stream arrives unchanged" payload client1 $VPN4 2000000
        expect "$PROTO, path of $mtu bytes: so does one over IPv6" payload server "$(vpn_client6 1)" 2000000
        expect "$PROTO, path of $mtu bytes: datagrams of every size" datagrams client1 $VPN4 \
            100 1200 1300 1372 1400 3000
        if [ $mtu -eq 1300 ]; then
            # Housekeeping asks for each path every ten seconds.
            expect "$PROTO: new connections know" until_true 20 mss_within 1000 $((wide - 150))
        fi
    done
    expect "$PROTO: and that the path is wide again" until_true 20 mss_within "$wide" "$wide"
    end_pid "$load"
    end_pid "$iperf_pid"
    offloaded server
    vpn_stop client1
    vpn_stop server
done
narrow 1500
PROTO=udp4

# The narrow link is behind a router, so only ICMP messages tell the server.
for name in server client1; do
    ip -n "$(ns $name)" link del eth0 2>/dev/null
done
net_add router
net_wire server router eth0 left
net_wire client1 router eth0 right
net_address server $SERVER4/24 $SERVER6/64
net_address client1 10.12.0.2/24 fd12::2/64
ip -n "$(ns router)" addr add 10.11.0.254/24 dev left
ip -n "$(ns router)" addr add fd11::254/64 dev left nodad
ip -n "$(ns router)" addr add 10.12.0.254/24 dev right
ip -n "$(ns router)" addr add fd12::254/64 dev right nodad
for route in "server default via 10.11.0.254" "server default via fd11::254" \
    "client1 default via 10.12.0.254" "client1 default via fd12::254"; do
    # shellcheck disable=SC2086 # several words
    ip -n "$(ns ${route%% *})" route add ${route#* }
done
for PROTO in udp4 udp6; do
    ip -n "$(ns router)" link set right mtu 1500
    ip -n "$(ns client1)" link set eth0 mtu 1500
    expect "$PROTO behind a router: connected" vpn_pair opendco opendco
    expect "$PROTO behind a router: a stream" payload client1 $VPN4 2000000
    ip -n "$(ns router)" link set right mtu 1320
    ip -n "$(ns client1)" link set eth0 mtu 1320
    for ((round = 1; round <= 3; round++)); do
        expect "$PROTO behind a narrow router: a stream from the server" \
            payload server "$(vpn_client4 1)" 2000000
        expect "$PROTO behind a narrow router: and to it" payload client1 $VPN6 2000000
    done
    expect "$PROTO behind a narrow router: datagrams of every size" datagrams server \
        "$(vpn_client4 1)" 100 1200 1250 1300 1372 1400 3000
    offloaded server
    vpn_stop client1
    vpn_stop server
done
test_end
