#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "A configuration from a pipe, from standard input or in nested files decides about offload \
like one in a file."

net_make 1

# run_from NAME MODE ARGUMENT...: like vpn_run, but the file that vpn_config wrote comes through a pipe,
# on standard input and on descriptor 9
run_from() {
    local name=$1 mode=${OPENDCO_TEST_MODE:-$2} command
    shift 2
    command=("$OPENVPN" "$@")
    case $mode in
    opendco) command=("$OPENDCO" run --log-level debug -- "${command[@]}") ;;
    stock) command+=(--disable-dco) ;;
    esac
    : >"$W/$name.log"
    OPENDCO_RUNTIME_DIR=$W/run-$name ip netns exec "$(ns "$name")" "${command[@]}" \
        < <(cat "$W/$name.conf") 9<&0 >>"$W/$name.log" 2>&1 &
    vpn_pid[$name]=$!
    vpn_mode[$name]=$mode
}

# left NAME REGEX: it is not offloaded, and this is the reason
left() {
    by_plane "$1" || return
    if [[ $(plane "$1" '.[0] | [.active, .reason] | join(" ")') =~ ^false\ .*($2) ]]; then
        ok "$1 is left to openvpn for that reason"
    else
        not_ok "$1 is left to openvpn for that reason" "got $(plane "$1" '.[0].reason')"
    fi
}

ends() {
    vpn_stop client1
    vpn_stop server
}

tcp_client=$(printf '%s\n' "remote $SERVER4 $PORT tcp-client")
for source in stdin /dev/stdin /dev/fd/9; do
    vpn_config server
    run_from server opendco --config "$source"
    expect "$source: the server is up" vpn_ready server
    vpn_config client1
    run_from client1 opendco --config "$source"
    expect "$source: the client is up" vpn_ready client1
    expect "$source: traffic flows" reach client1 $VPN4
    offloaded server
    offloaded client1
    ends

    PROTO=tcp-server
    vpn_config server
    PROTO=udp4
    run_from server opendco --config "$source"
    expect "$source, TCP: the server is up" vpn_ready server
    vpn_config client1 "$tcp_client"
    sed -i '/^proto /d; /^remote .*[0-9]$/d' "$W/client1.conf"
    run_from client1 opendco --config "$source"
    expect "$source, TCP: the client is up" vpn_ready client1
    expect "$source, TCP: traffic flows" reach client1 $VPN4
    left server TCP
    left client1 TCP
    ends
done

vpn_config server
run_from server opendco /dev/stdin
expect "the only argument is a pipe: the server is up" vpn_ready server
vpn_config client1 "shaper 10000000"
run_from client1 opendco --config /dev/fd/9
expect "shaper in a pipe: the client is up" vpn_ready client1
expect "and traffic flows" reach client1 $VPN4
offloaded server
left client1 shaper

# openvpn reads a pipe again when it restarts. Stock openvpn finds it empty and ends; with OpenDCO it
# finds what it read before.
if by_plane client1; then
    vpn_signal client1 HUP
    expect "SIGHUP: the client is up again" until_true 20 log_has client1 'Initialization Sequence' 2
    left client1 shaper
fi
ends

# Nested: a file names a pipe, and relative names follow --cd.
mkdir -p "$W/a/b"
vpn_config server
mv "$W/server.conf" "$W/inner.conf"
echo "config /dev/fd/9" >"$W/server.conf"
exec 9< <(cat "$W/inner.conf")
vpn_run server opendco
exec 9<&-
expect "a file that names a pipe: the server is up" vpn_ready server
vpn_config client1
mv "$W/client1.conf" "$W/a/client1.inner"
printf '%s\n' "cd b" "config more" >>"$W/a/client1.inner"
echo "setenv opt passtos" >"$W/a/b/more"
echo "# nothing" >"$W/a/more"
printf '%s\n' "cd $W/a" "config client1.inner" >"$W/client1.conf"
vpn_run client1 opendco
expect "relative names after cd: the client is up" vpn_ready client1
expect "and traffic flows" reach client1 $VPN4
offloaded server
left client1 passtos
ends

# As long and as many as anybody writes.
vpn_config server
{
    awk 'BEGIN { for (i = 0; i < 40000; i++) print "# a line that is here to fill the file" }'
    echo "passtos"
} >>"$W/server.conf"
vpn_run server opendco
expect "1.5 MB: the server is up" vpn_ready server
vpn_config client1
for i in $(seq 40); do
    echo "mute $i" >"$W/part$i"
    echo "config $W/part$i" >>"$W/client1.conf"
done
echo "passtos" >>"$W/part40"
vpn_run client1 opendco
expect "41 files: the client is up" vpn_ready client1
expect "and traffic flows" reach client1 $VPN4
left server passtos
left client1 passtos
ends
test_end
