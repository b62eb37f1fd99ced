#!/bin/bash
# The program from outside: exit statuses, messages, files. Usage: cli.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/command_checks
. "$(dirname "$(readlink -f "$0")")/command_checks"
program=$(realpath "${1:-build/understudy}") || exit 2
under_test=("$program")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

# --- usage ---------------------------------------------------------------------------------------
run 0 --version
says "understudy "
run 0 --help
for command in run list explain matrix requirements; do
    "$program" --help >out
    says "  $command"
    run 0 $command --help
    says "--help"
done
run 2
run 2 lsit
says "did you mean list?"
run 2 frobnicate
says "there are run, list"
run 2 run --depht quick
says "did you mean --depth?"
run 2 run --depth fast
says "quick, normal, full"
run 2 run --role boss
says "initiator, responder, both"
run 2 run --transport pigeon
says "memory, udp"
run 2 run --loss 101
says "0 to 100"
run 2 run --jobs 0
run 2 run --jobs many
run 2 run --seed -1
run 2 run --out
says "needs a value"
run 2 run --force=yes
says "takes no value"
run 2 run stray
says "stray"
run 2 run --case 'sync.*' --case 'snyc.*'
says 'look among "sync.*"'
run 2 run --case sync.equal-m1-is-droped
says "did you mean sync.equal-m1-is-dropped?"
run 2 run --exclude nothing.like-this
run 2 run --fault no-such-fault
run 2 run --peer nowhere.ini
says "nowhere.ini"
run 2 run --peer strongswn
says "/peers has libreswan, openiked, strongswan, strongswan-kernel"
run 2 run --peer nowhere.ini --fault x
says "--fault is for the reference peer"
run 2 run --attempts 0
says "1 to 10"
run 2 run --expect nowhere.json
says "nowhere.json"
run 2 explain
run 2 explain sync.stale
says "did you mean"
run 2 list --group NOPE
says "SYNC"
run 2 list --requirement SYNC-99
run 2 requirements --group NOPE
check "nothing is left behind by wrong usage" test ! -e build

# --- the catalogue -------------------------------------------------------------------------------
run 0 list
says "sync.equal-m1-is-dropped"
run 0 list --json
check "list --json is what it should be" jq -e '
    length > 10 and all(.[];
        (.id | type) == "string" and (.version | type) == "number" and (.title | length) > 0 and
        (.group | length) > 0 and (.requirements | length) > 0 and (.roles | length) > 0 and
        (.axes | index("role")) != null and (.faults | type) == "array")' out
run 0 list --json --requirement SYNC-4 --role responder
check "a filter lets no others through" jq -e 'length > 0 and
    all(.[]; (.requirements | index("SYNC-4")) and (.roles | index("responder")))' out
run 0 list --json --group sync
check "a group is not by name alone" jq -e 'length > 0' out
for id in $("$program" list --json | jq -r '.[].id'); do
    "$program" explain "$id" >out 2>err || check "explain $id" false
    grep -q '^Checks' out || check "explain $id tells no checks" false
done
run 0 matrix
says "| SYNC-4 |"
run 0 requirements --group FMT
says "FMT-2"
"$program" list >/dev/full 2>err
check "a full standard output is no success" test $? = 3

# --- runs ----------------------------------------------------------------------------------------
run 0 run --depth quick --out good --seed 7
says "conforms"
says "seed 7"
check "the run folder is private" test "$(stat -c %a good)" = 700
check "every line of the journal is JSON" jq -es 'length > 10' good/journal.jsonl
check "the result is complete" jq -e '.complete and (.counts.FAIL // 0) == 0' good/result.json
check "no colour where there is no terminal" test "$(grep -c $'\e' out)" = 0
run 2 run --depth quick --out good
says "--force"
run 0 run --depth quick --out good --force --seed 7
mkdir -p mine/cases && touch mine/cases/source.c
run 2 run --out mine --force
check "a folder that is no run is left alone" test -e mine/cases/source.c
run 0 run --depth quick --out again --seed 7 --jobs 1
for pcap in good/cases/*/wire.pcap; do
    check "the same seed gives the same octets in $pcap" cmp "$pcap" "again/${pcap#good/}"
done
run 0 run --case 'sync.*' --exclude '*.equal*' --role responder --depth quick --out some
check "what is left out is said" jq -e '[.results[] | select(.verdict == "SKIP" and .reason != "")] | length > 0' \
    some/result.json

# in memory the time of a soak is virtual; both combinations share it
run 0 run --case par.kept-for-long --depth quick --soak 12h --out soak
check "the journal says how long a soak was meant to be" \
    test "$(head -1 soak/journal.jsonl | jq .soak_s)" = 43200
check "the combinations of a long-term case share the time of a soak" jq -es '
    [.[] | select(.event == "verdict" and .case == "par.kept-for-long") | .elapsed_us] |
    length == 2 and all(. >= 21600e6 and . < 21600e6 * 1.2)' soak/journal.jsonl
# shellcheck disable=SC2016 # jq's, not the shell's
check "each round of a soak is in the journal, and their number in the check" jq -es '
    ([.[] | select(.kind == "round") | .round] | max) as $rounds |
    [.[] | select(.event == "verdict" and .case == "par.kept-for-long") | .checks[] |
        select(.requirement == "PAR-2") | .seen | test("after \($rounds) rounds in 6 h")] |
    length == 2 and all' soak/journal.jsonl

soak_cut_short() { # FOLDER OPTION...: by a signal, in its second round
    local folder=$1 pid
    shift
    "$program" run --case par.kept-for-long --depth quick --transport udp --soak 1h --out "$folder" "$@" >out 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null && ! grep -qs '"kind":"round".*"round":2' "$folder/journal.jsonl"; do sleep 0.1; done
    kill -INT "$pid"
    wait "$pid"
    jq -r 'select(.event == "verdict" and .case == "par.kept-for-long") | .verdict + ": " + .reason' "$folder/journal.jsonl"
}
check "a soak that is cut short says how far it came" \
    grep -qE '^INCONCLUSIVE: the run was interrupted in round [2-9]+, after [0-9]+ s$' <(soak_cut_short cut)
check "and what was broken until then" grep -q '^FAIL: the run was interrupted' <(soak_cut_short cut-broken --fault repeat-esp-ivs)

fault=$("$program" list --json | jq -r '[.[].faults[]][0]')
run 1 run --depth quick --fault "$fault" --out bad
says "does not conform"
says "tshark"
says "expected  "
run 0 run --depth quick --fault "$fault" --expect bad/result.json --out bad2
says "as expected"
run 1 run --depth quick --expect bad/result.json --out bad3
says "expected ones that passed"
# What is INCONCLUSIVE is played again where only a change counts, and where it is asked for; what is known to be so is not.
attempts() { jq -es --argjson n "$1" '[.[] | select(.event == "begin")] | length == $n and .[-1].attempt == (if $n > 1 then $n else null end)'; }
deaf=(run --case fmt.answer-has-its-form --role initiator --depth quick --schedule from:IKE_SA_INIT=drop --force --out deaf)
echo '{"format": 1, "expected": [{"case": "sync.identical-copy", "verdict": "FAIL", "reason": "r"}]}' >other.json
run 3 "${deaf[@]}"
check "once" attempts 1 <deaf/journal.jsonl
cp deaf/result.json deaf.json
run 3 "${deaf[@]}" --attempts 3
says "played again, because the way to the check had failed: 1"
check "three times" attempts 3 <deaf/journal.jsonl
check "the last of them has the word" jq -es '[.[] | select(.verdict == "INCONCLUSIVE")] | length == 1 and
    (.[0].tags | contains(["played-again"]))' deaf/journal.jsonl
run 3 "${deaf[@]}" --expect other.json
check "twice, for it was not expected" attempts 2 <deaf/journal.jsonl
run 3 "${deaf[@]}" --expect deaf.json
check "once, for it was" attempts 1 <deaf/journal.jsonl
look=$("$program" run --depth quick --fault "$fault" --out bad4 | sed -n 's/^  look: //p' | head -1)
if command -v tshark >/dev/null; then
    bash -c "$look" >out 2>err
    check "the command that is named shows packets" grep -q "Exchange type" out
fi

# --- peers with a driver -------------------------------------------------------------------------
mkdir box
cat >box/peer.ini <<'INI'
[peer]
name = box
driver = driver
slots = 1

[address]
peer = 127.0.0.1
harness = 127.0.0.1
port = 45500
natt_port = 45501
harness_port = 0
harness_natt_port = 0

[identity]
peer = fqdn:box.test
harness = fqdn:cluster%n.test
psk = secret

[proposals]
ike = aes256gcm16-prfsha256-x25519
esp = aes256gcm16

[selectors]
peer = 10.78.0.1/32
harness = 10.79.%n.0/24
INI
driver() {
    # shellcheck disable=SC2016
    printf '#!/bin/sh\ncase $1 in\n%s\n*) exit 127;;\nesac\n' "$1" >box/driver
    chmod +x box/driver
}
run 2 run --peer box --out p0
says "box/driver"
check "a peer that is not there leaves no folder" test ! -e p0
driver '*) exit 0;;'
run 3 run --peer box --out p1
says "broken"
driver 'start) echo the tap is busy >&2; exit 3;;'
run 3 run --peer box --out p2
says "the tap is busy"
check "no state is left" test -z "$(find p2 -name 'state*')"
check "and no success claimed" jq -e '.complete == false' p2/result.json
driver "start) touch $work/was-started; sleep 1000;; stop) touch $work/was-stopped;;"
"$program" run --peer box --out p3 >out 2>err &
pid=$!
check "a start goes on" within 60 test -e was-started
kill -INT $pid
wait $pid
check "a start that is interrupted ends with 130" test $? = 130
check "and the driver is stopped" test -e was-stopped
driver 'start) echo version=9;; stop) ;;'
run 3 run --peer box --depth quick --case 'neg.support*' --out p4
says "peer box 9"
says "nothing could be judged"

# --- signals -------------------------------------------------------------------------------------
for signal in INT TERM; do
    "$program" run --transport udp --depth full --out "int-$signal" >out 2>err &
    pid=$!
    check "a run goes on" within 60 grep -qs '"event":"verdict"' "int-$signal/journal.jsonl"
    kill -$signal $pid
    wait $pid
    status=$?
    check "SIG$signal is the exit status" test $status = $((128 + $(kill -l $signal)))
    check "SIG$signal: the journal says so" grep -q '"event":"interrupted"' "int-$signal/journal.jsonl"
    check "SIG$signal: every line is JSON" jq -es 'length > 1' "int-$signal/journal.jsonl"
    check "SIG$signal: the result is not complete" jq -e '.complete == false' "int-$signal/result.json"
    check "SIG$signal: each case that began has the peer's log" \
        test "$(find "int-$signal/cases" -mindepth 1 -maxdepth 1 | wc -l)" = "$(find "int-$signal/cases" -name peer.log -size +0 | wc -l)"
    check "SIG$signal: nothing is left running" test -z "$(pgrep -f -- "--out int-$signal")"
done

# --- a full disk ---------------------------------------------------------------------------------
(
    ulimit -f 8
    "$program" run --depth quick --out small >out 2>err
)
check "a file that cannot grow ends the run with 3" test $? = 3
says "small/"
check "and claims nothing" test "$(grep -c '^conforms' out)" = 0

# --- a peer that fails everywhere ------------------------------------------------------------------
"$program" run --fault repeat-ivs --depth quick --out everywhere >out 2>err
check "a peer that fails everywhere does not conform" test $? = 1
sed '/^$/,$d' out >while
check "while it runs the first failures are told, each in a line" test "$(grep -c '^FAIL ' while)" = 20
check "and that there are more" test "$(grep -c '^further failures are told at the end$' while)" = 1
check "no line is endless" test "$(awk '/^FAIL / && length > 160' while | wc -l)" = 0
check "at the end they come in full" test "$(sed '1,/^$/d' out | grep -c '^FAIL ')" = 25
check "and how many more there are" grep -q '^\.\.\. and [0-9]* more: "failures" in result.json has them all' out
check "which is true" test "$(jq '.failures | length' everywhere/result.json)" -gt 25

# --- a terminal ----------------------------------------------------------------------------------
if command -v script >/dev/null; then
    env -u NO_COLOR TERM=xterm script -qec "$program run --depth quick --out tty" /dev/null >out 2>err </dev/null
    check "a terminal gets colour and progress" grep -q $'\e\\[' out
    NO_COLOR=1 script -qec "$program run --depth quick --out tty2" /dev/null >out 2>err </dev/null
    check "NO_COLOR is obeyed" test "$(grep -c $'\e\\[3' out)" = 0
fi

checks_end
