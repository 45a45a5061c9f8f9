# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
#
# Runs what the suites have queued, in three lanes.
#
#   programs   one per processor, at a low priority: they take what the scripts leave
#   scripts    integration scripts, which wait most of their time; each has its own namespaces
#   exclusive  after both, one at a time: scripts that fill the machine or measure it

cores=$(nproc)
declare -A width=([programs]=$cores [scripts]=2 [exclusive]=1)
declare -A priority=([programs]="nice -n 10" [scripts]="" [exclusive]="")
declare -A waiting=([programs]="" [scripts]="" [exclusive]="") # numbers of jobs, a space after each
declare -A busy=([programs]=0 [scripts]=0 [exclusive]=0)
declare -A running=() # job number -> process

job_lane=() job_judge=() job_label=() job_limit=() job_command=()

# The label as a path has to hold the word of -m.
wanted() {
    local path=${1/ //}
    case $path in *"$match"*) return 0 ;; *) return 1 ;; esac
}

# queue LANE tap|plain LABEL SECONDS COMMAND...: the limit is for what hangs, on a machine that has
# much else to do.
queue() {
    wanted "$3" || return 0
    [ -z "$listing" ] || { echo "$3"; return 0; }
    waiting[$1]+="${#job_lane[@]} "
    job_lane+=("$1") job_judge+=("judge_$2") job_label+=("$3") job_limit+=("$4")
    job_command+=("$(printf '%q ' "${@:5}")")
}

# Its output to the log, its exit status and duration beside it, and a line for reap().
execute() {
    local n=$1 log start=$SECONDS child
    log=$(log_of "${job_label[n]}")
    eval "exec ${priority[${job_lane[n]}]} timeout -k 10 ${job_limit[n]} ${job_command[n]}" \
        >"$log" 2>&1 </dev/null {ended}>&- &
    child=$!
    trap 'kill $child' TERM
    wait $child
    echo "$? $((SECONDS - start))" >"$log.status"
    echo >&"$ended"
}

# Starts jobs of a lane until it is full.
fill() {
    local n
    while [ "${busy[$1]}" -lt "${width[$1]}" ] && [ -n "${waiting[$1]}" ]; do
        n=${waiting[$1]%% *}
        waiting[$1]=${waiting[$1]#* }
        busy[$1]=$((busy[$1] + 1))
        rm -f "$(log_of "${job_label[n]}").status"
        execute "$n" &
        running[$n]=$!
    done
}

# Waits until a job ends, and judges those that have.
reap() {
    local n lane status alive
    read -r -t 10 -u "$ended" _
    for n in "${!running[@]}"; do
        alive=yes
        kill -0 "${running[$n]}" 2>/dev/null || alive=
        lane=${job_lane[n]}
        status=$(log_of "${job_label[n]}").status
        if [ ! -s "$status" ]; then
            [ -z "$alive" ] || continue
            echo "137 0" >"$status"
        fi
        "${job_judge[n]}" "${job_label[n]}" "${job_limit[n]}"
        busy[$lane]=$((busy[$lane] - 1))
        unset "running[$n]"
    done
}

run_queued() {
    rm -f "$LOGS/ended"
    mkfifo "$LOGS/ended"
    exec {ended}<>"$LOGS/ended"
    rm -f "$LOGS/ended"
    while fill programs && fill scripts && [ ${#running[@]} -gt 0 ]; do
        reap
    done
    while fill exclusive && [ ${#running[@]} -gt 0 ]; do
        reap
    done
}

# When the runner is interrupted.
end_running() {
    [ ${#running[@]} -eq 0 ] || kill "${running[@]}" 2>/dev/null
}
