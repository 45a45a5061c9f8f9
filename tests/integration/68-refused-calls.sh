#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "The system call filters allow everything that our threads do: routes, path MTUs, \
keepalives, lost peers and the status."

if [ "${OPENDCO_TEST_MODE:-}" = stock ]; then
    skip "calls that are refused" "OPENDCO_TEST_MODE is stock"
    test_end
fi
if ! command -v strace >/dev/null; then
    skip "calls that are refused" "strace is not installed"
    test_end
fi

# traced NAME: records every failing system call of that openvpn's threads from now on

traced() {
    strace -f -qq -e trace=all -e status=failed -o "$W/calls-$1" -p "$(pid_of "$1")" &

    other_pids+=($!)
    until_true 30 is_traced "$1"
}
is_traced() { grep -qE '^TracerPid:[[:space:]]*[1-9]' /proc/"$(pid_of "$1")"/task/*/status; }

# of_the_plane NAME: prints the ids of the plane's threads while it runs
of_the_plane() {
    grep -lE '^opendco[-/]' /proc/"$(pid_of "$1")"/task/*/comm | sed -E 's|.*/task/([0-9]+)/comm|\1|'
}

# none_refused NAME IDS...: no system call of these threads was refused
none_refused() {
    local name=$1 id
    shift
    for id in "$@"; do
        ! grep -E "^$id .* EPERM" "$W/calls-$name" || return 1
    done
}

gone() { [ "$(plane server '.[0].devices[0].peers | length')" = 0 ]; }

# The server hears of a lost client, the client of a lost server (and is nudged, with persist-tun
# after a restart).
net_make 1
vpn_pair opendco opendco "keepalive 1 4" "persist-tun" "persist-key" >/dev/null
if ! traced client1 || ! traced server; then
    skip "calls that are refused" "processes cannot be traced here"
    test_end
fi
read -ra server_ids <<<"$(of_the_plane server | tr '\n' ' ')"
read -ra client_ids <<<"$(of_the_plane client1 | tr '\n' ' ')"
between "the server's threads are watched" "${#server_ids[@]}" 3 18
expect "packets pass" until_true 20 reach_inner client1 "$VPN4" "$VPN6"
in_ns server ip route add 10.77.0.0/16 dev "$(tun_of server)" via 10.8.0.2
in_ns server ip link set eth0 mtu 1400
expect "status answers" plane server '.[0].active'
equal "the mtu of the device is known" "$(plane server '.[0].devices[0].mtu')" \
    "$(in_ns server cat "/sys/class/net/$(tun_of server)/mtu")"
sleep 2 # keepalives, path MTUs
vpn_signal client1 USR1
expect "the client is back after a restart" until_true 60 log_has client1 \
    'Initialization Sequence Completed' 2
vpn_signal server STOP
expect "the client loses its server" until_true 90 log_has client1 'SIGUSR1.*received, process restarting' 2
vpn_signal server CONT
vpn_stop client1 KILL
expect "the server loses its client" until_true 90 gone
expect "no call of the server's threads was refused" none_refused server "${server_ids[@]}"
expect "nor one of the client's" none_refused client1 "${client_ids[@]}"
test_end
