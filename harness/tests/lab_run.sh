#!/bin/bash
# The suite against a peer of the lab, strongSwan with the ESP of a kernel: verdicts, and that nothing is left behind
# however a run ends. Needs root and the packages of peers/lab/packages; exits 77 (skipped) without. Usage: lab_run.sh [PROGRAM]
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
program=$(readlink -f "${1:-$root/build/understudy}")
peer=$root/peers/strongswan-kernel
lab=$root/peers/lab/lab

((EUID == 0)) || { echo "needs root"; exit 77; }
if ! { command -v linux.uml && command -v mmdebstrap && [[ -c /dev/net/tun ]]; } >/dev/null; then
    echo "needs the packages of peers/lab/packages and /dev/net/tun"
    exit 77
fi
"$lab" root strongswan-kernel >/dev/null || { echo "the root folder cannot be built here"; exit 77; }

work=$(mktemp -d) || exit 2
cd "$work" || exit 2
export UNDERSTUDY_RECORDS=$work/records/lab # those of others are not this test's
unset UNDERSTUDY_LAB_WAY
pid='' name=''

finish() {
    [[ -n $pid ]] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    "$lab" down --all >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT

is_empty() { # FILE
    [[ ! -s $1 ]] || { cat "$1"; return 1; }
}

# --- what it judges: all ways to authenticate, both families, ESN, ESP with and without a NAT ------------------

results() { # RUN: false
    jq -c '.results[] | select(.verdict | IN("PASS", "SKIP") | not)' "$1/result.json"
    return 1
}

passes() { # RUN STATE: there is a PASS in that state, and nothing is broken
    jq -e --arg state "$2" '(any(.results[]; .verdict == "PASS" and (.combination | contains($state)))) and
        (all(.results[]; .verdict | IN("PASS", "OBSERVED", "UNSUPPORTED", "SKIP")))' "$1/result.json" || results "$1"
}

# IKE alone needs no ESP, so a namespace will do anywhere; a guest reads the keys in another way.
declare -A ways=([psk]=netns [rsa]=guest [ecdsa]=netns [rsa-old]=netns [ecdsa-old]=netns)
for by in "${!ways[@]}"; do
    UNDERSTUDY_LAB_WAY=${ways[$by]} "$program" run --peer "$peer" --depth quick --case neg.support-is-announced --state auth="$by" --out "by-$by" >said 2>&1
    ok "authentication by $by" passes "by-$by" role=responder
done
"$program" run --peer "$peer" --case neg.support-is-announced --role responder --out families >said 2>&1
ok "IPv4" passes families family=ipv4
ok "IPv6" passes families family=ipv6
ok "without a NAT" passes families nat=none
ok "with one" passes families nat=seen
ok "AEAD" passes families algorithms=aes256gcm16-x25519
ok "CBC and HMAC" passes families algorithms=aes256-sha256-x25519
"$program" run --peer "$peer" --depth quick --case 'par.many-*' --case 'rpl.*' --out traffic >said 2>&1
ok "traffic through Child SAs" passes traffic role=responder

psk=$(sed -n 's/^psk = //p' "$peer/peer.ini")
ok "the secret is known" test "${#psk}" -ge 16
grep -rlF -- "$psk" by-* families traffic said >with_secret
ok "and nowhere in a run folder" is_empty with_secret
grep -rlF "PRIVATE KEY" by-* >with_key
ok "nor is a private key" is_empty with_key
find by-* families traffic -mindepth 1 -maxdepth 1 ! -name cases ! -name journal.jsonl ! -name result.json >left_over
ok "no state is left in a run folder" is_empty left_over

# --- a daemon that dies in a case, and a place that does ---------------------------------------------------------

# Sets pid and, when the peer is up and some verdicts are there, name: what the driver calls the run.
begin() { # RUN VERDICTS [OPTION...]
    local record verdicts
    name=
    setsid env --default-signal=INT,QUIT,TERM,HUP "$program" run --peer "$peer" --out "$1" "${@:3}" >said 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
        record=$(grep -lF -- "$work/$1/" "$UNDERSTUDY_RECORDS"/* 2>/dev/null) || continue
        verdicts=$(grep -c '"event":"verdict".*"verdict":"[^S]' "$1/journal.jsonl" 2>/dev/null)
        ((verdicts >= $2)) || continue
        name=${record##*/}
        return
    done
}

processes_of() { # RUN
    grep -lzxs "UNDERSTUDY_PEER_OF=$1" /proc/[0-9]*/environ
}

nothing_left() { # RUN
    local rest until=$((SECONDS + 60))
    [[ -n $name ]] || { echo "the run never came up"; cat said; return 1; }
    while :; do
        rest=$(ls -d "/run/netns/us-$name-"* "$UNDERSTUDY_RECORDS/$name" "$1"/state-* 2>/dev/null
            processes_of "$name"
            grep -F "$work" /proc/mounts)
        [[ -z $rest ]] && return
        ((SECONDS < until)) || break
        sleep 0.1
    done
    echo "left: $rest"
    return 1
}

goes_on() { # RUN: with the peer brought up anew
    jq -e '.complete and ([.results[].verdict] | index("ERROR") | not) and ([.results[] | select(.verdict != "SKIP")] |
        any(.verdict | IN("FAIL", "INCONCLUSIVE")) and (map(.verdict == "PASS") | rindex(true)) >
        (map(.verdict | IN("FAIL", "INCONCLUSIVE")) | rindex(true)))' "$1/result.json" || results "$1"
}

begin dies 3 --case 'neg.*' --role responder --jobs 1
# shellcheck disable=SC2016 # for the shell in the guest
ok "the daemon is killed in a run" "$lab" exec "$name" -- sh -c 'kill -9 $(pidof charon-systemd)'
wait "$pid"
pid=
ok "and the run goes on with another" goes_on dies
ok "and leaves nothing" nothing_left dies

begin crashes 3 --case 'neg.*' --role responder --jobs 1
for process in $(processes_of "$name"); do
    grep -qs linux.uml "${process%environ}comm" && kill -9 "$(cut -d/ -f3 <<<"$process")"
done 2>/dev/null
wait "$pid"
pid=
ok "a guest that is killed in a run: it goes on with another" goes_on crashes
ok "and leaves nothing, too" nothing_left crashes

# --- runs that are ended ------------------------------------------------------------------------------------------

for signal in INT TERM; do
    begin "$signal" 2
    target=$pid
    [[ $signal == INT ]] && target=-$pid # Ctrl-C is for the whole group
    kill -s "$signal" -- "$target"
    ok "SIG$signal ends a run" ended_with $((128 + $(kill -l "$signal")))
    ok "SIG$signal leaves nothing" nothing_left "$signal"
done

begin KILL 2
kill -s KILL "$pid"
{ wait "$pid"; } 2>/dev/null
pid=
ok "SIGKILL leaves nothing, for the keeper sees it" nothing_left KILL
ok "there was something" test -n "$name"

setsid env --default-signal=INT "$program" run --peer "$peer" --out early >said 2>&1 &
pid=$!
sleep 1
kill -s INT -- -$pid
ok "SIGINT ends a start" ended_with 130
find early -name 'state-*' >left_over
find "$UNDERSTUDY_RECORDS" -type f >>left_over 2>/dev/null
ok "and nothing is left of it" is_empty left_over

# --- what is known of this version ----------------------------------------------------------------------------------

if grep -q '"peer_version": *"strongSwan 5.9.8 ' families/result.json; then
    ok "5.9.8 deviates as expected" "$program" run --peer "$peer" --depth quick --case 'fmt.extra-*' --case 'ex.*' \
        --expect "$peer/expected.json" --out known
fi

checks_end
