#!/bin/bash
# Peers over UDP that are silent, endless, flood, speak nonsense, answer when the case is over, or vanish and come back: a verdict
# in bounded time and memory, for the right reason, and nothing left behind. Usage: hostile.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
# shellcheck source=harness/tests/reference_ini
. "$(dirname "$(readlink -f "$0")")/reference_ini"
program=$(readlink -f "${1:-build/understudy}")
fast=$(readlink -f "${UNDERSTUDY_FAST:-$program}")
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d) || exit 2
trap 'end_peers; rm -rf "$work"' EXIT
cd "$work" || exit 2
peers=()
patience_ms=''

# --- peers -----------------------------------------------------------------------------------------

end_peers() {
    local pid
    for pid in "${peers[@]}"; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    peers=()
    exec 8>&- 9>&-
}

# Sets port and natt_port.
hostile() { # MODE [PORT NATT_PORT]
    rm -f ports stdin.hostile
    mkfifo stdin.hostile
    /usr/bin/python3 "$here/hostile_peer.py" "$@" <stdin.hostile >ports &
    peers+=($!)
    exec 8>stdin.hostile
    wait_for ports
    read -r port natt_port <ports
}

# The reference peer, and MODE between it and the cluster.
relayed() { # MODE
    rm -f right stdin.right
    mkfifo stdin.right
    "$fast" peer --listen 127.0.0.1 --port 0 --natt-port 0 --verbs <stdin.right >right &
    peers+=($!)
    exec 9>stdin.right
    wait_for right
    read -r port natt_port < <(sed -nE 's/.*:([0-9]+) and [^:]*:([0-9]+) .*/\1 \2/p' right)
    hostile "$1" "$port" "$natt_port"
}

wait_for() { # FILE: has a line
    within 60 test -s "$1"
}

write_ini() {
    cat >peer.ini <<INI
[peer]
name = hostile
response_timeout_ms = $patience_ms
[address]
peer = 127.0.0.1
harness = 127.0.0.1
port = $port
natt_port = $natt_port
harness_port = ${harness_port:-0}
harness_natt_port = ${harness_natt_port:-0}
INI
    reference_sections "$one_ike" "$one_esp" >>peer.ini
    chmod 600 peer.ini
}

# --- what is asked of a run ------------------------------------------------------------------------

# Runs against what is up, as initiator; at most so many seconds, with what a busy machine takes, and KiB. The status of the
# run is kept.
bounded_run() { # SECONDS KIB OPTION...
    local seconds=$1 kib=$2 began=$SECONDS
    shift 2
    write_ini
    rm -rf run
    (
        [[ $program != "$fast" ]] || ulimit -v "$kib"
        timeout "$((seconds + 20))" "$program" run --peer peer.ini --role initiator --depth quick --out run "$@"
    ) >run.out 2>&1
    status=$?
    ((SECONDS - began <= seconds)) || { echo "it took $((SECONDS - began)) s"; return 1; }
    ((status == 0 || status == 1 || status == 3)) || { echo "exit status $status"; return 1; }
    jq -e '.complete' run/result.json >/dev/null && nothing_left
}

nothing_left() {
    [[ -z $(find run -name output.txt -size +0) ]] || { find run -name output.txt -size +0 -exec head -n 20 {} +; return 1; }
}

played() {
    jq -c '.results[] | select(.verdict != "SKIP") | {case, verdict, reason, requirements}' run/result.json
}

verdicts() {
    played | jq -r .verdict | sort -u | paste -sd ' '
}

for_reason() { # TEXT: is a reason in the run
    jq -e --arg text "$1" '[.results[] | .reason // "" | select(contains($text))] | length > 0' run/result.json ||
        { played; return 1; }
}

never_passes() {
    [[ $(verdicts) != *PASS* && $(verdicts) != *ERROR* ]] || { played; return 1; }
}

only() { # VERDICT...
    [[ $(verdicts) == "$*" ]] || { played; return 1; }
}

# --- the tests -------------------------------------------------------------------------------------

cases=(--case 'sync.stale*' --case 'fmt.nonce*')

silent_peer() { hostile silent && bounded_run 120 2000000 "${cases[@]}" && only INCONCLUSIVE; }
garbage_peer() { hostile garbage && bounded_run 120 2000000 "${cases[@]}" && never_passes; }
echo_peer() { hostile echo && bounded_run 120 2000000 "${cases[@]}" && never_passes; }
endless_peer() { hostile endless && bounded_run 180 2000000 "${cases[@]}" && never_passes; }
flooding_peer() { hostile flood && bounded_run 360 2000000 "${cases[@]}" && never_passes && for_reason 'the peer floods'; }
relayed_peer() { relayed relay && bounded_run 120 2000000 "${cases[@]}" && only PASS; }
noisy_peer() { relayed noisy && bounded_run 120 2000000 "${cases[@]}" && only FAIL; }
vanishing_peer() { relayed vanish && bounded_run 360 2000000 "${cases[@]}" && [[ $(verdicts) != *ERROR* ]]; }

# What comes late is met by the next combination, or by nobody: the ports of all of them are the same.
late_peer() {
    read -r harness_port harness_natt_port < <(free_ports 2)
    relayed late && bounded_run 240 2000000 --case 'sync.*' --case 'fmt.*' &&
        only PASS UNSUPPORTED
}

for kind in relayed silent garbage echo endless flooding noisy vanishing late; do
    case $kind in
    relayed | noisy | late | flooding) patience_ms=10000 ;; # which answer, or the flood is to be seen before
    *) patience_ms=300 ;;
    esac
    ok "a $kind peer" "${kind}_peer"
    end_peers
done

checks_end
