#!/bin/bash
# The driver of the strongSwan peer, from outside: verbs, exit status, and that nothing is left behind.
# Needs root and the packages of peers/strongswan/packages; exits 77 (skipped) without.
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"

driver=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../peers/strongswan/driver")
work=$(mktemp -d)
checks_out=$work/out
runs=(drv$$a drv$$b)

((EUID == 0)) || { echo "1..0 # SKIP needs root"; exit 77; }
[[ -x /usr/sbin/charon-systemd && -c /dev/net/tun ]] || { echo "1..0 # SKIP needs charon-systemd and /dev/net/tun"; exit 77; }

in_run() { # RUN ARG...
    local run=$1
    shift
    UNDERSTUDY_RUN=$run UNDERSTUDY_STATE=$work/$run UNDERSTUDY_SLOT=${slot:-0} UNDERSTUDY_SLOTS=2 \
        UNDERSTUDY_PSK_FILE=$work/psk timeout 200 "$driver" "$@"
}

silent_on_stdout_and_one_line_on_stderr() { # COMMAND...
    local lines
    lines=$("$@" 2>&1 >/dev/null | wc -l)
    [[ $lines == 1 ]] || { echo "$lines lines on stderr"; return 1; }
}

processes_of() { # RUN: by their environment
    grep -lzx "UNDERSTUDY_PEER_OF=$1" /proc/[0-9]*/environ 2>/dev/null
}

nothing_left() { # RUN
    local rest
    rest=$(find /run/netns -name "us-$1-*")$(processes_of "$1")$(find "$work/$1" -mindepth 1 ! -name charon.log ! -name charon.out)
    [[ -z $rest ]] || { echo "left: $rest"; return 1; }
}

sees_ike_sa_init() { # RUN DESTINATION: it is sent again each second
    timeout 60 ip netns exec "us-$1-h" tcpdump -ni us0 -c 1 "udp dst port 500 and dst host $2" 2>/dev/null | grep isakmp
}

killed_hard() { # RUN
    local environ
    for environ in $(processes_of "$1"); do
        kill -9 "$(cut -d/ -f3 <<<"$environ")"
    done
    [[ -n ${environ:-} ]]
}

exact_mode() { # MODE FILE
    [[ $(stat -c %a "$2") == "$1" ]] || { stat "$2"; return 1; }
}

finish() {
    local run
    for run in "${runs[@]}"; do in_run "$run" stop >/dev/null 2>&1; done
    rm -rf "$work"
}
trap finish EXIT

printf 'secret of the driver test\n' >"$work/psk"
for run in "${runs[@]}"; do mkdir -m 700 "$work/$run"; done
a=${runs[0]} b=${runs[1]}
before=$(ip addr; ip route; ip rule)

ok "an unknown verb is 127" status_is 127 "$driver" no-such-verb
ok "failover is 127" status_is 127 in_run "$a" failover
ok "liveness is 127" status_is 127 in_run "$a" liveness
ok "no verb at all is 127" status_is 127 "$driver"
ok "version needs no start" prints '^strongSwan [0-9]' in_run "$a" version
ok "a trigger before start fails" status_is 1 in_run "$a" initiate
ok "with one line on stderr" silent_on_stdout_and_one_line_on_stderr in_run "$a" initiate
ok "stop before start is fine" in_run "$a" stop
ok "a bad run name fails" status_is 1 in_run 'a/b' start
ok "without root: 3" status_is 3 setpriv --reuid 65534 --clear-groups env UNDERSTUDY_RUN=x UNDERSTUDY_STATE=/ "$driver" start

ok "start answers with the namespace" prints "^netns=/run/netns/us-$a-h$" in_run "$a" start
ok "the namespace is there" test -e "/run/netns/us-$a-h"
ok "the configuration is private" exact_mode 600 "$work/$a/swanctl.conf"
ok "start again starts anew, and names every slot" prints '^harness_address\.1=10\.' in_run "$a" start
ok "a second run lives beside it" prints '^peer_address=' in_run "$b" start
ok "status counts no IKE SA" prints '^ike_sas=0$' in_run "$a" status
ok "rekey without an IKE SA fails" status_is 1 in_run "$a" rekey-ike
ok "add-child without an IKE SA fails" status_is 1 in_run "$a" add-child
ok "initiate" in_run "$a" initiate
ok "IKE_SA_INIT reaches the harness" sees_ike_sa_init "$a" 10.77.0.2
slot=1
ok "initiate of slot 1" in_run "$a" initiate
slot=0
ok "it goes to the address of slot 1" sees_ike_sa_init "$a" 10.77.1.2
ok "initiate over IPv6" in_run "$a" initiate 6
ok "IKE_SA_INIT over IPv6" sees_ike_sa_init "$a" fd00:77::2
ok "status counts the IKE SA" prints '^ike_sas=1$' in_run "$a" status
ok "the other run has none" prints '^ike_sas=0$' in_run "$b" status
ok "delete" in_run "$a" delete
ok "delete again is fine" in_run "$a" delete
ok "delete left none" prints '^ike_sas=0$' in_run "$a" status
ok "logs" prints 'initiating IKE_SA' in_run "$a" logs
ok "logs do not hold the PSK" status_is 1 grep -q 'secret of the driver' "$work/$a/charon.log"

ok "kill -9" killed_hard "$a"
ok "status tells that charon is gone" status_is 1 in_run "$a" status
ok "start after kill -9" prints '^version=' in_run "$a" start
ok "stop" in_run "$a" stop
ok "nothing is left" nothing_left "$a"
ok "stop again" in_run "$a" stop
ok "the other run lives on" prints '^pid=' in_run "$b" status

# ---- what runs left that were killed ----

cleared() { # NAME: record and folder
    [[ ! -e $work/records/$1 && ! -e $work/state-${1:1} ]] || { ls -d "$work"/records/* "$work"/state-*; return 1; }
}

left_by_killed() { # NAME [yes]: a record and the state folder of a suite that was killed before its driver began; of the lab, or not
    mkdir -p "$work/state-${1:1}" "$work/records/lab"
    printf '%s 1\n%s\n' "$(bash -c 'echo $$')" "$work/state-${1:1}" | tee ${2:+"$work/records/lab/$1"} >"$work/records/$1"
}

export UNDERSTUDY_RECORDS=$work/records/lab
left_by_killed uabcdef
left_by_killed ughijkl yes
ok "another start" prints '^version=' in_run "$a" start
ok "clears away what a suite left that was killed before the driver began" cleared uabcdef
ok "but not by halves what is the lab's" test -e "$work/records/ughijkl" -a -d "$work/state-ghijkl"
unset UNDERSTUDY_RECORDS
ok "stop" in_run "$a" stop

rm -rf "${work:?}/$b" && mkdir -m 700 "$work/$b"
ok "stop without its records" in_run "$b" stop
ok "nothing is left of the other" nothing_left "$b"
ok "the host's own network is as before" test "$before" = "$(ip addr; ip route; ip rule)"

checks_end
