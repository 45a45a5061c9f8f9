#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "A client connects whatever options its server pushes, and those that offload would refuse \
or ignore take effect."

net_make 1

# pushed LINE...: server with OpenDCO off (it may have the framing), and a client; both are up
pushed() {
    vpn_start server stock "$@"
    vpn_ready server >/dev/null
    vpn_start client1 opendco "${client[@]}"
    expect "$what: the client is up" vpn_ready client1 30
    expect "$what: traffic flows" reach client1 $VPN4
}

left() {
    by_plane client1 || return
    if [[ $(plane client1 '.[0] | [.active, .reason] | join(" ")') =~ ^false\ .*($1) ]]; then
        ok "$what: the status says why the client is not offloaded"
    else
        not_ok "$what: the status says why the client is not offloaded" \
            "got $(plane client1 '.[0].reason')"
    fi
    expect "$what: and so does its log, once" equals 1 log_count client1 "offload is not active: .*$1"
}
equals() { [ "$("${@:2}")" = "$1" ]; }

ends() {
    vpn_stop client1
    vpn_stop server
}

versions=("$OPENVPN")
new=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") && versions+=("$new")
for OPENVPN in "${versions[@]}"; do
    version=$("$OPENVPN" --version | awk '/^OpenVPN/ { print $2; exit }')
    client=()
    what="$version, comp-lzo no"
    pushed "allow-compression yes" "comp-lzo no" 'push "comp-lzo no"'
    left "comp-lzo no"
    ends
    what="$version, compress stub"
    pushed "allow-compression yes" "compress stub" 'push "compress stub"'
    left "compress stub"
    # The next start of openvpn's own, too.
    vpn_signal client1 USR1
    expect "$what: and again after SIGUSR1" vpn_again client1 2
    expect "$what: traffic flows" reach client1 $VPN4
    ends

    what="$version, shaper as nobody"
    client=("user nobody" "group nogroup")
    other_users || client=()
    pushed 'push "shaper 125000"'
    left "shaper 125000"
    iperf_serve server
    between "$what: limits the rate" "$(iperf client1 $VPN4 -t 4)" 100000 1500000
    end_pid "$iperf_pid"
    ends

    what="$version, a filter for shaper"
    client=('pull-filter ignore "shaper"')
    pushed 'push "shaper 125000"'
    offloaded client1
    ends

    what="$version, block-ipv6"
    client=()
    pushed 'push "block-ipv6"'
    offloaded client1
    expect "$what: IPv6 is refused at once" in_ns client1 python3 -c '
import errno, socket, sys
try:
    socket.create_connection((sys.argv[1], 5300), timeout=30)
except TimeoutError:
    sys.exit("timeout")
except OSError as error:
    sys.exit(error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH))
sys.exit("connected")' $VPN6
    # The server changes its mind.
    vpn_stop server
    vpn_start server stock
    vpn_ready server >/dev/null
    vpn_signal client1 USR1
    expect "$what: no longer after the server stopped to push it" until_true 20 reach client1 $VPN6
    offloaded client1
    ends

    what="$version, nothing of the kind"
    vpn_start server stock
    vpn_start client1 opendco
    expect "$what: the client is up" vpn_ready client1
    expect "$what: traffic flows" reach client1 $VPN4
    offloaded client1
    vpn_stop server
    vpn_start server stock 'push "shaper 125000"'
    vpn_ready server >/dev/null
    vpn_signal client1 USR1
    expect "$what: until the server pushes shaper" vpn_again client1 2
    expect "$what: traffic flows" until_true 20 reach client1 $VPN4
    left "shaper 125000"
    ends
done

# Before the server has answered there is no offload.
vpn_start client1 opendco
if by_plane client1; then
    eventually "an offer is not yet offload" "false openvpn has not made its device yet" \
        plane client1 '.[0] | [.active, .reason] | join(" ")'
fi
vpn_stop client1
test_end
