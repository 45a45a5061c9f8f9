#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A client that moves twice, or back again, keeps its tunnel at the next renegotiation, \
although openvpn knows only its first address."

# move FROM TO: the client's outer address changes; packets in between find no source.
move() {
    in_ns client1 ip addr flush dev eth0 to "$1"
    net_address client1 "$2"
}

rekeyed() { [ "$(log_count server 'Control Channel: TLS')" -gt "$1" ]; }

# renegotiates WHERE
renegotiates() {
    local before
    before=$(log_count server 'Control Channel: TLS')
    expect "$mix: a renegotiation succeeds from $1" until_true 25 rekeyed "$before"
    expect "$mix: and the tunnel works with the new key" reach client1 $VPN4
}

net_make 1
home=$(client4 1)/16
first=10.11.1.99/16
then=10.11.1.77/16
for mix in "opendco opendco" "opendco stock"; do
    # shellcheck disable=SC2086 # two words
    expect "$mix: connected" vpn_pair $mix "reneg-sec 14 14" "keepalive 2 30"
    expect "$mix: works at home" reach client1 $VPN4
    move $home $first
    expect "$mix: works from the first address" until_true 6 reach client1 $VPN4 56 2
    move $first $then
    expect "$mix: works from the second" until_true 6 reach client1 $VPN4 56 2
    by_plane server && renegotiates "the second"
    move $then $home
    expect "$mix: works at home again" until_true 6 reach client1 $VPN4 56 2
    by_plane server && renegotiates home
    offloaded server
    vpn_stop client1
    vpn_stop server
done
test_end
