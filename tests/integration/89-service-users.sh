#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/life.sh"
test_begin "A service that runs as a user of its own, with ambient capabilities, is offloaded, and \
root's command finds it; the alarm of the manual page is raised only if it should be."

if [ "${OPENDCO_TEST_MODE:-}" = stock ] || ! other_users; then
    skip "services with User=" "OPENDCO_TEST_MODE is stock, or there are no other users"
    test_end
fi

# What systemd makes of User=, AmbientCapabilities= and RuntimeDirectory=. The folder is in /run, where the
# command looks.
user=65534
folder=/run/$P-service
mkdir "$folder" && chown $user "$folder" && chmod 700 "$folder"
cleanup() { rm -rf "$folder"; }
trap 'left=$?; cleanup; (exit $left); test_leave' EXIT
cat >"$W/service" <<END
#!/bin/sh
mount --bind "$W/tun" /dev/net/tun || exit 1
unset OPENDCO_RUNTIME_DIR XDG_RUNTIME_DIR
export RUNTIME_DIRECTORY=$folder:/run/other
exec setpriv --reuid $user --regid $user --clear-groups --inh-caps -all,+net_admin \\
    --ambient-caps -all,+net_admin "$OPENDCO" "\$@"
END
chmod 755 "$W/service"
# Everybody may open the device, as udev makes it. The mount is in the service's own mount namespace.
mknod "$W/tun" c 10 200 && chmod 666 "$W/tun"
: >"$W/alarms"
product=$OPENDCO

# as_root COMMAND...: what root types in that namespace
as_root() { in_ns server env -u OPENDCO_RUNTIME_DIR -u XDG_RUNTIME_DIR -u RUNTIME_DIRECTORY "$@"; }
ours() { as_root "$product" status --json | jq -r --argjson pid "${vpn_pid[server]}" ".[] | select(.pid == \$pid) | $1"; }

net_make 1
pki_make client1
mkdir "$W/readable" && cp -r "$PKI" "$W/readable/pki" && chmod -R a+rX "$W/readable" && PKI=$W/readable/pki
: >"$W/server.log"
chmod 777 "$W"
OPENDCO=$W/service
vpn_start server opendco "status $folder/status 1" "management $folder/mgmt unix"
OPENDCO=$product
expect "the service is up" vpn_ready server
vpn_start client1 opendco
expect "a client is up" vpn_ready client1
expect "the tunnel works" until_true 5 reach_inner client1 $VPN4 $VPN6
equal "its socket is in the folder of the service" "$(stat -c %u "$folder"/opendco/*.sock)" $user
equal "root's command finds it, offloaded" "$(ours .active)" true
equal "with its peer" "$(ours '.devices[0].peers | length')" 1

# The example of the manual page, word for word
alarm=$(sed -n '/^opendco status >\/dev\/null ||/p' "$TOP/man/opendco.8")
expect "the manual page has an alarm" test -n "$alarm"
mkdir "$W/bin" && printf '#!/bin/sh\necho "$*" >>"%s"\n' "$W/alarms" >"$W/bin/logger"
ln -s "$product" "$W/bin/opendco"
chmod 755 "$W/bin/logger"
alarms() { as_root env PATH="$W/bin:$PATH" sh -c "$alarm"; wc -l <"$W/alarms"; }
others() { as_root "$product" status --json | jq "map(select(.active | not)) | length"; }
if [ "$(others)" -eq 0 ]; then
    equal "it is not raised while all are offloaded" "$(alarms)" 0
else
    skip "it is not raised while all are offloaded" "another openvpn of this machine is not offloaded"
fi
vpn_stop client1
vpn_stop server
vpn_start server opendco "proto tcp-server"
sed -i 's/^proto udp4//' "$W/server.conf"
expect "a service that is not offloaded is up" vpn_ready server
before=$(wc -l <"$W/alarms")
OPENDCO_RUNTIME_DIR=$W/run-server sh -c "PATH=$W/bin:\$PATH; $alarm"
expect "then it is raised" test "$(wc -l <"$W/alarms")" -gt "$before"
test_end
