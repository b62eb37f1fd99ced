#!/bin/bash
# Runs against a peer of the lab that are ended by SIGKILL, each in one chosen step of bringing it up or in a case, and what comes
# next clears away what they left: `lab down --all`, `lab up`, or another run. What was under way in that step is done all the
# same, should its process be left. (harness/tests/lab_kills does it at random moments.)
# Needs root and the packages of peers/lab/packages; exits 77 (skipped) without. Usage: lab_killed.sh [PROGRAM]
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
program=$(readlink -f "${1:-$root/build/understudy}")
peer=$root/peers/strongswan-kernel
timeout=$(command -v timeout)

((EUID == 0)) || { echo "needs root"; exit 77; }
if ! { command -v linux.uml && command -v mmdebstrap && [[ -c /dev/net/tun ]]; } >/dev/null; then
    echo "needs the packages of peers/lab/packages and /dev/net/tun"
    exit 77
fi
"$root/peers/lab/lab" root strongswan-kernel >/dev/null || { echo "the root folder cannot be built here"; exit 77; }

work=$(mktemp -d) || exit 2
cd "$work" || exit 2
records=$work/records/lab # those of others are not this test's
pid=''
unset UNDERSTUDY_LAB_WAY
mkdir bin tmp

# Nothing but this has the folder of records in its environment.
in_lab() { # COMMAND...
    env UNDERSTUDY_RECORDS="$records" TMPDIR="$work/tmp" "$@"
}

lab() {
    in_lab "$root/peers/lab/lab" "$@"
}

finish() {
    [[ -z $pid ]] || kill -s KILL "$pid" 2>/dev/null
    : >goes-on
    lab down --all >/dev/null 2>&1
    cd / && rm -rf "$work"
}
trap finish EXIT

# --- where a run is killed -----------------------------------------------------------------------------------------

# The driver touches the network under `timeout`. This one waits before the step in which the run is to be killed.
cat >bin/timeout <<END
#!/bin/bash
# shellcheck disable=SC2053 # a pattern
if [[ -n \${KILL_AT:-} && "\$*" == \$KILL_AT ]]; then
    echo \$\$ >"$work/reached.new" && mv "$work/reached.new" "$work/reached"
    until [[ -e "$work/goes-on" ]]; do sleep 0.02; done
fi
exec "$timeout" "\$@"
END
chmod 755 bin/timeout

processes() { # of the runs and of what they brought up, but for what `lab up` brought up
    local of
    while IFS=/ read -r _ _ of _; do
        grep -qzxsF UNDERSTUDY_PEER_OF=lab-strongswan-kernel "/proc/$of/environ" || ps -o pid=,stat=,args= -p "$of"
    done < <(grep -lzxsF "UNDERSTUDY_RECORDS=$records" /proc/[0-9]*/environ)
    true
}

in_step() { [[ -s reached ]]; }
place_is_up() { [[ -n $(find killed/state-*/place/share/ready -size +0 2>/dev/null) ]]; }
verdict_is_there() { grep -qs '"event":"verdict"' killed/journal.jsonl; }

# Sets name, what the driver calls the run.
begin() { # WAY STEP REACHED
    [[ -z $pid ]] || kill_it
    lab down --all # nothing of the one before, should that have failed
    rm -rf killed reached goes-on
    # no function, or the one to be killed were a shell
    env UNDERSTUDY_RECORDS="$records" TMPDIR="$work/tmp" PATH="$work/bin:$PATH" KILL_AT="$2" UNDERSTUDY_LAB_WAY="$1" \
        "$program" run --peer "$peer" --depth quick --out killed >said 2>&1 &
    pid=$!
    until "$3"; do
        kill -0 "$pid" 2>/dev/null || { echo "the run has ended"; cat said; return 1; }
        sleep 0.02
    done
    name=$(find "$records" -type f ! -name '*.new' ! -name 'lab-*' -printf '%f\n')
    [[ $(wc -w <<<"$name") == 1 ]] || { echo "one record was to be there: $name"; return 1; }
}

kill_it() {
    kill -s KILL "$pid"
    { wait "$pid"; } 2>/dev/null
    pid=
}

kill_with_keeper() {
    kill -s KILL "$(processes | awk '/lab\/keeper/ { print $1 }')" && kill_it
}

kill_all_of_the_suite() {
    local all
    mapfile -t all < <(processes | awk -v program="$program" '/lab\/keeper/ || $3 == program { print $1 }')
    ((${#all[@]} > 2)) || { echo "too few: ${all[*]}"; return 1; }
    kill -s KILL "${all[@]}" 2>/dev/null # a worker may have ended by itself
    kill_it
}

# --- what is left ------------------------------------------------------------------------------------------------------

what_is_left() {
    processes
    find /run/netns -name "us-$name-*" 2>/dev/null
    grep -F "$work" /proc/mounts
    find records tmp -path records/lab.state -prune -o -type f ! -name lab-strongswan-kernel -print 2>/dev/null
    find killed -mindepth 1 -maxdepth 1 ! -name journal.jsonl ! -name result.json ! -name cases
}

# A keeper that was left alive, and workers of a run that lost it, end by themselves.
nothing_left() {
    local until=$((SECONDS + 120)) rest
    : >goes-on # whoever is left in the step
    until rest=$(what_is_left) && [[ -z $rest ]]; do
        ((SECONDS < until)) || { echo "left: $rest"; return 1; }
        sleep 0.05
    done
}

told_as_killed() {
    in_lab "$program" report killed >told 2>&1
    grep -E 'killed' told || { cat told; return 1; }
}

another_run() {
    in_lab UNDERSTUDY_LAB_WAY=netns "$program" run --peer "$peer" --depth quick --case neg.support-is-announced --force \
        --out another && jq -e '.complete and any(.results[]; .verdict == "PASS")' another/result.json
}

# What the second namespace was to be is made although the run is gone, if nobody ends that.
begin_with_one_namespace() { begin netns '*ip netns add *-p' in_step && [[ -e /run/netns/us-$name-h ]]; }
begin_with_two_namespaces() { begin netns '*link add us0 type veth*' in_step && [[ -e /run/netns/us-$name-p ]]; }
begin_with_a_tap() { begin guest '*tuntap add dev us1*' in_step && ip -n "us-$name-h" tuntap show dev us0 | grep tap; }
begin_with_a_guest() { begin guest '' place_is_up && processes | grep linux.uml; }
begin_a_case() { begin netns '' verdict_is_there; }

ok "a run has one namespace" begin_with_one_namespace
ok "it is killed" kill_it
ok "lab down --all" lab down --all
ok "nothing is left" nothing_left
ok "nor of the records" test ! -e records
ok "the run is told as killed" told_as_killed

ok "a run has both namespaces" begin_with_two_namespaces
ok "it is killed" kill_it
ok "another run" another_run
ok "leaves nothing of the first, either" nothing_left

ok "a run has a tap" begin_with_a_tap
ok "it is killed" kill_it
# what `lab up` makes carries the name of the peer, so of the tests one at a time may use it
exec 7<"$peer/peer.ini" && flock 7
UNDERSTUDY_LAB_WAY=netns ok "lab up" lab up strongswan-kernel
ok "leaves nothing of it" nothing_left
ok "and its own peer lives" lab exec lab-strongswan-kernel -- true
ok "until lab down --all" lab down --all
exec 7<&-
ok "which leaves no record" test ! -e records

ok "a run has a guest, whose daemon is coming up" begin_with_a_guest
ok "it is killed, and the keeper" kill_with_keeper
ok "the guest lives" eval 'processes | grep linux.uml'
ok "another run" another_run
ok "leaves nothing of the first, either" nothing_left

ok "a run is in its cases" begin_a_case
ok "it is killed, and the keeper, and everything of the suite" kill_all_of_the_suite
ok "lab down --all" lab down --all
ok "nothing is left" nothing_left
ok "nor of the records" test ! -e records
ok "the run is told as killed" told_as_killed

checks_end
