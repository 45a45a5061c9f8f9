#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "When a TCP connection ends, in whatever way, server and plane agree that the client is \
gone; it comes back, and nothing is left over."

export OPENDCO_TCP=1
PROTO=tcp4
RELAY=$((PORT + 7))

clients() { management server 'status 2' | grep -E '^(CLIENT_LIST|END)'; }
listed() { clients | grep -q "^CLIENT_LIST,$1,"; }
gone() { clients | grep -q '^END' && ! listed "$1"; }
peers() { plane server '[.[0].devices[].peers[]] | length'; }
# The plane has as many peers as openvpn lists clients.
agreed() { ! by_plane server || [ "$(peers)" = "$(clients | grep -c '^CLIENT_LIST')" ]; }
descriptors() { find "/proc/${vpn_pid[server]}/fd" -mindepth 1 2>/dev/null | wc -l; }
connections() { log_count client1 'Initialization Sequence Completed'; }
again() { [ "$(connections)" -gt "$1" ] && reach client1 $VPN4 56 2; }

relay_do() {
    local before
    before=$(grep -c "done" "$W/relay.log")
    echo "$*" >"$W/relay.fifo"
    until_true 5 relay_did "$before"
}
relay_did() { [ "$(grep -c "done" "$W/relay.log")" -gt "$1" ]; }

net_make 2
mkfifo "$W/relay.fifo"
background server python3 "$TOP/tests/integration/tcp_relay.py" $RELAY $SERVER4 "$PORT" \
    "$W/relay.fifo" >"$W/relay.log" 2>&1
until_true 5 grep -q ready "$W/relay.log"
vpn_start server opendco
expect "the server is up" vpn_ready server

# A client that is killed: its kernel closes the connection, and the server need not wait.
vpn_start client2 opendco
expect "client 2 is up" vpn_ready client2
expect "client 2 works" reach client2 $VPN4
vpn_stop client2 KILL 2>/dev/null
expect "after kill -9 the server no longer lists it" until_true 10 gone client2
expect "and neither does the plane" until_true 10 agreed

# Through the relay, in each way in which a connection can end

PORT=$RELAY vpn_start client1 opendco "connect-retry 1 1"
expect "client 1 is up" vpn_ready client1
expect "client 1 works" reach_inner client1 $VPN4 $VPN6
empty=$(settled descriptors)

# ended WHAT COMMAND...: the relay does that, and client and server go on with a new connection
ended() {
    local what=$1 before
    before=$(connections)
    shift
    relay_do "$@"
    expect "$what: the client is connected again" until_true 20 again "$before"
    expect "$what: server and plane agree" until_true 10 agreed
}

ended "an abortive close" rst
ended "a half-close" fin
ended "a length of zero" inject 0000
ended "data without a peer id" inject 000430000000
# A length that openvpn does not take for its own frames either
ended "a control packet of no session, longer than openvpn takes" \
    inject ffff20 65534
offloaded server
offloaded client1

# A frame of 65535 bytes that never ends stops the client's packets, until the server gives it up.
vpn_stop client1
vpn_stop server
vpn_start server opendco "keepalive 1 4"
expect "a server that is impatient is up" vpn_ready server
PORT=$RELAY vpn_start client1 opendco "connect-retry 1 1"
expect "client 1 is up" vpn_ready client1
ended "a frame that never ends" inject ffff48
ended "the first byte of a length, and no more" inject 01

relay_do bytes
expect "one byte at a time: the tunnel works" reach client1 $VPN4 1000 5
before=$(connections)
vpn_signal client1 USR1
expect "one byte at a time: a session begins" until_true 30 again "$before"
relay_do pass
expect "and works" reach_inner client1 $VPN4 $VPN6

# Both ends start again

for signal in USR1 HUP; do
    before=$(connections)
    vpn_signal client1 $signal
    expect "SIG$signal of the client: connected again" until_true 20 again "$before"
    expect "SIG$signal of the client: server and plane agree" until_true 10 agreed
    before=$(connections) up=$(log_count server 'Initialization Sequence')
    vpn_signal server $signal
    expect "SIG$signal of the server: up again" until_true 20 log_has server 'Initialization Sequence' \
        $((up + 1))
    expect "SIG$signal of the server: the client comes back" until_true 60 again "$before"
    expect "SIG$signal of the server: server and plane agree" until_true 10 agreed
done
offloaded server
offloaded client1
before=$(connections)
vpn_stop server KILL 2>/dev/null
vpn_run server opendco
expect "after kill -9 of the server it can be started at once" vpn_ready server
expect "and the client comes back" until_true 60 again "$before"

# A client that stops reading costs the server a bounded queue, and other clients nothing.

vpn_start client2 opendco
expect "client 2 is up" vpn_ready client2
expect "client 2 works" reach client2 $VPN4
vpn_signal client2 STOP
in_ns server python3 - "$(vpn_client4 2)" <<'END'
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(30000):
    sender.sendto(bytes(1300), (sys.argv[1], 9))
END
expect "while a client does not read, another one works" reach client1 $VPN4 1000 20
if by_plane server; then
    between "packets for the one that does not read are dropped, with the reason" \
        "$(drops server tx_stream_full)" 1 30000
fi
vpn_signal client2 CONT
expect "it works again when it reads again" until_true 20 reach client2 $VPN4
expect "in the same session" log_has client2 'Initialization Sequence' 1
vpn_stop client2

# What is left after many connections

for _ in 1 2 3; do
    before=$(connections)
    relay_do rst
    until_true 30 again "$before"
done
one=$(settled descriptors)
for _ in 1 2 3 4 5 6; do
    before=$(connections)
    relay_do rst
    until_true 30 again "$before"
done
equal "six connections later the server has as many descriptors" "$(settled descriptors)" "$one"
between "which are few" "$one" 1 $((empty + 16))
expect "server and plane agree" until_true 10 agreed
offloaded server
test_end
