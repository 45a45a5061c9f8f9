#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "With the drop-in the distribution's own service starts, becomes ready for systemd, \
and is offloaded."

unit=/lib/systemd/system/openvpn-server@.service
if [ "${OPENDCO_TEST_MODE:-}" = stock ] || [ ! -r $unit ]; then
    skip "the stock unit with the drop-in" "there is no $unit, or OPENDCO_TEST_MODE is stock"
    test_end
fi

# setting FILE NAME: the value of a line NAME=value
setting() { sed -nE "s/^$2=(.*)/\1/p" "$1" | tail -n 1; }

# Does with the unit what systemd would do, as far as possible without systemd: capabilities, limits,
# environment, working directory, command line, notification
drop_in=$W/10-opendco.conf
sed "s|@LIBDIR@|$(dirname "$LIBRARY")|" "$TOP/packaging/systemd/10-opendco.conf" >"$drop_in"
capabilities=$(setting $unit CapabilityBoundingSet | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
start=$(setting $unit ExecStart | sed "s|%t|$W/t|g; s|%i|server|g")
preload=$(setting "$drop_in" Environment)
expect "the drop-in names the library" test -e "${preload#LD_PRELOAD=}"

# notified FILE: waits for the datagram that says that the service is ready
listen() {
    rm -f "$W/notify"
    python3 -c "
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('$W/notify')
s.settimeout(3000)
while True:
    print(s.recv(4096).decode().replace('\n', ' '), flush=True)
" >"$1" 2>/dev/null &
    other_pids+=($!)
    until_true 5 test -S "$W/notify"
}

# service NPROC MEMLOCK LINE...: starts the unit
service() {
    local nproc=$1 memlock=$2
    shift 2
    vpn_config server "$@"
    sed -i '/^status /d; /^suppress/d' "$W/server.conf"
    mkdir -p "$W/t/openvpn-server" "$W/run-server"
    chmod 700 "$W/run-server"
    : >"$W/server.log"
    listen "$W/notified"
    # shellcheck disable=SC2086 # a command line
    (
        cd "$W" || exit
        ulimit -u "$nproc"
        ulimit -l "$memlock"
        exec ip netns exec "$(ns server)" setpriv --bounding-set "-all,$capabilities" \
            --inh-caps -all env -i PATH="$PATH" LANG=C NOTIFY_SOCKET="$W/notify" \
            OPENDCO_RUNTIME_DIR="$W/run-server" "$preload" $start
    ) >>"$W/server.log" 2>&1 </dev/null &
    vpn_pid[server]=$!
    vpn_mode[server]=opendco
}

# served WHAT: the service becomes ready, a client reaches it, and it stops in the way of systemd
served() {
    expect "$1: systemd is told that it is ready" until_true 20 grep -q 'READY=1' "$W/notified"
    expect "$1: the server is up" vpn_ready server
    vpn_start client1 opendco
    expect "$1: a client is up" vpn_ready client1
    expect "$1: traffic flows" until_true 3 reach_inner client1 $VPN4 $VPN6
    offloaded server
    expect "$1: its status file is where the unit wants it" \
        test -e "$W/t/openvpn-server/status-server.log"
    vpn_stop client1
    kill -TERM "$(pid_of server)"
    wait "$(pid_of server)"
    equal "$1: it ends with" $? 0
    unset "vpn_pid[server]"
}

net_make 1
service "$(setting "$drop_in" LimitNPROC)" 65536
served "with the drop-in"
equal "no socket is left" "$(find "$W/run-server" -name '*.sock' | wc -l)" 0

if ! other_users; then
    skip "without its limits, as nobody" "$no_users"
    test_end
fi
service "$(setting $unit LimitNPROC)" 64 "user nobody" "group nogroup" "persist-key" "persist-tun"
served "without its limits, as nobody"
test_end
