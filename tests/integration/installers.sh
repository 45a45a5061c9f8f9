#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "The configurations that well-known installers write work as they are: with a stock and \
an offloaded client, through NAT to another network, from client to client, and after a restart as \
nobody."

# installers/NAME.{server,client} have the options of each installer's files, with these words in
# place of what it asks or makes: SERVER4, PKI, FOLDER, CLIENT, LOG.
TEMPLATES=$TOP/tests/integration/installers
INTERNET4=203.0.113.1
INTERNET6=2001:db8:113::1

# install NAME TEMPLATE: the configuration of openvpn NAME from that template
install_config() {
    sed -e "s|SERVER4|$SERVER4|; s|PKI|$PKI|; s|FOLDER|$W/etc|; s|CLIENT|$1|; s|LOG|$W/$1.log|" \
        "$TEMPLATES/$2" >"$W/$1.conf"
    echo "management $W/$1.mgmt unix" >>"$W/$1.conf"
}

# revocation_list: an empty one by the test's authority, as easy-rsa makes it
revocation_list() {
    : >"$W/etc/index"
    openssl ca -gencrl -keyfile "$PKI/ca.key" -cert "$PKI/ca.crt" -crldays 2 -out "$W/etc/crl.pem" \
        -config <(printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\ndefault_md=sha256\n' "$W/etc/index") \
        2>/dev/null
}

# shared_files: what the installers make once
shared_files() {
    local name script
    mkdir -p "$W/etc/ccd"
    chmod 755 "$W/etc" "$W/etc/ccd"
    pki_make client1
    pki_make client2
    revocation_list
    "$OPENVPN" --genkey tls-crypt "$W/etc/tls-crypt.key"
    "$OPENVPN" --genkey tls-auth "$W/etc/tls-auth.key"
    "$OPENVPN" --genkey tls-crypt-v2-server "$W/etc/tls-crypt-v2.key"
    for name in client1 client2; do
        "$OPENVPN" --tls-crypt-v2 "$W/etc/tls-crypt-v2.key" --genkey tls-crypt-v2-client "$W/etc/$name.v2.key"
    done
    openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out "$W/etc/dh.pem" 2>/dev/null
    printf 'user\npassword\n' >"$W/etc/login"
    # shellcheck disable=SC2016 # openvpn's variables
    printf '#!/bin/sh\necho "$script_type $*" >>%s/etc/scripts\n' "$W" >"$W/etc/script"
    printf '#!/bin/sh\nexit 0\n' >"$W/etc/verify"
    for script in script verify; do chmod 755 "$W/etc/$script"; done
}

# The server is a router with a packet filter, as these installers set it up: what comes from clients
# leaves by the other interface, translated; nothing else is forwarded.
firewall() {
    in_ns server nft -f - <<END
flush ruleset
table inet filter {
    chain forward {
        type filter hook forward priority filter; policy drop
        ct state established,related accept
        iifname != "eth0" oifname eth1 accept
    }
}
table inet nat {
    chain out {
        type nat hook postrouting priority srcnat
        oifname eth1 masquerade
    }
}
END
}

world() {
    net_make 2
    net_add internet
    net_wire server internet eth1 eth0
    net_address internet $INTERNET4/24 $INTERNET6/64
    ip -n "$(ns server)" addr add 203.0.113.2/24 dev eth1
    ip -n "$(ns server)" addr add 2001:db8:113::2/64 dev eth1 nodad
    for i in 1 2; do
        ip -n "$(ns client$i)" route add default via $SERVER4
        ip -n "$(ns client$i)" route add default via $SERVER6
    done
}

# inner4 NAME: its address in the tunnel
inner4() { ip -n "$(ns "$1")" -4 -o addr show dev "$(tun_of "$1")" | awk '{ sub("/.*", "", $4); print $4 }'; }

# begin NAME MODE TEMPLATE
begin() {
    install_config "$1" "$3"
    vpn_run "$1" "$2"
    ! grep -q '^daemon$' "$W/$1.conf" || vpn_adopt "$1" "$W/etc/$1.pid"
}

# carries WHAT [FAMILY6]: both clients, to the network behind the server and to each other
carries() {
    local name
    for name in client1 client2; do
        expect "$1: $name reaches the network behind the server" until_true 20 reach $name $INTERNET4
        expect "$1: $name, full packets, from a stream" payload $name $INTERNET4 3000000
        [ -z "${2:-}" ] || expect "$1: $name, over IPv6" reach $name $INTERNET6
    done
    case $clients in
    meet)
        expect "$1: a client reaches the other" reach client1 "$(inner4 client2)"
        expect "$1: a stream between them" payload client2 "$(inner4 client1)" 3000000
        ;;
    esac
}

# left NAME: openvpn moves the packets itself, and the status says why
left() {
    by_plane "$1" || return 0
    expect "$1 is left to openvpn" until_true 5 prints false plane "$1" '.[0].active'
    expect "$1: and the status says why" test -n "$(plane "$1" '.[0].reason // empty')"
}

# installer NAME WHO-IS-OFFLOADED CLIENTS [FAMILY6]
installer() {
    local name=$1 moved=$2 clients=$3 ipv6=${4:-} pid
    rm -f "$W"/etc/scripts "$W"/etc/*.pid
    begin server opendco "$name.server"
    expect "$name: the server is up" vpn_ready server
    begin client1 opendco "$name.client"
    begin client2 stock "$name.client"
    expect "$name: the client under OpenDCO is up" vpn_ready client1 40
    expect "$name: the stock client is up" vpn_ready client2
    payload_serve client1
    pid=$started
    carries "$name" "$ipv6"
    expect "$name: SIGUSR1 to the server" vpn_signal server USR1
    expect "$name: it comes up again, as the user that it has become" vpn_again server 2
    # Without a notice of its exit the clients would wait for ping-restart, which is two minutes.
    grep -q '^explicit-exit-notify' "$W/server.conf" || for client in client1 client2; do
        vpn_signal $client USR1
    done
    expect "$name: the client under OpenDCO comes back" vpn_again client1 2 60
    expect "$name: the stock client comes back" vpn_again client2 2 60
    carries "$name again" "$ipv6"
    case $moved in
    both) offloaded server && offloaded client1 ;;
    none) left server && left client1 ;;
    esac
    end_pid "$pid"
    vpn_stop client1
    vpn_stop client2
    vpn_stop server
}

if ! other_users; then
    skip "installers" "$no_users"
    test_end
fi
world
shared_files
firewall
payload_serve internet

installer nyr both apart ipv6
installer angristan both apart ipv6
installer pivpn both meet
installer docker none meet
installer docker-subnet both meet
installer pfsense both meet ipv6
expect "pfsense: the scripts were called" grep -q '^client-connect' "$W/etc/scripts"
expect "pfsense: with the addresses of the clients" grep -qE '^learn-address (add|update) 10\.8\.0\.' "$W/etc/scripts"
test_end
