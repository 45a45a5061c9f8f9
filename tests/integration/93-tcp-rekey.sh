#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Over TCP, too, a renegotiation costs neither packets nor the connection. Keys change \
every few seconds here while the tunnel is full in both directions."

export OPENDCO_TCP=1
PROTO=tcp4
RENEG=4
TIME=16
LOAD=100M

ping_losses() {
    in_ns client1 ping -n -q -i 0.02 -W 5 -c $((TIME * 40)) $VPN4 |
        sed -nE 's/^([0-9]+) packets transmitted, ([0-9]+) received.*/\1 \2/p' |
        awk '{ print $1 - $2 }'
}

negotiations() { log_count "$1" 'Control Channel: TLS'; }

net_make 1
for mix in "opendco opendco" "stock opendco" "opendco stock"; do
    read -r first second <<<"$mix"
    errors='TLS handshake failed|TLS key negotiation failed|Fatal|Connection reset|backtrack|truncated'
    lost_most=$((TIME * 8)) # of a stock end, see 20-rekey
    [ "$mix" != "opendco opendco" ] || lost_most=5
    expect "$mix: connected" vpn_pair "$first" "$second" "reneg-sec $RENEG $RENEG"
    iperf_serve server
    iperf client1 $VPN4 -t $TIME -b $LOAD --bidir >"$W/load" 2>&1 &
    load=$!
    losses=$(ping_losses)
    wait $load
    for name in server client1; do
        between "$mix: $name negotiated time after time" "$(negotiations $name)" \
            $((TIME / RENEG - 1)) $((TIME * 2))
        equal "$mix: no error in the log of $name" "$(log_count $name "$errors")" 0
        offloaded $name
    done
    between "$mix: pings lost while keys changed under load" "$losses" 0 $lost_most
    between "$mix: the load went through" "$(head -n 1 "$W/load")" 1000000 100000000000
    expect "$mix: the tunnel still works" until_true 10 reach_inner client1 $VPN4 $VPN6
    equal "$mix: it is the first session" "$(log_count client1 'Initialization Sequence')" 1
    vpn_stop client1
    vpn_stop server
    end_pid "$iperf_pid"
done
test_end
