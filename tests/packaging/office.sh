# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# For the scripts of this folder, beside integration/lib.sh: the instance openvpn-server@office in the
# namespace "server" of the machine, started by its systemd, and its client.

FOLDER=/etc/systemd/system/openvpn-server@office.service.d

# The administrator's own settings, which the product must leave alone.
office_make() {
    local etc=/etc/openvpn/server
    net_make 1
    pki_make client1
    mkdir -p "$etc" "$FOLDER"
    cp "$PKI/ca.crt" "$PKI/server.crt" "$PKI/server.key" "$etc"
    cat >"$etc/office.conf" <<END
dev tun
proto udp4
port $PORT
ca ca.crt
cert server.crt
key server.key
dh none
topology subnet
server 10.8.0.0 255.255.0.0
keepalive 10 60
verb 3
END
    printf '[Service]\nNetworkNamespacePath=/run/netns/%s\n' "$(ns server)" >"$FOLDER/20-local.conf"
    systemctl daemon-reload
}

# office_serves: a restart, and a client that reaches it
office_serves() {
    systemctl restart openvpn-server@office || { journalctl -n 20 -u openvpn-server@office; return 1; }
    vpn_start client1 stock
    vpn_ready client1 && reach client1 10.8.0.1
    local status=$?
    vpn_stop client1
    return $status
}

# office FILTER: of the one object that the installed command prints
office() { opendco status --json | jq -r ".[0].$1"; }
