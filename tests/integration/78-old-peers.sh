#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "Clients of older versions say inside of the data channel that they leave, and test the \
path there; a server understands both."

# Before 2.6 openvpn had no other way to say it. A newer one goes the old way if the server does not
# tell it of the new one; so the client ignores what the server says, and gets the rest of it again.
OLD_SERVER='push "protocol-flags tls-ekm dyn-tls-crypt"'
OLD_CLIENT='pull-filter ignore "protocol-flags cc-exit"'

listed() { management server 'status 2' | grep -q "^CLIENT_LIST,$1,"; }
unlisted() { management server 'status 2' >"$W/list" && grep -q '^END' "$W/list" && ! grep -q "^CLIENT_LIST,$1," "$W/list"; }

# mtu_test NAME: what it found, tried and actual in both directions
mtu_test() { sed -nE 's/.*Empirical MTU test completed.*\[([0-9]+),([0-9]+)\].*\[([0-9]+),([0-9]+)\].*/\1 \2 \3 \4/p' "$W/$1.log"; }

net_make 2
NEW=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || { skip "openvpn 2.7" "$NEW"; NEW=; }
OLD=$OPENVPN

for OPENVPN in $OPENVPN $NEW; do
    tag=2.6
    [ "$OPENVPN" != "$NEW" ] || tag=2.7
    # Silence alone ends a session after twenty minutes.
    vpn_start server opendco "$OLD_SERVER" "keepalive 10 600"
    expect "a server of $tag is up" vpn_ready server
    OPENVPN=$OLD
    # The test takes three and a half minutes; once is enough.
    test=mtu-test
    [ $tag = 2.6 ] || test=
    vpn_start client1 stock "$OLD_CLIENT" "$test"
    expect "$tag: client 1 is up" vpn_ready client1
    for signal in TERM INT; do
        vpn_start client2 stock "$OLD_CLIENT" "explicit-exit-notify 2"
        expect "$tag: client 2 is up" vpn_ready client2
        expect "$tag: it works" reach client2 $VPN4
        expect "$tag: it is listed" listed client2
        vpn_stop client2 $signal
        expect "$tag: it said the old way that it left" log_has client2 'sending exit notification'
        expect "$tag: and is not listed any more" until_true 10 unlisted client2
    done
    expect "$tag: the other client is" listed client1
    expect "$tag: and works" reach client1 $VPN4
    offloaded server
    if [ -n "$test" ]; then
        expect "$tag: the path is tested" until_true 60 log_has client1 'Empirical MTU test completed'
        read -r tried actual far_tried far_actual <<<"$(mtu_test client1)"
        equal "$tag: each length that the client tried arrived" "${actual:-none}" "${tried:-0}"
        equal "$tag: and each that the server sent" "${far_actual:-none}" "${far_tried:-0}"
        between "$tag: the longest was a full packet" "${far_tried:-0}" 1400 2000
    fi
    if by_plane server; then
        equal "$tag: no message was dropped" "$(drops server rx_occ) $(drops server rx_not_ip)" "0 0"
    fi
    vpn_stop client1
    vpn_stop server
done
test_end
