#!/bin/bash
# `understudy explore` from outside: exit statuses, what repeats, and that docs/exploration.md holds the table of faults and
# the ladders that the program prints. Usage: explore.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/command_checks
. "$(dirname "$(readlink -f "$0")")/command_checks"
program=$(realpath "${1:-build/understudy}") || exit 2
under_test=("$program" explore)
fast=$(realpath "${UNDERSTUDY_FAST:-$program}")
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

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
check "it takes an interrupt" within 60 catches "$child" INT
kill -INT "$child"
wait "$child"
check "an interrupt ends it in order" test "$?" = 0
says "Interrupted."

# --- the documentation
sed -n '/^| Fault | Breaks/,/^$/p' "$root/docs/exploration.md" | sed '/^$/d' >documented
"$fast" explore --faults-table >table 2>err
check "docs/exploration.md has the table of faults as \`understudy explore --faults-table\` prints it" diff table documented

checks_end
