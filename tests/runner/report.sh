# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# Counts what programs and scripts report, and shows why one failed.
#
# They report in TAP: "ok N - what", "not ok N - what", "ok N - what # SKIP why", and a plan "1..N"
# which must agree with what was reported, so a program that dies half way is a failure. A plain
# program is one test, which its exit status decides; 77 is a skip with the reason in its last line.

passed=0 failed=0 skipped=0
failures=() skips=()

pass() { passed=$((passed + $1)); }
fail() { failed=$((failed + 1)); failures+=("$1"); }

skip() {
    [ -z "$listing" ] || return
    skipped=$((skipped + 1))
    skips+=("$1: $2")
    printf 'skip %s: %s\n' "$1" "$2"
}

log_of() { echo "$LOGS/${1//[ \/]/-}.log"; }

# Sets good, bad, skipped_here, plan from a TAP log.
count_tap() {
    read -r good bad skipped_here plan < <(awk '
        /^ok .*# SKIP/ { s++; next }
        /^ok /         { g++; next }
        /^not ok /     { b++; next }
        /^1\.\.[0-9]+/ { plan = substr($1, 4); has = 1 }
        END            { print g + 0, b + 0, s + 0, has ? plan : -1 }' "$1")
}

# The first complaint with what comes around it, and the end: of a long report of a sanitizer the
# beginning says most.
excerpt() {
    grep -v '^ok ' "$1" | awk '
        { line[NR] = $0 }
        !first && /(WARNING|ERROR): [A-Za-z]*Sanitizer|runtime error:|^not ok |^FAIL|: (fatal )?error:|\*\*\* / { first = NR }
        END {
            tail = NR > 20 ? NR - 19 : 1
            from = first > 10 ? first - 10 : 1
            for (i = from; first && i < first + 40 && i < tail; i++)
                print line[i]
            if (first ? i < tail : tail > 1)
                print "..."
            for (i = tail; i <= NR; i++)
                print line[i]
        }' | sed 's/^/     | /'
}

report_failed() {
    printf 'FAIL %s (%s)\n' "$1" "$2"
    excerpt "$2"
}

# judge_tap LABEL LIMIT: of a program whose log and status (exit status, seconds) are there.
judge_tap() {
    local label=$1 log rc took good bad skipped_here plan line
    log=$(log_of "$label")
    read -r rc took <"$log.status"
    count_tap "$log"
    pass "$good"
    while read -r line; do
        skip "$label" "${line#*\# SKIP }"
    done < <(grep '^ok .*# SKIP' "$log")
    while read -r line; do
        fail "$label: ${line#not ok }"
    done < <(grep '^not ok ' "$log")
    if [ "$rc" -eq 124 ]; then
        fail "$label: no end within $2 s"
    elif [ "$plan" -ne $((good + bad + skipped_here)) ]; then
        fail "$label: planned $plan, reported $((good + bad + skipped_here)), exit status $rc"
    elif [ "$rc" -ne 0 ] && [ "$bad" -eq 0 ]; then
        fail "$label: exit status $rc"
    elif [ "$bad" -eq 0 ]; then
        printf 'ok   %s (%d, %d s)\n' "$label" "$good" "$took"
        return
    fi
    report_failed "$label" "$log"
}

judge_plain() {
    local label=$1 log rc took
    log=$(log_of "$label")
    read -r rc took <"$log.status"
    case $rc in
    0) pass 1; printf 'ok   %s (%d s)\n' "$label" "$took" ;;
    77) skip "$label" "$(tail -n 1 "$log")" ;;
    *) fail "$label: exit status $rc"; report_failed "$label" "$log" ;;
    esac
}

summary() {
    local line
    echo
    if [ ${#skips[@]} -gt 0 ]; then
        echo "Skipped:"
        printf '  %s\n' "${skips[@]}" | sort
    fi
    if [ ${#failures[@]} -gt 0 ]; then
        echo "Failed:"
        printf '  %s\n' "${failures[@]}"
    fi
    line="$passed passed, $failed failed"
    [ $skipped -gt 0 ] && line="$line, $skipped skipped"
    scripts/own-build "$BUILD"
    echo "$line"
    [ $failed -eq 0 ]
}
