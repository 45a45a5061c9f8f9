#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "No process of openvpn's user can bind openvpn's port beside it without a capability \
and take packets of the VPN."

if ! other_users; then
    skip "other users and the port" "$no_users"
    test_end
fi

# join NAME USER PORT: a process of that user without capabilities tries every way into the port, and
# prints the ways that worked
join() {
    in_ns "$1" python3 -c '
import errno, os, pwd, socket, sys
user = pwd.getpwnam(sys.argv[1])
os.setgroups([])
os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
ways = [("0.0.0.0", 0), (sys.argv[3], 0), ("::", 0)]
if sys.argv[5] != "udp4":
    ways += [("::", 1), (sys.argv[4], 1)] # free where openvpn has IPv4 only
for address, only6 in ways:
    for options in ((socket.SO_REUSEPORT,), (socket.SO_REUSEADDR,),
                    (socket.SO_REUSEPORT, socket.SO_REUSEADDR)):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only6)
            for option in options:
                s.setsockopt(socket.SOL_SOCKET, option, 1)
            try:
                s.bind((address, int(sys.argv[2])))
                print("joined", address, options)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    print(address, error)
print("tried")
' "$2" "$3" "$4" "$5" "$PROTO" 2>&1
}

# closed WHAT NAME USER PORT: no way in
closed() {
    if [ "$2" = server ]; then
        equal "$1" "$(join server "$3" "$4" $SERVER4 $SERVER6)" tried
    else # it has a socket of IPv4
        local PROTO=udp4
        equal "$1" "$(join "$2" "$3" "$4" "$(client4 1)" "$(client6 1)")" tried
    fi
}

# client_port: prints the port from which the client sends
client_port() { in_ns client1 ss -Huan | awk '$4 !~ /:0$/ { sub(/.*:/, "", $4); print $4 }' | sort -u | tail -n 1; }

# sockets NAME: prints how many sockets the workers read
sockets() { plane "$1" '.[0].devices[0].udp_sockets'; }

# reads WHAT NAME one|each: one socket, or one for each worker beside openvpn's own
reads() {
    by_plane "$2" || return 0
    if [ "$3" = one ]; then
        equal "$1: one socket is read" "$(sockets "$2")" 1
        expect "$1: the log says why" log_has "$2" 'opendco: .*read by one socket.*uid'
    else
        equal "$1: each worker has a socket" "$(sockets "$2")" $((1 + $(plane "$2" '.[0].workers')))
    fi
}

net_make 1
user=("user nobody" "group nogroup" "persist-key")
for PROTO in udp4 udp; do
    expect "$PROTO: connected" vpn_pair opendco opendco "${user[@]}"
    expect "$PROTO: traffic flows" until_true 10 reach_inner client1 $VPN4 $VPN6
    closed "$PROTO: nobody gets into the server's port" server nobody "$PORT"
    reads "$PROTO" server each
    ups=$(vpn_ups client1)
    vpn_signal server USR1
    expect "$PROTO: the server is up again" vpn_again server 2
    vpn_signal client1 USR1
    expect "$PROTO: the client is connected again" vpn_again client1 $((ups + 1))
    expect "$PROTO: traffic flows after the restart" until_true 20 reach_inner client1 $VPN4 $VPN6
    closed "$PROTO: nor after a restart as nobody" server nobody "$PORT"
    reads "$PROTO after a restart as nobody" server one
    mine=$(client_port)
    closed "$PROTO: nobody gets into the client's port" client1 nobody "$mine"
    offloaded server
    offloaded client1
    vpn_stop client1
    vpn_stop server
done
PROTO=udp4

# Root that stays root keeps a socket for each worker through restarts.
expect "as root: connected" vpn_pair opendco opendco
reads "as root" server each
vpn_signal server USR1
expect "as root: the server is up again" vpn_again server 2
vpn_signal client1 USR1
expect "as root: the client is connected again" vpn_again client1 2
expect "as root: traffic flows after the restart" until_true 20 reach_inner client1 $VPN4 $VPN6
reads "as root after a restart" server each
closed "as root: nobody gets into the port" server nobody "$PORT"
offloaded server
vpn_stop client1
vpn_stop server

# Several ports of one server, which openvpn 2.7 may have.
if new=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7"); then
    old=$OPENVPN
    OPENVPN=$new
    vpn_start server opendco "${user[@]}" "local $SERVER4 $PORT udp4" "local $SERVER4 $((PORT + 1)) udp4"
    expect "2.7, two ports: the server is up" vpn_ready server
    vpn_start client1 opendco
    expect "2.7, two ports: the client is up" vpn_ready client1
    expect "2.7, two ports: traffic flows" until_true 10 reach_inner client1 $VPN4 $VPN6
    vpn_signal server USR1
    expect "2.7, two ports: the server is up again" vpn_again server 2
    vpn_signal client1 USR1
    expect "2.7, two ports: the client is connected again" vpn_again client1 2
    expect "2.7, two ports: traffic flows after the restart" until_true 20 reach_inner client1 $VPN4 $VPN6
    for port in "$PORT" $((PORT + 1)); do
        closed "2.7, two ports: nobody gets into $port" server nobody "$port"
    done
    reads "2.7, two ports, after a restart as nobody" server one
    vpn_stop client1
    vpn_stop server
    OPENVPN=$old
else
    skip "several ports of one server" "$new"
fi

# A start that is not root's.
tun_node=$W/tun
if ! { mknod -m 666 "$tun_node" c 10 200 && : <>"$tun_node"; } 2>/dev/null; then
    tun_node=/dev/net/tun
fi
if [ "$(stat -Lc %a "$tun_node")" != 666 ]; then
    skip "a start that is not root's" "/dev/net/tun is not for other users"
    test_end
fi
mkdir "$W/mine" "$W/mine/bin"
mkdir -m 700 "$W/run-server" 2>/dev/null
install -m 644 "$PKI/ca.crt" "$PKI/server.crt" "$PKI/server.key" "$W/mine"
# The checkout may be in a folder that other users cannot enter.
install -m 755 "$BUILD/opendco" "$BUILD/libopendco.so" "$W/mine/bin"
touch "$W/mine/status"
chown -R news "$W/mine" "$W/run-server"
cat >"$W/as-news" <<END
#!/bin/bash
[ -n "\$inside" ] || inside=1 exec unshare --mount bash -c '
    [ $tun_node = /dev/net/tun ] || mount --bind $tun_node /dev/net/tun
    exec setpriv --reuid news --regid news --clear-groups --inh-caps +net_admin \
        --ambient-caps +net_admin "\$0" "\$@"' "\$0" "\$@"
exec $W/mine/bin/opendco "\$@"
END
chmod 755 "$W/as-news"
root_opendco=$OPENDCO
OPENDCO=$W/as-news
vpn_start server opendco "ca $W/mine/ca.crt" "cert $W/mine/server.crt" "key $W/mine/server.key" \
    "status $W/mine/status" "management $W/mine/mgmt unix"
OPENDCO=$root_opendco
if ! by_plane server; then
    skip "a start that is not root's" "OPENDCO_TEST_MODE is stock"
    test_end
fi
expect "a start that is not root's: the server is up" vpn_ready server
vpn_start client1 opendco
expect "a start that is not root's: the client is up" vpn_ready client1
expect "a start that is not root's: traffic flows" until_true 10 reach_inner client1 $VPN4 $VPN6
closed "a start that is not root's: its user gets into no port" server news "$PORT"
reads "a start that is not root's" server one
offloaded server
test_end
