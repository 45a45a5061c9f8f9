#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "Keys leave memory when they are retired, and neither swapping nor a core dump writes \
them to disk."

if [ "${OPENDCO_TEST_MODE:-}" = stock ]; then
    skip "keys in memory" "OPENDCO_TEST_MODE is stock"
    test_end
fi

# keys_in FILE-OR-PID: prints for each of three keys where it is found: "none", "safe" (only in memory
# that is locked, excluded from core dumps and absent from children), "unsafe" or, in a file, "found"
cat >"$W/keys_in.py" <<'END'
import re, sys

first = bytes(0x5a ^ (i * 37 + 11) & 0xff for i in range(32))
keys = [bytes(b ^ mask for b in first) for mask in (0, 0xff, 0x33)]

def mappings(pid):
    for entry in re.split(r'(?m)^(?=[0-9a-f]+-[0-9a-f]+ )', open(f'/proc/{pid}/smaps').read()):
        head = re.match(r'([0-9a-f]+)-([0-9a-f]+) r', entry)
        if head:
            flags = re.search(r'VmFlags: (.*)', entry).group(1).split()
            yield int(head[1], 16), int(head[2], 16), entry.split('\n')[0], flags

def in_process(pid):
    found = {key: 'none' for key in keys}
    with open(f'/proc/{pid}/mem', 'rb', 0) as memory:
        for start, end, name, flags in mappings(pid):
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except (OSError, OverflowError, ValueError):
                continue
            for key in found:
                # Half a key is a secret too; the cipher keeps the two halves apart.
                if key[:16] not in content and key[16:] not in content:
                    continue
                safe = {'lo', 'dd', 'wf'} <= set(flags)
                if not safe:
                    print(name, *flags, file=sys.stderr)
                if found[key] != 'unsafe':
                    found[key] = 'safe' if safe else 'unsafe'
    return found.values()

def in_file(path):
    content = open(path, 'rb').read()
    return ['found' if k[:16] in content or k[16:] in content else 'none' for k in keys]

print(*(in_process(sys.argv[1]) if sys.argv[1].isdigit() else in_file(sys.argv[1])))
END
keys_in() { python3 "$W/keys_in.py" "$1" 2>>"$W/keys_in.log"; }

tell() {
    local line
    echo "$1" >&"${program[1]}"
    read -r -t $((10 * PATIENCE)) line <&"${program[0]}"
    [ "$line" = "${2:-done}" ]
}

# Packets in both directions, so that the key has been in every place that it reaches.
inner=6f70656e64636f2d706c61696e2d7478 # what they say
traffic() { in_ns server ping -q -c 20 -i 0.01 -W 0.1 -s 400 -p $inner 10.99.0.2 >/dev/null; }

# says_inner FILE
says_inner() { python3 -c 'import sys; sys.exit(bytes.fromhex(sys.argv[2]) not in open(sys.argv[1], "rb").read())' \
    "$1" $inner; }

locked() { OPENDCO_RUNTIME_DIR="$W/run-server" "$OPENDCO" status --json | jq -r '.[0].keys_locked'; }

net_make 1
expect "the program is built" ${CC:-cc} -O1 -Wall -Wextra -o "$W/known_key" \
    "$TOP/tests/integration/known_key.c" -lmnl
ulimit -c unlimited
coproc program {
    cd "$W" && exec ip netns exec "$(ns server)" env LD_PRELOAD="$LIBRARY" \
        OPENDCO_RUNTIME_DIR="$W/run-server" "$W/known_key" abi0 2>"$W/known_key.log"
}
pid=$program_PID
other_pids+=("$pid")
read -r -t $((10 * PATIENCE)) line <&"${program[0]}"
equal "a program that is not openvpn has a device" "$line" ready
in_ns server ip link set abi0 up
in_ns server ip addr add 10.99.0.1/24 dev abi0
equal "no key is in its memory" "$(keys_in "$pid")" "none none none"

expect "it has a peer with a key" tell key
traffic
between "which has sent packets" \
    "$(in_ns server cat /sys/class/net/abi0/statistics/tx_packets)" 20 1000
equal "the key is in locked, undumped, unshared memory only" "$(keys_in "$pid")" "safe none none"
expect "a second key takes over" tell swap
traffic
equal "so are both keys" "$(keys_in "$pid")" "safe safe none"

# A core dump while both are in use.
core="$W/core"
if command -v gcore >/dev/null && gcore -o "$core" "$pid" >"$W/gcore.log" 2>&1; then
    equal "a debugger's core file has none" "$(keys_in "$core.$pid")" "none none none"
    refuse "nor has it what packets of the tunnel said" says_inner "$core.$pid"
    expect "and does have the rest of the memory" test "$(stat -c %s "$core.$pid")" -gt 1000000
    rm -f "$core.$pid"
else
    skip "a debugger's core file has none" "gcore is not installed or not allowed"
fi

expect "the old key is deleted" tell delete
traffic
eventually "it is nowhere any more, the other one still safe" "none safe none" keys_in "$pid"
expect "the peer is removed" tell remove
eventually "no key is anywhere" "none none none" keys_in "$pid"
sed 's/^/# /' "$W/keys_in.log"

locked_before=$(locked)

# The kernel's own core dump, where it writes to a file.
expect "another peer with a key" tell key
traffic
equal "which is safe as well" "$(keys_in "$pid")" "none none safe"
if grep -qE '^core' /proc/sys/kernel/core_pattern; then
    kill -ABRT "$pid"
    wait "$pid" 2>/dev/null
    core=$(find "$W" -maxdepth 1 -name 'core*' | head -n 1)
    expect "the kernel wrote a core file" test -s "$core"
    equal "it holds no key" "$(keys_in "$core")" "none none none"
    refuse "nor what packets of the tunnel said" says_inner "$core"
    rm -f "$core"
else
    skip "the kernel's core file holds no key" "core files go to a program here"
fi

equal "status says that keys were locked" "$locked_before" true
refuse "and the log says nothing else" grep -q 'could not be locked' "$W/known_key.log"

# With a limit on locked memory.
# shellcheck disable=SC2034 # read by the function tell
coproc program {
    cd "$W" && ulimit -l 0 && exec ip netns exec "$(ns server)" setpriv --bounding-set -ipc_lock \
        env LD_PRELOAD="$BUILD/libopendco.so" OPENDCO_RUNTIME_DIR="$W/run-server" \
        "$W/known_key" abi2 2>"$W/unlocked.log"
}
pid=$program_PID
other_pids+=("$pid")
read -r -t 10 line <&"${program[0]}"
expect "without the right to lock memory a key works all the same" tell key
expect "and a second one" tell swap
equal "status says that they are not locked" "$(locked)" false
equal "the log says so once, and what to do" \
    "$(grep -c 'could not be locked.*LimitMEMLOCK' "$W/unlocked.log")" 1
kill -TERM "$pid"
wait "$pid" 2>/dev/null

# OpenSSL, which is used on processors without libipsec-mb, keeps copies in memory of its own.
# shellcheck disable=SC2034 # read by the function tell
coproc program {
    cd "$W" && exec ip netns exec "$(ns server)" env LD_PRELOAD="$LIBRARY" \
        OPENDCO_AEAD=openssl OPENDCO_RUNTIME_DIR="$W/run-server" "$W/known_key" abi1 2>>"$W/known_key.log"
}
pid=$program_PID
other_pids+=("$pid")
read -r -t $((10 * PATIENCE)) line <&"${program[0]}"
in_ns server ip link set abi1 up
in_ns server ip addr add 10.99.0.1/24 dev abi1
expect "OpenSSL: there is a peer with a key" tell key
traffic
expect "OpenSSL: a second key takes over" tell swap
expect "OpenSSL: the old key is deleted" tell delete
traffic
first_key() { keys_in "$pid" | cut -d' ' -f1; }
# The root of a user namespace may not read the memory of a process that is not dumpable.
if head -c 0 "/proc/$pid/mem" 2>/dev/null; then
    eventually "OpenSSL: it is nowhere any more" none first_key
    expect "OpenSSL: the peer is removed" tell remove
    eventually "OpenSSL: no key is anywhere" "none none none" keys_in "$pid"
else
    skip "OpenSSL: no key is anywhere" "its memory may not be read here"
    tell remove
fi
expect "OpenSSL: another peer with a key" tell key
traffic
rm -f "$W"/core*
kill -ABRT "$pid"
wait "$pid" 2>/dev/null
equal "OpenSSL: there is no core file" "$(find "$W" -maxdepth 1 -name 'core*' | wc -l)" 0
test_end
