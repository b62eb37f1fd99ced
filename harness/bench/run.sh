#!/bin/bash
# Runs the benches that `make bench` built, prints their figures as one table, and writes them to results.json beside the
# programs. docs/benchmarks.md says how to read it. UNDERSTUDY is the program, BENCH the folder of the benches. Exit status
# 1 when a bench failed: a limit that the suite sets itself is not kept, or something could not be measured.
set -uo pipefail
: "${UNDERSTUDY:?the program}" "${BENCH:?the folder of the benches}"
command -v jq >/dev/null || { echo "jq is missing: run harness/packages/install test" >&2; exit 1; }
lines=$BENCH/results.jsonl
: >"$lines"
failed=0

bench() { # NAME [ARGUMENT]...
    local name=$1
    shift
    [[ ! -t 2 ]] || printf 'measuring: %-20s\r' "$name" >&2
    "$BENCH/bench_$name" "$@" | jq -c --arg bench "$name" '{bench: $bench} + .' >>"$lines" || {
        echo "bench_$name failed" >&2
        failed=1
    }
}

# How much of a run against a real peer the suite waits for itself: summed by the run, quick depth.
against_strongswan() {
    local run=$BENCH/strongswan status=0
    if ((EUID != 0)) || [[ ! -x /usr/sbin/charon-systemd ]]; then
        echo "not measured: a run against strongSwan (it takes root, and harness/packages/install peers/strongswan/packages)" >&2
        return
    fi
    "$UNDERSTUDY" run --peer peers/strongswan --depth quick --jobs 4 --force --out "$run" >/dev/null 2>&1 || status=$?
    # 1: it does not conform, which is known
    if ((status > 1)); then
        echo "a run against strongSwan failed" >&2
        failed=1
        return
    fi
    jq -c '(.own_us / 1e6) as $own | ((.own_us + .waited_us) / 1e6) as $all | ($own / $all) as $share |
        {bench: "run", what: "understudy run against strongSwan, for itself", unit: "s", value: $own,
         limit: "and for the peer", limit_value: $all, ratio: $share, ratio_low: $share, ratio_high: $share, rounds: 1,
         better: "lower"}' "$run/result.json" >>"$lines"
}

bench run "$UNDERSTUDY" "$BENCH/runs"
against_strongswan
bench establish
bench memory
bench sync
bench sync_udp
bench esp
bench failover
bench explore
bench judge "$BENCH/captures"

jq -s . "$lines" >"$BENCH/results.json" && rm "$lines"

row='%-50s %12s %-7s %-32s %12s %8s  %s\n'
# shellcheck disable=SC2059 # the format is ours
printf "$row" 'Measured' '' '' 'Beside (same machine, same run)' '' 'Ratio' 'Rounds'
jq -r '
    def number: if . >= 1000 then round elif . >= 10 then . * 10 | round / 10 else . * 1000 | round / 1000 end;
    def percent: . * 100 | round | tostring + " %";
    .[] | [.what, (.value | number), .unit, .limit, (.limit_value | number), (.ratio | percent),
           if .rounds > 1 then (.ratio_low | percent) + " to " + (.ratio_high | percent) else "-" end] | join("\t")
' "$BENCH/results.json" |
    while IFS=$'\t' read -r what value unit limit limit_value ratio range; do
        # shellcheck disable=SC2059
        printf "$row" "$what" "$value" "$unit" "$limit" "$limit_value" "$ratio" "$range"
    done
exit "$failed"
