#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "A script may move the tunnel's device into another network namespace or rename it. After \
a restart the old device is gone, the new one can be moved again, and the tunnel works."

# The scripts get what openvpn tells: dev, tun_mtu, ifconfig_local.
cat >"$W/move" <<END
#!/bin/sh
ip link set "\$dev" netns "$P-inner" up mtu "\$tun_mtu" &&
    ip -n "$P-inner" addr add "\$ifconfig_local/16" dev "\$dev"
END
cat >"$W/rename" <<'END'
#!/bin/sh
ip link set "$dev" down && ip link set "$dev" name moved0 && ip link set moved0 up
END
chmod 755 "$W/move" "$W/rename"
moves=("script-security 2" "ifconfig-noexec" "route-noexec" "up $W/move")
renames=("script-security 2" "up $W/rename")

# devices NAMESPACE: its TUN devices
devices() { ip -n "$(ns "$1")" -o link show type tun | awk -F': ' '{ printf "%s ", $2 }'; }

# restarted NAME ADDRESS WHERE LABEL: NAME, whose script leaves its device in the namespace WHERE,
# restarts. Packets from there reach ADDRESS before and after.
restarted() {
    local name=$1 to=$2 where=$3 label=$4 before
    expect "$label: up" vpn_ready "$name"
    expect "$label: the tunnel works" until_true 10 reach "$where" "$to"
    before=$(vpn_ups "$name")
    vpn_signal "$name" USR1
    expect "$label: up after a restart" vpn_again "$name" $((before + 1))
    expect "$label: there is one device" until_true 5 one_device "$where"
    expect "$label: the tunnel works after the restart" until_true 20 reach "$where" "$to"
    equal "$label: no device is left behind" "$([ "$where" = "$name" ] || devices "$name")" ""
}
one_device() { [ "$(devices "$1" | wc -w)" -eq 1 ]; }

# both PROGRAM LABEL: client and server, moved and renamed, with and without persist-tun
both() {
    local label=$2 persist
    OPENVPN=$1
    for persist in "" persist-tun; do
        vpn_start server opendco
        vpn_ready server >/dev/null
        vpn_start client1 opendco "${moves[@]}" $persist
        restarted client1 $VPN4 inner "$label, moved by a client ${persist:-that closes it}"
        offloaded client1
        vpn_stop client1
        expect "$label: it is gone with the process" until_true 5 no_device inner
        vpn_start client1 opendco "${renames[@]}" $persist
        restarted client1 $VPN4 client1 "$label, renamed by a client ${persist:-that closes it}"
        vpn_stop client1
        expect "$label: it is gone with the process" until_true 5 no_device client1
        vpn_stop server

        vpn_start server opendco "${moves[@]}" "keepalive 2 8" $persist
        vpn_ready server >/dev/null
        vpn_start client1 opendco
        vpn_ready client1 >/dev/null
        restarted server "$(vpn_client4 1)" inner "$label, moved by a server ${persist:-that closes it}"
        offloaded server
        vpn_stop server
        expect "$label: it is gone with the process" until_true 5 no_device inner
        vpn_stop client1
    done
}
no_device() { [ -z "$(devices "$1")" ]; }

net_make 1
net_add inner
both "$OPENVPN" 2.6
new=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") && both "$new" 2.7 || skip "openvpn 2.7" "$new"
test_end
