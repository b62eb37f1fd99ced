#!/bin/bash
# Wrong usage, wrong files, peers that are not what they should be, signals, full disks, odd terminals: what is said, the exit
# status, and that nothing is left behind. Usage: bad_input.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
# shellcheck source=harness/tests/reference_ini
. "$(dirname "$(readlink -f "$0")")/reference_ini"
work=$(mktemp -d) || exit 2
here=$work/here
checks_out=$work/said
started=()
# A copy, so that another user can run it, too.
program=$work/understudy
cp "$(readlink -f "${1:-build/understudy}")" "$program" || exit 2
chmod 755 "$work" "$program"

finish() {
    local pid
    for pid in "${started[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    chmod -R u+rwx "$work"
    rm -rf "$work"
}
trap finish EXIT
mkdir "$here" && cd "$here" || exit 2

# Root may write and read everything; these tests are about those who may not.
as_user=()
((EUID == 0)) && as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# The program ends with the status, in time; what it says is in out and err.
ends() { # STATUS ARGUMENT...
    local want=$1 got
    shift
    timeout -k 5 300 "$program" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    ((got == want)) && return
    echo "exit status $got, expected $want"
    tail -n 5 "$work/out" "$work/err"
    return 1
}

complains() { # TEXT...: all of them, on standard error
    local text
    for text; do
        grep -qF -- "$text" "$work/err" || { echo "\"$text\" is not said, but:"; cat "$work/err"; return 1; }
    done
}

# Wrong usage or configuration: said on standard error only, before anything is made.
refuses() { # TEXT... -- ARGUMENT...
    local texts=() before
    while [[ $1 != -- ]]; do texts+=("$1"); shift; done
    shift
    before=$(find . | sort)
    ends 2 "$@" && complains "${texts[@]}" && [[ ! -s $work/out ]] && diff <(echo "$before") <(find . | sort)
}

wrong() { # TEXT... -- ARGUMENT...
    ok "understudy ${*:1}" refuses "$@"
}

family_of() { # PID: it, its children and theirs
    local child
    echo "$1"
    for child in $(pgrep -P "$1"); do family_of "$child"; done
}

all_gone() { # PID...: but for those that only wait to be taken note of
    ps -o pid=,stat=,args= -p "$(IFS=,; echo "$*")" | grep -v '^ *[0-9]* *Z' >"$work/left"
    [[ ! -s $work/left ]] || { cat "$work/left"; return 1; }
}

# --- the command line ----------------------------------------------------------------------------------

wrong 'unknown command' 'did you mean run?' -- rnu
wrong 'unknown command' 'there are run, list' -- conquer
wrong '--dpeth' 'did you mean --depth?' -- run --dpeth quick
wrong '--conquer' 'there are --peer' -- run --conquer
wrong '"snc.*"' 'look among "sync.*"' -- run --case 'snc.*'
wrong 'nothing.at-all' 'understudy list' -- run --case nothing.at-all
wrong 'nothing.at-all' -- run --exclude nothing.at-all
wrong '--case' 'not ""' -- run --case ''
wrong '--role' 'initiator, responder, both' 'not "boss"' -- run --role boss
wrong '--depth' 'quick, normal, full' 'not "deep"' -- run --depth deep
wrong '--transport' 'memory, udp' 'not "tcp"' -- run --transport tcp
wrong 'accept-equal-m2' 'did you mean accept-equal-m1?' -- run --fault accept-equal-m2
wrong 'conquer' 'understudy peer --list-faults' -- run --fault conquer
for value in abc -1 1.5 0x10 '' 18446744073709551616; do
    wrong '--seed' "not \"$value\"" 'a number' -- run --seed "$value"
done
for option in --loss --duplicate --reorder; do
    wrong "$option" '0 to 100' 'not "101"' -- run $option 101
    wrong "$option" '0 to 100' 'not "-1"' -- run $option -1
done
for value in 40 0s -1m 1.5h 2w 31d 30 m '' s 99999999999999999999s; do
    wrong '--soak' "not \"$value\"" '90s, 30m, 2h' -- run --soak "$value"
done
wrong '--soak is for long-term cases' '--case par.kept-for-long' -- run --soak 30m --case 'sync.*'
wrong '--soak is for long-term cases' -- run --soak 30m --exclude 'par.*'
wrong '--jobs' 'not "0"' '1 to' -- run --jobs 0
for value in 0/2 3/2 2 /2 1/ 1/0 1/1001 -1/2 one/two 1/2/3 ' 1/2'; do
    wrong '--shard' "not \"$value\"" 'part K of N' -- run --seed 1 --shard "$value"
done
wrong '--shard needs --seed' -- run --shard 1/2
wrong 'merge takes' -- merge --out joined
wrong 'merge needs --out' -- merge a b
wrong 'cannot open a/journal.jsonl' -- merge a b --out joined
wrong '--peer' 'not ""' -- run --peer ''
wrong '--out' 'not ""' -- run --out ''
wrong '"nowhere" is not an IPv4 or IPv6 address' -- peer --listen nowhere
wrong '"65536"' '0 to 65535' -- peer --port 65536
wrong 'conquer' -- peer --fault conquer

# --- the run folder --------------------------------------------------------------------------------------

mkdir taken locked && touch taken/mine file && chmod 555 locked
wrong 'taken' 'is not empty' '--force' -- run --out taken
wrong 'taken' 'no earlier run is in it' -- run --out taken --force
wrong 'file' 'Not a directory' -- run --out file
wrong 'file/run' 'Not a directory' -- run --out file/run
wrong '/dev/full' 'Not a directory' -- run --out /dev/full
cannot_write() { # FOLDER
    "${as_user[@]}" "$program" run --out "$1" >"$work/out" 2>"$work/err"
    [[ $? == 2 ]] && complains "$1" 'Permission denied'
}
ok "a folder that cannot be made" cannot_write locked/run
ok "a folder that cannot be written into" cannot_write locked
chmod 755 locked
rm -rf taken locked file

# --- peer.ini --------------------------------------------------------------------------------------------

good_ini() { # PORT NATT-PORT
    cat <<INI
[peer]
name = box
slots = 1
response_timeout_ms = 100
[address]
peer = 127.0.0.1
harness = 127.0.0.1
port = $1
natt_port = $2
harness_port = 0
harness_natt_port = 0
protected = 198.51.100.2
behind = 198.51.100.1
INI
    reference_sections "$all_ike" "$all_esp"
}

without() { # SECTION KEY: takes the key away, with the lines that go on with it
    awk -v section="[$1]" -v key="$2" '
        /^\[/ { here = $0 == section }
        /^[^ ]/ { gone = here && $1 == key }
        !gone'
}

with() { # SECTION KEY VALUE: puts the key first in its section
    without "$1" "$2" | awk -v section="[$1]" -v line="$2 = $3" '{ print } $0 == section { print line }'
}

bad_value() { # SECTION KEY VALUE TEXT
    good_ini 500 4500 | with "$1" "$2" "$3" >peer.ini
    wrong "peer.ini:$(($(grep -nxF "[$1]" peer.ini | cut -d: -f1) + 1)): $2: " "$4" -- run --peer peer.ini
}

wrong 'no peer "nowhere.ini"' 'no file or folder here' 'peers/ is not near' 'UNDERSTUDY_PEERS' -- run --peer nowhere.ini
wrong './nowhere.ini' 'No such file' -- run --peer ./nowhere.ini
mkdir -p ours/box none && good_ini 500 4500 | with peer slot 1 >ours/box/peer.ini
export UNDERSTUDY_PEERS=$here/ours
wrong "$here/ours/box/peer.ini:2: " 'unknown key "slot"' -- run --peer box
wrong "$here/ours/box/peer.ini:2: " 'unknown key "slot"' -- check-peer box
wrong 'no peer "bocks"' "$here/ours has box" -- run --peer bocks
mkdir box && cp ours/box/peer.ini box
wrong '"box" is a folder here, and a peer of' './box' -- run --peer box
wrong './box/peer.ini:2: ' 'unknown key "slot"' -- run --peer ./box
rm -r box
export UNDERSTUDY_PEERS=$here/none
wrong 'no peer "box"' "$here/none has no peer at all" -- run --peer box
export UNDERSTUDY_PEERS=$here/nowhere
wrong 'no peer "box"' 'UNDERSTUDY_PEERS' "$here/nowhere" -- run --peer box
unset UNDERSTUDY_PEERS
mkdir empty
wrong 'empty/peer.ini' 'No such file' -- run --peer empty
good_ini 500 4500 >peer.ini && chmod 000 peer.ini
cannot_read() {
    "${as_user[@]}" "$program" run --peer peer.ini --out "$work/no" >"$work/out" 2>"$work/err"
    [[ $? == 2 ]] && complains 'peer.ini' 'Permission denied' && [[ ! -e $work/no ]]
}
ok "a peer.ini that cannot be read" cannot_read
rm -f peer.ini
for section in conquer Peer ''; do
    { good_ini 500 4500; printf '[%s]\nkey = value\n' "$section"; } >peer.ini
    wrong "peer.ini:$(grep -nxF "[$section]" peer.ini | cut -d: -f1): " 'section' -- run --peer peer.ini
done
good_ini 500 4500 | with peer slot 2 >peer.ini
wrong 'peer.ini:2: ' 'unknown key "slot" in [peer]' 'slots' -- run --peer peer.ini
good_ini 500 4500 | with address psk x >peer.ini
wrong 'peer.ini:6: ' 'unknown key "psk" in [address]' -- run --peer peer.ini
{ good_ini 500 4500; echo 'harness = 10.0.0.0/8'; } >peer.ini
wrong "peer.ini:$(grep -c '' peer.ini): " 'there twice' -- run --peer peer.ini
while read -r section key; do
    good_ini 500 4500 | without "$section" "$key" >peer.ini
    wrong 'peer.ini' "$key" "[$section]" -- run --peer peer.ini
done <<<'peer name
address peer
identity peer
identity harness
identity psk
proposals ike
proposals esp
selectors peer
selectors harness'
good_ini 500 4500 | without address harness >peer.ini
wrong 'peer.ini:' 'harness' -- run --peer peer.ini
while IFS='|' read -r section key value text; do
    bad_value "$section" "$key" "$value" "$text"
done <<'TABLE'
peer|name||the value is empty
peer|driver|no-such-driver|no-such-driver
peer|slots|0|1 to 32
peer|slots|many|1 to 32
peer|start_timeout_ms|0|1 to
peer|start_timeout_ms|-5|1 to
peer|response_timeout_ms|2s|1 to
peer|netns||the value is empty
address|peer|gateway.example|not an IPv4 address
address|peer|2001:db8::1|not an IPv4 address
address|peer6|192.0.2.1|not an IPv6 address
address|harness|192.0.2|not an IPv4 address
address|harness6|192.0.2.1|not an IPv6 address
address|port|0|1 to 65535
address|natt_port|65536|1 to 65535
address|harness_port|-1|0 to 65535
address|harness_natt_port|x|0 to 65535
address|protected|198.51.100|address
address|protected|198.51.100.%n|%n
address|behind|everywhere|address
identity|peer|dns:gateway|fqdn:
identity|peer|ipv4:gateway|ipv4
identity|harness|fqdn:|the value is empty
identity|psk||the value is empty
identity|psk_file|no-such-file|psk
proposals|ike|aes256|aes256
proposals|ike|rot13-sha256-x25519|rot13
proposals|esp|nothing|nothing
selectors|peer|198.51.100.0/33|198.51.100.0/33
selectors|harness|everything|everything
TABLE
good_ini 500 4500 | with address protected 198.51.100.9 >peer.ini
wrong "peer.ini:$(grep -n '^protected' peer.ini | cut -d: -f1): protected = 198.51.100.9 is not within" selectors -- \
    run --peer peer.ini
good_ini 500 4500 | with address behind 203.0.113.7 >peer.ini
wrong "peer.ini:$(grep -n '^behind' peer.ini | cut -d: -f1): behind = 203.0.113.7 is not within" selectors -- \
    run --peer peer.ini
good_ini 500 4500 | with peer slots 2 >peer.ini
wrong 'peer.ini' '[identity]' 'harness' '%n' -- run --peer peer.ini
good_ini 500 4500 | with peer name "$(printf 'x%.0s' {1..250})" >peer.ini
wrong 'peer.ini:2: ' 'longer than' -- run --peer peer.ini
head -c 3000 /dev/urandom >peer.ini
wrong 'peer.ini' -- run --peer peer.ini

psk_file_of_mode() { # MODE
    echo 'the key of the built-in reference peer, no secret' >psk
    chmod "$1" psk
    good_ini 500 4500 | without identity psk | with identity psk_file psk >peer.ini
    wrong "peer.ini:$(grep -n '^psk_file' peer.ini | cut -d: -f1): psk_file: " 'psk' "mode 0$1" 'chmod 600' -- run --peer peer.ini
}
for mode in 644 640 604 620; do psk_file_of_mode $mode; done
rm -rf psk peer.ini empty

# --- drivers ---------------------------------------------------------------------------------------------

# Not up: the run folder says so, no state of the driver is left, and it was stopped when it was started.
not_up() { # TEXT...
    rm -rf run stopped
    ends 3 run --peer box.ini --out run && complains 'could not be brought up' "$@" &&
        jq -e '.complete == false' run/result.json && tail -n 1 run/journal.jsonl | jq -e '.end == "not-up"' &&
        [[ -z $(find run -name 'state*') ]] && ! grep -P '[^\n\x20-\x7e]' "$work/err"
}

driver() { # BODY: what it does with a verb
    # shellcheck disable=SC2016 # the driver's
    printf '#!/bin/sh\ncase $1 in\n%s\n*) exit 127;;\nesac\n' "$1" >driver
    chmod 755 driver
}

good_ini 500 4500 | with peer driver driver >box.ini
wrong 'box.ini:2: driver: ' 'no driver at' -- run --peer box.ini
driver 'start) ;;' && chmod 644 driver
wrong 'box.ini:2: driver: ' 'chmod +x' -- run --peer box.ini
driver '*) ;;'
ok "a driver that knows every verb" not_up 'broken' '127'
driver 'no-such-verb) exit 1;;'
ok "a driver that fails where it should not know" not_up 'broken' 'status 1'
driver 'start) echo $$ >pid; exec sleep 1000;; stop) touch stopped;;'
# enough for the verb before it, on a busy machine too
good_ini 500 4500 | with peer driver driver | with peer start_timeout_ms 3000 >box.ini
ok "a driver that hangs" not_up 'driver, start: not done after 3000 ms'
good_ini 500 4500 | with peer driver driver >box.ini
ok "it was told to stop" test -e stopped
ok "and is not there any more" all_gone "$(cat pid)"
driver 'start) head -c 3000 /dev/urandom;; stop) touch stopped;;'
ok "a driver that prints rubbish" not_up 'start printed' 'key=value'
driver 'start) printf "key\033[31m=\033[2J\n";;'
ok "a driver that would paint the terminal" not_up 'start printed'
driver 'start) echo peer_address=somewhere;;'
ok "a driver with a wrong fact" not_up 'start' 'peer_address' 'somewhere'
driver 'start) echo "the tap is busy" >&2; exit 4;;'
ok "a driver that cannot" not_up 'start: the tap is busy (exit status 4)'
driver 'start) exit 4;;'
ok "a driver that does not say why" not_up 'start: exit status 4'
driver 'start) kill -KILL $$;;'
ok "a driver that is killed" not_up 'start'
printf '#!/no/such/interpreter\n' >driver
ok "a driver without its interpreter" not_up 'driver' '#!'
printf 'start\n' >driver
ok "a driver that is no program" not_up 'driver' '#!'
expected() { # MEMBERS
    printf '{"format": 1, %s "expected": [%s]}' "$1" "${2:-}" >expected.json
}
not_expected() { # TEXT...
    rm -rf run
    ends 3 run --peer box.ini --out run --expect expected.json && complains 'the run was ended' "$@" && [[ -e stopped ]] &&
        jq -e '.complete == false and .counts.PASS == 0' run/result.json && [[ -z $(find run -name 'state*') ]]
}
driver 'start) ;; stop) touch stopped;; version) echo "box 3.0";;'
expected '"peer": "box", "versions": ["box 1.*", "box 2.*"],'
ok "expectations of another version" not_expected 'expected.json is for other versions' '"box 1.*"' '"box 3.0"' 'without --expect'
expected '"peer": "crate",'
ok "expectations of another peer" not_expected 'expected.json' '"crate"' '"box"'
expected '' '{"case": "sync.gone", "verdict": "FAIL", "reason": "it was there"}'
wrong 'expected.json: entry 1 is for case sync.gone' 'renamed' 'understudy list' -- run --peer box.ini --expect expected.json
expected '' '{"case": "sync.identical-copy", "verdict": "FAIL", "requirements": ["SYNC-99"], "reason": "it was there"}'
wrong 'expected.json: entry 1' 'SYNC-99' 'no requirement' -- run --peer box.ini --expect expected.json
rm -f expected.json
good_ini 500 4500 | without address peer | without address harness | with peer driver driver >box.ini
driver 'start) ;;'
ok "a driver that leaves out the facts" not_up 'start' 'address'
rm -rf run driver box.ini stopped pid

# --- peers -----------------------------------------------------------------------------------------------

reference_peer() { # sets peer, port, natt_port
    : >"$work/listening"
    "$program" peer --listen 127.0.0.1 --port 0 --natt-port 0 >"$work/listening" 2>&1 &
    peer=$!
    started+=("$peer")
    wait_for_line "$work/listening"
    read -r port natt_port < <(sed -nE 's/^listening on [^ ]*:([0-9]+) and [^ ]*:([0-9]+) as .*/\1 \2/p' "$work/listening")
}

wait_for_line() { # FILE
    within 60 test -s "$1"
}

end_peer() {
    kill -KILL "$peer" 2>/dev/null
    wait "$peer" 2>/dev/null
}

# What answers is python's: nothing, random octets, the request itself, or what is left of it.
odd_peer() { # KIND
    cat >"$work/odd_peer.py" <<'PYTHON'
import random, select, socket, sys

kind = sys.argv[1]
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets), flush=True)
random.seed(1)


def flipped(request):
    octets = bytearray(request)
    for _ in range(4):
        octets[random.randrange(8, len(octets))] = random.randrange(256)
    octets[19] |= 0x20
    return bytes(octets)


while True:
    for s in select.select(sockets, [], [])[0]:
        request, sender = s.recvfrom(65536)
        answers = {
            "silent": [],
            "random": [bytes(random.randrange(256) for _ in range(random.randrange(200))) for _ in range(5)],
            "echoing": [request],
            "truncating": [request[:n] for n in (0, 1, 4, 8, 16, 27, 28, 29, 32, len(request) - 1)],
            "flipping": [flipped(request) for _ in range(10)],
        }[kind]
        for answer in answers:
            s.sendto(answer, sender)
PYTHON
    : >"$work/listening"
    python3 "$work/odd_peer.py" "$1" >"$work/listening" 2>"$work/odd" &
    peer=$!
    started+=("$peer")
    wait_for_line "$work/listening"
    read -r port natt_port <"$work/listening"
}

# A run against a box without a driver: 3, and not one verdict but these two.
nothing_judged() { # INI REASON [OPTION...]
    rm -rf run
    ends 3 run --peer "$1" --depth quick --out run "${@:3}" &&
        grep -E 'nothing could be judged|nothing came from the peer in 8 combinations in a row' "$work/out" "$work/err" &&
        all_verdicts '["INCONCLUSIVE", "UNSUPPORTED", "SKIP"]' && has_reason INCONCLUSIVE "$2"
}

all_verdicts() { # JSON ARRAY
    jq -r --argjson these "$1" '.results[] | select([.verdict] - $these != []) | [.case, .verdict, .reason] | @tsv' \
        run/result.json >"$work/others"
    [[ ! -s $work/others ]] || { head -n 8 "$work/others"; return 1; }
}

has_reason() { # VERDICT PATTERN: every one of that verdict has it
    jq -e --arg verdict "$1" --arg pattern "$2" \
        '[.results[] | select(.verdict == $verdict).reason] | length > 0 and all(.[]; test($pattern))' run/result.json ||
        { jq -r --arg verdict "$1" '.results[] | select(.verdict == $verdict).reason' run/result.json | sort -u; return 1; }
}

good_journal() { # every line but perhaps the last is one; sanitizers and others wrote nothing
    head -n -1 run/journal.jsonl | jq -Rne '[inputs | fromjson] | length > 0' && [[ -z $(find run -name output.txt -size +0) ]]
}

many_slots() { # without a peer in common they cannot get in each other's way
    with peer slots 8 | with identity harness fqdn:cluster%n.reference.test
}
good_ini 1 2 | many_slots >closed.ini
ok "closed ports: INCONCLUSIVE, and 3" nothing_judged closed.ini 'no IKE SA'
good_ini 1 2 | with address harness 192.0.2.77 | with address harness_port 500 >nowhere.ini
cannot_speak() { # INI TEXT: from the address that is the cluster's in it
    rm -rf run
    ends 3 run --peer "$1" --depth quick --case 'sync.*' --out run && all_verdicts '["ERROR", "SKIP"]' && has_reason ERROR "$2" &&
        grep -q 'nothing could be judged: the suite itself failed' "$work/out"
}
ok "an address that this machine has not" cannot_speak nowhere.ini '192.0.2.77:500: this machine has no such address'

reference_peer
good_ini "$port" "$natt_port" | with address harness_port "$port" >taken.ini
ok "a port that is taken" cannot_speak taken.ini "cannot bind 127.0.0.1:$port: already in use; stop the program that holds it"
# It answers at once, but a busy machine may keep the answer.
good_ini "$port" "$natt_port" | with peer response_timeout_ms 10000 >box.ini
whole_suite() {
    rm -rf run
    ends 0 run --peer box.ini --out run && all_verdicts '["PASS", "OBSERVED", "UNSUPPORTED", "SKIP"]' && good_journal &&
        has_reason UNSUPPORTED 'no trigger|family|no ESP proposal with extended sequence numbers|selectors of IPv6|transport mode' &&
        jq -e '.counts.PASS > 50 and ([.results[] | select(.verdict == "PASS").combination] | all(startswith("role=initiator")))' \
            run/result.json
}
ok "a closed box that is the reference peer conforms" whole_suite
# Anybody may say that authentication failed, so the true answer is waited for all the same.
good_ini "$port" "$natt_port" | with peer response_timeout_ms 3000 | with identity psk 'another' >other.ini
ok "another key" nothing_judged other.ini AUTHENTICATION_FAILED --case 'neg.s*'
good_ini "$port" "$natt_port" | with peer response_timeout_ms 3000 | with identity harness fqdn:somebody.test >other.ini
ok "another identity of the cluster" nothing_judged other.ini AUTHENTICATION_FAILED --case 'neg.s*'
good_ini "$port" "$natt_port" | with peer response_timeout_ms 3000 | with identity peer fqdn:somebody.test >other.ini
ok "another identity of the peer" nothing_judged other.ini AUTHENTICATION_FAILED --case 'neg.s*'
good_ini "$port" "$natt_port" | with peer response_timeout_ms 10000 | with proposals ike aes128-sha256-modp2048 >other.ini
no_proposal() {
    rm -rf run
    ends 3 run --peer other.ini --depth quick --out run && has_reason UNSUPPORTED 'proposal|trigger'
}
ok "no common proposal" no_proposal
ok "and the peer is there all the time" kill -0 "$peer"

# It dies while it is played with: that case fails, or is lost on the way, and those after it. Should it have died between two
# cases, none has seen it alive, and the run ends with 3.
dies_once() {
    rm -rf run
    good_ini "$port" "$natt_port" | with peer response_timeout_ms 1000 >mortal.ini
    timeout -k 5 300 "$program" run --peer mortal.ini --role initiator --case 'sync.[a-m]*' --out run \
        >"$work/out" 2>"$work/err" &
    local run=$!
    started+=("$run")
    within 60 grep -qs '"event":"verdict".*"PASS"' run/journal.jsonl || return
    end_peer
    wait $run
}
dies() {
    local try status
    for try in {1..10}; do
        ((try == 1)) || reference_peer || return
        dies_once
        status=$?
        if ((status != 3)) || ! complains 'in 8 combinations in a row'; then break; fi
    done
    [[ $status == 1 ]] || { echo "exit status $status"; tail -n 3 "$work/out" "$work/err"; return 1; }
    good_journal && jq -e '.counts.PASS > 0 and .counts.INCONCLUSIVE > 0 and .counts.ERROR == 0' run/result.json &&
        grep -q '"tags":\["peer-restart' run/journal.jsonl
}
ok "a peer that dies" dies
end_peer

for kind in silent random echoing truncating flipping; do
    odd_peer $kind
    good_ini "$port" "$natt_port" | many_slots >odd.ini
    odd() {
        rm -rf run
        ends "$1" run --peer odd.ini --depth quick --role initiator --case 'sync.*' --out run
        local status=$?
        good_journal && all_verdicts '["INCONCLUSIVE", "FAIL", "SKIP"]' && return $status
    }
    # Silence is no answer; what is wrong on the wire is a broken rule.
    if [[ $kind == silent ]]; then
        ok "a silent peer" nothing_judged odd.ini 'no IKE SA'
    else
        ok "a $kind peer" odd 1
    fi
    end_peer
done

# --- a peer with triggers, as small as it can be -------------------------------------------------------------

driven() {
    rm -rf run
    ends 0 run --peer driven.ini --depth quick --out run && all_verdicts '["PASS", "OBSERVED", "UNSUPPORTED", "SKIP"]' &&
        good_journal && jq -e '[.results[] | select(.verdict == "PASS" and (.combination | startswith("role=responder")))] |
            length > 10' run/result.json
}
mkfifo verbs replies
exec 3<>verbs 4<>replies
read -r own_port own_natt_port < <(free_ports 2)
"$program" peer --listen 127.0.0.1 --port 0 --natt-port 0 --remote 127.0.0.1 --remote-port "$own_port" \
    --remote-natt-port "$own_natt_port" --verbs <&3 >&4 2>&4 &
peer=$!
started+=("$peer")
read -r line <&4
read -r port natt_port < <(sed -nE 's/^listening on [^ ]*:([0-9]+) and [^ ]*:([0-9]+) as .*/\1 \2/p' <<<"$line")
good_ini "$port" "$natt_port" | with peer driver driver | with address harness_port "$own_port" |
    with address harness_natt_port "$own_natt_port" | with peer response_timeout_ms 10000 >driven.ini
driver "initiate|liveness|rekey-ike|rekey-child|add-child|delete|failover)
    echo \$1 >$here/verbs && read -r status text <$here/replies && echo \"\$text\" >&2 && exit \$status;;
start|stop) ;;"
ok "the reference peer behind a driver of a few lines" driven
driver "initiate|delete|failover)
    echo \$1 >$here/verbs && read -r status text <$here/replies && echo \"\$text\" >&2 && exit \$status;;
start|stop|liveness|rekey-child|add-child) ;;
*) exit 127;;"
says_that_it_did() {
    rm -rf run
    sed 's/^response_timeout_ms = .*/response_timeout_ms = 2000/' driven.ini >lying.ini
    timeout -k 5 300 "$program" run --peer lying.ini --depth quick --case sync.equal-m1-is-dropped \
        --case sync.stale-m1-is-dropped --out run >"$work/out" 2>"$work/err"
    jq -e '[.results[] | select(.verdict != "SKIP")] | length == 4 and all(.verdict == "INCONCLUSIVE" and
        (.reason | contains("its driver says that it did")))' run/result.json
}
ok "a trigger that does nothing, and says that it did, fails no peer" says_that_it_did
end_peer
exec 3>&- 4>&-
rm -rf run verbs replies driver driven.ini

# --- full disks ------------------------------------------------------------------------------------------

# The file that could not grow is named; what is written is whole.
full() { # KIBIBYTES
    rm -rf run
    (ulimit -f "$1" && exec timeout -k 5 300 "$program" run --depth quick --out run 2>"$work/err") | cat >"$work/out"
    local status=${PIPESTATUS[0]}
    [[ $status == 3 ]] || { echo "exit status $status"; tail -n 3 "$work/out" "$work/err"; return 1; }
    complains run/ 'File too large' && ! grep '^conforms' "$work/out" && good_lines
}
good_lines() {
    jq -Rne '[inputs | fromjson] | length >= 0' run/journal.jsonl && { [[ ! -e run/result.json ]] || status_is 1 jq -e .complete run/result.json; }
}
for size in 1 3 16 64; do ok "files of $size KiB at most" full $size; done
full_output() {
    rm -rf run
    timeout 300 "$program" run --depth quick --out run >/dev/full 2>"$work/err"
    [[ $? == 3 ]] && complains 'standard output' && jq -e .complete run/result.json
}
ok "standard output is full: no success, but a whole run" full_output
closed_early() {
    rm -rf run
    timeout 300 "$program" run --depth quick --out run 2>"$work/err" | head -n 1
    local status=${PIPESTATUS[0]}
    [[ $status != 0 ]] || { echo "exit status 0"; return 1; }
    jq -e .complete run/result.json
}
ok "the reader of standard output is gone: no success, but a whole run" closed_early
no_output() {
    rm -rf run
    timeout 300 "$program" run --depth quick --out run >&- 2>"$work/err"
    [[ $? == 3 ]] && jq -e .complete run/result.json && ! grep -rl 'combinations in' run
}
ok "standard output is closed" no_output

# --- signals -----------------------------------------------------------------------------------------------

# To the whole process group, as a terminal does it; so often, and with such a pause.
interrupted() { # SIGNAL TIMES PAUSE
    local number pid status family
    number=$(kill -l "$1")
    rm -rf run
    setsid "$program" run --transport udp --depth full --out run >"$work/out" 2>"$work/err" &
    pid=$!
    started+=("$pid")
    within 60 grep -qs '"event":"verdict"' run/journal.jsonl || return
    mapfile -t family < <(family_of $pid)
    ((${#family[@]} > 2)) || { echo "only ${family[*]}"; return 1; }
    for _ in $(seq "$2"); do
        kill "-$1" -- "-$pid"
        sleep "$3"
    done
    wait $pid
    status=$?
    [[ $status == $((128 + number)) ]] || { echo "exit status $status"; tail -n 3 "$work/err"; return 1; }
    all_gone "${family[@]}" && complains 'interrupted' &&
        jq -Rne --argjson number "$number" '[inputs | fromjson] | length > 2 and .[-1].end == "interrupted" and
            any(.[]; .event == "interrupted" and .signal == $number)' run/journal.jsonl &&
        jq -e '.complete == false' run/result.json && captures_are_whole
}

captures_are_whole() {
    local pcap
    for pcap in run/cases/*/wire.pcap; do capinfos -c "$pcap" || return 1; done
}

for signal in INT TERM HUP; do ok "SIG$signal" interrupted $signal 1 0; done
ok "Ctrl-C twice" interrupted INT 2 0.02
ok "Ctrl-C ten times" interrupted INT 10 0.005
not_hung_up() {
    rm -rf run
    (trap '' HUP && exec "$program" run --transport udp --depth quick --case 'sync.*' --out run) >"$work/out" 2>&1 &
    local pid=$!
    started+=("$pid")
    within 60 test -s run/journal.jsonl || return
    kill -HUP $pid
    wait $pid && jq -e .complete run/result.json
}
ok "nohup is obeyed" not_hung_up

# --- terminals ---------------------------------------------------------------------------------------------

# "script" gives it a terminal.
on_terminal() { # VARIABLE=VALUE...
    rm -rf run
    env -u NO_COLOR TERM=xterm "$@" script -qec "stty cols 60; $program run --transport udp --depth quick --case 'sync.*' --out run" /dev/null \
        >"$work/out" 2>&1 </dev/null
}
progress='[0-9]+ of [0-9]+ done, [0-9]+ running'
escape=$'\e'

shows() { # PATTERN
    grep -qE "$1" "$work/out" || { head -c 600 "$work/out" | cat -v; return 1; }
}

hides() { # PATTERN
    ! grep -E "$1" "$work/out" | cat -v | head -n 4 | grep .
}

ok "a run on a terminal" on_terminal
ok "shows progress" shows "$progress"
ok "in colour" shows "$escape\[3[0-9]m"
cleans_up() { # the last line of progress is taken away before anything else is written
    ! sed "s/.*\r$escape\[K//" "$work/out" | grep -E "$progress"
}
ok "and takes it away" cleans_up
not_wider() { # than the 60 columns
    tr '\r' '\n' <"$work/out" | sed "s/$escape\[[0-9;]*[mK]//g" | grep -E "$progress" | awk 'length > 60 { print; bad = 1 } END { exit bad }'
}
ok "in the width of the terminal" not_wider
ok "NO_COLOR" on_terminal NO_COLOR=1
ok "shows progress, too" shows "$progress"
ok "without colour" hides "$escape\[[0-9;]*m"
ok "TERM=dumb" on_terminal TERM=dumb
ok "gets no sequences" hides "$escape"
rm -rf run
ok "a run into a pipe" bash -c "'$program' run --transport udp --depth quick --case 'sync.*' --out run | cat >'$work/out'"
ok "shows no progress line" hides "$progress"
ok "nor sequences" hides "$escape"

checks_end
