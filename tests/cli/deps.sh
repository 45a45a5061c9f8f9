#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../integration/lib.sh"
test_begin "'sudo make demo' and 'sudo make bench' would end for want of a package on a fresh system, or write \
where somebody else wants it."

# A system without any of the packages, and an archive with all of them.
mkdir "$W/bin"
echo 'echo not-installed' >"$W/bin/dpkg-query"
echo 'echo amd64' >"$W/bin/dpkg"
echo "echo \"\$*\" >>'$W/asked'" >"$W/bin/apt-get"
echo 'echo "${FAKE_ID:-0}"' >"$W/bin/id"
sed -i '1i #!/bin/sh' "$W"/bin/*
chmod 755 "$W"/bin/*
fresh() { env PATH="$W/bin:$PATH" "$@"; }

# packages_of WHAT: prints the packages that it requests from apt
packages_of() {
    rm -f "$W/asked"
    fresh "$TOP/scripts/install-deps" "$1" >/dev/null
    sed -n 's/^install //p' "$W/asked" | tr ' ' '\n' | grep -v '^-' | sort -u
}

# The package of each tool without which it would stop or leave something out.
for pair in demo:openvpn demo:openssl demo:iproute2 demo:iputils-ping demo:iperf3 demo:jq demo:gcc \
    bench:openvpn bench:openssl bench:iproute2 bench:util-linux bench:ethtool bench:python3 bench:gcc \
    bench:wireguard-go bench:valgrind; do
    packages_of "${pair%:*}" >"$W/packages"
    expect "${pair%:*}: ${pair#*:} is installed" grep -qx "${pair#*:}" "$W/packages"
done

# without_root WHAT: it says what is missing and installs nothing
for what in demo/demo "bench/run quick"; do
    rm -f "$W/asked"
    # shellcheck disable=SC2086 # a command and its argument
    FAKE_ID=1000 fresh "$TOP"/$what >"$W/output" 2>&1
    equal "$what without root: exit status" $? 1
    equal "$what without root: one line" "$(wc -l <"$W/output")" 1
    expect "$what without root: which names the packages" grep -q 'cannot run here: .*iproute2' "$W/output"
    refuse "$what without root: nothing is installed" test -e "$W/asked"
done

# As root bench/run installs the packages itself and goes on.
echo 'echo "$*" >>"$ASKED"; exit 1' >>"$W/bin/apt-get"
ASKED=$W/asked fresh "$TOP/bench/run" quick >"$W/output" 2>&1
expect "bench/run asks for what it needs" grep -q '^install .*ethtool' "$W/asked"

# Debian gives users a PATH without the folders of openvpn and sysctl.
if why=$(PATH=/usr/bin:/bin "$TOP/scripts/with-net" true); then
    expect "with-net finds what is in sbin" env PATH=/usr/bin:/bin \
        "$TOP/scripts/with-net" sh -c 'command -v sysctl && command -v openvpn'
else
    skip "with-net finds what is in sbin" "$why"
fi

# Our temporary names depend on the process id only, and the shell knows it beforehand.
for what in demo/demo "bench/run quick"; do
    sh -c 'echo $$ >"$1"
        for name in opendco-deps opendco opendco-demo opendco-bench; do
            ln -s "$2/victim" "/tmp/$name.$$" 2>/dev/null
        done
        exec env PATH="$2/bin:$PATH" FAKE_ID=1000 $3' - "$W/pid" "$W" "$TOP/$what" >/dev/null 2>&1
    refuse "$what: a link that somebody laid in /tmp is not followed" test -e "$W/victim"
    rm -f "$W/victim"
    find /tmp -maxdepth 1 -type l -name "opendco*.$(cat "$W/pid")" -delete
done
test_end
