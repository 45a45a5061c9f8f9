#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "After a crash of openvpn the service starts again, because nobody still holds its \
port or its device; and no other program can take its packets."

children=()
child_pids() { cat "$W"/children/* 2>/dev/null; }
children_end() {
    local pid
    for pid in $(child_pids); do
        kill -KILL "$pid" 2>/dev/null
    done
    rm -f "$W"/children/*
}

# The children that the plugin left end with this script, in whatever way it ends.
trap 'status=$?; children_end; (exit $status); test_leave' EXIT

# descriptors_held PID: prints which of our descriptors a child holds: the TUN device, a UDP socket
descriptors_held() {
    local inodes
    inodes=$(in_ns server ss -Huane 2>/dev/null | sed -nE 's/.*ino:([0-9]+).*/socket:[\1]/p')
    for fd in /proc/"$1"/fd/*; do
        readlink "$fd"
    done 2>/dev/null | grep -xF -e /dev/net/tun -e "${inodes:-none}"
}

children_hold_nothing() {
    local pid held bad=0
    for pid in $(child_pids); do
        held=$(descriptors_held "$pid")
        [ -z "$held" ] || { echo "child $pid holds $held"; bad=1; }
    done
    return $bad
}

no_device() { [ "$(devices_of server)" -eq 0 ]; }
port_free() { [ "$(port_users server)" -eq 0 ]; }

net_make 2
mkdir -p "$W/children"
plugin=$W/forking_plugin.so
expect "the plugin is built" ${CC:-cc} -O2 -Wall -Wextra -shared -fPIC -o "$plugin" \
    "$TOP/tests/integration/forking_plugin.c"

# killed WHEN: with children born WHEN, and after the second client has come
killed() {
    vpn_start server opendco "plugin $plugin $W/children $1"
    expect "children of a plugin ($1): the server is up" vpn_ready server
    for i in 1 2; do
        vpn_start client$i opendco "connect-retry 1 1"
        expect "client $i is up" vpn_ready client$i
    done
    expect "traffic flows" reach_inner client2 $VPN4 $VPN6
    equal "it has left children" "$(child_pids | wc -w)" "$2"
    offloaded server
}

killed "open" 1
expect "the child of a plugin holds neither port nor device" children_hold_nothing
vpn_stop server KILL 2>/dev/null
expect "after kill -9 the device is gone at once" until_true 1 no_device
expect "and the port is free at once" until_true 1 port_free
expect "while the child lives on" kill -0 "$(child_pids)"
vpn_start server opendco "plugin $plugin $W/children open"
expect "the server can be started again" vpn_ready server
for i in 1 2; do
    vpn_signal client$i USR1
    expect "client $i is connected again" until_true 10 reach client$i $VPN4
done
vpn_stop client1
vpn_stop client2
vpn_stop server
children_end

# The first client's child is born before the plane has taken the socket that openvpn made, the second
# client's with everything open.
killed "connect exit" 2
expect "children that end by exit() take nothing along" plane server '.[0].active'
# Without OpenDCO the children hold both, and the restart fails.
if by_plane server; then
    expect "children born before and after the first client hold neither port nor device" \
        children_hold_nothing
    vpn_signal server USR1
    expect "and does not hinder a restart" vpn_again server 2
    for i in 1 2; do
        vpn_signal client$i USR1
        expect "client $i is connected again" until_true 10 reach client$i $VPN4
    done
fi

# The port is taken: for another openvpn, through OpenDCO or not, and for anybody else.
for mode in opendco stock; do
    vpn_net 9
    PORT=$((PORT - 1)) vpn_start server-b $mode
    wait "${vpn_pid[server-b]}"
    equal "a second openvpn ($mode) that wants the port fails" $? 1
    expect "and says why" log_has server-b 'Socket bind failed.*Address already in use'
    unset "vpn_pid[server-b]"
    vpn_net 8
done

# intruder OUTPUT [UID]: takes part in the port by SO_REUSEPORT, and counts what it gets
intruder() {
    background server python3 -c "
import os, socket, sys
os.setuid(${2:-0})
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
try:
    s.bind(('0.0.0.0', $PORT))
except OSError as error:
    print('refused', flush=True)
    sys.exit()
print('bound', flush=True)
s.settimeout(3000)
while True:
    print('got', len(s.recv(2000)), flush=True)
" >"$1" 2>&1
    until_true 5 test -s "$1"
}
if other_users; then
    intruder "$W/stranger" 65534
    equal "another user cannot join the port" "$(cat "$W/stranger")" refused
else
    skip "another user cannot join the port" "$no_users"
fi
if by_plane server; then
    intruder "$W/same-user"
    note "a program of the same user that joins the port: $(cat "$W/same-user")"
    vpn_signal client1 USR1
    expect "with it, a client connects" until_true 10 reach client1 $VPN4
    expect "the other one works" reach_inner client2 $VPN4 $VPN6
    equal "and it gets no packet" "$(grep -c got "$W/same-user")" 0
fi
test_end
