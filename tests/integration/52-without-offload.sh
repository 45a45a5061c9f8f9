#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "A configuration that offload does not cover works as without OpenDCO, and one line in \
the log says why it is not offloaded."

if [ "${OPENDCO_TEST_MODE:-}" = stock ]; then
    skip "reasons for no offload" "OPENDCO_TEST_MODE is stock"
    test_end
fi

# says_why NAME REGEX: one line in openvpn's log, and the same sentence in the status
says_why() {
    local name=$1 regex=$2 reason
    reason=$(plane "$name" '.[0].reason')
    equal "$what: status of $name says that it is off" "$(plane "$name" '.[0].active')" false
    if grep -qE "$regex" <<<"$reason"; then
        ok "$what: and why"
    else
        not_ok "$what: and why" "got \"$reason\", expected /$regex/"
    fi
    equal "$what: one line of $name's log says it" \
        "$(grep -c 'opendco: offload is not active: ' "$W/$name.log")" 1
    expect "$what: with the same words" grep -qF "offload is not active: $reason" "$W/$name.log"
    OPENDCO_RUNTIME_DIR=$W/run-$name "$OPENDCO" status >"$W/status" 2>&1
    equal "$what: exit status of opendco status" $? 2
    expect "$what: its text says why" grep -qF "$reason" "$W/status"
    equal "$what: $name has no thread that moves packets" \
        "$(tasks_of "$name" | tr ' ' '\n' | grep -vcE '^(openvpn|opendco-status|)$')" 0
}

# works: traffic flows both ways; tap and net30 have addresses of their own.
works() {
    expect "$what: traffic flows" until_true 3 reach client1 "$1"
    expect "$what: also large packets" until_true 3 reach client1 "$1" 1300
}

ends() {
    vpn_stop client1
    vpn_stop server
}

# both WHAT SERVER-REGEX CLIENT-REGEX ADDRESS SERVER-LINE... -- CLIENT-LINE...; "-" as regex: that
# side is offloaded
both() {
    local server_why=$2 client_why=$3 address=$4 server=()
    what=$1
    shift 4
    while [ "$1" != -- ]; do
        server+=("$1")
        shift
    done
    shift
    vpn_start server opendco "${server[@]}"
    expect "$what: the server is up" vpn_ready server
    vpn_start client1 opendco "$@"
    expect "$what: the client is up" vpn_ready client1
    works "$address"
    if [ "$server_why" = - ]; then offloaded server; else says_why server "$server_why"; fi
    if [ "$client_why" = - ]; then offloaded client1; else says_why client1 "$client_why"; fi
    ends
}

net_make 1

PROTO=tcp-server
udp_client=$(declare -f vpn_config_client)
vpn_config_client() {
    printf '%s\n' client "proto tcp-client" "remote $SERVER4 $PORT" nobind "remote-cert-tls server" \
        "connect-retry 1 2"
}
both "TCP" "TCP" "TCP" $VPN4 --
PROTO=udp4
eval "$udp_client"

both "comp-lzo" "comp-lzo" "comp-lzo" $VPN4 "comp-lzo yes" "allow-compression yes" -- \
    "comp-lzo yes" "allow-compression yes"
both "fragment" "fragment" "fragment" $VPN4 "fragment 1300" -- "fragment 1300"
both "AES-256-CBC" "data-ciphers.*AES-256-CBC" "data-ciphers.*AES-256-CBC" $VPN4 \
    "data-ciphers AES-256-CBC" -- "data-ciphers AES-256-CBC"
both "disable-dco at the server only" "disable-dco" - $VPN4 "disable-dco" --
both "disable-dco at the client only" - "disable-dco" $VPN4 -- "disable-dco"
both "shaper" "-" "shaper" $VPN4 -- "shaper 10000000"
both "tap" "dev tap" "dev tap" $VPN4 "dev tap" -- "dev tap"
in_ns server ip tuntap add dev tun7 mode tun
both "a device that is there already" "tun7" - $VPN4 "dev tun7" --
in_ns server ip tuntap del dev tun7 mode tun

if other_users; then
    stock=$OPENVPN
    OPENVPN=$W/openvpn
    printf '%s\n' "#!/bin/sh" "exec setpriv --bounding-set -setpcap $stock \"\$@\"" >"$OPENVPN"
    chmod +x "$OPENVPN"
    both "user without CAP_SETPCAP" "user.*CAP_SETPCAP" "user.*CAP_SETPCAP" $VPN4 "user nobody" -- \
        "user nobody"
    OPENVPN=$stock
else
    skip "user without CAP_SETPCAP" "$no_users"
fi

# This topology has addresses in pairs, so they come from the pool.
: >"$W/ccd-$VPN_NET/client1"
both "topology net30" "topology" "-" $VPN4 "topology net30" --
vpn_ccd 1

# The same by other ways than the configuration file itself.
echo "fragment 1200" >"$W/more.conf"
both "an option in a file that the file names" "fragment" "fragment" $VPN4 "config $W/more.conf" -- \
    "config $W/more.conf"
what="an option of the command line"
vpn_config server
vpn_run server opendco --data-ciphers AES-128-CBC
expect "$what: the server is up" vpn_ready server
vpn_start client1 stock "data-ciphers AES-128-CBC"
expect "$what: the client is up" vpn_ready client1
works $VPN4
says_why server "data-ciphers.*AES-128-CBC"
ends

# static_key NAME OWN-LAST OTHER-LAST OTHER-OUTER
static_key() {
    printf '%s\n' "dev tun" "proto udp4" "lport $PORT" "remote $4 $PORT" "verb 4" \
        "suppress-timestamps" "secret $W/static.key" \
        "cipher AES-256-CBC" "ifconfig 10.7.0.$2 10.7.0.$3" "ping 1" >"$W/$1.conf"
    vpn_run "$1" opendco
}
what="static key"
"$OPENVPN" --genkey secret "$W/static.key"
static_key server 1 2 "$(client4 1)"
static_key client1 2 1 $SERVER4
expect "$what: up" vpn_ready client1
works 10.7.0.1
says_why server "secret|tls"
says_why client1 "secret|tls"
ends

# With another configuration the same machine offloads, so the configuration was the reason.
what="after all that"
vpn_pair opendco opendco >/dev/null
expect "a configuration without such an option works" reach_inner client1 $VPN4 $VPN6
offloaded server
offloaded client1

# A change of the options counts when openvpn reads the file again, not before: at a soft restart
# openvpn cannot give up the offload.
what="an option added before SIGUSR1"
sed -i 's/^proto udp4$/proto tcp4-server/' "$W/server.conf"
vpn_signal server USR1
expect "$what: the server is up" vpn_again server 2
vpn_signal client1 USR1
expect "$what: the client is up" vpn_again client1 2
works $VPN4
offloaded server
sed -i 's/^proto tcp4-server$/proto udp4/' "$W/server.conf"

# When openvpn reads the file again, the changed options change the decision.
echo "disable-dco" >>"$W/server.conf"
what="an option added before SIGHUP"
vpn_signal server HUP
expect "$what: the server is up" vpn_again server 3
vpn_signal client1 USR1
expect "$what: the client is up" vpn_again client1 3
works $VPN4
says_why server "disable-dco"
equal "$what: one device" "$(devices_of server)" 1
sed -i '/^disable-dco$/d' "$W/server.conf"
what="an option removed before SIGHUP"
vpn_signal server HUP
expect "$what: the server is up" vpn_again server 4
vpn_signal client1 USR1
expect "$what: the client is up" vpn_again client1 4
works $VPN4
offloaded server
test_end
