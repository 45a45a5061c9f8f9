#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A client cannot keep another from connecting, or get the server's answers to it, by a \
packet with the address of a client that is still in its handshake."

VICTIM=5001 # client 2's own port

# at_victim: the plane has client 1 at the address of client 2
at_victim() { plane server '.[0].devices[].peers[].remote' | grep -qx "$(client4 2):$VICTIM"; }

# answers NAME: prints the number of control packets from the server since the counter was made
answers() { in_ns "$1" nft -j list counters | jq '[.nftables[].counter | select(. != null) | .packets] | add'; }

more_answers() { [ "$(answers client2)" -gt "$1" ]; }

# Larger packets do not reach client 2, so the server waits in the middle of the handshake.
stall() {
    in_ns client2 nft -f - <<END
table inet t {
    counter answers { }
    chain in {
        type filter hook prerouting priority raw
        udp sport $PORT @th,64,8 & 0xf8 != 0x48 counter name answers
        udp sport $PORT udp length > 400 drop
    }
}
END
}

# Of the packets of client 1 only the data packets get the address of client 2.
attack() {
    in_ns client1 nft -f - <<END
table inet t {
    counter answers { }
    chain in {
        type filter hook prerouting priority raw
        udp sport $PORT @th,64,8 & 0xf8 != 0x48 counter name answers
    }
    chain out {
        type filter hook output priority raw
        udp dport $PORT @th,64,8 & 0xf8 == 0x48 ip saddr set $(client4 2) udp sport set $VICTIM
    }
}
END
}

net_make 2
if ! in_ns client1 nft list ruleset >/dev/null 2>&1; then
    skip "a client that is half through" "nft cannot run here"
    test_end
fi
vpn_start server opendco "hand-window 240"
vpn_ready server >/dev/null
vpn_start client1 stock "ping 1" "pull-filter ignore ping"
expect "client 1 is up" vpn_ready client1
expect "and works" reach client1 $VPN4
stall
vpn_config client2 "lport $VICTIM" "hand-window 240"
sed -i '/^nobind/d' "$W/client2.conf"
vpn_run client2 stock
expect "client 2 is half through" until_true 10 more_answers 1
attack
by_plane server && expect "client 1 moves to its address" until_true 10 at_victim
seen=$(answers client2)
expect "the server goes on answering client 2" until_true 10 more_answers "$seen"
equal "and not client 1 instead" "$(answers client1)" 0
in_ns client2 nft delete table inet t
expect "client 2 comes through" vpn_ready client2
equal "under its own address" "$(log_count server 'client1/.*CN=client2')" 0
expect "and works" reach client2 $VPN4
in_ns client1 nft delete table inet t
expect "client 1 works again where it really is" until_true 10 reach client1 $VPN4
expect "and client 2 still does" reach client2 $VPN4
offloaded server
test_end
