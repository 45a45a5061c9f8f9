#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Multicast from the server's host reaches every client, as OSPF and mDNS need it; with \
client-to-client, multicast of a client reaches the others and the host. Nothing else is copied."

GROUPS4="224.0.0.5 239.1.2.3" GROUPS6="ff02::5 ff05::123"
WORDS=10

# speak NAME: after this `say NAME SOURCE DESTINATION TEXT` sends a datagram from that source through
# the tunnel. A source that is no address of the host is allowed (IP_TRANSPARENT, IPV6_TRANSPARENT).
speak() {
    mkfifo "$W/say-$1"
    background "$1" python3 -u -c '
import socket, sys
print("ready")
tun = socket.if_nametoindex(sys.argv[2])
for line in open(sys.argv[1]):
    source, destination, text = line.split()
    six = ":" in source
    out = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(*((41, 75) if six else (0, 19)), 1)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[2].encode() + b"\0")
    if six:
        out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 7)
    else:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 7)
    try:
        out.bind((source, 0, 0, tun) if six else (source, 0))
        out.sendto(text.encode(), (destination, 7000, 0, tun) if six else (destination, 7000))
    except OSError as error:
        print(source, destination, text, error)
' "$W/say-$1" "$(tun_of "$1")" >"$W/spoke-$1" 2>&1 8<>"$W/say-$1"
    until_true 5 grep -q ready "$W/spoke-$1"
}
say() { echo "$2 $3 $4" >"$W/say-$1"; }

# hear NAME: what arrives at port 7000 of the tunnel goes to a file: text, source, hop limit
hear() {
    # shellcheck disable=SC2086
    background "$1" python3 -u -c '
import select, socket, struct, sys
tun = socket.if_nametoindex(sys.argv[1])
ears = []
for six in (False, True):
    ear = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode() + b"\0")
    if six:
        ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    else:
        ear.setsockopt(socket.IPPROTO_IP, 12, 1)
    ear.bind(("::" if six else "0.0.0.0", 7000))
    ears.append(ear)
for group in sys.argv[2:]:
    if ":" in group:
        ears[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                           socket.inet_pton(socket.AF_INET6, group) + struct.pack("I", tun))
    else:
        ears[0].setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                           socket.inet_aton(group) + struct.pack("4xI", tun))
print("ready")
while True:
    for ear in select.select(ears, [], [])[0]:
        data, control, _, source = ear.recvmsg(2000, 256)
        print(data.decode(), source[0].split("%")[0], struct.unpack("i", control[0][2])[0])
' "$(tun_of "$1")" $GROUPS4 $GROUPS6 >"$W/heard-$1"
    until_true 5 grep -q ready "$W/heard-$1"
}
heard() { sort -u "$W/heard-$1" | grep -c "^$2-[0-9]* $3 7\$"; }

# many FROM SOURCE DESTINATION WORD: ten datagrams
many() {
    local i
    for ((i = 1; i <= WORDS; i++)); do say "$1" "$2" "$3" "$4-$i"; done
}

# all_hear WHAT FROM SOURCE4 SOURCE6 NAME...: each hears each datagram to each group, with its source
# and its hop limit
all_hear() {
    local what=$1 from=$2 source4=$3 source6=$4 group source name
    shift 4
    for group in $GROUPS4 $GROUPS6; do
        source=$source4
        case $group in *:*) source=$source6 ;; esac
        many "$from" "$source" "$group" "$from-$group"
    done
    for group in $GROUPS4 $GROUPS6; do
        source=$source4
        case $group in *:*) source=$source6 ;; esac
        for name in "$@"; do
            eventually "$what: $group is heard by $name" $WORDS heard "$name" "$from-$group" "$source"
        done
    done
}
nothing_heard() { ! grep "^$2-" "$W/heard-$1"; }

# unwanted FROM SOURCE DESTINATION TEXT
unwanted=()
unwanted() {
    say "$1" "$2" "$3" "$4-0"
    unwanted+=("$4")
}

net_make 3
NEW=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$NEW"; NEW=; }

for OPENVPN in $OPENVPN $NEW; do
    for c2c in "" client-to-client; do
        unset "vpn_mode[server]"
        vpn_start server opendco "$c2c"
        expect "the server is up (${c2c:-without client-to-client})" vpn_ready server
        for i in 1 2 3; do
            mode=opendco
            [ $i -ne 3 ] || mode=stock
            vpn_start client$i $mode
            expect "client $i ($mode) is up" vpn_ready client$i
        done
        rm -f "$W"/say-* "$W"/heard-* "$W"/spoke-*
        listeners=()
        for name in server client1 client2 client3; do
            hear $name && listeners+=("$started")
            speak $name && listeners+=("$started")
        done
        unwanted=()
        all_hear "from the host" server $VPN4 $VPN6 client1 client2 client3
        if [ -n "$c2c" ]; then
            all_hear "from a client" client1 "$(vpn_client4 1)" "$(vpn_client6 1)" server client2 client3
        else
            all_hear "from a client" client1 "$(vpn_client4 1)" "$(vpn_client6 1)" server
            # It came before what the host says now.
            expect "but not by client 2" nothing_heard client2 client1
            expect "and not by client 3" nothing_heard client3 client1
        fi
        expect "and the sender does not hear itself" nothing_heard client1 client1

        # openvpn sends no broadcast into a tunnel of IP packets, and no link-local source is a client's.
        unwanted server $VPN4 10.8.255.255 broadcast
        unwanted server $VPN4 255.255.255.255 limited
        unwanted client1 "$(vpn_client4 2)" 239.1.2.3 stolen
        unwanted client1 fe80::1 ff02::5 local
        unwanted client1 fd99::1 ff05::123 foreign
        # A limited broadcast of a client goes to the host alone.
        say client1 "$(vpn_client4 1)" 255.255.255.255 hostonly-0
        eventually "a broadcast of a client reaches the host" 1 grep -c '^hostonly-0 ' "$W/heard-server"
        many server $VPN4 239.1.2.3 last
        many client1 "$(vpn_client4 1)" 239.1.2.3 end
        for name in client1 client2 client3; do
            eventually "$name still hears the host" $WORDS heard $name last $VPN4
        done
        eventually "the server still hears the client" $WORDS heard server end "$(vpn_client4 1)"
        for name in client1 client2 client3; do
            for word in "${unwanted[@]}"; do
                expect "$name does not hear $word" nothing_heard $name "$word"
            done
        done
        for name in client2 client3; do
            expect "$name does not hear the broadcast of a client" nothing_heard $name hostonly
        done
        for word in stolen local foreign; do
            expect "the server does not hear $word" nothing_heard server $word
        done
        offloaded server
        for pid in "${listeners[@]}"; do end_pid "$pid"; done
        for i in 1 2 3; do vpn_stop client$i; done
        vpn_stop server
    done
done
test_end
