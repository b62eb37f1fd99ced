#!/bin/bash
# `understudy explore` from outside: exit statuses, what repeats, and that docs/exploration.md holds the table of faults and
# the ladders that the program prints. Usage: explore.sh [PROGRAM]
# shellcheck disable=SC2015
program=$(realpath "${1:-build/understudy}") || exit 2
fast=$(realpath "${UNDERSTUDY_FAST:-$program}")
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
passed=0
failed=0

check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/    /' out err 2>/dev/null | tail -8
    fi
}

run() { # STATUS ARGUMENT...
    local want=$1
    shift
    "$program" explore "$@" >out 2>err
    local got=$?
    check "explore $*: exit status $got instead of $want" test "$got" = "$want"
}

says() {
    check "\"$1\" is not said" grep -qF -- "$1" out err
}

# --- usage
run 0 --help
says "a2-literal"
run 2 --seed x
says "--seed x"
run 2 --runs 0
run 2 --minutes 0
run 2 --fault no-such
says "no fault \"no-such\""
run 2 --variant no-such
says "no variant \"no-such\""
run 2 --variant a2-literal --fault reuse-own-id
run 2 --schedule "m:failover m:fly"
says "m:fly"
run 2 superfluous

# --- what it says
run 0 --runs 300
says "300 schedules with seed 1: no rule is broken."
says "/s"
run 1 --fault keep-m1-to-itself
says "BROKEN: SYNC-2, by the peer"
says "as:initiator p:failover p:failover"
cp out first
run 1 --fault keep-m1-to-itself
check "the same seed prints the same" cmp -s out first
run 1 --fault keep-m1-to-itself --schedule "p:failover p:failover"
says "BROKEN: SYNC-2"
run 0 --schedule "p:failover p:failover"
says "No rule is broken, and both sides agree."
check "at most 120 columns" test "$(awk 'length > 120' first | wc -l)" = 0

# --- an interrupt: what was done until then is said
"$fast" explore --minutes 5 >out 2>err &
child=$!
sleep 1
kill -INT "$child"
wait "$child"
check "an interrupt ends it in order" test "$?" = 0
says "Interrupted."

# --- the documentation
sed -n '/^| Fault | Breaks/,/^$/p' "$root/docs/exploration.md" | sed '/^$/d' >documented
"$fast" explore --faults-table >table 2>err
check "docs/exploration.md has the table of faults as \`understudy explore --faults-table\` prints it" diff table documented

echo "$passed passed, $failed failed"
test "$failed" = 0
