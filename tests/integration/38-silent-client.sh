#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A client whose handshakes arrive while its data packets do not, by a fault or on \
purpose, cannot end the server by a renegotiation."

# The plane removes such a client after the timeout. After a restart by SIGUSR1 with persist-tun openvpn
# 2.6 before 2.6.18 no longer reads that notification, and it exits when a key is refused. Later
# versions read it and give the client up.
net_make 2
vpn_start server opendco "keepalive 1 2" "reneg-sec 0" "persist-tun" "persist-key"
vpn_ready server >/dev/null
vpn_start client1 stock "reneg-sec 8 8" "ping 1" "pull-filter ignore ping"
expect "client 1 is up" vpn_ready client1
vpn_signal server USR1
vpn_signal client1 USR1
expect "the server has restarted" until_true 20 log_has server 'Initialization Sequence Completed' 2
expect "client 1 is up again" until_true 20 log_has client1 'Initialization Sequence Completed' 2
vpn_start client2 opendco
expect "client 2 is up" vpn_ready client2
expect "both work" reach client1 $VPN4 && reach client2 $VPN4

in_ns server nft add table inet filter
in_ns server nft add chain inet filter input '{ type filter hook input priority 0; }'
in_ns server nft add rule inet filter input ip saddr "$(client4 1)" udp dport $PORT \
    @th,64,8 \& 0xf8 == 0x48 drop
by_plane server && expect "the plane has given client 1 up" \
    until_true 10 eval '[ "$(plane server "[.[0].devices[].peers[]] | length")" = 1 ]'
keys=$(log_count server 'client1/.*Control Channel: ')
negotiates_or_gone() {
    log_has server 'client1/.*Control Channel: ' $((keys + 1)) ||
        log_has server 'client1/.*ping expired.*client-instance'
}
expect "client 1 negotiates with the server all the same, or openvpn gave it up" \
    until_true 20 negotiates_or_gone
sleep 1
expect "the server lives" kill -0 "${vpn_pid[server]}"
expect "and client 2 works" reach client2 $VPN4
in_ns server nft delete table inet filter
vpn_signal client1 USR1
expect "client 1 comes back when its network works again" until_true 20 reach client1 $VPN4
offloaded server
test_end
