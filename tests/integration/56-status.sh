#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "OpenVPN's status file, its management interface and opendco status report exactly the \
traffic that the clients sent and received."

# With DCO the status of openvpn 2.6 shows the bytes on the wire, which it asks for with GET_PEER.
client_list() { management server 'status 2' | grep "^CLIENT_LIST,client$1,"; }
mgmt_received() { client_list "$1" | cut -d, -f6; }
mgmt_sent() { client_list "$1" | cut -d, -f7; }
peer_of() { plane server ".[0].devices[].peers[] | select(.vpn_ipv4 == \"$(vpn_client4 "$1")\") | .$2"; }

# of_peer NAME FIELD: prints a field of the only peer of a client
of_peer() { plane "$1" ".[0].devices[0].peers[0].$2"; }

if [ "${OPENDCO_TEST_MODE:-}" = stock ]; then
    skip "status" "OPENDCO_TEST_MODE is stock"
    test_end
fi

net_make 2
OPENDCO_RUNTIME_DIR=$W/nothing "$OPENDCO" status >"$W/out" 2>&1
equal "exit status where nothing runs" $? 1
# No keepalives while numbers are compared.
vpn_start server opendco "keepalive 60 180"
expect "the server is up" vpn_ready server
equal "a server without clients is active" "$(plane server '.[0].active')" true
OPENDCO_RUNTIME_DIR=$W/run-server "$OPENDCO" status >"$W/out" 2>&1
equal "exit status where all is well" $? 0
for i in 1 2; do
    vpn_start client$i opendco
    expect "client $i is up" vpn_ready client$i
    # Router solicitations and similar packets of the hosts would count too.
    in_ns client$i sysctl -qw "net.ipv6.conf.$(tun_of client$i).disable_ipv6=1"
done
in_ns server sysctl -qw "net.ipv6.conf.$(tun_of server).disable_ipv6=1"

# Packets of known size, both ways: 100 pings of 1000 bytes are 100 packets of 1028 bytes inside, and
# 24 bytes more each on the wire.
counters='[.rx_packets, .rx_bytes, .tx_packets, .tx_bytes,
    .link_rx_packets, .link_rx_bytes, .link_tx_packets, .link_tx_bytes] | .[]'
snapshot() {
    paste -d' ' <(plane server ".[0].devices[0].peers[] |
        select(.vpn_ipv4 == \"$(vpn_client4 1)\") | $counters") \
        <(plane client1 ".[0].devices[0].peers[0] | $counters")
}
settled snapshot >"$W/before"
expect "a hundred pings" reach client1 $VPN4 1000 100
settled snapshot >"$W/after"
difference() { paste "$W/before" "$W/after" | awk -v side="$1" '{ printf "%d ", $(side + 2) - $(side) }'; }
both_ways="100 102800 100 102800 100 105200 100 105200 "
equal "the server counts exactly these" "$(difference 1)" "$both_ways"
equal "and so does the client" "$(difference 2)" "$both_ways"

# openvpn's own numbers come from the plane.
wire_in=$(peer_of 1 link_rx_bytes) wire_out=$(peer_of 1 link_tx_bytes)
between "management: bytes received of the client" "$(mgmt_received 1)" "$wire_in" $((wire_in + 20000))
between "management: bytes sent to it" "$(mgmt_sent 1)" "$wire_out" $((wire_out + 20000))
row_is_new() { [ "$(grep '^client1,' "$W/server.status" | head -n 1 | cut -d, -f3)" -ge "$wire_in" ]; }
until_true 10 row_is_new
row=$(grep '^client1,' "$W/server.status" | head -n 1)
between "status file: bytes received" "$(cut -d, -f3 <<<"$row")" "$wire_in" $((wire_in + 20000))
between "status file: bytes sent" "$(cut -d, -f4 <<<"$row")" "$wire_out" $((wire_out + 20000))

# bytecount NAME: a report of the management interface, as it sends them every second
bytecount() {
    timeout $((20 * PATIENCE)) python3 - "$W/$1.mgmt" <<'END'
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
lines = connection.makefile('rw')
lines.write('bytecount 1\n')
lines.flush()
for line in lines:
    if line.startswith('>BYTECOUNT:'):
        print(line.strip().split(':', 1)[1])
        break
END
}
got=$(bytecount client1)
between "management of the client: byte count in" "${got%,*}" "$(of_peer client1 link_rx_bytes)" \
    $(($(of_peer client1 link_rx_bytes) + 20000))
between "management of the client: byte count out" "${got#*,}" "$(of_peer client1 link_tx_bytes)" \
    $(($(of_peer client1 link_tx_bytes) + 20000))
# SIGUSR2 prints the same into the log.
vpn_signal client1 USR2
expect "SIGUSR2 of the client" until_true 3 log_has client1 '^TCP/UDP read bytes,[1-9][0-9]{4}'
vpn_signal server USR2
expect "SIGUSR2 of the server" until_true 3 log_has server '^client1,10\.11\.1\.1:[0-9]+,[1-9][0-9]{4}'
expect "and traffic goes on" reach client1 $VPN4

# The JSON is JSON, holds what opendco(8) says, and nothing that looks like a key.
status server >"$W/json"
expect "it is valid" jq -e 'length == 1' "$W/json"
equal "members of a process" "$(jq -r '.[0] | keys_unsorted | sort | join(" ")' "$W/json")" \
    "abi active build_id command devices drops keys_locked library pid reason restart_pending threads \
unit version workers"
equal "members of a peer" "$(jq -r '.[0].devices[0].peers[0] | keys_unsorted | sort | join(" ")' "$W/json")" \
    "cipher id keepalive_interval_s keepalive_timeout_s key_age_s key_id last_received_s link_rx_bytes \
link_rx_packets link_tx_bytes link_tx_packets remote rx_bytes rx_packets transport tx_bytes tx_packets \
vpn_ipv4 vpn_ipv6"
equal "no string in it is long enough to hide a key" \
    "$(jq '[.. | strings | select(length > 46)] | length' "$W/json")" 0
refuse "nor does a run of hex digits, but the build id" \
    grep -qE '[0-9a-fA-F]{24}' <(jq 'del(.[].build_id)' "$W/json")
equal "the pid is the process" "$(jq '.[0].pid' "$W/json")" "$(pid_of server)"
equal "the cipher" "$(peer_of 1 cipher)" AES-256-GCM
equal "the remote address" "$(peer_of 2 remote | cut -d: -f1)" "$(client4 2)"

# The text output explains the counters of drops.
in_ns server ping -n -c 1 -W 1 "$(vpn_client4 77)" >/dev/null 2>&1
OPENDCO_RUNTIME_DIR=$W/run-server "$OPENDCO" status >"$W/out" 2>&1
expect "a packet to a client that is not there is a drop with its meaning" \
    grep -qE '^    tx_no_peer +[1-9][0-9]*  no peer owns the destination address$' "$W/out"

# Several processes with one runtime folder; one is not offloaded, and one was killed.
for name in client1 client2; do vpn_stop $name; done
mkdir -m 700 "$W/run-all"
vpn_run_in_all() {
    local name=$1
    shift
    : >"$W/$name.log"
    OPENDCO_RUNTIME_DIR=$W/run-all ip netns exec "$(ns "$name")" "$OPENDCO" run -- "$OPENVPN" \
        --config "$W/$name.conf" "$@" >>"$W/$name.log" 2>&1 &
    vpn_pid[$name]=$!
}
vpn_run_in_all client1
vpn_run_in_all client2 --disable-dco
for i in 1 2; do expect "client $i is up again" vpn_ready client$i; done
OPENDCO_RUNTIME_DIR=$W/run-all "$OPENDCO" status >"$W/out" 2>&1
equal "exit status where one of two is not offloaded" $? 2
expect "both are shown" test "$(grep -cE '^[^ ]+ \(pid' "$W/out")" -eq 2
vpn_stop client1 KILL 2>/dev/null
equal "the socket of a killed process stays" "$(find "$W/run-all" -name '*.sock' | wc -l)" 2
OPENDCO_RUNTIME_DIR=$W/run-all "$OPENDCO" status >"$W/out" 2>&1
equal "until the next status" "$(find "$W/run-all" -name '*.sock' | wc -l)" 1
vpn_stop client2
equal "a process that ends takes its socket along" "$(find "$W/run-all" -name '*.sock' | wc -l)" 0

# A client that never reads delays nothing.
python3 -c "
import glob, socket, time
for path in glob.glob('$W/run-server/*.sock') * 20:
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    globals().setdefault('kept', []).append(s)
print('connected', flush=True)
time.sleep(3000)" >"$W/readers" &
other_pids+=($!)
expect "there are readers that never read" until_true 10 grep -q connected "$W/readers"
vpn_start client2 opendco
expect "with readers that never read, a client connects" vpn_ready client2
expect "traffic flows" until_true 3 reach client2 $VPN4
expect "and status is answered" until_true 10 plane server '.[0].active'
test_end
