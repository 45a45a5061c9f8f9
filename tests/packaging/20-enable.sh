#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/office.sh"
test_begin "'opendco enable' and 'opendco disable' turn OpenDCO on and off for units of a real systemd, say what \
has to be restarted, and touch nothing that they did not write."

${MAKE:-make} -C "$TOP" BUILD="$BUILD" install >"$W/install.log" 2>&1 || exit 1
office_make
drop_in=$FOLDER/10-opendco.conf

# said WHAT WORDS COMMAND...: the command succeeds and prints the words
said() {
    local what=$1 words=$2
    shift 2
    "$@" >"$W/output" 2>&1
    equal "$what: exit status" $? 0
    expect "$what: it says so" grep -qF -- "$words" "$W/output"
}
# complains WHAT WORDS COMMAND...
complains() {
    local what=$1 words=$2
    shift 2
    "$@" >"$W/output" 2>&1
    equal "$what: exit status" $? 1
    expect "$what: it says why" grep -qF -- "$words" "$W/output"
}
environment() { systemctl show -P Environment "$1"; }

said "a dry run" "would write $drop_in" opendco enable --dry-run office
refuse "a dry run writes nothing" test -e "$drop_in"
said "enable" "wrote $drop_in" opendco enable office
expect "systemd has read it" grep -q LD_PRELOAD <(environment openvpn-server@office)
equal "another instance has it not" "$(environment openvpn-server@other)" ""
said "enable again" "$drop_in is there already" opendco enable office
said "enable by its whole name" "is there already" opendco enable openvpn-server@office.service

expect "it serves" office_serves
equal "offloaded" "$(office active)" true
said "enable of a running one" "runs under OpenDCO already" opendco enable office
said "disable, dry" "would remove $drop_in" opendco disable --dry-run office
said "disable" "systemctl restart openvpn-server@office" opendco disable office
refuse "the drop-in is gone" test -e "$drop_in"
expect "the folder with the administrator's own stays" test -e "$FOLDER/20-local.conf"
equal "systemd has read that" "$(environment openvpn-server@office)" ""
said "disable again" "is not there" opendco disable office
expect "it serves without it" office_serves
equal "and does not run under OpenDCO" "$(opendco status --json | jq length)" 0
said "enable of one that runs without" "systemctl restart openvpn-server@office" opendco enable office

# Whether one that is expected runs under OpenDCO
complains "a unit that runs without the library" "was started without the library" opendco status -e office
systemctl restart openvpn-server@office
expect "a unit that was restarted" until_true 5 opendco status --expect office
said "all instances of a template" "(pid" opendco status --expect openvpn-server@
complains "a unit that does not run" "openvpn-client@none does not run" \
    opendco status -e office -e openvpn-client@none
"$OPENDCO" status -e ../x >/dev/null 2>&1
equal "a name that is none" $? 3
# As with a change of the domain under SELinux, the kernel starts it in secure mode.
if setcap cap_net_admin,cap_dac_override+ep "$(command -v openvpn)" 2>/dev/null; then
    cp "$FOLDER/20-local.conf" "$W/local"
    printf 'User=daemon\nAmbientCapabilities=CAP_NET_ADMIN CAP_DAC_OVERRIDE\nProtectSystem=false\n' >>"$FOLDER/20-local.conf"
    chmod a+r /etc/openvpn/server/*
    chmod a+rx /etc/openvpn /etc/openvpn/server
    systemctl stop openvpn-server@office
    rm -f /run/openvpn-server/*
    chmod 777 /run/openvpn-server
    systemctl daemon-reload
    systemctl restart openvpn-server@office
    complains "one in secure mode" "secure mode, in which the dynamic linker ignores LD_PRELOAD" \
        opendco status -e office
    setcap -r "$(command -v openvpn)"
    cp "$W/local" "$FOLDER/20-local.conf"
    systemctl daemon-reload
    systemctl stop openvpn-server@office
    rm -f /run/openvpn-server/*
    systemctl restart openvpn-server@office
else
    skip "one in secure mode" "setcap does not work here"
fi

# A drop-in of all instances
said "all" "wrote /etc/systemd/system/openvpn-server@.service.d/10-opendco.conf" opendco enable --all
said "all names the running one" "openvpn-server@office runs under OpenDCO already" opendco enable --all
for name in openvpn-server@other openvpn-client@x openvpn@y; do
    expect "all: $name" grep -q LD_PRELOAD <(environment "$name")
done
said "disable of one of all" "openvpn-server@office stays under OpenDCO: openvpn-server@ has a drop-in" \
    opendco disable office
said "disable of all" "removed /etc/systemd/system/openvpn@.service.d/10-opendco.conf" opendco disable --all
equal "no drop-in and no empty folder of all is left" \
    "$(find /etc/systemd/system -path '*openvpn*@.service.d*' | wc -l)" 0

# Which unit a name means
touch /etc/openvpn/plain.conf /etc/openvpn/client/road.conf
said "a name in /etc/openvpn" "openvpn@plain.service.d" opendco enable plain
said "a client" "openvpn-client@road.service.d" opendco enable --client road
touch /etc/openvpn/office.conf
complains "a name that is in both" "say openvpn-server@office or openvpn@office" opendco enable office
complains "a name without a configuration" "neither /etc/openvpn/server/none.conf" opendco enable none
complains "a client without one" "no /etc/openvpn/client/office.conf" opendco enable --client office
complains "a name that leaves the folder" "cannot be the name" opendco enable ../../tmp/x
complains "another unit" "is no unit of" opendco enable ssh@x
complains "no name" "needs the name" opendco enable
complains "a name and all" "needs the name" opendco enable --all office

# What it did not write
echo '# mine' >"$drop_in"
complains "a file without the mark" "stays as it is" opendco enable openvpn-server@office
complains "disable of it" "stays as it is" opendco disable openvpn-server@office
equal "it is untouched" "$(cat "$drop_in")" "# mine"
rm "$drop_in"
ln -s /etc/hostname "$drop_in"
complains "a link" "stays as it is" opendco enable openvpn-server@office
rm "$drop_in"
opendco enable openvpn-server@office >/dev/null
sed -i 's/^TasksMax=.*/TasksMax=7/' "$drop_in"
said "one of an older version is replaced" "wrote $drop_in" opendco enable openvpn-server@office
expect "by the whole text" grep -q '^TasksMax=300' "$drop_in"
mkdir "$W/full"
mount -t tmpfs -o size=4k,nr_inodes=3 none "$W/full"
rm "$drop_in"
mount --bind "$W/full" "$FOLDER"
head -c 4096 /dev/zero >"$FOLDER/fills"
complains "a full disk" "cannot write $drop_in" opendco enable openvpn-server@office
equal "leaves no part of a file" "$(ls "$FOLDER")" fills
umount "$FOLDER" "$W/full"
opendco enable openvpn-server@office >/dev/full 2>/dev/null
equal "an output that cannot be written" $? 1
test_end
