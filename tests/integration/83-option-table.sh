#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/lib.sh"
test_begin "OpenDCO knows every option of OpenVPN 2.6 and 2.7, so none loses its effect unseen."

# What linux/openvpn/options.c says: "KIND NAME", one line for each option.
table() {
    awk '/\{OPTION_/ { kind = $1; gsub(/[{,]/, "", kind) }
        kind { while (match($0, /"[^"]*"/)) {
            n = split(substr($0, RSTART + 1, RLENGTH - 2), word, " ")
            for (i = 1; i <= n; i++) print kind, word[i]
            $0 = substr($0, RSTART + RLENGTH)
        } }
        /^};/ { kind = "" }' "$TOP/linux/openvpn/options.c" | sort -k 2
}

# documented PROGRAM: the options that its --help describes
documented() {
    "$1" --help | grep -oE -- '(^ *|or )--[a-z0-9-]*[a-z0-9]' | sed 's/.*--//' | sort -u
}

# unknown NAME...: those of the names that are in none of the programs. The linker lets a string be the
# end of another.
unknown() {
    local name
    for name in "$@"; do
        grep -qE -- "$name$" "$W/strings" || echo "$name"
    done
}

# check VERSION PROGRAM
check() {
    local found
    found=$(documented "$2")
    between "$1: --help describes options" "$(wc -l <<<"$found")" 200 1000
    equal "$1: all of them are in the table" \
        "$(comm -23 <(echo "$found") <(names) | grep -vx reneg | tr '\n' ' ')" ""
}

names() { table | cut -d ' ' -f 2; }

equal "no option is in the table twice" "$(names | uniq -d)" ""
check 2.6 "$OPENVPN"
strings -n 2 "$(command -v "$OPENVPN")" >"$W/strings"
if new=$("$TOP/tests/integration/openvpn27" "$BUILD/openvpn-2.7"); then
    check 2.7 "$new"
    strings -n 2 "$BUILD/openvpn-2.7/root/usr/sbin/openvpn" >>"$W/strings"
else
    skip "2.7: all of them are in the table" "$new"
fi

# What offload depends on must be spelt as openvpn spells it. Some are in debugging builds only, and
# a <connection> is no option.
for kind in OPTION_RULES_OUT OPTION_LEFT OPTION_DEPENDS OPTION_PLANE; do
    mapfile -t list < <(table | sed -n "s/^$kind //p" | grep -vxE 'gremlin|memstats|connection')
    equal "$kind: openvpn has these options" "$(unknown "${list[@]}")" ""
done

# What openvpn would ignore with offload is in the manual page.
mapfile -t list < <(table | sed -n 's/^OPTION_LEFT //p' | grep -vxE 'gremlin|memstats')
for name in "${list[@]}" reneg-bytes reneg-pkts replay-window dev-node; do
    expect "opendco(8) names $name" grep -qE "(^| )$name( |\$)" "$TOP/man/opendco.8"
done
test_end
