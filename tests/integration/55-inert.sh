#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "Scripts and programs that openvpn starts, or that inherit the environment, behave as \
without OpenDCO and do not hold the tunnel open."

if [ "${OPENDCO_TEST_MODE:-}" = stock ]; then
    skip "inertness" "OPENDCO_TEST_MODE is stock"
    test_end
fi

library=$LIBRARY

# look LIBRARY COMMAND...: what a program says and how it ends; then what the shell in which it ran
# holds itself.
look() {
    local preload=$1
    shift
    LD_PRELOAD=$preload OPENDCO_RUNTIME_DIR=$W/run-look "$@" >"$W/out" 2>"$W/err"
    echo "status $?"
    cat "$W/out" "$W/err"
}

# alike WHAT COMMAND...: the result is the same with and without the library
alike() {
    local what=$1 without with
    shift
    without=$(look "" "$@")
    with=$(look "$library" "$@")
    if [ "$with" = "$without" ]; then
        ok "$what: same output and exit status"
    else
        not_ok "$what: same output and exit status" "differs"
        diff <(echo "$without") <(echo "$with") | sed 's/^/# /' | head -n 20
    fi
    refuse "$what: no status socket" test -e "$W/run-look"
}

own_tasks_and_fds='ls /proc/self/task | wc -l; ls -l /proc/self/fd | sed -E "s/.*-> //; s/[0-9]+//g" | sort'
alike "a shell" sh -c "$own_tasks_and_fds; exit 7"
alike "a shell that reads and writes" bash -c 'exec 9<>/dev/null; read -r line </etc/passwd; echo "${line%%:*}"'
alike "a pipeline" sh -c 'seq 1 1000 | sort -rn | head -n 3; cat /nonexistent'
alike "ip" ip -o link show lo
alike "ip, without rights" setpriv --bounding-set -net_admin --inh-caps -net_admin ip link set lo mtu 9000
alike "an openvpn that is no VPN" "$OPENVPN" --show-ciphers
alike "an openvpn with a bad option" "$OPENVPN" --no-such-option
# Only one line differs in every run of openvpn: the version of the DCO module.
expect "openvpn --version names OpenDCO" grep -q '^DCO version: .*OpenDCO' \
    <(LD_PRELOAD=$library "$OPENVPN" --version)
alike "python with threads and sockets" python3 -c '
import os, socket, threading, time
a, b = socket.socketpair()
t = threading.Thread(target=lambda: b.send(b.recv(10)))
t.start()
a.send(b"hello")
t.join(); time.sleep(0.2)
print(a.recv(10), len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 0))
u.sendto(b"x", u.getsockname())
print(u.recvfrom(10)[0], u.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT))
for family in (0, 16):
    n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
    n.bind((0, 0))
    print(n.getsockname()[0] > 0)
pid = os.fork()
if pid == 0:
    print("child", len(os.listdir("/proc/self/fd")), flush=True)
    os._exit(0)
os.waitpid(pid, 0)'
# The generic netlink sockets of others reach the kernel.
alike "generic netlink of another family" python3 -c '
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
s.bind((0, 0))
name = b"nlctrl\0\0"
attr = struct.pack("HH", 11, 2) + name
body = struct.pack("BBH", 3, 1, 0) + attr
s.send(struct.pack("IHHII", 16 + len(body), 16, 5, 1, 0) + body)
reply = s.recv(8192)
print(struct.unpack("IHHI", reply[:12])[1:], b"nlctrl" in reply)'
# A device that ip makes is not ours, and one of the driver's kind needs the kernel module.
net_make 1
alike "ip tuntap" in_ns server sh -c \
    'ip tuntap add dev t0 mode tun && ip -o -d link show t0 | grep -o "tun type tun"; ip tuntap del dev t0 mode tun'

# Scripts of a running server: what they hold, print and leave.
cat >"$W/script" <<END
#!/bin/sh
echo "script was here: \$script_type"
[ "\$script_type" != client-connect ] || (setsid sleep 3000 </dev/null >/dev/null 2>&1 & echo \$! >"$W/sleeper")
exec >>"$W/held"
echo "\$script_type: \$(ls /proc/\$\$/task | wc -l) task"
for fd in /proc/\$\$/fd/*; do
    link=\$(readlink "\$fd")
    echo "\$script_type: \${link%%:*}"
done
END
chmod 755 "$W/script"

# scripted MODE: leaves in $W/held-MODE what the scripts of a server with one client held
scripted() {
    : >"$W/held"
    vpn_start server "$1" "script-security 2" "up $W/script" "client-connect $W/script" \
        "learn-address $W/script" "tls-verify $W/script"
    expect "a server with scripts, $1: up" vpn_ready server
    vpn_start client1 opendco
    expect "a server with scripts, $1: a client connects" vpn_ready client1
    expect "a server with scripts, $1: traffic flows" until_true 3 reach client1 $VPN4
    sort "$W/held" >"$W/held-$1"
    offloaded server
}

scripted stock
kill -KILL "$(cat "$W/sleeper")"
vpn_stop client1
vpn_stop server
scripted opendco
expect "scripts have the same tasks and descriptors as without OpenDCO" \
    diff "$W/held-stock" "$W/held-opendco"
expect "four kinds of them ran" \
    test "$(cut -d: -f1 "$W/held-opendco" | sort -u | wc -l)" -eq 4
expect "and their output is in the log" log_has server 'script was here'
equal "only the two openvpn have a status socket" "$(find "$W" -name '*.sock' | wc -l)" 2

# A process that a script left behind holds nothing when openvpn is gone.
vpn_stop server KILL 2>/dev/null
expect "a process that a script left lives on" kill -0 "$(cat "$W/sleeper")"
equal "the device is gone" "$(devices_of server)" 0
equal "the port is free" "$(port_users server)" 0
kill -KILL "$(cat "$W/sleeper")"
test_end
