#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A server whose clients come and go all day stays correct: it forgets no client and \
keeps no dead one."

CLIENTS=${CHURN_CLIENTS:-12}
ROUNDS=3

peers() { plane server '[.[0].devices[].peers[]] | length'; }
known() { management server 'status 2' | grep -c '^CLIENT_LIST,client'; }
agree() { [ "$(known)" -eq "$1" ] && { ! by_plane server || [ "$(peers)" -eq "$1" ]; }; }

threads() { ls "/proc/${vpn_pid[server]}/task" | wc -l; }
descriptors() { ls "/proc/${vpn_pid[server]}/fd" | wc -l; }

net_make "$CLIENTS"
vpn_start server opendco "keepalive 1 5"
vpn_ready server >/dev/null
for ((round = 1; round <= ROUNDS; round++)); do
    for ((i = 1; i <= CLIENTS; i++)); do
        vpn_start "client$i" stock
    done
    up=0
    for ((i = 1; i <= CLIENTS; i++)); do
        vpn_ready "client$i" 40 >/dev/null && up=$((up + 1))
    done
    equal "round $round: all clients are up" $up "$CLIENTS"
    lost=0
    for ((i = 1; i <= CLIENTS; i++)); do
        reach "client$i" $VPN4 56 2 >/dev/null || lost=$((lost + 1))
    done
    equal "round $round: all of them work" $lost 0
    expect "round $round: openvpn and the plane agree on their number" until_true 5 agree "$CLIENTS"
    if [ $round -eq 1 ]; then
        threads=$(threads)
        descriptors=$(descriptors)
    fi
    # KILL leaves no exit message, so only the timeout ends the session; the last round reconnects at once.
    for ((i = 1; i <= CLIENTS; i++)); do
        vpn_stop "client$i" KILL
    done 2>/dev/null
    [ $round -eq 2 ] || expect "round $round: all are forgotten" until_true 20 agree 0
done
equal "the server has as many threads as after the first round" "$(threads)" "$threads"
between "and as many descriptors" "$(descriptors)" $((descriptors - 2)) $((descriptors + 2))
offloaded_server=$(by_plane server && plane server '.[0].active')
if by_plane server; then equal "the server is offloaded" "$offloaded_server" true; fi
test_end
