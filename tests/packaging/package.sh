#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/office.sh"
test_begin "The Debian package builds from a clean checkout, twice to the same bytes; apt installs, \
upgrades, downgrades, removes and purges it, and each leaves an instance of systemd as it should."

export DEBIAN_FRONTEND=noninteractive DEB_BUILD_OPTIONS="nocheck parallel=2"
revision=$(git -C "$TOP" rev-parse --verify -q HEAD) || { skip "the package" "this is no git repository"; test_end; }
command -v dh >/dev/null || { skip "the package" "debhelper is not installed"; test_end; }
version=$(cat "$TOP/VERSION")
deb=opendco_$version-1_$(dpkg --print-architecture).deb

expect "it builds" "$TOP/scripts/deb" "$W/one" "$revision" || test_end
(
    umask 077
    export TZ=Asia/Tokyo LC_ALL=C.UTF-8 HOME=/nonexistent
    exec "$TOP/scripts/deb" "$W/at/another/place" "$revision"
) >"$W/second.log" 2>&1
expect "it builds to the same bytes elsewhere" cmp "$W/one/$deb" "$W/at/another/place/$deb"
if command -v lintian >/dev/null; then
    lintian --pedantic --fail-on error,warning "$W"/one/opendco_*.changes >"$W/lintian" 2>/dev/null
    equal "lintian has nothing to complain about" "$?:$(grep -c '^[EW]:' "$W/lintian")" 0:0
else
    skip "lintian has nothing to complain about" "lintian is not installed"
fi
expect "the library is private" test \
    "$(dpkg-deb -c "$W/one/$deb" | grep -c "\./usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)/opendco/libopendco.so$")" = 1

equal "it brings no drop-in and starts nothing" "$(dpkg-deb -c "$W/one/$deb" | grep -c -e 'service\.d/' -e '\.wants/')" 0

# A later version: the same library with another build id.
later=$W/opendco_later.deb
dpkg-deb -R "$W/one/$deb" "$W/later"
sed -i 's/^Version: .*/Version: 99.0-1/' "$W/later/DEBIAN/control"
python3 - "$W"/later/usr/lib/*/opendco/libopendco.so <<'END'
import re, sys
with open(sys.argv[1], 'r+b') as f:
    at = f.read(4096).index(b'GNU\0', 4) + 4
    f.seek(at)
    first = f.read(1)[0]
    f.seek(at)
    f.write(bytes([first ^ 1]))
END
dpkg-deb --root-owner-group -b "$W/later" "$later" >/dev/null

install() { apt-get install -y -q --no-install-recommends --allow-downgrades "$@"; }
expect "apt installs it" install "$W/one/$deb"
equal "its command is there" "$(opendco version)" "opendco $version"
equal "nothing is preloaded by it" "$(grep -rl LD_PRELOAD /etc/systemd /lib/systemd/system | wc -l)" 0
equal "its timer is not enabled" "$(systemctl is-enabled opendco-metrics.timer)" disabled
for name in "$TOP"/debian/tests/preload "$TOP"/debian/tests/tunnel; do
    expect "the package's own test $(basename "$name")" "$name"
done

office_make
expect "without it the instance serves" office_serves
equal "and does not run under OpenDCO" "$(opendco status --json | jq length)" 0
expect "it is enabled" opendco enable office
expect "and serves" office_serves
equal "offloaded" "$(office active)" true
equal "with the library that is on disk" "$(office restart_pending)" false

pid=$(office pid)
expect "apt upgrades it" install "$later"
equal "the instance goes on" "$(office pid)" "$pid"
equal "and a restart is pending" "$(office restart_pending)" true
expect "as status says in words" grep -q 'restart pending' <(opendco status)
expect "enable says what to restart" grep -q 'systemctl restart openvpn-server@office' <(opendco enable office)
expect "after the restart it serves" office_serves
equal "with the new library" "$(office restart_pending)" false
expect "apt downgrades it" install "$W/one/$deb"
equal "a restart is pending again" "$(office restart_pending)" true
expect "after the restart it serves again" office_serves
equal "with the old library" "$(office restart_pending)" false

expect "apt removes it" apt-get remove -y -q opendco
equal "the instance goes on without a file of it" "$(systemctl is-active openvpn-server@office)" active
expect "the drop-in stays" test -e "$FOLDER/10-opendco.conf"
expect "after a restart it serves without OpenDCO" office_serves
mkdir /etc/systemd/system/openvpn-server@hand.service.d
echo '# by hand' >/etc/systemd/system/openvpn-server@hand.service.d/10-opendco.conf
expect "apt purges it" apt-get purge -y -q opendco
refuse "the drop-in is gone" test -e "$FOLDER/10-opendco.conf"
expect "the administrator's own stays" test -e "$FOLDER/20-local.conf"
expect "and so does one that was written by hand" \
    test -e /etc/systemd/system/openvpn-server@hand.service.d/10-opendco.conf
equal "no other file is left" "$(find / -xdev -path "$W" -prune -o -path "$TOP" -prune -o -path /var -prune \
    -o -name '*opendco*' -print 2>/dev/null | grep -v -e server@hand -e opendco-test -e "^$(realpath "$BUILD")" -e ^/work -e ^/root | wc -l)" 0
expect "and it serves" office_serves
test_end
