#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Clients behind a router that forgets its mapping keep their tunnel. The server then \
sees them at the same address with another port."

INNER=5000 # the client's own port, which nobody outside sees

# mapped PORT: from now on the server sees the client at that port, and reaches it only there
mapped() {
    in_ns client1 nft -f - <<END
flush ruleset
table inet t {
    chain out {
        type filter hook output priority raw
        udp sport $INNER udp dport $PORT udp sport set $1
    }
    chain in {
        type filter hook prerouting priority raw
        udp dport $1 udp sport $PORT udp dport set $INNER accept
        udp sport $PORT drop
    }
}
END
}

# seen_at PORT
seen_at() { [ "$(plane server '.[0].devices[0].peers[0].remote')" = "$(client4 1):$1" ]; }

rekeyed() { [ "$(log_count server 'Control Channel: TLS')" -gt "$1" ]; }

net_make 1
if ! in_ns client1 nft list ruleset >/dev/null 2>&1; then
    skip "another port" "nft cannot run here"
    test_end
fi
payload_serve server
for mix in "opendco opendco" "opendco stock"; do
    read -r first second <<<"$mix"
    mapped 40001
    vpn_start server "$first" "reneg-sec 12 12" "keepalive 2 30"
    vpn_ready server >/dev/null
    vpn_config client1 "lport $INNER" "reneg-sec 12 12" "keepalive 2 30"
    sed -i '/^nobind/d' "$W/client1.conf"
    vpn_run client1 "$second"
    expect "$mix: connected" vpn_ready client1
    expect "$mix: works" reach_inner client1 $VPN4 $VPN6
    by_plane server && expect "$mix: from the first port" seen_at 40001
    mapped 40002
    expect "$mix: works from another port" until_true 6 reach client1 $VPN4 56 2
    expect "$mix: and towards it" until_true 6 reach server "$(vpn_client4 1)" 56 2
    by_plane server && expect "$mix: the plane knows the port" seen_at 40002
    expect "$mix: a stream arrives unchanged" payload client1 $VPN4 2000000
    if by_plane server; then
        before=$(log_count server 'Control Channel: TLS')
        expect "$mix: a renegotiation succeeds from there" until_true 25 rekeyed "$before"
        expect "$mix: and the tunnel works with the new key" reach_inner client1 $VPN4 $VPN6
    fi
    offloaded server
    vpn_stop client1
    vpn_stop server
done
test_end
