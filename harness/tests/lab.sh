#!/bin/bash
# The lab from outside: places, their limits, the driver, the commands, and that nothing is left behind.
# Needs root and the packages of peers/lab/packages; exits 77 (skipped) without. Boots a guest three times.
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"

root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
driver=$root/peers/strongswan-kernel/driver
lab=$root/peers/lab/lab
work=$(mktemp -d)
checks_out=$work/out
a=labt$$a b=labt$$b
export UNDERSTUDY_RECORDS=$work/records/lab # those of others are not this test's
unset UNDERSTUDY_LAB_WAY

((EUID == 0)) || { echo "1..0 # SKIP needs root"; exit 77; }
if ! { command -v linux.uml && command -v mmdebstrap && [[ -c /dev/net/tun ]]; } >/dev/null; then
    echo "1..0 # SKIP needs the packages of peers/lab/packages and /dev/net/tun"
    exit 77
fi
"$lab" root strongswan-kernel >/dev/null || { echo "1..0 # SKIP the root folder cannot be built here"; exit 77; }

in_run() { # RUN ARG...
    local run=$1
    shift
    UNDERSTUDY_RUN=$run UNDERSTUDY_STATE=$work/$run UNDERSTUDY_SLOT=${slot:-0} UNDERSTUDY_SLOTS=2 \
        UNDERSTUDY_PSK_FILE=$work/psk timeout 200 "${peer_driver:-$driver}" "$@"
}

processes_of() { # RUN: by their environment
    grep -lzxs "UNDERSTUDY_PEER_OF=$1" /proc/[0-9]*/environ
}

nothing_left() { # RUN
    local rest
    rest=$(find /run/netns -name "us-$1-*")$(processes_of "$1")$(grep -F "$work/$1" /proc/mounts)
    rest+=$(find "$work/$1" -mindepth 1 2>/dev/null)$(find "$UNDERSTUDY_RECORDS" -name "$1*" 2>/dev/null)
    [[ -z $rest ]] || { echo "left: $rest"; return 1; }
}

with_errors() { "$@" 2>&1; }

sees_ike_sa_init() { # RUN DESTINATION: it is sent again each second
    timeout 60 ip netns exec "us-$1-h" tcpdump -ni us0 -c 1 "udp dst port 500 and dst host $2" 2>/dev/null | grep isakmp
}

of_the_host() { # but for the namespaces of others, and the place of all, which the first one makes
    ip addr
    ip route
    ip rule
    grep -vE ' /run/netns[/ ]' /proc/mounts
}

finish() {
    local run
    for run in "$a" "$b"; do in_run "$run" stop >/dev/null 2>&1; done
    "$lab" down --all >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT

printf 'secret of the lab test\n' >"$work/psk"
mkdir -m 700 "$work/$a" "$work/$b"
before=$(of_the_host)

# ---- verbs of a peer that is not up ----

ok "an unknown verb is 127" status_is 127 "$driver" no-such-verb
ok "failover is 127" status_is 127 in_run "$a" failover
ok "a trigger before start fails" fails_with 1 'is not up' in_run "$a" initiate
ok "stop before start is fine" in_run "$a" stop
ok "a bad run name fails" status_is 2 in_run 'a/b' start
ok "without root: 3" fails_with 3 'as root' setpriv --reuid 65534 --clear-groups \
    env UNDERSTUDY_RUN=x UNDERSTUDY_STATE=/ "$driver" start

# ---- a guest, and a namespace beside it ----

started_both() {
    UNDERSTUDY_LAB_WAY=guest in_run "$a" start >"$work/facts" 2>&1 &
    local guest=$!
    UNDERSTUDY_LAB_WAY=netns in_run "$b" start >"$work/facts-b" 2>&1
    local status=$?
    wait "$guest" || status=1
    ((status == 0)) || cat "$work/facts" "$work/facts-b"
    return $status
}

guest_is_confined() { # whatever its root tries, the host's files stay as they are
    local said
    # shellcheck disable=SC2016 # for the shell in the guest
    said=$("$lab" exec "$a" -- sh -c 'mkdir /x && mount -t hostfs -o / none /x || exit 9
        for f in /x/usr/e /x/e /x/lib/e /x/dev/e /x/system/e /x/system/etc/e /x/../../etc/e; do echo hi >$f; done
        mkdir /y && mount -t hostfs -o /../../../../tmp none /y && echo hi >/y/us-lab-test-e
        cat /x/proc/1/environ /x/etc/shadow' 2>&1)
    echo "$said"
    [[ $(grep -c 'Permission denied\|Read-only file system' <<<"$said") -ge 6 && ! -e /tmp/us-lab-test-e && ! -e /etc/e ]] &&
        [[ -z $(find "$("$lab" root strongswan-kernel)" -maxdepth 2 -name e) ]]
}

guest_is_nobody() {
    local process uid
    for process in $(processes_of "$a"); do
        grep -q linux.uml "${process%environ}comm" || continue
        uid=$(awk '/^Uid/ { print $2, $3 } /^NoNewPrivs/ { print $2 } /^CapEff/ { print $2 }' "${process%environ}status" | xargs)
        [[ $uid == "65534 65534 0000000000000000 1" ]] || { echo "$process: $uid"; return 1; }
    done
    [[ -n ${uid:-} ]]
}

ok "a guest and a namespace start side by side" started_both
ok "start names the namespace" grep -x "netns=/run/netns/us-$a-h" "$work/facts"
ok "and every slot" grep '^harness_address\.1=10\.' "$work/facts"
ok "and the daemon's version" grep -E '^version=strongSwan [0-9]' "$work/facts"
ok "version" prints '^strongSwan [0-9]' in_run "$a" version
ok "the PSK in the share is private" test "$(stat -c %a "$work/$a/place/share/psk")" = 600
ok "the guest is nobody, without rights" guest_is_nobody
ok "and cannot write to the host" guest_is_confined
ok "the namespace has no CAP_SYS_ADMIN" status_is 1 "$lab" exec "$b" -- unshare --mount true
for run in "$a" "$b"; do
    ok "$run: status counts no IKE SA" prints '^ike_sas=0$' in_run "$run" status
    ok "rekey without an IKE SA fails" fails_with 1 'no established IKE SA' in_run "$run" rekey-ike
    ok "initiate" in_run "$run" initiate
    ok "IKE_SA_INIT reaches the harness" sees_ike_sa_init "$run" 10.77.0.2
    slot=1
    ok "initiate of slot 1" in_run "$run" initiate
    slot=0
    ok "it goes to the address of slot 1" sees_ike_sa_init "$run" 10.77.1.2
    ok "initiate over IPv6" in_run "$run" initiate 6
    ok "IKE_SA_INIT over IPv6" sees_ike_sa_init "$run" fd00:77::2
    ok "status counts the IKE SA" prints '^ike_sas=1$' in_run "$run" status
    ok "delete" in_run "$run" delete
    ok "delete left none" prints '^ike_sas=0$' in_run "$run" status
    ok "liveness is 127" status_is 127 in_run "$run" liveness
    ok "logs" prints 'initiating IKE_SA' in_run "$run" logs
    ok "logs do not hold the PSK" status_is 1 grep -q 'secret of the lab' "$work/$run/place/share/log"
done
ok "a command that does not end is ended" fails_with 124 'no end' "$lab" exec "$a" --timeout 1 -- sleep 30
ok "the exit status of a command passes through" status_is 7 "$lab" exec "$a" -- sh -c 'exit 7'
ok "and what it writes, long or not" test "$("$lab" exec "$a" -- seq 100000 | md5sum)" = "$(seq 100000 | md5sum)"
# for `head`, which takes a line and ends, and for one that takes nothing
ok "what a command does not read is thrown away" test "$(seq 100000 | "$lab" shell "$a" head -n 1)" = 1
unread() { # the place lives on, whatever is written to a command that does not read
    "$lab" shell "$a" sh -c 'echo begun; exec sleep 60' </dev/zero >"$work/begun" &
    local writer=$! status=0
    within 60 test -s "$work/begun" || return
    for _ in {1..20}; do timeout 5 "$lab" exec "$a" -- true || status=1; done
    kill "$writer"
    wait "$writer" 2>/dev/null
    return $status
}
ok "a command that does not read holds up no other" unread
# shellcheck disable=SC2016 # for the other shell
ok "a terminal's words reach a shell" prints '^hello 5$' "$lab" shell "$a" bash <<<'echo hello $((2 + 3))'

# ---- the end of it ----

killed_hard() { # RUN
    local process
    for process in $(processes_of "$1"); do
        kill -9 "$(cut -d/ -f3 <<<"$process")"
    done
    [[ -n ${process:-} ]]
}

daemon_killed() { # RUN
    # shellcheck disable=SC2016 # for the shell in the place
    "$lab" exec "$1" -- sh -c 'kill -9 $(pidof charon-systemd)'
}

ok "the daemon dies" daemon_killed "$b"
ok "which a verb tells" fails_with 1 'charon is not running' in_run "$b" initiate
ok "kill -9 of everything" killed_hard "$a"
ok "status tells that the place is gone" status_is 125 in_run "$a" status
ok "start after kill -9" prints '^version=' env UNDERSTUDY_LAB_WAY=netns bash -c "$(declare -f in_run); work=$work driver=$driver in_run $a start"
ok "stop" in_run "$a" stop
ok "nothing is left" nothing_left "$a"
ok "stop again" in_run "$a" stop
ok "the other run lives on" "$lab" exec "$b" -- true
ok "stop of the other" in_run "$b" stop
ok "nothing is left of the other" nothing_left "$b"

# ---- whoever owns it is gone ----

owner_killed() {
    sleep 1000 &
    local owner=$!
    disown
    UNDERSTUDY_LAB_WAY=guest UNDERSTUDY_PID=$owner in_run "$a" start >/dev/null || return
    UNDERSTUDY_LAB_WAY=netns fails_with 3 "is taken: process $owner" in_run "$a" start || return
    "$lab" down --all 2>&1 | grep -q 'left alone' && "$lab" exec "$a" -- true || return
    kill -9 "$owner"
    within 60 nothing_left "$a" >/dev/null
    nothing_left "$a"
}

keeper_killed_too() {
    sleep 1000 &
    local owner=$! process
    disown
    UNDERSTUDY_LAB_WAY=netns UNDERSTUDY_PID=$owner in_run "$a" start >/dev/null || return
    for process in $(processes_of "$a"); do
        grep -q keeper "${process%environ}cmdline" && kill -9 "$(cut -d/ -f3 <<<"$process")"
    done
    kill -9 "$owner"
    [[ -n $(processes_of "$a") ]] || { echo "the keeper alone was to die"; return 1; }
    UNDERSTUDY_LAB_WAY=netns in_run "$b" start >/dev/null || return
    nothing_left "$a" && in_run "$b" stop
}

ok "a lab in use is not taken away, and ends with its owner" owner_killed
ok "with the keeper killed, too, the next start clears it away" keeper_killed_too

half_written_records() { # of runs that were killed while they wrote them
    mkdir -p "$UNDERSTUDY_RECORDS"
    : >"$UNDERSTUDY_RECORDS/../uabcdef"
    : >"$UNDERSTUDY_RECORDS/ughijkl"
    "$lab" down --all && [[ ! -e $UNDERSTUDY_RECORDS ]]
}

ok "records that were not written to their end are cleared away" half_written_records

killed_with_its_driver() { # of a run that was killed: what a driver had begun that nobody knows
    mkdir -p "$UNDERSTUDY_RECORDS" "$work/state-mnopqr"
    printf '1 0\n%s\n' "$work/state-mnopqr" >"$UNDERSTUDY_RECORDS/../umnopqr"
    env UNDERSTUDY_RUN=umnopqr sleep 1000 &
    local left=$! other
    env UNDERSTUDY_RUN=umnopqrs sleep 1000 &
    other=$!
    disown -a
    "$lab" down --all || return
    [[ ! -e /proc/$left && ! -e $work/state-mnopqr && -e /proc/$other ]]
    local status=$?
    kill "$other"
    return $status
}

ok "what a driver left of a run that was killed is ended, and no more" killed_with_its_driver

# ---- commands ----

export UNDERSTUDY_LAB_WAY=netns
# what `lab up` makes, and `lab down` ends, carries the name of the peer, so of the tests one at a time may use it;
# this one does to its end
exec 7<"$root/peers/strongswan-kernel/peer.ini" && flock 7
ok "lab up" prints '^netns=' "$lab" up strongswan-kernel
ok "lab status shows it" prints '^lab-strongswan-kernel +strongswan-kernel +namespace +up' "$lab" status
ok "lab logs" prints 'vici connection' "$lab" logs strongswan-kernel
ok "lab shell in a terminal has its size" prints '31 97' \
    script -q -e -c "stty rows 31 cols 97; $(printf %q "$lab") shell strongswan-kernel stty size" /dev/null
ok "and its exit status" status_is 6 script -q -e -c "$(printf %q "$lab") shell strongswan-kernel sh -c 'exit 6'" /dev/null
ok "lab up again" prints '^netns=' "$lab" up strongswan-kernel
ok "lab down --all" "$lab" down --all
ok "nothing is left of it" nothing_left lab-strongswan-kernel
ok "nor of the records" test ! -e "$UNDERSTUDY_RECORDS"
ok "lab down of a peer that is not up is fine, and says so" prints '^strongswan-kernel was not up$' with_errors "$lab" down strongswan-kernel
ok "lab down of what is no peer" fails_with 1 "'no-such-peer' is not up, and no peer" "$lab" down no-such-peer
ok "lab down of what is no name" fails_with 2 'a run has a name' "$lab" down ''

# A peer that is not of the lab: a namespace, and a driver of its own that tells what it was given.
fake=$work/fake
mkdir "$fake"
sed '/^psk/d; s|^\[identity\]|&\npsk_file = '"$work/key"'|' "$root/peers/strongswan-kernel/peer.ini" >"$fake/peer.ini"
printf 'the key of a file\n' >"$work/key"
cat >"$fake/driver" <<'END'
#!/bin/bash
ns=us-$UNDERSTUDY_RUN-p
case $1 in
start) ip netns add "$ns" && sleep "${FAKE_SECONDS:-0}" && printf 'psk=%s\n' "$(cat "$UNDERSTUDY_PSK_FILE")" ;;
stop) if [[ -e /run/netns/$ns ]]; then ip netns del "$ns"; fi ;;
logs) echo "a log of ${2:-all} lines" ;;
*) exit 127 ;;
esac
END
chmod 755 "$fake/driver"
ok "lab up of a peer of another kind, with its key in a file elsewhere" prints '^psk=the key of a file$' "$lab" up "$fake"
ok "a command in it" prints '^/proc/[0-9]+$' "$lab" exec lab-fake -- readlink -f /proc/self
ok "is in its namespace" test "$("$lab" exec lab-fake -- readlink /proc/self/ns/net)" = \
    "$(ip netns exec us-lab-fake-p readlink /proc/self/ns/net)"
ok "its exit status passes through" status_is 7 "$lab" exec lab-fake -- sh -c 'exit 7'
ok "one that does not end is ended" fails_with 124 'no end' "$lab" exec lab-fake --timeout 1 -- sleep 30
ok "a time that is none" fails_with 2 'takes a number of seconds' "$lab" exec lab-fake --timeout soon -- true
ok "its log" prints '^a log of 5 lines$' "$lab" logs "$fake" 5
ok "a number of lines that is none" fails_with 2 'is not a number' "$lab" logs "$fake" many
ok "it has no console" fails_with 1 'is a namespace' "$lab" console "$fake"
ok "lab down" "$lab" down "$fake"
two_at_once() {
    FAKE_SECONDS=2 "$lab" up "$fake" >"$work/first" 2>&1 &
    local first=$!
    within 60 test -e /run/netns/us-lab-fake-p && fails_with 3 'brings fake up right now' "$lab" up "$fake" || return
    wait "$first" && "$lab" exec lab-fake -- true && "$lab" up "$fake" && "$lab" down "$fake"
}
ok "of two who bring one peer up, the second is told so" two_at_once
ok "leaves nothing" nothing_left lab-fake
rm "$work/key"
ok "a key file that is not there" fails_with 2 "psk_file: cannot read $work/key" "$lab" up "$fake"
ok "leaves nothing, either" nothing_left lab-fake

lists_go_on() { # in indented lines, with comments among them
    # shellcheck source=peers/lab/ini.sh
    . "$root/peers/lab/ini.sh"
    printf '[proposals]\nike = a, b ; first\n  ; a comment\n\tc,\n  d\n# another\nesp = e,\n[selectors]\n  peer = f\nharness=g' >"$work/ini"
    read_ini "$work/ini"
    declare -p ini
    [[ ${ini[proposals.ike]} == "a, b, c, d" && ${ini[proposals.esp]} == e && ${ini[selectors.peer]} == f && ${ini[selectors.harness]} == g ]]
}
ok "lists of peer.ini go on in indented lines" lists_go_on

ok "lab up of a peer that is not there" fails_with 2 'there is no peer' "$lab" up no-such-peer
ok "lab logs of a peer that is not up" fails_with 1 'is not up' "$lab" logs strongswan-kernel
ok "a way that there is not" fails_with 2 'UNDERSTUDY_LAB_WAY' env UNDERSTUDY_LAB_WAY=teleport "$lab" up strongswan-kernel
ok "user-space ESP is that of another peer" fails_with 3 'peers/strongswan' \
    env UNDERSTUDY_LAB_WAY=userspace "$lab" up strongswan-kernel
ok "the host's own network and mounts are as before" diff <(echo "$before") <(of_the_host)

checks_end
