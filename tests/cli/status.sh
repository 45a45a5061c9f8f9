#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../integration/lib.sh"
test_begin "A monitoring script could not tell from 'opendco status' whether tunnels are offloaded, or \
a hostile socket could mislead it."

BAD="negative float long-string flag-number drop-negative peer-empty peer-null thread-null no-threads
    no-active array null empty cut deep twice zero two-objects bad-utf8 huge-number"
output=$W/output
export LIBRARY
BUILD_ID=$(readelf -nW "$LIBRARY" | sed -n 's/.*Build ID: //p')
export BUILD_ID

mkdir "$W/run"
# shellcheck disable=SC2086 # a list of words
coproc SERVER {
    exec python3 "$(dirname "$0")/answer.py" "$W/run" good inactive good+inactive stale+good \
        same-build other-build gone-build device-build text-build number-build \
        unfiltered later-drop unknown-member crowd endless silent slow good+cut $BAD
}
other_pids+=("$SERVER_PID")
read -r ready <&"${SERVER[0]}"
[ "$ready" = ready ] || exit 1

# ask ARGUMENTS GROUP: runs status with the sockets of this group; sets $code
ask() {
    export OPENDCO_RUNTIME_DIR=$W/run/$2
    # shellcheck disable=SC2086 # none or one word
    "$OPENDCO" status $1 >"$output" 2>"$W/complaint"
    code=$?
}

# refused GROUP [WORD]: the command rejects the answer with a message that names the socket
refused() {
    ask "" "$1"
    equal "$1: exit status 3" $code 3
    expect "$1: the complaint names the socket" grep -q "run/$1/$1.sock: .*${2:-not understood}" \
        "$W/complaint"
}

ask "" no-such-folder
equal "no folder: none is running" $code 1
mkdir "$W/run/none"
ask "" none
equal "an empty folder: none is running" $code 1

ask "" good
equal "one that is offloaded" $code 0
expect "its device is shown" grep -q 'device: tun0, server, mtu 1500, 1 peer$' "$output"
expect "and how many of its sockets are read" grep -qx '  udp sockets read: 3' "$output"
expect "its peer is shown" grep -q 'endpoint: 192.0.2.1:1194' "$output"
equal "its drops are shown with what they mean, and no zero" "$(grep -A 3 '^  drops' "$output")" \
    "  drops:
    rx_ctrl_queue            1  the queue of control packets to openvpn is full
    rx_replay                3  the packet id was already received
  device: tun0, server, mtu 1500, 1 peer"

expect "that all threads are filtered is shown" \
    grep -qx '  system call filter: 2 of 2 threads' "$output"
refuse "and no word about keys that are locked" grep -q 'keys:' "$output"

ask "" unfiltered
expect "a thread without its filter is shown, with the reason" \
    grep -qF '    not filtered: opendco-house: no?[31m way' "$output"
expect "and keys that are not locked" grep -q '  keys: .*not locked' "$output"

ask "" later-drop
expect "a drop reason of a later version is shown without a meaning" \
    grep -qx '    rx_later                 2' "$output"
expect "large counts have room" \
    grep -qx '    tx_no_key      12345678901  the peer has no key to encrypt with' "$output"

# restart GROUP WANTED: what status says about a restart, as JSON and as text
restart() {
    ask --json "$1"
    equal "$1: the process is shown" $code 0
    equal "$1: a restart is pending" "$(jq '.[0].restart_pending' "$output")" "$2"
    ask "" "$1"
    equal "$1: the same in words" "$(grep -c '^  restart pending: ' "$output")" "$([ "$2" = false ]; echo $?)"
}
expect "the library has a build id" test -n "$BUILD_ID"
restart same-build false
restart other-build true
restart gone-build true
restart good true # an older library does not say
restart number-build true
restart device-build false
restart text-build false

ask --json good+inactive
equal "one of two is not offloaded" $code 2
equal "both are in the array" "$(jq -c '[.[].active]' "$output")" '[true,false]'
equal "counters are passed on" "$(jq '.[0].devices[0].peers[0].rx_bytes' "$output")" 12345678
ask "" inactive
expect "the reason is printed" grep -q 'not offloaded: no ' "$output"
refuse "and no control character of it" grep -qP '[\x00-\x09\x0b-\x1f\x7f-\xff]' "$output"
ask --json none
equal "no process: an empty array" "$(jq -c . "$output")" '[]'

ask "" stale+good
equal "a stale socket does not count" $code 0
refuse "and is removed" test -e "$OPENDCO_RUNTIME_DIR/stale.sock"
touch "$OPENDCO_RUNTIME_DIR/file.sock"
"$OPENDCO" status >"$output" 2>&1
expect "a file that is no socket is left alone" test -e "$OPENDCO_RUNTIME_DIR/file.sock"

ask --json unknown-member
equal "a member of a later version is no error" $code 0
ask --json crowd
equal "thousands of peers" "$(jq '.[0].devices[0].peers | length' "$output")" 4000

for kind in $BAD; do
    refused $kind
done
refused endless "Message too long"
refused silent "timed out"
refused slow "timed out"
ask --json good+cut
equal "one bad socket: exit status 3" $code 3
equal "and the good one is still shown" "$(jq length "$output")" 1

"$OPENDCO" status --bogus >"$output" 2>&1
equal "an unknown option" $? 3
"$OPENDCO" status --json >/dev/full 2>&1
equal "output that cannot be written" $? 3
test_end
