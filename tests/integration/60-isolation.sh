#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "Our threads have neither root's rights nor unneeded system calls, scripts start under \
the task limit of a service, and only the owner can read the status."

by_plane_only() { [ "${OPENDCO_TEST_MODE:-}" != stock ]; }
if ! by_plane_only; then
    skip "isolation of threads" "OPENDCO_TEST_MODE is stock"
    test_end
fi

# threads NAME COMM: the task folders with that name
threads() { grep -lE "^$2" /proc/"${vpn_pid[$1]}"/task/*/comm | sed 's|/comm$||'; }

# field TASK NAME
field() { sed -nE "s/^$2:[[:space:]]*([0-9a-fx]+).*/\1/p" "$1/status"; }

# isolated NAME MASK COMM N: at least N threads have names that begin with COMM. They have no capability
# outside MASK, have a filter, and block all signals.
isolated() {
    local task caps blocked n=0
    for task in $(threads "$1" "$3"); do
        n=$((n + 1))
        caps=$((16#$(field "$task" CapEff) | 16#$(field "$task" CapPrm)))
        blocked=$((16#$(field "$task" SigBlk)))
        [ $((caps & ~$2)) -eq 0 ] || { echo "$task has capabilities $caps"; return 1; }
        [ "$(field "$task" Seccomp)" = 2 ] || { echo "$task has no filter"; return 1; }
        [ "$(field "$task" NoNewPrivs)" = 1 ] || { echo "$task may gain privileges"; return 1; }
        # HUP INT USR1 USR2 TERM
        [ $((blocked & 0x4a03)) -eq $((0x4a03)) ] || { echo "$task takes signals"; return 1; }
    done
    [ $n -gt 0 ] && [ $((n - $4)) -ge 0 ] || { echo "$n threads"; return 1; }
}
# openvpn's own thread calls functions through one table only: the symbol "sys_table" of the library, on
# pages of its own.
table_writable() {
    local pid=${vpn_pid[$1]} lib offset base
    lib=$(awk '/libopendco\.so$/ { print $6; exit }' "/proc/$pid/maps")
    offset=$(nm "$lib" | awk '$3 == "sys_table" { print $1 }')
    base=$(awk '/libopendco\.so$/ { print substr($1, 1, index($1, "-") - 1); exit }' "/proc/$pid/maps")
    [ -n "$offset" ] || { echo "no symbol"; return; }
    python3 - "$pid" $((16#$base + 16#$offset)) <<'END'
import sys
address = int(sys.argv[2])
for line in open('/proc/%s/maps' % sys.argv[1]):
    low, high = (int(x, 16) for x in line.split()[0].split('-'))
    if low <= address < high:
        print(line.split()[1])
END
}
workers_isolated() { isolated "$1" "$2" opendco/ 1; }
helpers_isolated() { isolated "$1" "$2" 'opendco-(house|status)' 2; }

net_make 1
setid=$((1 << 6 | 1 << 7))
vpn_pair opendco opendco >/dev/null
expect "workers as root keep what set*id() needs and nothing else" workers_isolated server $setid
expect "housekeeping and status keep no more, and are filtered as well" helpers_isolated server $setid
equal "status tells that all are" "$(plane server '[.[0].threads[].filtered] | unique | tostring')" '[true]'
equal "and names them" "$(plane server '[.[0].threads[].name | select(startswith("opendco-"))] | tostring')" \
    '["opendco-house","opendco-status"]'
expect "in words, too" in_ns server env OPENDCO_RUNTIME_DIR="$W/run-server" sh -c \
    "'$OPENDCO' status | grep -qE '^  system call filter: ([0-9]+) of \\1 threads'"
expect "openvpn's own thread is not filtered" \
    test "$(field "/proc/${vpn_pid[server]}/task/${vpn_pid[server]}" Seccomp)" = 0
equal "the C library's functions are called through a table that cannot be written" \
    "$(table_writable server)" r--p
equal "the status socket is its owner's" "$(stat -c %a "$W"/run-server/*.sock)" 600
equal "and so is its folder" "$(stat -c %a "$W/run-server")" 700
if other_users; then
    as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    expect "another user can run the command" "${as_nobody[@]}" "$OPENDCO" version
    refuse "and cannot ask" "${as_nobody[@]}" env OPENDCO_RUNTIME_DIR="$W/run-server" "$OPENDCO" status
else
    skip "another user cannot ask" "$no_users"
fi
expect "root can" plane server '.[0].active'
vpn_stop client1
vpn_stop server

if other_users; then
    vpn_pair opendco opendco "user nobody" "group nogroup" "persist-key" "persist-tun" >/dev/null
    expect "with --user the tunnel works" reach_inner client1 $VPN4 $VPN6
    expect "and workers keep nothing" workers_isolated server 0
    expect "nor do the others" helpers_isolated server 0
    equal "status answers root" "$(plane server '.[0].devices[0].peers | length')" 1
    vpn_stop client1
    vpn_stop server
else
    skip "workers keep nothing" "$no_users"
fi

# limited LABEL LINE...: runs openvpn with a setting of 12 workers under a limit; its script needs processes
printf '#!/bin/sh\n(sleep 0.2; echo) | cat >/dev/null || exit 1\n' >"$W/script"
chmod 755 "$W/script"
limited() {
    local label=$1
    shift
    OPENDCO=$W/limited vpn_start server opendco "script-security 2" "client-connect $W/script" "$@"
    in_group /
    expect "$label: the server is up" vpn_ready server
    vpn_start client1 opendco
    expect "$label: the script ran and the client is up" vpn_ready client1
    expect "$label: the tunnel works" until_true 3 reach_inner client1 $VPN4 $VPN6
    between "$label: fewer workers" "$(plane server '.[0].workers')" 1 3
    expect "$label: the log says why" log_has server 'opendco: [123] workers? instead of 12: .*task limit'
    vpn_stop client1
    vpn_stop server
}

# in_group GROUP: this script starts processes in that cgroup from now on; / is the one it began in
in_group() {
    [ -e "$pids/cgroup.procs" ] || return 0
    case $1 in
    /) echo $$ >"$pids$home/cgroup.procs" ;;
    *) echo $$ >"$pids/$1/cgroup.procs" ;;
    esac
}
pids=/sys/fs/cgroup/pids
home=$(sed -nE 's/^[0-9]+:pids:(.*)/\1/p' /proc/self/cgroup)
if [ ! -d $pids ]; then
    pids=/sys/fs/cgroup
    home=$(sed -nE 's/^0::(.*)/\1/p' /proc/self/cgroup)
fi

printf '#!/bin/bash\nulimit -u 10\nshift\nexec %s run --workers 12 "$@"\n' "$OPENDCO" >"$W/limited"
chmod 755 "$W/limited"
if other_users; then
    limited "LimitNPROC=10" "user games" "group games" "persist-key" "persist-tun"
else
    skip "LimitNPROC=10" "$no_users"
fi

sed -i '/ulimit/d' "$W/limited"
group=opendco-test-$$
if mkdir "$pids/$group" 2>/dev/null && echo 10 >"$pids/$group/pids.max" 2>/dev/null; then
    in_group $group
    limited "TasksMax=10"
    until_true 5 rmdir "$pids/$group"
else
    rmdir "$pids/$group" 2>/dev/null
    skip "TasksMax=10" "no cgroup of our own with the pids controller"
fi
test_end
