#!/bin/bash
# The table of peers and what `make interop` does around it: what is expected, what is not, peers that do not come up, signals.
# The peers are the reference peer behind drivers; the script is that of the repository, in a folder of its own. As root; without,
# only the table is tested. Usage: interop.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
# shellcheck source=harness/tests/reference_ini
. "$(dirname "$(readlink -f "$0")")/reference_ini"
program=$(readlink -f "${1:-build/understudy}")
fast=$(readlink -f "${UNDERSTUDY_FAST:-$program}") # for what is only played
script=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../interop")
work=$(mktemp -d) || exit 2

finish() {
    local pid file
    for file in "$work"/tree/peers/*/pid; do
        [[ -s $file ]] && read -r pid <"$file" && kill -KILL "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap finish EXIT
cd "$work" || exit 2

# --- the table -------------------------------------------------------------------------------------------

table() { # STATUS RUN... -- PATTERN...
    local status=$1 runs=()
    shift
    while [[ $1 != -- ]]; do runs+=("$1"); shift; done
    ends_with "$status" "$program" matrix --text "${runs[@]}" && says "${@:2}"
}

run() { # NAME OPTION...
    "$fast" run --case 'sync.*' --depth quick --seed 5 --out "$@" >said 2>&1
    (($? < 2)) || { cat said; exit 1; }
}
run good
run bad --fault accept-equal-m1
ok "a good and a bad peer" table 1 good bad -- '^Peer +NEG +FMT +SYNC .* Result$' '^reference +- +- +18/18 .*conforms in all that was judged$' \
    '^reference +- +- +17/18 .*does not conform$' '^bad: depth quick, [0-9]+ combinations, 20'
ok "a good one" table 0 good -- '18/18'
ok "a bad one that is known" table 0 bad=bad/result.json -- 'as expected \(2 known deviations\)$'
ok "a good one of which more was known" table 1 good=bad/result.json -- 'NOT AS EXPECTED: 0 other deviations, 2 expected ones that passed$'
ok "a bad one of which nothing was known" table 1 bad=good/result.json -- 'NOT AS EXPECTED: 2 other deviations, 0 expected ones'
echo '{"format": 1, "peer": "reference", "expected": [{"case": "sync.equal-m1-is-dropped", "verdict": "FAIL", "requirements": ["SYNC-4"], "reason": "r"}]}' >known.json
ok "known by a file of its own" table 0 bad=known.json -- 'as expected \(2 known'
sed 's/"reference"/"box"/' known.json >other.json
ok "known of another peer" table 1 bad=other.json -- 'other.json is what is expected of the peer "box"'
sed 's/sync.equal-m1-is-dropped/sync.gone/' known.json >gone.json
ok "known of a case that is gone" ends_with 2 "$program" matrix --text bad=gone.json
ok "which is said" says 'gone.json: entry 1 is for case sync.gone: there is no such case'
ok "no such file" ends_with 2 "$program" matrix --text bad=nowhere.json
ok "no such run" table 1 nowhere good -- '^nowhere +- .*no run: cannot open nowhere/journal.jsonl' '18/18'
mkdir torn && head -n 40 good/journal.jsonl >torn/journal.jsonl
ok "a run that was killed" table 1 torn -- 'was not played to its end: killed'
"$fast" run --case sync.identical-copy --depth quick --seed 5 --shard 1/1 --out part >said 2>&1
"$program" merge part --out whole >said 2>&1
ok "a run that was joined" table 0 whole -- '^reference '
ok "two matrices" ends_with 2 "$program" matrix --text --html x.html good
ok "of nothing" ends_with 2 "$program" matrix --text

# The table and the run itself never disagree.
for fault in accept-equal-m1 $("$program" peer --list-faults | awk '/^[a-z]/ { print $1 }' | shuf -n 3 --random-source=<(yes)); do
    "$fast" run --fault "$fault" --depth quick --seed 6 --expect known.json --force --out same >said 2>&1
    status=$?
    ok "$fault: the table says what the run said" table $status same=known.json -- 'reference'
done

# --- the script ------------------------------------------------------------------------------------------

if ((EUID != 0)); then
    echo "# the script needs root, and was not tested"
    checks_end
    exit
fi
mkdir -p tree/harness tree/peers && cp "$script" tree/harness/

peer() { # NAME FAULT: one more
    local port natt folder=$work/tree/peers/$1
    read -r port natt < <(free_ports 2)
    mkdir -p "$folder"
    cat >"$folder/peer.ini" <<INI
[peer]
name = $1
driver = driver
response_timeout_ms = 5000
[address]
peer = 127.0.0.1
harness = 127.0.0.1
port = $port
natt_port = $natt
harness_port = 0
harness_natt_port = 0
INI
    reference_sections "$one_ike" "$one_esp" >>"$folder/peer.ini"
    cat >"$folder/driver" <<DRIVER
#!/bin/bash
case \$1 in
start)
    "$fast" peer --listen 127.0.0.1 --port $port --natt-port $natt ${2:+--fault $2} >$folder/said 2>&1 &
    echo \$! >$folder/pid
    until [[ -s $folder/said ]]; do sleep 0.05; done ;;
stop)
    [[ ! -s $folder/pid ]] || kill -KILL \$(cat $folder/pid) 2>/dev/null
    while [[ -s $folder/pid && -e /proc/\$(cat $folder/pid) ]]; do sleep 0.02; done
    rm -f $folder/pid ;;
version) echo "$1 1.0" ;;
*) exit 127 ;;
esac
DRIVER
    chmod +x "$folder/driver"
}

interop() { # STATUS PEER... -- PATTERN...
    local status=$1 peers=()
    shift
    while [[ $1 != -- ]]; do peers+=("$1"); shift; done
    INTEROP_OPTIONS="${these:---case sync.e* --depth quick --role initiator}" ends_with "$status" tree/harness/interop "$fast" runs "${peers[@]}" &&
        says "${@:2}" && nobody_is_left
}

nobody_is_left() {
    ! compgen -G 'tree/peers/*/pid' && ! pgrep -f "$work/tree" && [[ -z $(find runs -name 'state*') ]]
}

peer alpha '' && peer beta accept-equal-m1 && peer gamma accept-equal-m1 && peer delta ''
sed 's/"reference"/"beta"/; s/"format": 1,/& "versions": ["beta 1.*"],/' known.json >tree/peers/beta/expected.json
ok "two peers that are as expected" interop 0 alpha beta -- '^alpha +[0-9]+ s +conforms' '^beta +[0-9]+ s +as expected: 1 known' '^Peer +NEG' \
    '^alpha .*conforms in all' '^beta .*as expected \(1 known deviations\)' '^runs/beta: beta 1.0' '^beta: waited .* for the suite itself' '^2 peers as expected, 0 not$'
ok "as a number" test "$(cat runs/summary)" = '2 passed, 0 failed'
ok "their folders are runs" "$program" report runs/beta
ok "one that is not" interop 1 alpha gamma -- '^gamma .*does not conform' '^gamma ended with status 1; of runs/gamma.txt:' '^ +FAIL sync.equal-m1-is-dropped SYNC-4 in' '^ +does not conform: ' \
    'nothing is written down of what is expected: peers/gamma/expected.json' '^1 peers as expected, 1 not$'
sed 's/"reference"/"delta"/' known.json >tree/peers/delta/expected.json
ok "one that is better than expected" interop 1 delta -- 'NOT AS EXPECTED: 0 other deviations, 1 expected ones that passed' '^0 peers as expected, 1 not$'
sed -i 's/"delta"/"delta", "versions": ["delta 0.*"]/' tree/peers/delta/expected.json
ok "one of another version" interop 1 delta -- 'for other versions of the peer .*"delta 0\.\*".*"delta 1\.0"'
sed -i 's/^start)/start) echo "the tap is busy" >\&2; exit 4 ;;\nnever)/' tree/peers/delta/driver && rm tree/peers/delta/expected.json
ok "one that does not come up" interop 1 alpha delta -- '^delta .*was not played to its end: not-up' '^delta ended with status 3' 'the tap is busy' '^1 peers as expected'
ok "all that there are" interop 1 -- '^alpha' '^beta' '^gamma' '^delta' '^2 peers as expected, 2 not$'
ok "no such peer" ends_with 2 tree/harness/interop "$fast" runs omega
ok "no program" ends_with 2 tree/harness/interop nowhere runs
ok "wrong jobs" ends_with 2 env INTEROP_JOBS=0 tree/harness/interop "$fast" runs

interrupted() { # SIGNAL STATUS
    local pid status
    rm -rf runs
    # a run without an end in sight
    sed -i 's/^response_timeout_ms.*/response_timeout_ms = 20000/' tree/peers/alpha/peer.ini
    INTEROP_OPTIONS='--loss 50' tree/harness/interop "$fast" runs alpha beta >said 2>&1 &
    pid=$!
    until [[ $(wc -l <runs/alpha/journal.jsonl) -ge 5 ]] || ! kill -0 "$pid"; do sleep 0.05; done 2>/dev/null
    kill -s "$1" $pid
    wait $pid 2>/dev/null
    status=$?
    ((status == $2)) || { echo "exit status $status"; cat said; return 1; }
    within 60 nobody_is_left >nobody && return
    pgrep -af "$work/tree"
    return 1
}
ok "it is interrupted" interrupted TERM 143
ok "it is killed, and the runs end" interrupted KILL 137

checks_end
