# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What the tests of life cycle and failure look at besides lib.sh: the process itself, as /proc shows
# it. NAME is a name given to vpn_start. Sourced after lib.sh.

# Whether there are other users: a user namespace without subordinate ids has none.
other_users() { setpriv --reuid nobody --regid nogroup --clear-groups true 2>/dev/null; }
no_users="there is one user only in this user namespace"

pid_of() { echo "${vpn_pid[$1]}"; }

# tasks_of NAME: the names of its threads, sorted, one line
tasks_of() { sort "/proc/$(pid_of "$1")"/task/*/comm 2>/dev/null | tr '\n' ' '; }

# fds_of NAME: what its descriptors are, counted by kind, one line
fds_of() {
    local fd
    for fd in "/proc/$(pid_of "$1")"/fd/*; do
        readlink "$fd"
    done 2>/dev/null | sed -E 's/:\[[0-9]+\]$//' | sort | uniq -c |
        awk '{ printf "%s%s x%d", separator, $2, $1; separator = ", " }'
}

# secrets_of NAME [FLAG...]: KiB of its memory that is kept out of core dumps and has these flags
secrets_of() {
    local pid
    pid=$(pid_of "$1")
    shift
    awk -v wanted="dd $*" '
        BEGIN { n = split(wanted, flag, " ") }
        $1 == "Size:" { size = $2 }
        $1 == "VmFlags:" {
            all = 1
            for (i = 1; i <= n; i++) if (!index($0 " ", " " flag[i] " ")) all = 0
            if (all) sum += size
        }
        END { print sum + 0 }' "/proc/$pid/smaps"
}

# devices_of NAME: how many TUN devices its namespace has
devices_of() { ip -n "$(ns "$1")" -o link show type tun | wc -l; }

# port_users NAME: how many sockets of its namespace are bound to the port of the server
port_users() { in_ns "$1" ss -Huan "sport = :$PORT" | wc -l; }

# vpn_again NAME COUNT [SECONDS]: it has come up COUNT times by now
vpn_again() {
    until_true "${3:-20}" log_has "$1" 'Initialization Sequence Completed' "$2"
}

# vpn_ups NAME: how often it has come up
vpn_ups() { log_count "$1" 'Initialization Sequence Completed'; }

# vpn_adopt NAME FILE: openvpn has become a daemon, FILE is its --writepid
vpn_adopt() {
    until_true 10 test -s "$2" || return 1
    wait "${vpn_pid[$1]}" 2>/dev/null
    vpn_pid[$1]=$(cat "$2")
}

# load_loop: TCP in both directions between client1 and the server, begun anew whenever a restart broke
# it; a server of iperf3 serves one client, and holds on to one that is gone. Not as fast as possible:
# tests share the machine.
load_loop() {
    local port=5300 server
    # shellcheck disable=SC2154 # $server is set
    trap 'kill $server 2>/dev/null; exit' TERM
    while sleep 0.2; do
        ip netns exec "$(ns server)" iperf3 -s -1 -p $port >/dev/null 2>&1 &
        server=$!
        sleep 0.2
        ip netns exec "$(ns client1)" timeout 15 iperf3 -c "$VPN4" -p $port -t 12 -b 100M --bidir \
            --connect-timeout 1000 --rcv-timeout 2000 2>&1
        kill $server
        port=$((port + 1))
    done
}

# load_start: for as long as the test runs
load_start() {
    load_loop >"$W/load.log" 2>&1 &
    load_pid=$!
    other_pids+=("$load_pid")
}

# load_carried: how many seconds of the load moved data in both directions
load_carried() { grep -cE '\[(RX|TX)-C\] +[0-9.]+-[0-9.]+ +sec +[0-9.]+ [KMG]Bytes' "$W/load.log"; }

# vpn_end NAME: SIGTERM; leaves its exit status in $ended
vpn_end() {
    local pid
    pid=$(pid_of "$1")
    unset "vpn_pid[$1]"
    kill -TERM "$pid"
    until_true 10 gone_pid "$pid" || kill -KILL "$pid" 2>/dev/null
    wait "$pid"
    ended=$?
}
gone_pid() { ! kill -0 "$1"; }
