#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "On a host or in a container that lacks a right or a device, openvpn works if it works \
without OpenDCO, and says what is missing."

if [ "${OPENDCO_TEST_MODE:-}" = stock ]; then
    skip "missing privileges" "OPENDCO_TEST_MODE is stock"
    test_end
fi

# under SCRIPT: from now on openvpn is started by this shell script ($1... is the command), with and
# without OpenDCO.
real_opendco=$OPENDCO
real_openvpn=$OPENVPN
under() {
    printf '#!/bin/bash\n%s\nexec %s "$@"\n' "$1" "$real_opendco" >"$W/under-opendco"
    printf '#!/bin/bash\n%s\nexec %s "$@"\n' "$1" "$real_openvpn" >"$W/under-stock"
    chmod 755 "$W/under-opendco" "$W/under-stock"
}
as_opendco() { OPENDCO=$W/under-opendco OPENVPN=$real_openvpn; }
as_stock() { OPENDCO=$real_opendco OPENVPN=$W/under-stock; }
as_usual() { OPENDCO=$real_opendco OPENVPN=$real_openvpn; }

# ended NAME: sets $ending to its exit status and last words
ended() {
    wait "${vpn_pid[$1]}"
    ending="exit status $?"
    unset "vpn_pid[$1]"
    ending="$ending: $(grep -v 'opendco: ' "$W/$1.log" | tail -n 2 | tr '\n' ';')"
}

# fails_alike WHAT REASON LINE...: a server that cannot work fails as it does without OpenDCO
fails_alike() {
    local what=$1 reason=$2 stock
    shift 2
    as_stock
    vpn_start server stock "$@"
    ended server
    stock=$ending
    as_opendco
    vpn_start server opendco "$@"
    ended server
    equal "$what: openvpn ends as it does without OpenDCO" "$ending" "$stock"
    note "$stock"
    expect "$what: the log says why offload was not possible" \
        log_has server "opendco: offload is not active: .*$reason"
    equal "$what: once" "$(log_count server 'opendco: offload is not active')" 1
    as_usual
}

# works_without WHAT REASON ADDRESS LINE...: a server that works without OpenDCO works with it
works_without() {
    local what=$1 reason=$2 address=$3
    shift 3
    as_opendco
    vpn_start server opendco "$@"
    expect "$what: the server is up" vpn_ready server
    as_usual
    vpn_start client1 opendco
    expect "$what: the client is up" vpn_ready client1
    expect "$what: traffic flows" until_true 3 reach client1 "$address"
    equal "$what: the status says that offload is off" "$(plane server '.[0].active')" false
    expect "$what: and why" grep -qE "$reason" <(plane server '.[0].reason')
    expect "$what: and so does the log" log_has server "opendco: offload is not active: .*$reason"
    equal "$what: once" "$(log_count server 'opendco: offload is not active')" 1
    offloaded client1
    vpn_stop client1
    vpn_stop server
}

net_make 1
hide_tun='mount -t tmpfs none /dev/net || exit 99'

# No /dev/net/tun.
under "[ -n \"\$inside\" ] || inside=1 exec unshare -m \"\$0\" \"\$@\"; $hide_tun"
fails_alike "no /dev/net/tun" "there is no /dev/net/tun"
if mknod "$W/other-tun" c 10 200 2>/dev/null && : <>"$W/other-tun"; then
    works_without "no /dev/net/tun, but --dev-node" "dev-node" $VPN4 \
        "dev-node $W/other-tun"
else
    skip "no /dev/net/tun, but --dev-node" "device nodes cannot be made here"
fi

# Without CAP_NET_ADMIN a device that was made beforehand for openvpn can be used.
no_admin='[ -n "$inside" ] || inside=1 exec setpriv --bounding-set -net_admin --inh-caps -net_admin "$0" "$@"'
under "$no_admin"
fails_alike "no CAP_NET_ADMIN" "CAP_NET_ADMIN"
in_ns server ip tuntap add dev tun5 mode tun user root
in_ns server ip addr add $VPN4/16 dev tun5
in_ns server ip link set tun5 up
works_without "no CAP_NET_ADMIN, but a device" "CAP_NET_ADMIN|tun5" $VPN4 \
    "dev tun5" "ifconfig-noexec" "route-noexec"

in_ns server ip tuntap del dev tun5 mode tun

# Older units do not list it.
if other_users; then
    under '[ -n "$inside" ] || inside=1 exec setpriv --bounding-set -setpcap --inh-caps -setpcap "$0" "$@"'
    works_without "user without CAP_SETPCAP" "CAP_SETPCAP" $VPN4 "user nobody" "group nogroup" \
        "persist-key" "persist-tun"
else
    skip "user without CAP_SETPCAP" "$no_users"
fi

# On some hosts other users may not open /dev/net/tun. These tests make a device node of their own for
# them if they can.
tun_node=$W/tun
if ! { mknod -m 666 "$tun_node" c 10 200 && : <>"$tun_node"; } 2>/dev/null; then
    tun_node=/dev/net/tun
fi
# The other users run nothing from the checkout, which may be in a closed home; here it is closed.
{
    echo '#!/bin/bash'
    printf 'mount -t tmpfs -o mode=700 none %q || exit\n' "$BUILD" "$TOP"
    printf '[ ! -e %q ]\n' "$BUILD/opendco"
} >"$W/close-checkout"
chmod 755 "$W/close-checkout"
as_user="[ -n \"\$inside\" ] || inside=1 exec unshare --mount bash -c '
    $W/close-checkout || exit 99
    [ $tun_node = /dev/net/tun ] || mount --bind $tun_node /dev/net/tun
    exec setpriv"

if other_users && [ "$(stat -Lc %a "$tun_node")" = 666 ]; then
    # No CAP_NET_ADMIN and no root at all.
    in_ns server ip tuntap add dev tun5 mode tun user nobody
    in_ns server ip addr add $VPN4/16 dev tun5
    in_ns server ip link set tun5 up
    mkdir "$W/mine"
    install -m 644 "$PKI/ca.crt" "$PKI/server.crt" "$PKI/server.key" "$W/mine"
    chown -R nobody "$W/mine"
    under "$as_user"' --reuid nobody --regid nogroup --clear-groups "$0" "$@"'"'"' "$0" "$@"'
    expect "the command runs where its user cannot read the checkout" "$W/under-opendco" version
    mkdir -m 700 "$W/run-server" 2>/dev/null
    chown nobody "$W/run-server"
    touch "$W/mine/status"
    chown nobody "$W/mine/status"
    works_without "an unprivileged user with a device" "CAP_NET_ADMIN|tun5" $VPN4 \
        "dev tun5" "ifconfig-noexec" "route-noexec" "ca $W/mine/ca.crt" "cert $W/mine/server.crt" \
        "key $W/mine/server.key" "status $W/mine/status" "management $W/mine/mgmt unix"
    # No room for a thread: openvpn, with the one capability that it needs, moves the packets itself.
    in_ns server ip tuntap del dev tun5 mode tun
    chown -R games "$W/mine" "$W/run-server"
    under "$as_user"' --reuid games --regid games --clear-groups \
        --inh-caps +net_admin --ambient-caps +net_admin "$0" "$@"'"'"' "$0" "$@"
    ulimit -u 2'
    works_without "a limit of two tasks" "task limit" $VPN4 "ca $W/mine/ca.crt" \
        "cert $W/mine/server.crt" "key $W/mine/server.key" "status $W/mine/status" \
        "management $W/mine/mgmt unix"
    chown -R root "$W/mine" "$W/run-server"
else
    no_users=${no_users:-/dev/net/tun is not for other users}
    skip "an unprivileged user with a device" "$no_users"
    skip "a limit of two tasks" "$no_users"
fi

# Room for few files.
under 'ulimit -n 24'
works_without "a limit of 24 files" "open files" $VPN4
test_end
