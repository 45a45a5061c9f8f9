#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Trains cross a card that segments, and with the rule for some kernels also one that loses \
trains of equal packets."

mode() { echo "$1" >"$W/mode.new" && mv "$W/mode.new" "$W/mode"; }
trains_seen() { cat "$W/mode.trains" 2>/dev/null || echo 0; }
by_plane_only() { [ "${OPENDCO_TEST_MODE:-}" != stock ]; }

# The wire: like net_make 1, with cards that claim to segment
wire() {
    local end
    net_add server
    net_add client1
    for end in server client1; do
        background "$end" sleep infinity
        holders+=("$started")
    done
    until_true 5 in_other_namespaces
    mode good
    /usr/bin/python3 "$TOP/tests/integration/card.py" "${holders[@]}" "$W/mode" >"$W/card.log" 2>&1 &
    other_pids+=($!)
    until_true 5 grep -q ready "$W/card.log" || return 1
    net_address server $SERVER4/16 $SERVER6/64
    net_address client1 "$(client4 1)/16" "$(client6 1)/64"
}
holders=()
in_other_namespaces() {
    local pid
    for pid in "${holders[@]}"; do
        [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ] || return 1
    done
}

# carried: two megabytes from the client arrive at the server, and are echoed
carried() { in_ns client1 timeout $((20 * PATIENCE)) python3 "$TOP/tests/integration/payload.py" tcp $VPN4 2000000; }

if ! wire; then
    skip "a card that claims to segment" "$(tail -n 1 "$W/card.log")"
    test_end
fi
expect "a server and a client are up" vpn_pair opendco opendco
payload_serve server
expect "with a good card bytes arrive" carried
by_plane_only && expect "and trains carried them" test "$(trains_seen)" -gt 0

vpn_stop client1
vpn_stop server

# What the rule for some kernels does
mode equal
export OPENDCO_OFFLOADS_OFF=udp-gso-equal
expect "trains with a shorter tail only: a server and a client are up" vpn_pair opendco opendco
expect "a card that loses equal trains loses none" carried
if by_plane_only; then
    equal "and status shows it" "$(plane client1 '.[0].devices[0].offloads.udp_gso_equal')" false
    refuse "without a line in the log" grep -q 'answers single packets' "$W/client1.log"
fi
unset OPENDCO_OFFLOADS_OFF
test_end
