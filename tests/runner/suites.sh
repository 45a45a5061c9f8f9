# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# What each suite consists of. suite_NAME builds and queues; nothing runs before all is built, so no
# two makes ever write to one tree.

have() { command -v "$1" >/dev/null 2>&1; }

# build LABEL GOAL...: a goal may be a setting of make as well.
build() {
    local label=$1 log
    [ -z "$listing" ] || return 0
    shift
    log=$(log_of "build $label")
    "$MAKE" --no-print-directory -j "$cores" BUILD="$BUILD" "$@" >"$log" 2>&1 </dev/null && return 0
    fail "$label: the build failed"
    report_failed "$label: the build" "$log"
    return 1
}

# builds LABEL GOAL...: that it builds is a test itself.
builds() {
    [ -z "$listing" ] || { echo "$1"; return 0; }
    build "$@" || return 1
    pass 1
    printf 'ok   %s\n' "$1"
}

# wanted_names SUITE FILE...: base names without their ending, of those that are wanted.
wanted_names() {
    local suite=$1 file name
    shift
    for file in "$@"; do
        name=$(basename "${file%.*}")
        wanted "$suite$name" && echo "$name"
    done
}

# unit_programs VARIANT LIMIT PATTERN COMMAND...: builds and queues the programs whose source matches.
unit_programs() {
    local variant=$1 limit=$2 pattern=$3 suite=$1 dir name any=
    shift 3
    [ "$variant" != plain ] || suite=unit
    for dir in core linux; do
        for name in $(wanted_names "$suite $dir/" tests/"$dir"/$pattern.c); do
            [ -n "$any" ] || build "$suite" "build-$variant" || return
            any=yes
            queue programs tap "$suite $dir/$name" "$limit" "$@" "$BUILD/test/$variant/$dir/$name"
        done
    done
}

# One of the programs preloads the library.
suite_unit() {
    build unit all || return
    unit_programs plain 600 '*_test' env
    queue programs plain "unit hardening" 120 tests/hardening "$BUILD"
    queue programs plain "unit layers" 240 tests/layers "$BUILD"
    wanted "unit core is freestanding" || return
    build unit build-freestanding || return
    queue programs plain "unit core is freestanding" 120 tests/freestanding "$BUILD"
}

suite_asan() {
    unit_programs asan 1200 '*_test' env ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
}

# ThreadSanitizer of this age knows fewer bits of address randomisation than kernels now use.
WITHOUT_RANDOM_ADDRESSES=(setarch -R)

suite_tsan() {
    unit_programs tsan 1200 '*_mt_test' env TSAN_OPTIONS=halt_on_error=1 \
        "${WITHOUT_RANDOM_ADDRESSES[@]}"
}

suite_cross() {
    local machine compiler emulator name names
    for machine in arm64:aarch64 s390x:s390x; do
        compiler=${machine#*:}-linux-gnu-gcc
        emulator=qemu-${machine#*:}
        machine=${machine%:*}
        names=$(wanted_names "cross $machine/" tests/core/*_test.c)
        [ -n "$names" ] || continue
        have "$compiler" || { skip "cross $machine" "$compiler is not installed"; continue; }
        have "$emulator" || { skip "cross $machine" "$emulator is not installed"; continue; }
        build "cross $machine" "build-$machine" || continue
        for name in $names; do
            queue programs tap "cross $machine/$name" 1200 "$emulator" \
                "$BUILD/test/$machine/core/$name"
        done
    done
}

# compile_other LABEL FOLDER EMULATOR "TEST..." SETTING...: the library, the command and some unit
# tests of the Linux platform, built with other settings of make, and those tests run.
compile_other() {
    local label=$1 folder=$BUILD/$2 name names goals=(all) emulator=()
    # shellcheck disable=SC2086 # several names
    names=$(wanted_names "compilers $label/" $4)
    [ -n "$names" ] || wanted "compilers $label" || return
    read -ra emulator <<<"$3"
    for name in $names; do
        goals+=("$folder/test/plain/linux/$name")
    done
    builds "compilers $label" "BUILD=$folder" "${goals[@]}" "${@:5}" || return
    for name in $names; do
        queue programs tap "compilers $label/$name" 600 \
            ${emulator[@]+"${emulator[@]}"} "$folder/test/plain/linux/$name"
    done
}

# Where the code for x86-64 is, or may be, absent.
PORTABLE_TESTS="aead_test csum_fast_test vnet_test relay_test"
# Those that ask the kernel for nothing that the emulator does not know.
ARM64_TESTS="netlink_dco_v2_test netlink_link_test netlink_ovpn_test aead_mt_test float_nat_test csum_fast_test
    control_queue_test preload_test config_scan_test limits_test relay_test settings_test vnet_test"

suite_compilers() {
    wanted "compilers bench" && builds "compilers bench" -f bench/bench.mk programs
    queue programs plain "compilers glibc only" 120 tests/glibc-only
    if have clang; then
        compile_other clang clang "" "" CC=clang
    else
        skip "compilers clang" "clang is not installed"
    fi
    compile_other portable portable "" "$PORTABLE_TESTS" PORTABLE=1
    compile_for_arm64
}

compile_for_arm64() {
    local sysroot=$BUILD/sysroot-arm64 why compiler=aarch64-linux-gnu-gcc name qemu=qemu-aarch64
    # shellcheck disable=SC2086 # several names
    wanted "compilers arm64" || [ -n "$(wanted_names "compilers arm64/" $ARM64_TESTS)" ] || return
    for name in "$compiler" "$qemu"; do
        have "$name" || { skip "compilers arm64" "$name is not installed"; return; }
    done
    if [ -z "$listing" ] && [ ! -e "$sysroot/complete" ]; then
        why=$(scripts/unpack-packages "$sysroot" arm64 "bookworm bookworm-updates" libc6-dev \
            libmnl-dev libssl-dev libseccomp-dev libjansson-dev) ||
            { skip "compilers arm64" "the libraries cannot be had: $why"; return; }
        touch "$sysroot/complete"
    fi
    [ -n "$listing" ] || sysroot=$(cd "$sysroot" && pwd)/root
    compile_other arm64 arm64 "$qemu -L $sysroot" "$ARM64_TESTS" \
        "CC=$compiler --sysroot=$sysroot"
}

# New inputs go to the build folder; a crash leaves its input there too.
suite_fuzz() {
    local name names found dictionary
    names=$(wanted_names "fuzz " fuzz/*_fuzz.c)
    [ -n "$names" ] || return
    have clang || { skip fuzz "clang is not installed"; return; }
    build fuzz build-fuzz || return
    for name in $names; do
        name=${name%_fuzz}
        found=$BUILD/fuzz/found/$name
        dictionary=()
        [ ! -e "fuzz/$name.dict" ] || dictionary=("-dict=fuzz/$name.dict")
        [ -n "$listing" ] || mkdir -p "$found" "fuzz/corpus/$name"
        queue programs plain "fuzz $name" $((fuzz_seconds + 600)) "$BUILD/fuzz/${name}_fuzz" \
            -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
            -artifact_prefix="$found/crash-" ${dictionary[@]+"${dictionary[@]}"} \
            "$found" "fuzz/corpus/$name"
    done
}

suite_style() {
    local sources scripts
    mapfile -t sources < <(find core linux freebsd cli tests fuzz bench -name '*.[ch]' 2>/dev/null)
    mapfile -t scripts < <(grep -rlIE '^#!/bin/(ba)?sh' tests scripts demo bench .ci packaging debian \
        2>/dev/null; ls tests/integration/*.sh tests/runner/*.sh tests/packaging/office.sh)
    if have clang-format; then
        queue programs plain "style clang-format" 1200 clang-format --dry-run -Werror "${sources[@]}"
    else
        skip "style clang-format" "clang-format is not installed"
    fi
    if have shellcheck; then
        queue programs plain "style shellcheck" 3600 bash -c \
            'printf "%s\0" "${@:2}" | xargs -0 -n 4 -P "$1" shellcheck -S warning' \
            shellcheck "$cores" "${scripts[@]}"
    else
        skip "style shellcheck" "shellcheck is not installed"
    fi
}

suite_docs() {
    local page
    if have mandoc; then
        for page in man/*.[0-9]; do
            queue programs plain "docs lint $page" 120 mandoc -Tlint -Wwarning "$page"
        done
    else
        skip "docs mandoc" "mandoc is not installed"
    fi
    queue programs plain "docs drop reasons" 120 tests/drop-reasons
    queue programs plain "docs lines, links and reasons" 120 tests/documents
    queue programs plain "docs version" 120 tests/version
    queue programs plain "docs release archive" 240 tests/dist
}

# What was analysed before and has not changed is not read again. Both want the stand-in's headers.
suite_analyze() {
    local tool names=
    for tool in clang-tidy cppcheck; do
        wanted "analyze $tool" || continue
        have clang || { skip "analyze $tool" "clang is not installed"; continue; }
        have "$tool" || { skip "analyze $tool" "$tool is not installed"; continue; }
        names+=" $tool"
    done
    [ -n "$names" ] || return
    build analyze analyze-stubs || return
    for tool in $names; do
        queue programs plain "analyze $tool" 3600 "$MAKE" --no-print-directory BUILD="$BUILD" -k \
            -j "$cores" "build-$tool"
    done
}

suite_cli() {
    local name names
    names=$(wanted_names "cli " tests/cli/*.sh)
    [ -n "$names" ] || return
    build cli all || return
    for name in $names; do
        queue programs tap "cli $name" 600 env "BUILD=$BUILD" "KEEP=$LOGS/cli-$name" \
            "tests/cli/$name.sh"
    done
}

# Each script runs in a copy of this system of its own, with systemd as process 1.
suite_packaging() {
    local name names why
    names=$(wanted_names "packaging " tests/packaging/[0-9]*.sh)
    [ -n "$names" ] || return
    if [ -z "$listing" ]; then
        build packaging all || return
        if ! why=$(tests/packaging/in-machine true 2>&1); then
            for name in $names; do
                skip "packaging $name" "$why"
            done
            return
        fi
    fi
    for name in $names; do
        queue scripts tap "packaging $name" 1500 env "BUILD=$BUILD" "KEEP=$(realpath -m "$LOGS/packaging-$name")" \
            "PKI=$(realpath -m "$LOGS/pki-$name")" tests/packaging/in-machine "tests/packaging/$name.sh"
    done
}

# Each program plain and with ASAN and UBSan; those with threads with ThreadSanitizer, too.
suite_freebsd() {
    local out=$BUILD/freebsd-tests name names fuzzers="" without=()
    names=$(wanted_names "freebsd " tests/freebsd/*_test.c)
    if have clang; then
        fuzzers=$(wanted_names "freebsd fuzz/" tests/freebsd/*_fuzz.c)
    else
        skip "freebsd fuzz" "clang is not installed"
    fi
    [ -n "$names$fuzzers" ] || return
    [ -n "$fuzzers" ] || without=(FUZZERS=)
    build freebsd -C tests/freebsd OUT="$(realpath -m "$out")" LINUX="$(realpath -m "$BUILD")" \
        ${without[@]+"${without[@]}"} programs || return
    for name in $names; do
        queue programs tap "freebsd $name" 1200 "$out/plain/$name"
        queue programs tap "freebsd asan/$name" 1200 "$out/asan/$name"
    done
    for name in $(grep '_mt_test$' <<<"$names"); do
        queue programs tap "freebsd tsan/$name" 1200 "${WITHOUT_RANDOM_ADDRESSES[@]}" \
            "$out/tsan/$name"
    done
    for name in $fuzzers; do
        queue programs plain "freebsd fuzz/$name" 600 "$out/fuzz/$name" -runs=20000 \
            -max_total_time=20 -seed=1 -artifact_prefix="$out/crash-"
    done
}

# integration_queue NAME SCRIPT [VARIABLE=VALUE...]. A script that fills the machine, or measures it,
# says "# exclusive: why" near its top.
integration_queue() {
    local lane=scripts
    ! grep -q '^# exclusive: ' "$2" || lane=exclusive
    queue "$lane" tap "integration $1" 1500 env "BUILD=$BUILD" "KEEP=$LOGS/$1" \
        "PKI=$(realpath -m "$LOGS/pki")" "${@:3}" scripts/with-net "$2"
}

# These run with openvpn 2.7, too, which asks for another interface.
WITH_27="11-point-to-point 12-dual-stack 33-multihome 36-float-again 37-nat 54-persist-tun 70-link-local"

integration_27() {
    local name program=openvpn names=()
    for name in $WITH_27; do
        wanted "integration $name-2.7" && names+=("$name")
    done
    [ ${#names[@]} -gt 0 ] || return
    if [ -n "$listing" ] || program=$(tests/integration/openvpn27 "$BUILD/openvpn-2.7"); then
        for name in "${names[@]}"; do
            integration_queue "$name-2.7" "tests/integration/$name.sh" "OPENVPN=$program"
        done
    else
        for name in "${names[@]}"; do
            skip "integration $name-2.7" "$program"
        done
    fi
}

# 77 from with-net is its one line about what is missing here.
suite_integration() {
    local name names why
    names=$(wanted_names "integration " tests/integration/[0-9]*.sh)
    if [ -z "$listing" ]; then
        build integration all || return
        rm -rf "$LOGS/pki"
        if ! why=$(scripts/with-net true 2>&1); then
            for name in $names; do
                skip "integration $name" "$why"
            done
            return
        fi
    fi
    for name in $names; do
        integration_queue "$name" "tests/integration/$name.sh"
    done
    integration_27
}
