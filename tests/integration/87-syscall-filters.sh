#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A service with systemd's system call filters, which end a process at a call that is not \
allowed, works with OpenDCO as it does without, and offload does without the calls that it may not make."

if ! systemd-analyze syscall-filter @aio >"$W/said" 2>&1; then
    skip "the sets of systemd" "there is no systemd-analyze"
    test_end
fi

# calls SET...: the names of the system calls in systemd's sets, one a line
calls() {
    local set line
    for set in "$@"; do
        while read -r line; do
            case $line in
            '#'* | "$set" | '') ;;
            @*) calls "$line" ;;
            *) echo "$line" ;;
            esac
        done < <(systemd-analyze syscall-filter "$set" 2>/dev/null)
    done
}

expect "the program is built" ${CC:-cc} -O1 -Wall -Wextra -o "$W/syscall_filter" \
    "$TOP/tests/integration/syscall_filter.c" -lseccomp

# A service has the filter from its first program on.
product=$OPENDCO
stock=$OPENVPN
[ -z "$(type -P "$stock")" ] || stock=$(type -P "$stock")
# filtered allow|deny SET [CALL...]: what vpn_start starts next runs under the filter
filtered() {
    { [ "$1" = deny ] || calls @default; calls "$2"; [ $# -lt 3 ] || printf '%s\n' "${@:3}"; } | sort -u >"$W/calls"
    printf '#!/bin/sh\nexec "%s" %s "%s" "$@" <"%s"\n' "$W/syscall_filter" "$1" \
        "$([ "${OPENDCO_TEST_MODE:-}" = stock ] && echo "$stock" || echo "$product")" "$W/calls" >"$W/filtered"
    chmod 755 "$W/filtered"
    if [ "${OPENDCO_TEST_MODE:-}" = stock ]; then OPENVPN=$W/filtered; else OPENDCO=$W/filtered; fi
}
free() { OPENDCO=$product OPENVPN=$stock; }

# works LABEL [LINE...]: a filtered server and a filtered client carry packets
works() {
    local label=$1
    shift
    expect "$label: a server and a client are up" vpn_pair opendco opendco "$@"
    free
    expect "$label: the tunnel works" until_true 5 reach_inner client1 $VPN4 $VPN6
    offloaded server
    offloaded client1
    if by_plane server; then
        equal "$label: all threads have our filter" \
            "$(plane server '[.[0].threads[].filtered] | unique | tostring')" '[true]'
    fi
    expect "$label: the client ends by itself" vpn_stop client1
    expect "$label: the server ends by itself" vpn_stop server
}

# forbidden LABEL CALL...: the log names what is missing
forbidden() {
    local label=$1 call
    shift
    by_plane_only || return
    for call in "$@"; do
        expect "$label: the log names $call" log_has server "opendco: .*system call filter.*$call"
    done
}
by_plane_only() { [ "${OPENDCO_TEST_MODE:-}" != stock ]; }

net_make 1

filtered allow @system-service
works "@system-service"
refuse "@system-service: the log does not speak of a call that is in the set" \
    grep -q 'system call filter.*sched_setattr' "$W/server.log"

filtered deny @resources
works "~@resources"
forbidden "~@resources" sched_setattr

filtered deny @aio
works "~@aio"
forbidden "~@aio" io_setup

# What systemd.exec(5) recommends, and as openvpn without "user" needs it
filtered deny @privileged
works "~@privileged"
forbidden "~@privileged" capset

filtered deny @memlock
works "~@memlock"
forbidden "~@memlock" mlock

mapfile -t more < <(calls @resources @privileged @memlock)
filtered deny @aio "${more[@]}" seccomp
works "all of them"
forbidden "all of them" sched_setattr io_setup capset mlock
test_end
