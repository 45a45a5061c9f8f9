# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034,SC2154
#
# The harness of the integration tests: network namespaces, certificates, stock openvpn with and
# without OpenDCO, traffic, captures, and a report in TAP. A script sources this file, calls
# test_begin first and test_end last. When it ends, in whatever way, everything that it started is
# ended and removed. Needs what scripts/with-net gives (root, or root of a user namespace).
#
#   net_make N                namespaces of a server and N clients, each with one interface eth0
#   vpn_start server MODE ... stock openvpn in that namespace, MODE "opendco" or "stock"; further
#   vpn_start client1 MODE .. arguments are configuration lines that are appended
#   vpn_ready NAME            waits for Initialization Sequence Completed
#   vpn_stop NAME [SIGNAL]    ends it
#   in_ns NAME COMMAND...     runs a command in a namespace (background NAME COMMAND... does not wait)
#
# Settings read by vpn_start: PROTO (udp4, udp6, or udp for one socket that serves both; tcp4, tcp6),
# CIPHER.
# Settings read by net_make: LINK_MTU.
#
# OPENDCO_TEST_MODE=stock replaces MODE opendco by stock everywhere: that shows whether a test is
# right about openvpn before it is right about OpenDCO. What only the plane can answer (offloaded,
# plane) is then reported as skipped.

set -u
export LC_ALL=C

BUILD=${BUILD:-build}
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
KEEP=${KEEP:-$BUILD/check/$(basename "$0" .sh)}
PKI=${PKI:-$BUILD/check/pki}
OPENDCO=$BUILD/opendco
LIBRARY=$BUILD/libopendco.so
OPENVPN=${OPENVPN:-openvpn}
# OPENVPN=2.7 is that of Debian; any other version is given as the path of a program.
if [ "$OPENVPN" = 2.7 ]; then
    OPENVPN=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7") || {
        echo "ok 1 - openvpn 2.7 # SKIP $OPENVPN"
        echo 1..1
        exit
    }
fi

PROTO=udp4
CIPHER=AES-256-GCM
LINK_MTU=1500

SERVER4=10.11.0.1
SERVER6=fd11::1

# vpn_net N: which tunnel the next vpn_start belongs to, 8 by default. Two of them can live in the
# same namespaces, under names such as server and server-b: the part before "-" is the namespace.
vpn_net() {
    VPN_NET=$1
    VPN4=10.$1.0.1 # the server inside the tunnel
    VPN6=fd0$1::1
    PORT=$((1186 + $1))
}
vpn_net 8

client4() { echo "10.11.1.$1"; }
client6() { echo "fd11::1:$1"; }

# Report

test_count=0
test_bad=0
test_over=

ok() { test_count=$((test_count + 1)); echo "ok $test_count - $1"; }

not_ok() {
    test_count=$((test_count + 1))
    test_bad=$((test_bad + 1))
    echo "not ok $test_count - $1${2:+ ($2)}"
}

skip() { test_count=$((test_count + 1)); echo "ok $test_count - $1 # SKIP $2"; }

note() { echo "# $*"; }

# expect WHAT COMMAND...: one test, which passes if the command succeeds. If it fails, its output becomes
# a comment. No subshell: the command may start openvpn.
expect() {
    local what=$1
    shift
    if "$@" >"$W/said" 2>&1; then
        ok "$what"
        return 0
    fi
    not_ok "$what" "failed: $*"
    sed 's/^/# /' "$W/said"
    return 1
}

refuse() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then
        not_ok "$what" "should fail: $*"
        return 1
    fi
    ok "$what"
}

# equal WHAT GOT WANTED
equal() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got $2, expected $3"; fi
}

# between WHAT GOT LOW HIGH
between() {
    if [ "${2:-0}" -ge "$3" ] && [ "${2:-0}" -le "$4" ]; then
        ok "$1"
    else
        not_ok "$1" "got ${2:-nothing}, expected $3 to $4"
    fi
}

# A busy machine is slow, and results must not depend on its load. So each waiting time is given for an
# idle machine and multiplied by this factor.
PATIENCE=${PATIENCE:-6}

# until_true SECONDS COMMAND...: tries at least once, and returns as soon as the command succeeds.
until_true() {
    local end=$((SECONDS + $1 * PATIENCE + 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

prints() {
    local wanted=$1
    shift
    [ "$("$@")" = "$wanted" ]
}

# eventually WHAT WANTED COMMAND...: waits until the command prints this
eventually() {
    local what=$1 wanted=$2
    shift 2
    until_true 10 prints "$wanted" "$@"
    equal "$what" "$("$@")" "$wanted"
}

# settled COMMAND...: prints the output of the command when it has not changed for two seconds
settled() {
    local last now same=0 end=$((SECONDS + 10 * PATIENCE))
    last=$("$@")
    while [ $same -lt 5 ] && [ $SECONDS -lt $end ]; do
        sleep 0.4
        now=$("$@")
        same=$((same + 1))
        [ "$now" = "$last" ] || same=0
        last=$now
    done
    echo "$last"
}

# Begin and end of a test

declare -A vpn_pid=() vpn_mode=()
other_pids=()
namespaces=()

# for_all_users FOLDER: every user can go into it, and it is no part of the checkout
for_all_users() {
    local folder
    folder=$(realpath -e "$1" 2>/dev/null) || return 1
    case $folder/ in "$(realpath "$TOP")"/* | "$(realpath "$BUILD")"/*) return 1 ;; esac
    while [ "$folder" != / ]; do
        case $(stat -c %A "$folder") in *[xt]) ;; *) return 1 ;; esac
        folder=$(dirname "$folder")
    done
}

# Where the temporary folder is closed to others (pam_tmpdir), the usual ones take its place.
work_folder() {
    local parent
    for parent in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
        for_all_users "$parent" && break
    done
    W=$(mktemp -d "$parent/opendco-test.XXXXXX") || exit 1
    chmod 755 "$W"
}

# The checkout may be in a home folder that other users cannot enter, but some tests run the product as
# another user. So every test runs it from the test's own folder.
stage_product() {
    mkdir "$W/product" && cp "$OPENDCO" "$LIBRARY" "$W/product" || exit 1
    chmod 755 "$W/product" "$W"/product/*
    OPENDCO=$W/product/opendco
    LIBRARY=$W/product/libopendco.so
}

# test_begin "what works for an administrator if this passes"
test_begin() {
    echo "# $1"
    # Interface and namespace names are short; two runs on one machine must not meet.
    P=od$$
    work_folder
    trap test_leave EXIT
    trap 'exit 1' INT TERM HUP
    stage_product
}

test_end() {
    test_over=1
    echo "1..$test_count"
    [ $test_bad -eq 0 ]
    exit
}

test_leave() {
    local status=$? pid name
    trap - EXIT
    if [ -z "$test_over" ]; then
        not_ok "the script runs to its end" "exit status $status"
        echo "1..$test_count"
        status=1
    fi
    for name in "${!vpn_pid[@]}"; do
        vpn_stop "$name" TERM 30
    done
    for pid in "${other_pids[@]}"; do
        end_pid "$pid"
    done
    for name in "${namespaces[@]}"; do
        end_stragglers "$name"
        ip netns del "$name" 2>/dev/null
    done
    if [ $test_bad -gt 0 ]; then
        rm -rf "$W/product"
        mkdir -p "$KEEP" && cp -r "$W"/. "$KEEP" 2>/dev/null
        echo "# logs: $KEEP"
    fi
    rm -rf "$W"
    exit $status
}

# end_pid PID [TENTHS]: sends TERM, and KILL if the process is still there after that time.
end_pid() {
    local pid=$1 left=${2:-20}
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && [ "$left" -gt 0 ]; do
        left=$((left - 1))
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    return 0
}

# A daemonized openvpn is not our child, but its namespace still lists it.
end_stragglers() {
    local pid
    for pid in $(ip netns pids "$1" 2>/dev/null); do
        end_pid "$pid"
    done
}

# background NAME COMMAND...: in a namespace; the pid is left in $started.
background() {
    local name=$1
    shift
    ip netns exec "$(ns "$name")" "$@" &
    started=$!
    other_pids+=("$started")
}

# Namespaces

ns() { echo "$P-${1%%-*}"; }

in_ns() {
    local name=$1
    shift
    ip netns exec "$(ns "$name")" "$@"
}

net_add() {
    local name
    name=$(ns "$1")
    ip netns add "$name" || exit 1
    namespaces+=("$name")
    ip -n "$name" link set lo up
    in_ns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
        net.ipv6.conf.default.accept_dad=0
}

# net_wire A B [A-INTERFACE] [B-INTERFACE]: a veth pair between two namespaces
net_wire() {
    local a=${3:-eth0} b=${4:-eth0}
    ip -n "$(ns "$1")" link add "$a" mtu "$LINK_MTU" type veth \
        peer name "$b" mtu "$LINK_MTU" netns "$(ns "$2")" || exit 1
    ip -n "$(ns "$1")" link set "$a" up
    ip -n "$(ns "$2")" link set "$b" up
}

# net_address NAME ADDRESS... (to eth0)
net_address() {
    local name=$1 address
    shift
    for address in "$@"; do
        case $address in
        *:*) ip -n "$(ns "$name")" addr add "$address" dev eth0 nodad ;;
        *) ip -n "$(ns "$name")" addr add "$address" dev eth0 ;;
        esac
    done
}

# net_make N: one client is wired to the server directly, more of them through a switch.
net_make() {
    local i
    net_add server
    if [ "$1" -eq 1 ]; then
        net_add client1
        net_wire server client1
    else
        net_add switch
        ip -n "$(ns switch)" link add br0 mtu "$LINK_MTU" type bridge
        ip -n "$(ns switch)" link set br0 up
        net_wire server switch eth0 port0
        ip -n "$(ns switch)" link set port0 master br0
        for ((i = 1; i <= $1; i++)); do
            net_add "client$i"
            net_wire "client$i" switch eth0 "port$i"
            ip -n "$(ns switch)" link set "port$i" master br0
        done
    fi
    net_address server $SERVER4/16 $SERVER6/64
    for ((i = 1; i <= $1; i++)); do
        net_address "client$i" "$(client4 "$i")/16" "$(client6 "$i")/64"
    done
}

# Certificates

# pki_issue NAME EXTENDED-KEY-USAGE
pki_issue() {
    [ -e "$PKI/$1.crt" ] && return
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -keyout "$PKI/$1.key" -out "$PKI/$1.csr" -subj "/CN=$1" 2>/dev/null &&
        openssl x509 -req -in "$PKI/$1.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -days 2 \
            -extfile <(printf 'keyUsage=digitalSignature\nextendedKeyUsage=%s\n' "$2") \
            -out "$PKI/$1.new" 2>/dev/null &&
        mv "$PKI/$1.new" "$PKI/$1.crt"
}

# pki_make: the authority and the server once per run, however many scripts share the folder.
pki_make() {
    mkdir -p "$PKI"
    (
        flock 9
        [ -e "$PKI/ca.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
            -nodes -keyout "$PKI/ca.key" -out "$PKI/ca.crt" -days 2 -subj "/CN=OpenDCO test CA" \
            2>/dev/null
        pki_issue server serverAuth
        [ $# -eq 0 ] || pki_issue "$1" clientAuth
    ) 9>"$PKI/.lock"
}

# openvpn

# Inner addresses do not depend on the order in which clients connect.
vpn_client4() { echo "10.$VPN_NET.1.$1"; }
vpn_client6() { echo "fd0$VPN_NET::1:$1"; }

vpn_config_common() {
    cat <<END
dev tun
ca $PKI/ca.crt
cert $PKI/${1%%-*}.crt
key $PKI/${1%%-*}.key
data-ciphers $CIPHER
verb 4
suppress-timestamps
management $W/$1.mgmt unix
END
}

vpn_config_server() {
    local proto=$PROTO
    [ "$PROTO" != udp ] || proto=udp6 # a dual-stack socket
    mkdir -p "$W/ccd-$VPN_NET"
    cat <<END
proto $proto
port $PORT
dh none
topology subnet
server 10.$VPN_NET.0.0 255.255.0.0
server-ipv6 fd0$VPN_NET::/64
client-config-dir $W/ccd-$VPN_NET
keepalive 10 60
status $W/$1.status 1
END
}

# vpn_config_client: reaches the server by the family of PROTO.
vpn_config_client() {
    local remote=$SERVER4
    case $PROTO in *6) remote=$SERVER6 ;; esac
    cat <<END
client
proto ${PROTO/%udp/udp4}
remote $remote $PORT
nobind
remote-cert-tls server
connect-retry 1 2
server-poll-timeout 10
END
}

# vpn_ccd N [LINE...]: fixed inner addresses for client N.
vpn_ccd() {
    local i=$1
    shift
    mkdir -p "$W/ccd-$VPN_NET"
    {
        echo "ifconfig-push $(vpn_client4 "$i") 255.255.0.0"
        echo "ifconfig-ipv6-push $(vpn_client6 "$i")/64 $VPN6"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$W/ccd-$VPN_NET/client$i"
}

# vpn_config NAME LINE...: writes the configuration; NAME server or clientN, perhaps with -TAG.
vpn_config() {
    local name=$1 host=${1%%-*}
    shift
    case $host in
    server) pki_make ;;
    *)
        pki_make "$host"
        [ -e "$W/ccd-$VPN_NET/$host" ] || vpn_ccd "${host#client}"
        ;;
    esac
    {
        vpn_config_common "$name"
        "vpn_config_${host%%[0-9]*}" "$name"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$W/$name.conf"
}

# vpn_run NAME MODE [ARGUMENT...]: starts openvpn with the configuration that vpn_config wrote.
vpn_run() {
    local name=$1 mode=${OPENDCO_TEST_MODE:-$2} command
    shift 2
    command=("$OPENVPN" --config "$W/$name.conf" "$@")
    case $mode in
    opendco) command=("$OPENDCO" run --log-level "${LOG_LEVEL:-debug}" -- "${command[@]}") ;;
    stock) command+=(--disable-dco) ;;
    esac
    [ ! -e "$W/$name.log" ] || mv "$W/$name.log" "$W/$name.$SECONDS.log"
    : >"$W/$name.log"
    # Not by in_ns: a function in the background would be a shell of its own, and its pid ours.
    OPENDCO_RUNTIME_DIR=$W/run-$name ip netns exec "$(ns "$name")" "${command[@]}" \
        >>"$W/$name.log" 2>&1 &
    vpn_pid[$name]=$!
    vpn_mode[$name]=$mode
}

# vpn_start NAME MODE [LINE...]
vpn_start() {
    local name=$1 mode=$2
    shift 2
    vpn_config "$name" "$@"
    vpn_run "$name" "$mode"
}

vpn_up() { grep -q 'Initialization Sequence Completed' "$W/$1.log"; }
vpn_up_or_gone() { vpn_up "$1" || ! kill -0 "${vpn_pid[$1]}"; }

# vpn_ready NAME [SECONDS]: up, and still alive.
vpn_ready() {
    until_true "${2:-20}" vpn_up_or_gone "$1"
    vpn_up "$1" && return
    echo "$1 $(kill -0 "${vpn_pid[$1]}" 2>/dev/null && echo "is not up" || echo ended):"
    tail -n 5 "$W/$1.log"
    return 1
}

# vpn_pair SERVER-MODE CLIENT-MODE [LINE...]: server and client1 up, one test.
vpn_pair() {
    local server=$1 client=$2
    shift 2
    vpn_start server "$server" "$@"
    vpn_ready server >/dev/null
    vpn_start client1 "$client" "$@"
    vpn_ready client1
}

# vpn_stop NAME [SIGNAL] [TENTHS]: 0 when it ended by itself in that time.
vpn_stop() {
    local name=$1 left=$((${3:-50} * PATIENCE)) pid
    pid=${vpn_pid[$name]:-}
    [ -n "$pid" ] || return 0
    unset "vpn_pid[$name]"
    kill -"${2:-TERM}" "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || { kill -KILL "$pid"; wait "$pid" 2>/dev/null; return 1; }
        sleep 0.1
    done
    wait "$pid" 2>/dev/null
    return 0
}

vpn_signal() { kill -"$2" "${vpn_pid[$1]}"; }

# log_count NAME REGEX
log_count() { grep -cE -- "$2" "$W/$1.log"; }

# log_has NAME REGEX [COUNT]
log_has() { [ "$(log_count "$1" "$2")" -ge "${3:-1}" ]; }

# tun_of NAME: the device that openvpn says it opened last
tun_of() { sed -nE 's/.*(TUN\/TAP|DCO) device ([^ ]+) opened.*/\2/p' "$W/$1.log" | tail -n 1; }

# management NAME COMMAND: the answer of openvpn's management interface
management() {
    timeout $((5 * PATIENCE)) python3 - "$W/$1.mgmt" "$2" <<'END'
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
lines = connection.makefile('rw')
lines.readline()
lines.write(sys.argv[2] + '\n')
lines.flush()
for line in lines:
    line = line.strip()
    if line.startswith('>'):
        continue
    print(line)
    if line == 'END' or line.startswith(('SUCCESS', 'ERROR')):
        break
END
}

# The plane

# status NAME: the JSON array of "opendco status" for that openvpn alone
status() { OPENDCO_RUNTIME_DIR=$W/run-$1 "$OPENDCO" status --json; }

# plane NAME JQ-FILTER: one value out of it
plane() { status "$1" 2>/dev/null | jq -r "$2" 2>/dev/null; }

by_plane() { [ "${vpn_mode[$1]:-}" = opendco ]; }

# offloaded NAME: one test where NAME runs under OpenDCO: its plane, not openvpn, has the packets.
offloaded() {
    local got
    if ! by_plane "$1"; then
        [ -z "${OPENDCO_TEST_MODE:-}" ] || skip "$1 is offloaded" "OPENDCO_TEST_MODE is stock"
        return
    fi
    got=$(plane "$1" '.[0] | [.active, ([.devices[].peers[].rx_packets] | add // 0) > 0] | all')
    equal "$1 is offloaded, and its plane counted packets" "$got" true
}

# drops NAME REASON: how often its plane dropped for it
drops() { plane "$1" ".[0].drops.$2 // 0"; }

# Traffic

# reach NAME ADDRESS [SIZE] [COUNT]: every ping is answered, with what was in it
reach() {
    in_ns "$1" timeout $((30 * PATIENCE)) python3 "$TOP/tests/integration/payload.py" ping "$2" "${3:-56}" "${4:-5}"
}

# reach_inner NAME ADDRESS4 ADDRESS6: both inner families, small and full size
reach_inner() {
    reach "$1" "$2" && reach "$1" "$2" 1372 && reach "$1" "$3" && reach "$1" "$3" 1352
}

# listens NAME PORT
listens() { [ -n "$(in_ns "$1" ss -Htln "sport = :$2")" ]; }

# iperf_serve NAME [PORT]: leaves its pid in $iperf_pid
iperf_serve() {
    background "$1" iperf3 -s -p "${2:-5201}" >"$W/iperf-$1-${2:-5201}.log" 2>&1
    iperf_pid=$started
    until_true 5 listens "$1" "${2:-5201}"
}

# iperf NAME ADDRESS [ARGUMENT...]: bits per second that arrived; 0 and the reason when it failed.
# Hosts differ in their default congestion control, and some defaults halve the figure.
iperf() {
    local name=$1 to=$2 output
    shift 2
    output=$(timeout $((60 * PATIENCE)) ip netns exec "$(ns "$name")" iperf3 -c "$to" -C cubic -J "$@" 2>&1)
    jq -e -r '(.end.sum_received.bits_per_second // .end.sum.bits_per_second) | floor' \
        <<<"$output" 2>/dev/null && return
    echo 0
    jq -r '.error // empty' <<<"$output" >&2
    return 1
}

# payload_serve NAME: answers the next two in that namespace, TCP and UDP, both families
payload_serve() {
    background "$1" python3 "$TOP/tests/integration/payload.py" serve >"$W/payload-$1.log" 2>&1
    until_true 5 grep -q ready "$W/payload-$1.log"
}

# payload NAME ADDRESS BYTES: random bytes by TCP, both ways at once, compared by digest
payload() { in_ns "$1" timeout $((60 * PATIENCE)) python3 "$TOP/tests/integration/payload.py" tcp "$2" "$3"; }

# datagrams NAME ADDRESS SIZE...: random UDP datagrams of these sizes, each echoed and compared
datagrams() {
    local name=$1
    shift
    in_ns "$name" timeout $((60 * PATIENCE)) python3 "$TOP/tests/integration/payload.py" udp "$@"
}

# trains NAME ADDRESS SIZE PER-TRAIN TRAINS: the same with trains of datagrams, the last one shorter
trains() {
    in_ns "$1" timeout $((60 * PATIENCE)) python3 "$TOP/tests/integration/payload.py" trains "${@:2}"
}

# segment_size NAME ADDRESS: of a new TCP connection to where payload_serve runs
segment_size() {
    in_ns "$1" python3 -c '
import socket, sys
connection = socket.create_connection((sys.argv[1], 5300), timeout=60)
print(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))' "$2"
}

# capture_start NAME FILE FILTER...: on eth0 (CAPTURE_ON names another interface). Fails where there
# is no tcpdump, or where it may not set its groups (a user namespace without further users).
capture_start() {
    local name=$1 file=$W/$2.pcap
    shift 2
    background "$name" tcpdump -Z root -B 32768 -U -n -i "${CAPTURE_ON:-eth0}" -w "$file" \
        "$@" 2>"$file.log"
    capture_pid=$started
    capture_logs[capture_pid]=$file.log
    until_true 5 capture_begins_or_ends
    capture_begins && kill -0 "$capture_pid" 2>/dev/null
}
capture_logs=() # by process id
capture_begins() { grep -q 'listening on' "${capture_logs[capture_pid]}"; }
capture_begins_or_ends() { capture_begins || ! kill -0 "$capture_pid"; }

# It has written all that the kernel took for it, which may be a second late or more: tcpdump says how
# much both are when it is asked. On lo the kernel counts each packet twice; there nothing more comes.
capture_caught_up() {
    local last=$capture_said
    kill -USR1 "$capture_pid" || return 0
    sleep 0.3
    capture_said=$(tail -n 1 "${capture_logs[capture_pid]}")
    capture_same=$((capture_same + 1))
    [ "$capture_said" = "$last" ] || capture_same=0
    [ $capture_same -ge 10 ] ||
        awk '{ exit !(/received by filter/ && $2 == $5) }' <<<"$capture_said"
}

capture_stop() {
    capture_said='' capture_same=0
    sleep 1.2
    until_true 5 capture_caught_up
    kill -TERM "$capture_pid" 2>/dev/null
    wait "$capture_pid" 2>/dev/null
    return 0
}

# capture_count FILE FILTER...
capture_count() {
    local file=$W/$1.pcap
    shift
    tcpdump -n -r "$file" "$@" 2>/dev/null | wc -l
}
