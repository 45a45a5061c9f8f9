#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "After a power cut at an office with hundreds of users, openvpn and the plane agree \
about the connected clients and their addresses."

MANY=${MANY_CLIENTS:-200}

# All in one namespace, on one address, without a device of their own: the server sees no difference.
many_config() {
    vpn_config client1 "ifconfig-noexec" "route-noexec"
    sed -i -e 's/^dev tun$/dev null/' -e '/^management /d' -e 's/^verb 4$/verb 3/' "$W/client1.conf"
}

start_all() {
    local i
    pids=()
    for ((i = 0; i < MANY; i++)); do
        ip netns exec "$(ns client1)" "$OPENVPN" --config "$W/client1.conf" --disable-dco \
            >"$W/many-$i.log" 2>&1 &
        pids+=($!)
    done
    other_pids=("${pids[@]}")
}

kill_all() {
    kill -KILL "${pids[@]}"
    wait "${pids[@]}"
    other_pids=()
} 2>/dev/null

known() { management server 'status 2' | grep -c '^CLIENT_LIST,client'; }
peers() { plane server '[.[0].devices[].peers[]] | length'; }
agree() { [ "$(known)" -eq "$1" ] && { ! by_plane server || [ "$(peers)" -eq "$1" ]; }; }

# Each peer of the plane under the address and the inner address that openvpn has for it.
tables() {
    diff <(management server 'status 2' | sed -nE 's/^CLIENT_LIST,client1,([0-9.:]+),([0-9.]+),.*/\1 \2/p' | sort) \
        <(plane server '.[0].devices[].peers[] | "\(.remote) \(.vpn_ipv4)"' | sort)
}

net_make 1
vpn_start server opendco duplicate-cn "keepalive 2 10" "connect-freq-initial 1000 1"
vpn_ready server >/dev/null
rm -rf "$W/ccd-8"
many_config
rm -rf "$W/ccd-8/client1"

start_all
expect "$MANY clients connect" until_true 90 agree "$MANY"
if by_plane server; then
    expect "the plane has each under the addresses openvpn has" tables
fi
kill_all
start_all
# The dead ones of the first round fall out of both while the second round comes in.
expect "killed and started again, all of them and none of the dead" until_true 120 agree "$MANY"
if by_plane server; then
    expect "the plane has each under the addresses openvpn has" tables
    equal "and nothing else was forgotten: one device" "$(plane server '.[0].devices | length')" 1
fi
kill_all
expect "all of them gone, both forget them" until_true 60 agree 0
expect "the server is well" vpn_stop server TERM 100
test_end
