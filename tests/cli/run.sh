#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../integration/lib.sh"
test_begin "'opendco run' would start openvpn without OpenDCO, or with settings other than the ones given, \
and say nothing."

unset LD_PRELOAD OPENDCO_WORKERS OPENDCO_MSS OPENDCO_LOG_LEVEL
library=$LIBRARY

# run ARGUMENT...: leaves $code, its output in $W/output and its complaints in $W/complaint
run() {
    "$OPENDCO" run "$@" >"$W/output" 2>"$W/complaint"
    code=$?
}

# bad WANTED-CODE WORD ARGUMENT...: the command refuses this, with a message that holds the word
bad() {
    local wanted=$1 word=$2
    shift 2
    run "$@"
    equal "run $*: exit status $wanted" $code "$wanted"
    expect "run $*: the complaint names \"$word\"" grep -qF -- "$word" "$W/complaint"
}

run -- env
equal "a command runs" $code 0
equal "with the library" "$(grep ^LD_PRELOAD= "$W/output")" "LD_PRELOAD=$library"
refuse "and without settings nobody made" grep -q ^OPENDCO_ "$W/output"

run --workers 3 --mss 1300 --log-level debug -- env
equal "settings become variables" "$(grep ^OPENDCO_ "$W/output" | sort | tr '\n' ' ')" \
    "OPENDCO_LOG_LEVEL=debug OPENDCO_MSS=1300 OPENDCO_WORKERS=3 "
OPENDCO_MSS=off run -w2 env
equal "variables stay, options win" "$(grep ^OPENDCO_ "$W/output" | sort | tr '\n' ' ')" \
    "OPENDCO_MSS=off OPENDCO_WORKERS=2 "
LD_PRELOAD=$library run -- env
equal "other preloads stay behind ours" "$(grep ^LD_PRELOAD= "$W/output")" \
    "LD_PRELOAD=$library:$library"

run sh -c 'exit 42'
equal "the exit status is the command's" $code 42
"$OPENDCO" run sh -c 'echo $$' >"$W/pid" &
pid=$!
wait $pid
equal "the process id is the command's" "$(cat "$W/pid")" $pid

bad 125 '"0"' --workers 0 -- true
bad 125 '"17"' --workers 17 -- true
bad 125 '"2x"' --workers 2x -- true
bad 125 '""' --workers '' -- true
bad 125 '"-1"' --workers -1 -- true
bad 125 '"99999999999999999999"' --workers 99999999999999999999 -- true
bad 125 '"87"' --mss 87 -- true
bad 125 '"Auto"' --mss Auto -- true
bad 125 '"loud"' --log-level loud -- true
bad 125 bogus --bogus -- true
bad 125 'needs a command'
bad 125 'needs a command' --
OPENDCO_WORKERS=many bad 125 OPENDCO_WORKERS -- true
bad 127 no-such-command -- no-such-command
bad 127 /no/such -- /no/such
bad 126 "$W" -- "$W"

mkdir "$W/alone" "$W/a b"
cp "$OPENDCO" "$W/alone"
"$W/alone/opendco" run -- true 2>"$W/complaint"
equal "without its library: exit status 125" $? 125
expect "and the complaint names the places" grep -q "alone nor in opendco/ of .*alone/../lib," \
    "$W/complaint"
cp "$OPENDCO" "$library" "$W/a b"
"$W/a b/opendco" run -- true 2>"$W/complaint"
equal "a folder that LD_PRELOAD cannot name: exit status 125" $? 125
mkdir -p "$W/prefix/sbin" "$W/prefix/lib/opendco"
cp "$OPENDCO" "$W/prefix/sbin"
cp "$library" "$W/prefix/lib/opendco"
equal "as installed, the library is found" \
    "$("$W/prefix/sbin/opendco" run -- printenv LD_PRELOAD)" "$W/prefix/lib/opendco/libopendco.so"

if echo 'int main(void) { return 0; }' | cc -static -o "$W/static" -x c - 2>/dev/null; then
    run -- "$W/static"
    expect "a static program: a warning" grep -q 'statically linked' "$W/complaint"
    equal "and it runs all the same" $code 0
else
    skip "a static program: a warning" "no static program can be linked here"
fi
if [ "$(id -u)" -eq 0 ]; then
    cp /bin/true "$W/setuid"
    chown 65534 "$W/setuid" && chmod 4755 "$W/setuid"
    run -- "$W/setuid"
    expect "a set-user-ID program: a warning" grep -q 'set-user-ID' "$W/complaint"
    equal "and it runs all the same" $code 0
else
    skip "a set-user-ID program: a warning" "this is not root"
fi

for command in run status version; do
    expect "$command --help" sh -c "'$OPENDCO' $command --help | grep -q '^usage: opendco $command'"
done
equal "version is that of the file VERSION" "$("$OPENDCO" version)" \
    "opendco $(cat "$(dirname "$0")/../../VERSION")"
expect "help lists the commands" sh -c "'$OPENDCO' --help | grep -q '^  status '"
"$OPENDCO" bogus 2>/dev/null
equal "a command that does not exist: exit status 125" $? 125

mkdir "$W/root"
if make -s --no-print-directory -C "$TOP" BUILD="$BUILD" DESTDIR="$W/root" PREFIX=/opt/x install \
    >"$W/install.log" 2>&1; then
    ok "make install"
    equal "what was installed works" \
        "$("$W/root/opt/x/sbin/opendco" run -- printenv LD_PRELOAD)" \
        "$W/root/opt/x/lib/opendco/libopendco.so"
    expect "the drop-in names the library" grep -q 'LD_PRELOAD=/opt/x/lib/opendco/libopendco.so' \
        "$W/root/opt/x/share/doc/opendco/systemd/10-opendco.conf"
    expect "the manual page is there" test -s "$W/root/opt/x/share/man/man8/opendco.8"
    touch "$W/root/opt/x/share/man/man8/other.8"
    expect "make uninstall" make -s --no-print-directory -C "$TOP" BUILD="$BUILD" \
        DESTDIR="$W/root" PREFIX=/opt/x uninstall
    equal "leaves what is not ours" "$(find "$W/root" -type f)" "$W/root/opt/x/share/man/man8/other.8"
else
    not_ok "make install" "$(tail -n 1 "$W/install.log")"
fi
test_end
