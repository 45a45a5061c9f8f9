#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# exclusive: its flood takes all processors, and scripts must still end in time
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
test_begin "Scripts start while workers pass control packets on, although openvpn forks for each \
of them: no child hangs."

ROUNDS=6

ups() { log_count client1 'Initialization Sequence Completed'; }
again() { [ "$(ups)" -gt "$1" ]; }
calls() { wc -l <"$W/calls"; }

net_make 2
cat >"$W/script" <<END
#!/bin/sh
echo "\$script_type" >>"$W/calls"
END
chmod +x "$W/script"
: >"$W/calls"
vpn_start server opendco "script-security 2" "client-connect $W/script" \
    "client-disconnect $W/script" "learn-address $W/script"
vpn_ready server >/dev/null
vpn_start client1 opendco "explicit-exit-notify 1"
expect "connected" vpn_ready client1

in_ns client2 nice -n 5 python3 "$TOP/tests/integration/flood.py" $SERVER4 "$PORT" 12 control \
    >"$W/sent" &
flooder=$!
for ((i = 1; i <= ROUNDS; i++)); do
    before=$(ups)
    vpn_signal client1 USR1
    expect "round $i: the client is connected again" until_true 15 again "$before"
done
end_pid $flooder
note "$(calls) scripts ran"
until_true 5 eval '[ "$(calls)" -ge $((ROUNDS * 3)) ]'
between "scripts that ran" "$(calls)" $((ROUNDS * 3)) 1000
eventually "children of the server" 0 pgrep -c -P "${vpn_pid[server]}"
expect "the tunnel works" reach client1 $VPN4
offloaded server
vpn_stop client1
expect "the server ends by itself" vpn_stop server
test_end
