# shellcheck shell=bash
# peer.ini, as far as a driver needs it. Sourced after place.sh.

declare -A ini
read_ini() { # FILE: ini[section.key]; comments, and lists that go on in indented lines, as the suite's own reader takes them
    local line section='' key=''
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line%%[[:space:]];*}
        [[ $line =~ ^[[:space:]]*([;#].*)?$ ]] && continue
        if [[ -n $key && $line =~ ^[[:space:]]+,?(.*[^[:space:],]) ]]; then
            ini[$key]+=", ${BASH_REMATCH[1]}"
        elif [[ $line =~ ^[[:space:]]*\[([^]]+)\] ]]; then
            section=${BASH_REMATCH[1]} key=''
        elif [[ $line =~ ^[[:space:]]*([A-Za-z0-9_]+)[[:space:]]*[=:][[:space:]]*(.*[^[:space:],]) ]]; then
            key=$section.${BASH_REMATCH[1]}
            ini[$key]=${BASH_REMATCH[2]}
        fi
    done <"$1" || fail "cannot read $1"
}

need_in_ini() { # FILE KEY...
    local key
    for key in "${@:2}"; do
        [[ -n ${ini[$key]:-} ]] || fail -3 "$1 has no '${key#*.}' in section [${key%.*}]"
    done
}

for_slot() { # KEY SLOT: the value with %n replaced
    printf '%s' "${ini[$1]//%n/$2}"
}
