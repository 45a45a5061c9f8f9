#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# exclusive: its flood takes all processors, and it counts what is lost meanwhile
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
test_begin "A flood of packets to the port neither disconnects clients, nor keeps new ones out, \
nor fills the disk with log lines."

TIME=14

flood() {
    in_ns client3 python3 "$TOP/tests/integration/flood.py" $SERVER4 "$PORT" "$@"
}

# losses SECONDS: prints how many of ten pings per second are lost
losses() {
    in_ns client1 ping -n -q -i 0.1 -W 2 -c $(($1 * 10)) $VPN4 |
        sed -nE 's/^([0-9]+) packets transmitted, ([0-9]+) received.*/\1 \2/p' |
        awk '{ print $1 - $2 }'
}

negotiations() { log_count "$1" 'Control Channel: TLS'; }

# udp_counters: datagrams that the server's kernel received, and those for which a socket had no room
udp_counters() {
    in_ns server awk '/^Udp:/ && ++n == 2 { print $2 + $6, $6 }' /proc/net/snmp
}

net_make 3
expect "server and client 1 are up" vpn_pair opendco opendco "reneg-sec 4 4"
before=$(negotiations client1)
lines=$(log_count server opendco:)

read -r taken overflowed < <(udp_counters)
flood $TIME data nobody control junk >"$W/sent" &
flooder=$!
losses $((TIME - 2)) >"$W/losses" &
pinger=$!
sleep 3
vpn_start client2 opendco
# openvpn sends its first packet again after 2, 4, 8 and 16 seconds: three lost ones take 14.
expect "a new client that comes during the flood gets in" vpn_ready client2 40
expect "and reaches the server" reach client2 $VPN4 200 3
wait $pinger
wait $flooder
note "$(cat "$W/sent") packets sent by the stranger"

# A busy machine cannot receive the whole flood; then pings are lost as well.
read -r taken_now overflowed_now < <(udp_counters)
taken=$((taken_now - taken)) overflowed=$((overflowed_now - overflowed))
note "$overflowed of $taken datagrams found no room in a socket"
between "pings of client 1 lost during the flood" "$(cat "$W/losses")" 0 \
    $((12 + (TIME - 2) * 10 * 2 * overflowed / (taken + 1)))
between "client 1 renegotiated all the time" "$(($(negotiations client1) - before))" 1 20
equal "without an error" "$(log_count client1 'TLS Error|TLS key negotiation failed')" 0
if by_plane server; then
    between "lines of OpenDCO in the log meanwhile" "$(($(log_count server opendco:) - lines))" 0 10
    between "wrong tags are counted" "$(plane server '.[0].drops.rx_auth')" 1000 100000000
    between "so are peer ids of nobody" "$(plane server '.[0].drops.rx_no_peer')" 1000 100000000
    note "drops: $(plane server '.[0].drops | with_entries(select(.value > 0)) | tostring')"
fi
expect "client 1 works as before" reach_inner client1 $VPN4 $VPN6
expect "so does client 2" reach_inner client2 $VPN4 $VPN6
if by_plane server; then
    equal "no client was taken for another" \
        "$(plane server '[.[0].devices[0].peers[].remote | split(":")[0]] | sort | join(" ")')" \
        "$(client4 1) $(client4 2)"
fi
test_end
