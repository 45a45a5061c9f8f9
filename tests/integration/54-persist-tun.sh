#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "A client with persist-tun that has restarted once still notices that its server is \
gone, and returns soon after the server does."

net_make 1
expect "connected" vpn_pair opendco opendco "keepalive 1 3" "persist-tun" "persist-key"
for round in 1 2; do
    vpn_signal client1 USR1
    expect "round $round: the client has restarted" vpn_again client1 $((2 * round))
    expect "round $round: and works" until_true 5 reach client1 $VPN4
    sleep 1
    vpn_stop server KILL 2>/dev/null
    vpn_run server opendco
    expect "round $round: the server is up again" vpn_ready server
    expect "round $round: the client comes back by itself" vpn_again client1 $((2 * round + 1)) 15
    expect "round $round: and works" until_true 5 reach_inner client1 $VPN4 $VPN6
done
offloaded client1
sleep 4
equal "no restart but these" "$(vpn_ups client1)" 5
equal "one device" "$(devices_of client1)" 1
expect "it ends by itself" vpn_stop client1 TERM

# Before any restart openvpn reads the notification itself, and gets no signal.
vpn_run client1 opendco
expect "connected again" vpn_ready client1
vpn_stop server KILL 2>/dev/null
vpn_run server opendco
vpn_ready server >/dev/null
expect "a client that has never restarted comes back" vpn_again client1 2 15
expect "by the notification" log_has client1 'Inactivity timeout \(--ping-restart\)'
sleep 3
equal "and is not sent a signal as well" "$(log_count client1 'SIGUSR1\[hard')" 0
test_end
