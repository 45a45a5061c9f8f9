#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../integration/lib.sh"
test_begin "Prometheus could not read 'opendco metrics', or a reader could find half a file."

mkdir "$W/run"
coproc SERVER {
    exec python3 "$(dirname "$0")/answer.py" "$W/run" good inactive good+cut crowd unfiltered hostile
}
other_pids+=("$SERVER_PID")
read -r ready <&"${SERVER[0]}"
[ "$ready" = ready ] || exit 1
output=$W/output

# metrics GROUP [OPTION...]: of the sockets of this group; sets $code
metrics() {
    OPENDCO_RUNTIME_DIR=$W/run/$1 "$OPENDCO" metrics "${@:2}" >"$output" 2>"$W/complaint"
    code=$?
}
has() { expect "$1" grep -qxF "$2" "$output"; }
# lint WHAT: what Prometheus itself says about the text
lint() {
    if command -v promtool >/dev/null; then
        expect "$1: promtool accepts it" promtool check metrics <"$output"
    else
        skip "$1: promtool accepts it" "prometheus is not installed"
    fi
}

metrics good
equal "exit status" $code 0
lint "one process"
has "it is active" 'opendco_active{pid="12",unit=""} 1'
has "a flag" 'opendco_offload_enabled{pid="12",unit="",device="tun0",offload="tun_uso"} 0'
has "the number of peers" 'opendco_peers{pid="12",unit="",device="tun0"} 1'
has "drops by reason" 'opendco_dropped_packets_total{pid="12",unit="",reason="rx_replay"} 3'
has "bytes of a peer" 'opendco_peer_received_bytes_total{pid="12",unit="",device="tun0",peer="7"} 12345678'
has "age of its key" 'opendco_peer_key_age_seconds{pid="12",unit="",device="tun0",peer="7"} 150'
has "who the peer is" 'opendco_peer_info{pid="12",unit="",device="tun0",peer="7",remote="192.0.2.1:1194",vpn_ipv4="10.8.0.2",vpn_ipv6="fd08::2",cipher="AES-256-GCM"} 1'
refuse "a peer that never sent has no age" grep -q '^opendco_peer_last_received_seconds{' "$output"
has "all were asked" "opendco_scrape_success 1"
metrics good --no-peers
refuse "without peers: no series of a peer" grep -q opendco_peer_ "$output"
has "without peers: their number stays" 'opendco_peers{pid="12",unit="",device="tun0"} 1'
lint "without peers"

metrics good --openmetrics
has "OpenMetrics: a counter's family" "# TYPE opendco_dropped_packets counter"
has "OpenMetrics: and its sample" 'opendco_dropped_packets_total{pid="12",unit="",reason="rx_replay"} 3'
has "OpenMetrics: an info" "# TYPE opendco_process info"
equal "OpenMetrics: the end" "$(tail -n 1 "$output")" "# EOF"

metrics inactive
has "one that is not offloaded" 'opendco_active{pid="12",unit=""} 0'
lint "a reason with control characters"
metrics hostile
equal "a hostile reason stays in one line" "$(grep -c '^opendco_process_info' "$output")" 1
expect "and in its quotes" grep -qF 'reason="a\"} 1\nopendco_active{} 9 \\"' "$output"
lint "a hostile reason"
metrics unfiltered
has "keys that are not locked" 'opendco_keys_locked{pid="12",unit=""} 0'
metrics good+cut
has "one did not answer" "opendco_scrape_success 0"
has "the other is there" 'opendco_active{pid="12",unit=""} 1'
metrics crowd
equal "thousands of peers" "$(grep -c '^opendco_peer_sent_bytes_total{' "$output")" 4000
lint "thousands of peers"
metrics no-such-folder
has "no process is no error" "opendco_scrape_success 1"
lint "no process"

if command -v promtool >/dev/null; then
    expect "each alert rule fires for what it is about, and only then" \
        promtool test rules "$TOP/tests/cli/alerts.yml"
else
    skip "each alert rule fires for what it is about, and only then" "prometheus is not installed"
fi

cd "$W" || exit 1
metrics good --output here.prom
equal "to a file: exit status" $code 0
equal "to a file: prints nothing" "$(wc -c <"$output")" 0
metrics good
expect "to a file: the same" cmp here.prom "$output"
equal "to a file: for everybody" "$(stat -c %a here.prom)" 644
metrics inactive --output here.prom
expect "to a file: replaced" grep -q '^opendco_active.* 0' here.prom
equal "and nothing beside it" "$(echo here.prom*)" here.prom
metrics good --output /nonexistent/x
equal "a folder that is not there" $code 1
expect "is named" grep -q 'cannot write /nonexistent/x: No such file' "$W/complaint"
OPENDCO_RUNTIME_DIR=$W/run/good "$OPENDCO" metrics >/dev/full 2>/dev/null
equal "an output that cannot be written" $? 1
"$OPENDCO" metrics --bogus >/dev/null 2>&1
equal "an unknown option" $? 1
"$OPENDCO" metrics more >/dev/null 2>&1
equal "an argument" $? 1
test_end
