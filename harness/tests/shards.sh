#!/bin/bash
# A run in parts: the parts are disjoint, complete and of a size, each combination has in its part what it has in the whole,
# and joined they are the whole; what cannot be joined is told. Usage: shards.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
fast=$(readlink -f "${UNDERSTUDY_FAST:-$program}")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

play() { # PROGRAM K N NAME OPTION...: into NAME-K
    ends_with 0 "$1" run --shard "$2/$3" --out "$4-$2" "${@:5}"
}

# All that happened, without what happened when.
lines_of() { # RUN
    sed 1d "$1/journal.jsonl" | sort
}

result_of() { # RUN
    jq -S 'del(.started)' "$1/result.json"
}

combinations_of() { # RUN...
    local run
    for run; do jq -c 'select(.event == "begin") | [.case, .combination]' "$run/journal.jsonl"; done
}

# --- the parts ---------------------------------------------------------------------------------------

of_a_size() { # RUN...: no two are further apart than the largest case
    local run
    for run; do combinations_of "$run" | wc -l; done | sort -n >sizes
    local largest
    largest=$(combinations_of "$@" | jq -r '.[0]' | sort | uniq -c | sort -rn | awk 'NR == 1 { print $1 }')
    cat sizes
    (($(tail -n 1 sizes) - $(head -n 1 sizes) <= largest))
}

disjoint_and_complete() { # WHOLE RUN...
    combinations_of "${@:2}" | sort >parts
    [[ -s parts ]] && [[ -z $(uniq -d parts) ]] && diff <(combinations_of "$1" | sort) parts
}

joined_is_whole() { # JOINED WHOLE
    diff <(lines_of "$1") <(lines_of "$2") && diff <(result_of "$1") <(result_of "$2") && diff -r "$1/cases" "$2/cases" &&
        diff <(head -n 1 "$1/journal.jsonl" | jq -S 'del(.started, .shards)') \
            <(head -n 1 "$2/journal.jsonl" | jq -S 'del(.started)')
}

# In memory the seed decides of every octet: journal, packets and keys are those of the undivided run.
divide() { # N NAME OPTION...
    local n=$1 name=$2 k parts=()
    shift 2
    for ((k = n; k >= 1; k--)); do
        ok "$name: part $k/$n" play "$fast" "$k" "$n" "$name" "$@"
        parts+=("$name-$k")
    done
    ok "$name: the whole" ends_with 0 "$fast" run --out "$name" "$@"
    ok "$name: the parts are disjoint and complete" disjoint_and_complete "$name" "${parts[@]}"
    ok "$name: and of a size" of_a_size "${parts[@]}"
    ok "$name: they are joined" ends_with 0 "$program" merge "${parts[@]}" --out "$name-joined"
    ok "$name: what is joined is the whole" joined_is_whole "$name-joined" "$name"
}
divide 1 alone --depth quick --seed 3
divide 4 four --seed 7
divide 7 seven --seed 8 --case 'sync.*' --case 'neg.*' --exclude '*.support-*' --role responder --loss 5 --reorder 5
divide 2 state --seed 9 --case 'sync.*' --state auth=ecdsa --state family=ipv6 --jobs 3

ok "the same part again is the same" play "$program" 2 4 again --seed 7
ok "to the octet" diff -r again-2/cases four-2/cases
ok "another seed leaves the division as it is" play "$program" 2 4 other --seed 8
ok "combination by combination" diff <(combinations_of other-2 | sort) <(combinations_of four-2 | sort)

# A peer that breaks a rule is as bad in parts, and each part says so by its exit status.
status=0
for k in 1 2 3; do
    "$fast" run --fault accept-equal-m1 --case 'sync.*' --seed 4 --shard $k/3 --out bad-$k >said 2>&1
    status=$((status > $? ? status : $?))
done
ok "a broken rule is found by a part" test $status = 1
ok "a broken peer, in one go" ends_with 1 "$fast" run --fault accept-equal-m1 --case 'sync.*' --seed 4 --out bad
ok "a broken peer, joined" ends_with 0 "$program" merge bad-1 bad-2 bad-3 --out bad-joined
ok "the verdicts are those of the whole" joined_is_whole bad-joined bad

# --- reports of what is joined -----------------------------------------------------------------------

# The time aside, and that cases that play side by side end in any order.
same_report() { # FORMAT
    local run
    for run in bad bad-joined; do
        "$program" report $run --"$1" - | sed -E 's/20[0-9]{2}-[0-9T:-]+Z?//; s/ id="[0-9]+"//; s/^((not )?ok) [0-9]+/\1/' | sort >$run.report
    done
    [[ -s bad.report ]] && diff bad.report bad-joined.report
}
for format in text tap junit markdown; do ok "--$format says the same" same_report $format; done
ok "--json says the same" diff <("$program" report bad --json - | jq -S 'del(.started) | .results |= sort_by(.case)') \
    <("$program" report bad-joined --json - | jq -S 'del(.started) | .results |= sort_by(.case)')
ok "--html is written" ends_with 0 "$program" report bad-joined --html joined.html
ok "and is well-formed" xmllint --noout joined.html
ok "diff sees no difference" ends_with 0 "$program" diff bad bad-joined
ok "in words" grep -qx 'no change' said
ok "a part says that it is one" grep -qx 'shard 2/3 (a part of a run)' <("$program" report bad-2)
ok "its result, too" test "$(jq -c '[.shard.number, .shard.of]' bad-2/result.json)" = '[2,3]'
ok "what is joined is no part" test "$(jq .shard bad-joined/result.json)" = null
ok "and is an expectation" ends_with 0 "$fast" run --fault accept-equal-m1 --case 'sync.*' --seed 4 --expect bad-joined/result.json --out expected

# --- what cannot be joined ---------------------------------------------------------------------------

merge_refuses() { # TEXT... -- ARGUMENT...
    local texts=() text
    while [[ $1 != -- ]]; do texts+=("$1"); shift; done
    ends_with 2 "$program" merge "${@:2}" --out no || return 1
    for text in "${texts[@]}"; do
        grep -qF -- "$text" said || { echo "\"$text\" is not said, but:"; cat said; return 1; }
    done
    [[ ! -e no ]]
}

ok "a part is missing" merge_refuses 'shard 2/3 is missing' '--shard 2/3' -- bad-1 bad-3
ok "the last one is missing" merge_refuses 'shard 3/3 is missing' -- bad-1 bad-2
ok "a part is there twice" merge_refuses 'shard 1/3 is there twice' 'in bad-1' -- bad-1 bad-2 bad-3 bad-1
ok "no part of a run" merge_refuses 'bad is no shard' '--shard K/N' -- bad
ok "another peer" merge_refuses '"seed"' -- bad-1 seven-2
cp -r bad-2 wrong
change() { # JQ-FILTER: of the first line
    rm -rf wrong && cp -r bad-2 wrong
    { head -n 1 bad-2/journal.jsonl | jq -c "$1"; sed 1d bad-2/journal.jsonl; } >wrong/journal.jsonl
}
for member in peer peer_version suite depth seed transport; do
    change ".$member = \"other\""
    ok "another $member" merge_refuses 'not shards of one run' "\"$member\" is" '"other" in wrong' -- bad-1 wrong bad-3
done
change '.lose_percent = 7'
ok "another network" merge_refuses '"lose_percent" is 0 in bad-1, and 7 in wrong' -- bad-1 wrong bad-3
change '.schedule = "sync#1=lose"'
ok "another schedule" merge_refuses '"schedule" is nothing in bad-1' -- bad-1 wrong bad-3
change '.shard.of = 4'
ok "divided otherwise" merge_refuses 'bad-1 is one of 3, and wrong one of 4' -- bad-1 wrong bad-3
change '.shard.plan = "0"'
ok "other cases" merge_refuses 'other cases, roles, states' -- bad-1 wrong bad-3
for value in '{}' '{"number": 0, "of": 3}' '{"number": 4, "of": 3}' '{"number": 1, "of": 5000}' '3'; do
    change ".shard = $value"
    ok "a part that is none: $value" merge_refuses 'wrong/journal.jsonl:1' -- bad-1 wrong bad-3
done
"$fast" run --fault accept-equal-m1 --case 'sync.*' --seed 4 --role responder --shard 2/3 --out half >said 2>&1
ok "played with another selection" merge_refuses 'half' 'other cases, roles, states' -- bad-1 half bad-3
cp bad-2/journal.jsonl wrong/journal.jsonl && jq -c 'select(.event == "verdict")' bad-1/journal.jsonl | head -n 1 >stolen
sed -i -e "1r stolen" wrong/journal.jsonl
ok "a combination twice" merge_refuses 'is in bad-1, too' 'shard 2/3 in wrong' -- bad-1 wrong bad-3
sed '$d' bad-2/journal.jsonl >wrong/journal.jsonl
ok "a part that was killed" merge_refuses 'shard 2/3 in wrong was cut short (killed)' '--shard 2/3 --force --out wrong' -- bad-1 wrong bad-3
head -c 20000 bad-2/journal.jsonl >wrong/journal.jsonl
ok "a part that was killed in the middle of a line" merge_refuses 'cut short (killed)' -- bad-1 wrong bad-3
{ sed '$d' bad-2/journal.jsonl; echo '{"event":"end","end":"interrupted"}'; } >wrong/journal.jsonl
ok "a part that was interrupted" merge_refuses 'cut short (interrupted)' -- bad-1 wrong bad-3
awk '/"event":"verdict"/ && !gone { gone = 1; next } 1' bad-2/journal.jsonl >wrong/journal.jsonl
ok "a part without one of its verdicts" merge_refuses 'its journal is not whole' -- bad-1 wrong bad-3
sed '5s/.*/{"event"/' bad-2/journal.jsonl >wrong/journal.jsonl
ok "a part with a broken line" merge_refuses 'wrong/journal.jsonl:5' -- bad-1 wrong bad-3
: >wrong/journal.jsonl
ok "an empty part" merge_refuses 'wrong/journal.jsonl is empty' -- bad-1 wrong bad-3

# On a busy machine the part may be over before the signal is there.
killed_in_time() {
    local pid try
    for try in 1 2 3 4 5 6; do
        "$fast" run --transport udp --jobs 1 --case 'sync.*' --seed 4 --shard 1/2 --force --out killed-1 >/dev/null 2>&1 &
        pid=$!
        until [[ $(wc -l <killed-1/journal.jsonl) -ge 5 ]] || ! kill -0 "$pid"; do sleep 0.02; done 2>/dev/null
        kill -KILL $pid 2>/dev/null
        wait $pid 2>/dev/null
        (($? == 137)) && return
        rm -rf killed-1
    done
    echo "not killed in $try tries"
    return 1
}
really_killed() {
    killed_in_time || return
    ends_with 0 "$fast" run --seed 4 --shard 2/2 --transport udp --case 'sync.*' --out killed-2 &&
        merge_refuses 'shard 1/2 in killed-1 was cut short (killed)' -- killed-2 killed-1
}
ok "a part that was really killed" really_killed

mkdir taken && touch taken/mine
ok "a folder that is taken" ends_with 2 "$program" merge bad-1 bad-2 bad-3 --out taken
ok "is left alone" test "$(ls taken)" = mine
ok "a run that is there" ends_with 2 "$program" merge bad-1 bad-2 bad-3 --out bad-joined
ok "is replaced when that is said" ends_with 0 "$program" merge bad-1 bad-2 bad-3 --out bad-joined --force
ok "but no part of it" ends_with 2 "$program" merge bad-1 bad-2 bad-3 --out ./bad-2 --force
ok "which says why" grep -qF './bad-2 is one of the shards' said
ok "and is whole" test -s bad-2/journal.jsonl
full_disk() {
    (ulimit -f 40 && trap '' XFSZ && exec "$fast" merge bad-1 bad-2 bad-3 --out full) >said 2>&1
    [[ $? == 2 ]] && grep -q 'cannot write full/' said && [[ ! -e full ]]
}
ok "what cannot be written leaves nothing" full_disk

# --- more parts than cases ---------------------------------------------------------------------------

ok "more parts than cases" ends_with 3 "$program" run --case 'sync.stale-m1-*' --seed 1 --shard 1/9 --out none
ok "which says why" grep -q '1 is selected for 9 shards' said

checks_end
