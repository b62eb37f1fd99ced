#!/bin/bash
# The suite against a real peer, strongSwan: verdicts, evidence, and that nothing is left behind however a run ends.
# Needs root and the packages of peers/strongswan/packages; exits 77 (skipped) without. Usage: strongswan_run.sh [PROGRAM]
set -u -o pipefail
program=$(readlink -f "${1:-build/understudy}")
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
here=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")")
peer=$(readlink -f "$here/../../peers/strongswan")

((EUID == 0)) || { echo "needs root"; exit 77; }
[[ -x /usr/sbin/charon-systemd && -c /dev/net/tun ]] || { echo "needs charon-systemd and /dev/net/tun"; exit 77; }

work=$(mktemp -d) || exit 2
cd "$work" || exit 2
pid='' name=''

finish() {
    [[ -n $pid ]] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

holds() { # FILE TEXT...
    local text
    for text in "${@:2}"; do grep -qF -- "$text" "$1" || { cat "$1"; return 1; }; done
}

is_empty() { # FILE
    [[ ! -s $1 ]] || { cat "$1"; return 1; }
}

# --- one run, and what it leaves behind --------------------------------------------------------------

judges() { # verdicts of both kinds, complete, and the exit status that goes with them
    local fails
    fails=$(jq '[.results[] | select(.verdict == "FAIL")] | length' quick/result.json)
    [[ $status == "$((fails > 0))" ]] || { echo "exit status $status with $fails FAILs"; return 1; }
    jq -e '.complete and (.peer_version | startswith("strongSwan ")) and ([.results[].verdict] |
        (index("PASS") and (index("ERROR") | not)))' quick/result.json
}

fails_are_explained() {
    jq -c 'select(.event == "verdict" and .verdict == "FAIL") |
        select([.checks[] | select(.result == "broken" and .requirement != "" and .expected != "" and .seen != "" and
            .packets != [])] == [])' quick/journal.jsonl >unexplained
    is_empty unexplained
}

syncs_by_journal() { # CASE
    jq -r --arg case "$1" 'select(.event == "packet" and .case == $case and .number > 0) | .number as $number | .message |
        capture("N\\(IKEV2_MESSAGE_ID_SYNC nonce (?<n>[0-9a-f]{8}) send (?<s>[0-9]+) recv (?<r>[0-9]+)\\)") |
        "\($number) \(.n) \(.s) \(.r)"' quick/journal.jsonl
}

syncs_by_tshark() { # CASE
    local number nonce send recv
    WIRESHARK_CONFIG_DIR=quick/cases/$1 tshark -n -r "quick/cases/$1/wire.pcap" \
        -Y isakmp.notify.data.ha.nonce_data -T fields -E separator=' ' -e frame.number \
        -e isakmp.notify.data.ha.nonce_data -e isakmp.notify.data.ha.expected_send_req_message_id \
        -e isakmp.notify.data.ha.expected_recv_req_message_id 2>complaints |
        while read -r number nonce send recv; do
            printf '%d %08x %u %u\n' "$number" "$nonce" "$send" "$recv"
        done
}

tshark_agrees() { # CASE
    syncs_by_journal "$1" >by_journal
    syncs_by_tshark "$1" >by_tshark
    [[ $(wc -l <by_journal) -ge 2 ]] && diff by_journal by_tshark
}

logs_are_of_one_slot() { # and there is one for each case
    local folder
    for folder in quick/cases/*; do
        (($(stat -c %s "$folder/wire.pcap") > 24)) || continue # nothing was on the wire, so there is nothing to log
        [[ -s $folder/peer.log ]] || { echo "no $folder/peer.log"; return 1; }
        (($(grep -oE '<slot[0-9]+' "$folder/peer.log" | sort -u | wc -l) <= 1)) || { echo "$folder: slots mixed"; return 1; }
    done
}

psk=$(sed -n 's/^psk = //p' "$peer/peer.ini")
"$program" run --peer "$peer" --depth quick --out quick >said 2>&1
status=$?
ok "a run with verdicts" judges
ok "every FAIL says what was expected, seen, and where" fails_are_explained
ok "tshark reads the same sync notifies" tshark_agrees fmt.answer-has-its-form
ok "a log of the peer for each case" logs_are_of_one_slot
ok "with the sync in it" grep -q MSG_ID_SYN quick/cases/fmt.answer-has-its-form/peer.log
ok "the secret is known" test "${#psk}" -ge 16
grep -rlF -- "$psk" quick said >with_secret
ok "and nowhere in the run folder" is_empty with_secret
find quick -mindepth 1 -maxdepth 1 ! -name cases ! -name journal.jsonl ! -name result.json >left_over
ok "no state is left in the run folder" is_empty left_over

# --- the reports of it ---------------------------------------------------------------------------------

consumers() { # Debian's Python
    PATH=/usr/bin:$PATH python3 -B "$here/consumers.py" "$@"
}

counts_agree() { # in all formats, as the result has them
    local all fails errors skipped
    read -r all fails errors skipped < <(jq -r '[.results[].verdict] | "\(length) \(map(select(. == "FAIL")) | length) " +
        "\(map(select(. == "ERROR" or . == "INCONCLUSIVE")) | length) \(map(select(. == "UNSUPPORTED" or . == "SKIP")) | length)"' quick/result.json)
    [[ $(consumers junit quick.xml) == "$all $fails $errors $skipped" ]] &&
        [[ $(grep -c '^ok ' quick.tap) == $((all - fails - errors)) && $(grep -c '^not ok ' quick.tap) == $((fails + errors)) ]] &&
        [[ $(grep -c '^FAIL ' quick.txt) == "$fails" && $(grep -c '^<details><summary>FAIL ' quick.md) == "$fails" ]] &&
        [[ $(xmllint --xpath "count(//*[@class='combination'])" quick.html 2>/dev/null) == "$(jq '[.results[] | select(.verdict != "SKIP")] | length' quick/result.json)" ]]
}

esp_numbers() { # of the jumps of the cluster and the answers of the peer, as tshark reads them
    local id=rpl.jump-is-accepted
    jq -r --arg case $id '[.results[] | select(.case == $case)][0].esp_sas[] | "0x\(.spi) \(.packets) \(.first) \(.last)"' quick.json | sort >by_report
    WIRESHARK_CONFIG_DIR=quick/cases/$id tshark -n -r quick/cases/$id/wire.pcap -Y esp -T fields -E separator=' ' -e esp.spi -e esp.sequence \
        2>complaints | awk '{ if (!($1 in n)) first[$1] = $2; n[$1]++; last[$1] = $2 } END { for (s in n) print s, n[s], first[s], last[s] }' |
        sort >by_tshark
    [[ -s by_report ]] && comm -23 by_report by_tshark >only_in_report && is_empty only_in_report
}

opens_decrypted() { # the command of the first failure, as it stands in the report
    local command
    command=$(sed -n 's/^  look *//p' quick.txt | head -n 1)
    (cd quick && bash -c "${command:-false}") >packets 2>complaints && grep -q 'Payload: Encrypted and Authenticated' packets && grep -q 'Decrypted Data' packets
}

ok "all reports of it" "$program" report quick --text quick.txt --tap quick.tap --tap14 quick.tap14 --junit quick.xml --json quick.json \
    --markdown quick.md --html quick.html --bundle quick.tar
ok "JUnit is valid" xmllint --noout --schema "$here/junit.xsd" quick.xml
ok "JSON is of its schema" consumers json "$here/../../docs/report.schema.json" quick.json
ok "HTML is well-formed" xmllint --noout quick.html
ok "all of them count the same" counts_agree
ok "the sequence numbers of its ESP are those that tshark reads" esp_numbers
ok "the command of a failure opens its packets" opens_decrypted
grep -lF -- "$psk" quick.* >with_secret
ok "the secret is in none of them, nor in the bundle" is_empty with_secret

# --- certificates: both kinds of key in both forms, both sides ----------------------------------------

charon_used() { # AUTH WORDS: to sign, and to check
    grep -qF "(myself) with $2 successful" "by-$1"/cases/*/peer.log &&
        grep -F "authentication of 'cluster" "by-$1"/cases/*/peer.log | grep -qF "with $2 successful"
}

for by in rsa ecdsa rsa-old ecdsa-old; do
    ok "authentication by $by" "$program" run --peer "$peer" --depth quick --case neg.support-is-announced \
        --state auth=$by --out "by-$by"
done
ok "charon signs and checks by rsa" charon_used rsa RSA_EMSA_PKCS1_SHA2_256
ok "by ecdsa" charon_used ecdsa ECDSA_WITH_SHA256_DER
ok "by rsa-old" charon_used rsa-old "RSA signature"
ok "by ecdsa-old" charon_used ecdsa-old "ECDSA-256 signature"
grep -rlF "PRIVATE KEY" by-* >with_key
ok "no private key is left" is_empty with_key

# --- runs that are ended -----------------------------------------------------------------------------

record_of() { # RUN: of those in /run/understudy, whose folders are the lab's
    find /run/understudy -maxdepth 1 -type f -exec grep -lF -- "$work/$1/" {} + 2>/dev/null
}

# As a terminal starts it: a process group of its own, signals as they are by default. Sets pid and, when the peer
# is up and some verdicts are there, name: what the driver calls the run.
begin() { # RUN
    local record verdicts
    name=
    setsid env --default-signal=INT,QUIT,TERM,HUP "$program" run --peer "$peer" --out "$1" >said 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
        record=$(record_of "$1")
        [[ -n $record ]] || continue
        verdicts=$(grep -c '"event":"verdict"' "$1/journal.jsonl" 2>/dev/null)
        ((verdicts >= 5)) || continue
        name=${record##*/}
        return
    done
}

nothing_left() { # RUN
    local rest
    [[ -n $name ]] || { echo "the run never came up"; cat said; return 1; }
    rest=$(ls -d "/run/netns/us-$name-"* "/run/understudy/$name" "$1"/state-* 2>/dev/null
        grep -lzx "UNDERSTUDY_PEER_OF=$name" /proc/[0-9]*/environ 2>/dev/null)
    [[ -z $rest ]] || { echo "left: $rest"; return 1; }
}

evidence_is_whole() { # RUN LINES: all of its lines, or all but the last
    local pcap
    head -n "$2" "$1/journal.jsonl" | jq -Rn '[inputs | fromjson] | length > 5' | grep -qx true || return 1
    for pcap in "$1"/cases/*/wire.pcap; do
        [[ ! -e $pcap ]] || tshark -n -r "$pcap" >/dev/null || { echo "$pcap"; return 1; }
    done
}

for signal in INT TERM; do
    begin "$signal"
    target=$pid
    [[ $signal == INT ]] && target=-$pid # Ctrl-C is for the whole group
    kill -s "$signal" -- "$target"
    ok "SIG$signal ends a run" ended_with $((128 + $(kill -l "$signal")))
    ok "SIG$signal leaves nothing" nothing_left "$signal"
    ok "SIG$signal leaves whole evidence" evidence_is_whole "$signal" -0
    ok "SIG$signal is in the journal" holds "$signal/journal.jsonl" '"event":"interrupted"' '"end":"interrupted"'
done

begin KILL
kill -s KILL "$pid"
{ wait "$pid"; } 2>/dev/null
pid=
ok "SIGKILL leaves whole evidence" evidence_is_whole KILL -1
ok "the next run" "$program" run --peer "$peer" --case neg.support-is-announced --role responder --out next
ok "clears away what SIGKILL left" nothing_left KILL
ok "it played over IPv6, too" jq -e 'any(.results[]; .verdict == "PASS" and (.combination | contains("family=ipv6")))' next/result.json

setsid env --default-signal=INT "$program" run --peer "$peer" --out early >said 2>&1 &
pid=$!
sleep 0.2
kill -s INT -- -$pid
ok "SIGINT ends a start" ended_with 130
ls -d early/state-* 2>/dev/null >left_over
record_of early >>left_over
ok "and nothing is left of it" is_empty left_over

# --- machines that cannot --------------------------------------------------------------------------------

# Where nobody may read.
chmod 711 "$work"
mkdir -m 777 open && cp -r "$peer" open/peer && cp "$program" open/understudy
ok "without root: 3" ends_with 3 setpriv --reuid 65534 --regid 65534 --clear-groups \
    open/understudy run --peer open/peer --out open/run
ok "and what it needs" says "need root" sudo

mkdir bin
for tool in dirname readlink timeout setsid bash; do ln -s "$(command -v $tool)" bin/; done
ok "without a package: 3" ends_with 3 env PATH="$work/bin" "$program" run --peer "$peer" --out poor
ok "and its name" says "apt-get install iproute2"

# --- what is known of this version ------------------------------------------------------------------------

if [[ $("$peer/driver" version) == "strongSwan 5.9.8 "* ]]; then
    known=(run --peer "$peer" --depth quick --case 'fmt.extra-*' --case 'sync.answers-with-*' --case 'ex.*' --force --out known)
    ok "5.9.8 deviates as expected" "$program" "${known[@]}" --expect "$peer/expected.json"
    jq '(.expected[] | select(.case == "fmt.extra-payload-is-no-sync").requirements) = ["FMT-8"]' "$peer/expected.json" >changed
    ok "another deviation is an error" ends_with 1 "$program" "${known[@]}" --expect changed
fi

checks_end
