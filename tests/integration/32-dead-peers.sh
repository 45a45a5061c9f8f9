#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Clients that vanish are disconnected after the timeout; clients that are only idle \
stay connected."

gone() { [ "$(management server 'status 2' | grep -c "^CLIENT_LIST,$1,")" -eq 0 ]; }
present() { ! gone "$1"; }

net_make 3
vpn_start server opendco "keepalive 1 6" "explicit-exit-notify 1"
vpn_ready server >/dev/null
for i in 1 2 3; do
    vpn_start client$i opendco "explicit-exit-notify 1"
    expect "client $i is up" vpn_ready client$i
done
expect "all work" reach client1 $VPN4 && expect "all work" reach client2 $VPN4

sleep 13 # a server waits twice as long as keepalive says
expect "an idle client stays connected past the timeout" present client3
expect "and works" reach client3 $VPN4
equal "the idle client never restarted" "$(log_count client3 'Inactivity timeout|Restart pause')" 0

vpn_stop client1 KILL
expect "a client that was killed is dropped after the timeout" until_true 20 gone client1
expect "a client ends and says goodbye" vpn_stop client2 TERM 80
expect "the server drops it" until_true 8 gone client2
expect "because of that, and not of the timeout" log_has server 'client2/.*SIGTERM\[soft,(delayed|remote)-exit'
if by_plane server; then
    equal "the plane has the one peer that is left" \
        "$(plane server '[.[0].devices[].peers[]] | length')" 1
fi

# The server vanishes: the client notices and comes back by itself when it is there again.
vpn_stop server KILL
expect "the client notices that the server is gone" \
    until_true 20 log_has client3 'Inactivity timeout|ping-restart|Restart pause'
vpn_run server opendco
vpn_ready server >/dev/null
expect "and connects again" until_true 30 reach client3 $VPN4 56 2
offloaded server
offloaded client3
test_end
