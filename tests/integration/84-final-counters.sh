#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "The script of client-disconnect learns all bytes of a client, also of one that vanished, \
and without a status file that is written often."

BYTES=3000000

# What the script of the last client that left was told
bye() { sed -nE "s/^$1=//p" "$W/bye" 2>/dev/null; }
said_bye() { [ "$(bye common_name)" = client1 ]; }

# traffic_counted WAY: the last client's bytes, which are those of the payload and little more
traffic_counted() { between "$2: bytes_$1" "$(bye "bytes_$1")" $BYTES $((BYTES * 3 / 2)); }

# session WHAT PROGRAM SIGNAL: a client moves the payload both ways and ends by that signal
session() {
    local what=$1
    OPENVPN=$2
    rm -f "$W/bye"
    vpn_start client1 opendco "explicit-exit-notify 1"
    expect "$what: connected" vpn_ready client1
    expect "$what: traffic" payload client1 $VPN4 $BYTES
    offloaded server
    vpn_stop client1 "$3" 80
    expect "$what: the script ran" until_true 30 said_bye
    traffic_counted received "$what"
    traffic_counted sent "$what"
}

# server WHAT PROGRAM
server() {
    OPENVPN=$2
    vpn_start server opendco "keepalive 1 4" "script-security 2" "client-disconnect $W/at-end" \
        "status $W/server.status 600"
    expect "$1: a server" vpn_ready server
    payload_serve server
    # 2.7 answers a goodbye in a way of its own, and its script learns what the last status showed.
    [ "$1" = "openvpn 2.7" ] || session "$1, a client that says goodbye" "$2" TERM
    session "$1, a client that vanishes" "$2" KILL
    session "$1, another one" "$2" KILL
    end_pid "$started"
    vpn_stop server
}

net_make 1
cat >"$W/at-end" <<END
#!/bin/sh
env >$W/bye.new && mv $W/bye.new $W/bye
END
chmod +x "$W/at-end"

server "openvpn 2.6" "$OPENVPN"
if new=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7"); then
    server "openvpn 2.7" "$new"
else
    skip "openvpn 2.7" "$new"
fi
test_end
