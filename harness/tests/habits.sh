#!/bin/bash
# What the RFCs let a peer do, no case may hold against it: with each habit of the reference peer every case passes, records, or
# says what it lacks; and each habit shows on the wire, or it proves nothing. Usage: habits.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
fast=$(readlink -f "${UNDERSTUDY_FAST:-$program}") # for what is only played
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

play() { # PROGRAM FOLDER OPTION...
    "$1" run --seed 5 --force --out "$2" "${@:3}" >said 2>&1
    local status=$?
    ((status < 3)) || { cat said; return 1; }
}

# No verdict: what a peer spoils that rekeys in the midst of a case; the last ID, which a peer that asks of itself has used up
# before it can be told to. RESET_MESSAGE_ID makes IDs serve twice, which is what its case is there to show. And a member of the
# peer's that takes over while the rekey of a Child SA is on its way to it is wrong about that SA: that verdict is right. Who
# closes SAs, makes none, or makes or rekeys one at once leaves little to judge; who refuses a second Child SA breaks PAR-1, and who closes one
# of several breaks PAR-2, and perhaps PAR-4, whatever else it may do.
nobody_blames() { # FOLDER HABIT
    jq -r --arg habit "$2" '.results[] | select(.verdict == ("FAIL", "ERROR", "WARN", "INCONCLUSIVE"))
        | select((.verdict == "INCONCLUSIVE" and
            (.case == "sync.p1-at-the-end-of-the-range" or (.reason | contains("rekeyed by itself")) or
            ($habit | IN("no-additional-sas", "rekey-at-once")) or ($habit | startswith("close-")))) | not)
        | select(($habit == "no-additional-sas" and .requirements == ["PAR-1"]) | not)
        | select(($habit == "close-child-in-turn" and (.requirements | IN(["PAR-2"], ["PAR-4"]))) | not)
        | select((.case == "clu.peer-member-goes-on" and (.combination | contains("ike-sa=by-peer")) and
            .requirements == ["CLU-1"] and $habit == "rekey-child-at-once") | not)
        | select((.case == "alt.reset-message-id" and .requirements == ["IKE-2"]) | not)
        | "\(.verdict) \(.case) \(.combination)"' "$1/result.json" >blamed || return 1
    [[ ! -s blamed ]] || { head -n 5 blamed; return 1; }
}

something_is_judged() { # FOLDER
    jq -e '[.results[] | select(.verdict == "PASS")] | length > 50' "$1/result.json"
}

wire_of() { # FOLDER
    (cd "$1/cases" && find . -name wire.pcap -exec cksum {} + | sort -k 3)
}

shows() { # FOLDER
    ! cmp -s <(wire_of plain) <(wire_of "$1") || { echo "not a packet is another"; return 1; }
}

held_against_nobody() { # HABIT
    play "$fast" habit --depth normal --habit "$1" && nobody_blames habit "$1" && something_is_judged habit && shows habit
}

play "$fast" plain --depth normal || exit 2
for habit in $("$program" peer --list-habits | grep -v '^ '); do
    ok "$habit is held against nobody" held_against_nobody "$habit"
done

names_the_habits() {
    refused 'did you mean ask-at-once?' "$program" run --habit ask-at-onc &&
        refused '--list-habits' "$program" run --habit nothing-of-the-kind &&
        refused 'one of them' "$program" run --habit ask-at-once --fault repeat-ivs &&
        refused '--habit is for the reference peer' "$program" run --habit ask-at-once --peer nowhere.ini
}
ok 'a habit that does not exist is told, and so are two kinds at once' names_the_habits

the_command_repeats_it() {
    "$program" run --seed 5 --case 'sync.p1-*' --habit ask-at-once --force --out again >said 2>&1
    grep -qF -- 'understudy run --habit ask-at-once --seed 5' said || { cat said; return 1; }
}
ok 'what is printed to play a combination again names the habit' the_command_repeats_it
checks_end
