#!/bin/bash
# The command that a failure prints plays that combination again, and nothing else, with the same octets; a run says on which
# axis values its failures depend. Usage: replay.sh [PROGRAM]
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
program=$(readlink -f "${1:-build/understudy}")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

# What was on the wire in a combination, as text and as octets.
packets_of() { # RUN CASE COMBINATION
    local first last
    read -r first last < <(jq -r --arg case "$2" --arg at "$3" 'select(.event == "verdict" and .case == $case and
        ([.combination | to_entries[] | "\(.key)=\(.value)"] | join(",")) == $at) | "\(.packets.first) \(.packets.last)"' \
        "$1/journal.jsonl") && ((last > first)) || return
    jq -c --arg case "$2" --argjson first "$first" --argjson last "$last" 'select(.event == "packet" and .case == $case and
        .number >= $first and .number <= $last) | del(.number, .copy_of)' "$1/journal.jsonl"
    command -v tshark >/dev/null || return 0
    tshark -r "$1/cases/$2/wire.pcap" -Y "frame.number >= $first && frame.number <= $last" -T fields -e udp.payload 2>/dev/null
}

# Plays the last failing combination of a run anew, as its "again:" line would: it is far from where the case began.
replays() { # RUN OPTION...
    local run=$1 id combination states
    shift
    id=$(jq -r '[.results[] | select(.verdict == "FAIL")][-1].case' "$run/result.json")
    combination=$(jq -r '[.results[] | select(.verdict == "FAIL")][-1].combination' "$run/result.json")
    states=(--state "${combination//,/ --state }")
    # shellcheck disable=SC2068 # words
    "$program" run --force "$@" --case "$id" ${states[@]} --out again
    jq -e --arg at "$combination" '[.results[] | select(.verdict != "SKIP")] | length == 1 and .[0].combination == $at and
        .[0].verdict == "FAIL"' again/result.json || return
    packets_of "$run" "$id" "$combination" >before && [[ -s before ]] && packets_of again "$id" "$combination" >after &&
        cmp before after
}

printed_command() { # the command of the first failure, as it stands there
    local command
    command=$(sed -n 's/^  again: understudy //p' full.txt | head -n 1)
    [[ -n $command ]] && bash -c "'$program' $command --out printed"
    jq -e '[.results[] | select(.verdict != "SKIP")] | length == 1 and .[0].verdict == "FAIL"' printed/result.json
}

refuses() { # TEXT OPTION...
    local text=$1
    shift
    "$program" run --out refused "$@"
    (($? == 2)) && [[ ! -e refused ]] && grep -qF -- "$text" out
}

fault=(--fault m2-ignores-m1 --case 'sync.m2-covers*' --seed 7)
"$program" run "${fault[@]}" --depth full --out full >full.txt
ok "a combination of depth full plays again alone" replays full --fault m2-ignores-m1 --seed 7
lossy=(--loss 10 --duplicate 10 --reorder 10)
"$program" run "${fault[@]}" "${lossy[@]}" --out lossy >lossy.txt
ok "over a bad network, too" replays lossy --fault m2-ignores-m1 --seed 7 "${lossy[@]}"
ok "the printed command does it" printed_command

says_once() {
    grep -c '^FAIL sync.m2-covers-what-was-seen SYNC-5 in [0-9]* combinations$' full.txt | grep -qx 1 &&
        grep -q '^  fails whenever .*m1=+1|far' full.txt
}
ok "a failure is told once, with the axis values it depends on" says_once
ok "and in result.json" jq -e '.failures | length == 1 and .[0].requirement == "SYNC-5" and .[0].failing > 1 and
    .[0].whenever.m1 == ["+1", "far"]' full/result.json

everywhere() {
    "$program" run --case 'sync.*' --state m1=far --out far &&
        jq -e '[.results[] | select(.verdict != "SKIP")] | length > 2 and all(.[]; .combination | contains("m1=far"))' \
            far/result.json &&
        jq -e 'any(.results[]; .verdict == "SKIP" and .reason == "the case is not played with m1=far")' far/result.json
}
ok "a state stands in every combination, and cases without it are left out" everywhere
resting() { "$program" run --case 'fmt.answer*' --state m1=equal --out resting && jq -e '.counts.PASS > 0' resting/result.json; }
ok "a case that does not know the axis is played where it rests" resting

ok "an unknown axis" refuses 'no axis is called "ml": did you mean m1?' --state ml=far
ok "an unknown value" refuses 'no value of axis role is called "x"; there are initiator, responder' --state role=x
ok "no value" refuses 'takes AXIS=VALUE' --state role
ok "two values" refuses 'sets m1 to far and to equal' --state m1=far --state m1=equal
ok "against --role" refuses 'contradicts --role' --state role=initiator --role responder
ok "options are whole words" refuses 'did you mean --seed?' --see 1

checks_end
