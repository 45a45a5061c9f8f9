#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A site-to-site tunnel without server mode (tls-server and tls-client) carries \
traffic."

# p2p NAME MODE ROLE OWN-LAST OTHER-LAST OTHER-OUTER
p2p() {
    local name=$1
    pki_make client1
    {
        vpn_config_common "$name"
        cat <<END
proto udp4
lport $PORT
remote $6 $PORT
$3
topology subnet
ifconfig 10.7.0.$4 255.255.255.0
ifconfig-ipv6 fd07::$4/64 fd07::$5
keepalive 5 30
cipher AES-256-GCM
END
        [ "$3" != tls-server ] || echo "dh none"
    } >"$W/$name.conf"
    vpn_run "$name" "$2"
}

net_make 1
for mix in "opendco opendco" "opendco stock" "stock opendco"; do
    read -r first second <<<"$mix"
    p2p server "$first" tls-server 1 2 "$(client4 1)"
    p2p client1 "$second" tls-client 2 1 $SERVER4
    expect "$mix: the first end is up" vpn_ready server
    expect "$mix: the second end is up" vpn_ready client1
    expect "$mix: the second reaches the first, both families" reach_inner client1 10.7.0.1 fd07::1
    expect "$mix: the first reaches the second" reach server 10.7.0.2
    offloaded server
    offloaded client1
    vpn_stop client1
    vpn_stop server
done
test_end
