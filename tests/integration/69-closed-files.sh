#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "If openvpn is started without standard files, no log line goes into a file or socket \
that got their numbers, and no line of openvpn goes into the tunnel."

if [ "${OPENDCO_TEST_MODE:-}" = stock ]; then
    skip "standard files that are closed" "OPENDCO_TEST_MODE is stock"
    test_end
fi

# closed SHELL-REDIRECTIONS [ARGUMENT...]: starts a server without these files. An option that opens a
# file is given as an argument, because the configuration file would take a descriptor too.
closed() {
    local redirections=$1
    shift
    vpn_config server
    sed -i '/^management/d' "$W/server.conf"
    rm -rf "$W/run-server"
    # Not by in_ns: see vpn_run.
    ip netns exec "$(ns server)" env OPENDCO_RUNTIME_DIR="$W/run-server" sh -c \
        "exec '$OPENDCO' run --log-level debug -- '$OPENVPN' --config '$W/server.conf' $* $redirections" \
        >"$W/server.log" &
    vpn_pid[server]=$!
    vpn_mode[server]=opendco
    until_true 30 has_device
}
has_device() { [ "$(plane server '.[0].devices | length')" = 1 ]; }
file() { readlink "/proc/$(plane server '.[0].pid')/fd/$1"; }

net_make 1
expect "a server without standard error is up" closed '2>&-' \
    --status "$W/kept" 86400 # else it is written anew each second
equal "its status file has the number" "$(file 2)" "$W/kept"
vpn_start client1 opendco
vpn_ready client1 >/dev/null
expect "a client comes and is heard" until_true 30 reach_inner client1 "$VPN4" "$VPN6"
refuse "the file holds no line of the log" grep -q opendco: "$W/kept"
vpn_stop client1
vpn_stop server

expect "a server without any standard file is up" closed '<&- >&- 2>&-'
for fd in 0 1 2; do
    refuse "number $fd is nothing of ours: $(file $fd)" test "$(file $fd)" = /dev/net/tun
done
vpn_stop server

expect "with --log there is a log" closed '2>&-' --log "$W/openvpn.log"
expect "which has our lines, too" until_true 30 grep -q 'opendco: tun.*queues' "$W/openvpn.log"
expect "the command asks all the same" env OPENDCO_RUNTIME_DIR="$W/run-server" sh -c \
    "'$OPENDCO' status <&- 2>&- | grep -q offloaded"
refuse "and says so where it cannot print" env OPENDCO_RUNTIME_DIR="$W/run-server" sh -c \
    "'$OPENDCO' status <&- >&- 2>&-"
equal "a command that is run finds them closed" \
    "$("$OPENDCO" run -- sh -c 'test -e /proc/self/fd/2 || echo closed' 2>&-)" closed
vpn_stop server
test_end
