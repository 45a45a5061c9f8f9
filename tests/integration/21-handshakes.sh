#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "New clients can connect while another client's download fills the server's line."

ROUNDS=4

net_make 2
vpn_start server opendco
vpn_ready server >/dev/null
vpn_start client1 opendco
expect "the first client is up" vpn_ready client1
iperf_serve server
iperf client1 $VPN4 -t $((ROUNDS * 6)) -P 4 --bidir >"$W/load" 2>&1 &
load=$!
sleep 1
for ((round = 1; round <= ROUNDS; round++)); do
    mode=opendco
    [ $((round % 2)) -eq 1 ] || mode=stock
    begin=$SECONDS
    vpn_start client2 $mode
    expect "round $round: the second client ($mode) connects under load" vpn_ready client2 20
    note "after $((SECONDS - begin)) s"
    # openvpn gives an attempt ten seconds.
    between "round $round: at the first or second attempt" "$(log_count client2 ' link remote: ')" 1 2
    expect "round $round: and works" until_true 5 reach client2 $VPN4 56 3
    vpn_stop client2
done
wait $load
between "there was load" "$(head -n 1 "$W/load")" 5000000 1000000000000
if by_plane server; then
    equal "no control packet was dropped" "$(drops server rx_ctrl_queue)" 0
fi
offloaded server
test_end
