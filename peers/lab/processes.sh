# shellcheck shell=bash
# Processes, told from later ones that have the same number. Sourced by place.sh, and by drivers without a place.

# 'state pid starttime' in the words of /proc/PID/stat; the name in it may hold spaces and brackets
started_at() { # PID
    local stat
    [[ $1 =~ ^[1-9][0-9]*$ ]] || return 1
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086 # fields are wanted
    set -- $stat
    [[ $1 != [ZX] ]] && printf '%s' "${20}"
}

wait_gone() { # PID...: at most 4 s
    local tries=200 pid alive
    while ((tries--)); do
        alive=
        for pid; do started_at "$pid" >/dev/null && alive=$pid; done
        [[ -z $alive ]] && return
        sleep 0.02
    done
}
