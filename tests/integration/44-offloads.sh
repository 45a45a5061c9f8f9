#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "The tunnel works without any one of the kernel offloads and without all of them, as \
on other kernels, network cards and processors."

TRAIN=1200 # bytes of each datagram of a UDP train

# in_order FROM TO: the answers to pings arrive in order while a hundred are on the way. The first ping
# goes alone, because the kernel chooses the queue of its answer before it knows the queue of the flow.
in_order() {
    in_ns "$1" ping -n -c 1 -w 2 "$2" >/dev/null
    in_ns "$1" ping -n -l 100 -c 600 -i 0.002 "$2" >"$W/pings" 2>&1
    sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "$W/pings" >"$W/answers"
    [ "$(wc -l <"$W/answers")" -ge 500 ] && sort -nc "$W/answers"
}

# carries WHAT: streams, datagrams and trains of datagrams, both inner families and directions
carries() {
    expect "$1: a stream over IPv4 arrives unchanged, both ways" payload client1 $VPN4 6000000
    expect "$1: a stream over IPv6" payload client1 $VPN6 6000000
    expect "$1: a stream begun by the server" payload server "$(vpn_client4 1)" 6000000
    expect "$1: trains of datagrams over IPv4" trains client1 $VPN4 $TRAIN 40 10
    expect "$1: trains of datagrams over IPv6" trains client1 $VPN6 $TRAIN 40 10
    expect "$1: trains of datagrams from the server" trains server "$(vpn_client4 1)" 333 60 5
    expect "$1: single datagrams of many sizes" datagrams client1 $VPN4 1 100 1371 1372 1373 1400 4000
}

# off NAME: the members of its status's offloads that are off
off() {
    plane "$1" '.[0].devices[0].offloads | to_entries | map(select(.value | not).key) | join(" ")'
}

# leaves WHAT trains|packets: a stream leaves the server's machine as trains, which the kernel or the card
# cuts, or as single packets
leaves() {
    local large
    if ! capture_start server out "udp src port $PORT and greater 1600"; then
        skip "$1: leaves as $2" "tcpdump cannot run here"
        return
    fi
    expect "$1: a stream while a capture runs" payload client1 $VPN4 3000000
    capture_stop
    large=$(capture_count out)
    case $2 in
    trains) between "$1: leaves as trains" "$large" 20 100000 ;;
    packets) equal "$1: leaves as single packets" "$large" 0 ;;
    esac
}

stop_both() {
    vpn_stop client1
    vpn_stop server
}

net_make 1
payload_serve server
payload_serve client1
expect "all on: connected" vpn_pair opendco opendco
carries "all on"
expect "all on: answers to pings over IPv4 come in order" in_order client1 $VPN4
expect "all on: and over IPv6" in_order client1 $VPN6
if ! by_plane server; then
    skip "offloads of the plane" "OPENDCO_TEST_MODE is stock"
    test_end
fi
note "missing in this kernel: $(off server)"
[[ " $(off server) " == *" udp_gso "* ]] || leaves "all on" trains
offloaded server
stop_both

for name in tun-uso tun-tso udp-gso udp-gro tun-batch tun-tso,tun-uso,udp-gso,udp-gro,tun-batch; do
    export OPENDCO_OFFLOADS_OFF=$name
    expect "without $name: connected" vpn_pair opendco opendco
    unset OPENDCO_OFFLOADS_OFF
    for member in $(tr -- ',-' ' _' <<<"$name"); do
        expect "without $name: status says so" grep -qw "$member" <(off server)
    done
    carries "without $name"
    [[ $name != *udp-gso* ]] || leaves "without $name" packets
    offloaded server
    offloaded client1
    stop_both
done

# An egress without checksum offload refuses trains (EIO); one without segmentation has the kernel cut.
for features in "tx off" "tx-udp-segmentation off" "gso off gro off"; do
    for name in server client1; do
        # shellcheck disable=SC2086 # several words
        in_ns $name ethtool -K eth0 $features >/dev/null 2>&1
    done
    expect "ethtool $features: connected" vpn_pair opendco opendco
    carries "ethtool $features"
    [ "$features" = "gso off gro off" ] || leaves "ethtool $features" packets
    offloaded server
    offloaded client1
    stop_both
    for name in server client1; do
        in_ns $name ethtool -K eth0 tx on tx-udp-segmentation on gso on gro on >/dev/null 2>&1
    done
done

# The other implementation of the ciphers, the only one on other processors.
for CIPHER in AES-128-GCM AES-256-GCM CHACHA20-POLY1305; do
    export OPENDCO_AEAD=openssl
    expect "OpenSSL, $CIPHER: connected" vpn_pair opendco opendco
    unset OPENDCO_AEAD
    expect "OpenSSL, $CIPHER: is what encrypts" log_has server 'a key of [0-9]* bits, by openssl'
    equal "OpenSSL, $CIPHER: and nothing else" "$(log_count server 'by ipsec-mb')" 0
    carries "OpenSSL, $CIPHER"
    offloaded server
    stop_both
done
test_end
