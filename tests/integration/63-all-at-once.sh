#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# exclusive: its clients, transfers and crashes take all processors
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "A server under monitoring keeps working while its clients crash, restart and \
renegotiate, and the network comes and goes."

# The order of the events is the same in every run; their timing against each other is not.
RANDOM=${SEED:-1}
LOG_LEVEL=info
CLIENTS="1 2 3"

load() {
    while :; do
        for i in $CLIENTS; do
            ip netns exec "$(ns "client$i")" timeout 3 iperf3 -c $VPN4 -t 2 -b 100M --bidir \
                --connect-timeout 500
        done
    done
}

# Monitoring that asks all the time.
watch_all() {
    while :; do
        status server
        status client1
        management server "status 2"
    done
}

# A separate shell, so that its end does not end the test.
in_background() {
    (trap - EXIT INT TERM HUP; "$@") >/dev/null 2>&1 &
    other_pids+=($!)
}

is_openvpn() { [ "$(cat "/proc/${vpn_pid[$1]}/comm")" = openvpn ]; }

# Before it executes openvpn the process does not handle our signals.
crashes() {
    vpn_stop "$1" KILL 2>/dev/null
    vpn_run "$1" opendco
    until_true 10 is_openvpn "$1"
}

something_happens() {
    local i=$((1 + RANDOM % 3))
    case $((RANDOM % 6)) in
    0) vpn_signal server USR1; sleep 2 ;;
    1) vpn_signal client$i USR1 ;;
    2) crashes client$i ;;
    3) in_ns server ip link set eth0 down; sleep 0.2; in_ns server ip link set eth0 up ;;
    4) management server "kill client$i" >/dev/null ;;
    5) sleep 1 ;;
    esac
    sleep 0.$((RANDOM % 9))
}

# the_server_ends: at once, although somebody asks it all the time
the_server_ends() { vpn_stop server TERM 100; }

# storm WHAT LINE...
storm() {
    local what=$1 i end held begin
    shift
    vpn_start server opendco "keepalive 1 4" "reneg-sec 7" "script-security 2" \
        "client-connect /bin/true" "client-disconnect /bin/true" "$@"
    expect "$what: the server is up" vpn_ready server
    for i in $CLIENTS; do
        # A client whose server restarts before it has sent its options waits for them so long.
        vpn_start client$i opendco "connect-retry 1 1" "reneg-sec 5" "hand-window 10" "$@"
        expect "$what: client $i is up" vpn_ready client$i
    done
    held=$(fds_of server)
    iperf_serve server
    in_background load
    in_background watch_all
    end=$((SECONDS + ${STORM_SECONDS:-20}))
    while [ $SECONDS -lt $end ] && vpn_lives server; do
        something_happens
    done
    expect "$what: the server lives" vpn_lives server
    # An attempt of openvpn that got no answer to the end takes ten seconds, and there may be several.
    begin=$SECONDS
    for i in $CLIENTS; do
        expect "$what: client $i works afterwards" \
            until_true 30 in_ns client$i ping -n -c 1 -W 1 $VPN4
        note "after $((SECONDS - begin)) s"
    done
    ! by_plane server || eventually "$what: the server holds what it held" "$held" fds_of server
    offloaded server
    expect "$what: it ends when it is told to" the_server_ends
    for i in $CLIENTS; do
        vpn_stop client$i
    done
    for i in "${other_pids[@]}"; do
        end_pid "$i"
    done
    other_pids=()
}

vpn_lives() { kill -0 "${vpn_pid[$1]}"; }

net_make 3
storm "devices made anew"
storm "persist-tun" "persist-tun" "persist-key"
test_end
