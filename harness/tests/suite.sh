#!/bin/bash
# The whole suite against the reference peer, as a user runs it: in memory and over UDP, deep, over a bad network, under
# several seeds; and that a run repeats to the octet. With sanitizers each case is played once alone and once over a bad
# network; what only repeats that in more states and under more seeds is for the program as it is installed
# (UNDERSTUDY_FAST). Usage: suite.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
program=$(readlink -f "${1:-build/understudy}")
fast=$(readlink -f "${UNDERSTUDY_FAST:-$program}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

# Conforms, and everything that was to be played was: no verdict is missing, none says that something went wrong.
conforms() { # PROGRAM NAME OPTION...
    local program=$1 name=$2
    shift 2
    rm -rf "$name"
    "$program" run --out "$name" "$@" || return
    jq -e '.complete and (.results | length) > 10 and ([.results[].verdict] - ["PASS", "OBSERVED", "SKIP"]) == []' \
        "$name/result.json" && said_nothing "$name"
}

said_nothing() { # RUN: neither a sanitizer nor anybody else wrote from the process of a case
    local said
    said=$(find "$1" -name output.txt -size +0)
    [[ -z $said ]] || { head -n 30 "$said"; return 1; }
}

# All but the moments in time.
what_happened() { # RUN
    jq -cS 'del(.started)' "$1/journal.jsonl" | sort
}

same_run() { # RUN RUN
    diff <(what_happened "$1") <(what_happened "$2") && diff -r "$1/cases" "$2/cases"
}

different() {
    ! cmp -s "$1" "$2"
}

bad_network=(--loss 10 --duplicate 10 --reorder 10)

ok "in memory" conforms "$program" memory --seed 1
ok "over a bad network" conforms "$program" bad --seed 11 "${bad_network[@]}"
ok "every pair of states" conforms "$fast" full --depth full --seed 2
ok "over UDP" conforms "$fast" udp --transport udp --seed 3
ok "as initiator only" "$fast" run --role initiator --out initiator
ok "as responder only" "$fast" run --role responder --out responder
for seed in 12 13 14 15; do
    ok "over a bad network, seed $seed" conforms "$fast" "bad-$seed" --seed "$seed" "${bad_network[@]}"
done
# What is lost over UDP is waited for in real time.
ok "over a bad network and UDP" conforms "$fast" bad-udp --transport udp --depth quick --case 'sync.m2*' --case 'sync.p2*' \
    --case 'sync.several*' --case 'sync.identical*' --jobs 8 --seed 16 --loss 5 --duplicate 20

ok "one case at a time, by the other program" conforms "$fast" again --seed 1 --jobs 1
ok "the same seed is the same run" same_run memory again
ok "over a bad network, again" conforms "$fast" bad-again --seed 11 --jobs 3 "${bad_network[@]}"
ok "is the same run, too" same_run bad bad-again
first=$(cd memory/cases && printf '%s\n' */wire.pcap | head -n 1)
ok "another seed is another run" conforms "$fast" other --seed 4
ok "down to the octets" different "memory/cases/$first" "other/cases/$first"

checks_end
