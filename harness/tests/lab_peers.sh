#!/bin/bash
# libreswan and OpenIKED in the lab, from outside: verbs, exit statuses, what reaches the harness, logs.
# Needs root and the packages of peers/lab/packages; exits 77 (skipped) without. Usage: lab_peers.sh [PROGRAM]
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"

root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
program=$(realpath "${1:-$root/build/understudy}") || exit 2
lab=$root/peers/lab/lab
work=$(mktemp -d)
checks_out=$work/out
run=peer$$
export UNDERSTUDY_RECORDS=$work/records/lab # those of others are not this test's
unset UNDERSTUDY_LAB_WAY

((EUID == 0)) || { echo "1..0 # SKIP needs root"; exit 77; }
if ! { command -v linux.uml && command -v mmdebstrap && command -v tcpdump && [[ -c /dev/net/tun ]]; } >/dev/null; then
    echo "1..0 # SKIP needs tcpdump, the packages of peers/lab/packages and /dev/net/tun"
    exit 77
fi
for peer in libreswan openiked; do
    "$lab" root "$peer" >/dev/null || { echo "1..0 # SKIP the root folder of $peer cannot be built here"; exit 77; }
done

verb() { # ARG...: of the driver of `peer`, in slot `slot`
    UNDERSTUDY_RUN=$run UNDERSTUDY_STATE=$work/state UNDERSTUDY_SLOT=${slot:-0} UNDERSTUDY_SLOTS=2 \
        UNDERSTUDY_PSK_FILE=$work/psk timeout 200 "$root/peers/$peer/driver" "$@"
}

lacks() { # TEXT COMMAND...: which must say something
    local text=$1 said
    shift
    said=$("$@") && [[ -n $said ]] || return 1
    ! grep -F -- "$text" <<<"$said"
}

# What it does with the packets of IKE that come to an address of the harness while it runs.
initiates_to() { # DESTINATION COMMAND...
    local destination=$1 pid
    shift
    timeout 60 ip netns exec "us-$run-h" tcpdump -ni us0 --immediate-mode -c 1 "udp dst port 500 and dst host $destination" \
        >"$work/seen" 2>"$work/tcpdump" &
    pid=$!
    within 60 grep -q 'listening on' "$work/tcpdump" || return
    "$@" || return
    wait "$pid"
    grep isakmp "$work/seen"
}

with_unknown_algorithm() {
    sed 's/^esp = .*/esp = rot13-x25519/' "$root/peers/$peer/peer.ini" >"$work/odd.ini"
    UNDERSTUDY_PEER_INI=$work/odd.ini verb start
}

plays() { # CASE...: at quick depth, and what comes is what is known
    local cases=() name
    for name; do cases+=(--case "$name"); done
    "$program" run --peer "$root/peers/$peer" --depth quick "${cases[@]}" --expect "$root/peers/$peer/expected.json" \
        --out "$work/run" --force --no-color
}

judged() { # REQUIREMENT...: was decided in the run that was played last
    local requirement
    for requirement; do
        jq -se --arg id "$requirement" '[.[].checks[]? | select(.requirement == $id)] | length > 0' \
            "$work/run/journal.jsonl" >/dev/null || { echo "nothing was said of $requirement"; return 1; }
    done
}

finish() {
    for peer in libreswan openiked; do verb stop >/dev/null 2>&1; done
    "$lab" down --all >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT

printf 'secret of the peers test\n' >"$work/psk"
secret=$(printf 'secret of the peers test' | od -An -v -tx1 | tr -d ' \n')
mkdir -m 700 "$work/state"

test_peer() { # VERSION LACKING-VERB...
    local version=$1 lacking
    shift
    ok "$peer: proposals with an unknown algorithm are refused" fails_with 3 "unknown algorithm 'rot13'" with_unknown_algorithm
    ok "$peer: start tells the version" prints "^version=$version [0-9]" verb start
    ok "$peer: so does the verb" prints "^$version [0-9]" verb version
    for lacking in failover save-context "$@"; do
        ok "$peer: $lacking is 127" status_is 127 verb "$lacking"
    done
    ok "$peer: nothing is up" prints '^ike_sas=0$' verb status
    ok "$peer: rekey-child needs a Child SA" fails_with 1 'no .*Child SA' verb rekey-child
    ok "$peer: delete-child, too" fails_with 1 'no .*Child SA' verb delete-child
    ok "$peer: initiate goes to slot 0" initiates_to 10.77.0.2 verb initiate
    slot=1 ok "$peer: initiate goes to slot 1" initiates_to 10.77.1.2 verb initiate
    slot=1 ok "$peer: initiate goes over IPv6" initiates_to fd00:77::1:2 verb initiate 6
    ok "$peer: an IP version that is none is refused" fails_with 1 "4 or 6, not '5'" verb initiate 5
    slot=1 ok "$peer: status counts no IKE SA that is not established" prints '^child_sas=0$' verb status
    slot=1 ok "$peer: delete" verb delete
    slot=1 ok "$peer: delete again is fine" verb delete
    ok "$peer: the log has lines of this slot" prints 'slot0' verb logs
    ok "$peer: and none of another" lacks 'slot1' verb logs
    ok "$peer: nor the PSK" lacks "$secret" verb logs
    ok "$peer: stop" verb stop
}

peer=libreswan
test_peer libreswan
ok "$peer: a case for each trigger" plays base.window-is-kept par.one-change-leaves-the-others
ok "$peer: they were judged" judged IKE-9 PAR-4
peer=openiked
test_peer OpenIKED liveness rekey-ike add-child
UNDERSTUDY_LAB_WAY=netns ok "$peer: it lives in a guest only" fails_with 3 'only in: guest' verb start
ok "$peer: a case for each trigger" plays base.window-is-kept par.one-change-leaves-the-others
ok "$peer: they were judged" judged IKE-9 PAR-4

checks_end
