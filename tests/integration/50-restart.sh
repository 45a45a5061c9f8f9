#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "After a restart by signal openvpn works again and holds no more than before."

# What a process holds while one client is connected and the load runs.
holds() { echo "threads $(tasks_of "$1")| $(fds_of "$1") | secrets $(secrets_of "$1")"; }

# restart NAME SIGNAL WHAT: NAME starts again, the client connects, and traffic flows. A server tells its
# clients to restart, so then both do.
restart() {
    local server client
    server=$(vpn_ups server)
    client=$(vpn_ups client1)
    vpn_signal "$1" "$2"
    [ "$1" = client1 ] || expect "$3: the server is up again after SIG$2" vpn_again server $((server + 1))
    expect "$3: the client is connected again after SIG$2 of $1" vpn_again client1 $((client + 1))
    expect "$3: both inner families work" until_true 5 reach_inner client1 $VPN4 $VPN6
    equal "$3: each has one device" "$(devices_of server) $(devices_of client1)" "1 1"
}

# rounds WHAT: the first restart may add something that stays; after it nothing may grow.
rounds() {
    local what=$1 server client step
    restart server USR1 "$what, first"
    # Old keys go a moment after the new ones arrive.
    server=$(settled holds server)
    client=$(settled holds client1)
    for step in $STEPS; do
        restart "${step%:*}" "${step#*:}" "$what"
    done
    eventually "$what: the server holds what it held" "$server" holds server
    eventually "$what: the client holds what it held" "$client" holds client1
    offloaded server
    offloaded client1
}

# connected WHAT SERVER-LINES... -- CLIENT-LINES...
connected() {
    local what=$1 server=()
    shift
    while [ "$1" != -- ]; do
        server+=("$1")
        shift
    done
    shift
    vpn_start server opendco "keepalive 1 8" "explicit-exit-notify 1" "${server[@]}"
    daemonized server "${server[@]}"
    expect "$what: the server is up" vpn_ready server
    vpn_start client1 opendco "$@"
    daemonized client1 "$@"
    expect "$what: the client is up" vpn_ready client1
}

# daemonized NAME LINE...: with "daemon" among the lines, the pid is another one.
daemonized() {
    local name=$1
    shift
    case " $* " in
    *" daemon "*) vpn_adopt "$name" "$W/$name.pid" || not_ok "$name writes its pid" ;;
    esac
}

# ends WHAT NAME: NAME ends by itself, under load
ends() {
    if [ -e "$W/$2.pid" ]; then # a daemon is not our child
        expect "$1: $2 ends by itself" vpn_stop "$2" TERM
        rm -f "$W/$2.pid"
        return
    fi
    vpn_end "$2"
    equal "$1: $2 ends with status 0" $ended 0
}

loaded_for() { [ "$(load_carried)" -ge "$1" ]; }

# scenario WHAT SERVER-LINES... -- CLIENT-LINES...
scenario() {
    local what=$1
    connected "$@"
    load_start
    rounds "$what"
    until_true 30 loaded_for 4 # a busy machine comes back to its load more slowly
    between "$what: there was load" "$(load_carried)" 4 1000
    ends "$what" client1
    ends "$what" server
    end_pid $load_pid
    other_pids=()
    equal "$what: the port is free" "$(port_users server)" 0
    equal "$what: no device is left" "$(devices_of server) $(devices_of client1)" "0 0"
}

# sockets: prints the number of status sockets
sockets() { find "$W" -name '*.sock' | wc -l; }

net_make 1
pki_make client1
# openvpn reads its files again after it has changed the user and the root.
chmod 711 "$W"
daemon=("daemon" "writepid $W/%.pid" "log-append $W/%.log")
unprivileged=("user nobody" "group nogroup" "persist-key")
other_users || unprivileged=("persist-key")

STEPS="server:USR1 client1:USR1 server:HUP client1:HUP"
scenario "devices made anew" --
equal "no status socket is left" "$(sockets)" 0
STEPS="client1:USR1 server:HUP"
scenario "persist-tun" "persist-tun" -- "persist-tun"
# Neither of them can read its configuration again. A server tells its client to restart, so both do.
STEPS="server:USR1"
scenario "user nobody, devices made anew" "${unprivileged[@]}" -- "${unprivileged[@]}"
scenario "user nobody, persist-tun, daemon" "${unprivileged[@]}" "persist-tun" \
    "${daemon[@]//%/server}" -- "${unprivileged[@]}" "persist-tun" "${daemon[@]//%/client1}"

# The new root has only what openvpn itself needs, and no /dev, /proc, /sys or /run.
jail=$W/jail
vpn_ccd 1
mkdir -p "$jail/tmp" "$jail$W"
chmod 1777 "$jail/tmp"
cp -r "$W/ccd-$VPN_NET" "$jail$W"
scenario "chroot, devices made anew" "chroot $jail" "persist-key" -- "chroot $jail" "${unprivileged[@]}"
test_end
