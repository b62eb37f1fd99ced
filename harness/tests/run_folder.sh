#!/bin/bash
# What a run leaves behind, read by others: tshark, capinfos and tcpdump read the packets, jq the journal, and what they say
# agrees. Runs in memory, over a network that loses, over UDP, with a fault, and runs that are killed. Usage: run_folder.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
fast=$(readlink -f "${UNDERSTUDY_FAST:-$program}")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
secret='the key of the built-in reference peer'

nothing_in() { # FILE: it is empty
    [[ ! -s $1 ]] || { head -n 20 "$1"; return 1; }
}

# --- the packets -----------------------------------------------------------------------------------

# Each case gets what the journal says of it, and what tshark reads in its capture, as files in a folder of its own.
take_apart() { # RUN
    local run=$1 name
    rm -rf parts && mkdir parts
    jq -r 'select(.case) | "\(.case)\t\(tojson)"' "$run/journal.jsonl" | awk -F '\t' '
        { print substr($0, length($1) + 2) > "parts/" $1 }'
    capinfos -Trcm "$run"/cases/*/wire.pcap | sed -nE 's,^.*/cases/([^/]+)/wire.pcap\,([0-9]+)$,{"key":"\1"\,"value":\2},p' >counts
    for name in $(names_of "$run"); do
        look_into "$run" "$name" >"parts/$name.tshark" || echo "tshark ends with $?" >>"parts/$name.tshark"
    done
    [[ $(grep -c . counts) == "$(names_of "$run" | wc -l)" ]]
}

names_of() { # RUN: the cases that were played
    jq -r 'select(.event == "begin").case' "$1/journal.jsonl" | sort -u
}

# A line of fields for each packet. The keys lie in the folder of the case; other ports than 500 and 4500 are told apart
# by what the peer uses them for.
look_into() { # RUN CASE
    local folder=$1/cases/$2 port decode=()
    for port in $(peer_ports "$2" true); do decode+=(-d "udp.port==$port,isakmp"); done
    for port in $(peer_ports "$2" false); do decode+=(-d "udp.port==$port,udpencap"); done
    WIRESHARK_CONFIG_DIR=$folder tshark -n -r "$folder/wire.pcap" "${decode[@]}" -o ip.check_checksum:TRUE \
        -o udp.check_checksum:TRUE -T fields -E separator=/t -E occurrence=a -e frame.number -e ip.checksum.status \
        -e udp.checksum.status -e _ws.malformed -e isakmp.exchangetype -e isakmp.flag_r -e isakmp.messageid \
        -e isakmp.notify.data.ha.nonce_data -e isakmp.notify.data.ha.expected_send_req_message_id \
        -e isakmp.notify.data.ha.expected_recv_req_message_id -e _ws.expert.message -e isakmp.typepayload -e isakmp.nextpayload \
        -e isakmp.payloadlength -e isakmp.spisize -e isakmp.notify.protoid -e isakmp.enc.iv -e isakmp.enc.icd -e isakmp.enc.pad_length 2>>complaints
}

# Of the peer, other than the usual: those that see an IKE_SA_INIT, or those that see none.
peer_ports() { # CASE BOOLEAN
    jq -r --argjson first "$2" -n '
        [inputs | select(.event == "packet") |
            {port: ((if .direction == "to-peer" then .to else .from end) | capture(":(?<n>[0-9]+)$").n),
             first: (.message | startswith("IKE_SA_INIT"))}] |
        group_by(.port)[] | select(any(.first) == $first) | .[0].port | select(. != "500" and . != "4500")' "parts/$1"
}

# The lines of packets that are in the capture. tshark 4.0 does not decrypt ChaCha20-Poly1305.
readable_packets() { # CASE
    jq -c -n '
        reduce inputs as $line ({readable: true, lines: []};
            if $line.event == "begin" then .readable = ($line.combination.algorithms // "" | startswith("chacha") | not)
            elif $line.event == "packet" and $line.number > 0 and .readable then .lines += [$line] else . end) |
        .lines[]' "parts/$1"
}

# "NUMBER EXCHANGE request|response ID nonce/send/recv...", a line for each, but for what the case made wrong on purpose.
packets_of_journal() { # CASE
    readable_packets "$1" | jq -r '
        select(.forged or .broken | not) |
        ([.message | scan("N\\(IKEV2_MESSAGE_ID_SYNC nonce ([0-9a-f]{8}) send ([0-9]+) recv ([0-9]+)\\)") | join("/")] |
            join(" ")) as $sync |
        (.message | capture("^(?<what>[A-Z_]+ (request|response) [0-9]+)").what // "other") as $what |
        "\(.number) \($what) \($sync)"'
}

packets_of_tshark() { # CASE, on standard input the numbers of packets
    awk -F '\t' 'NR == FNR { wanted[$1] = 1; next } $1 in wanted' - "parts/$1.tshark" | jq -rR '
        def number: ltrimstr("0x") | explode | reduce .[] as $c (0; . * 16 + if $c > 96 then $c - 87 else $c - 48 end);
        def list: if . == "" then [] else split(",") end;
        {"34": "IKE_SA_INIT", "35": "IKE_AUTH", "36": "CREATE_CHILD_SA", "37": "INFORMATIONAL"} as $exchange |
        split("\t") | ([.[7:10][] | list] | transpose |
            map("\(.[0] | ltrimstr("0x"))/\(.[1] | number)/\(.[2] | number)") | join(" ")) as $sync |
        if .[4] == "" then "\(.[0]) other \($sync)"
        else "\(.[0]) \($exchange[.[4]] // .[4]) \(if .[5] == "1" then "response" else "request" end) \(.[6] | number) \($sync)"
        end'
}

same_packets() { # CASE
    packets_of_journal "$1" >by_journal
    cut -d ' ' -f 1 by_journal | packets_of_tshark "$1" >by_tshark
    [[ -s by_journal ]] && diff by_journal by_tshark
}

# Of IKE messages: tshark decrypts ESP without a look at its ICV, and 7 octets are too few for either.
flaws_of_journal() { # CASE
    readable_packets "$1" | jq -r 'select((.esp or (.message | test("^[0-7] octets "))) | not) | "\(.number) \(if .forged then "forged" elif .broken then "broken" else "right" end)"'
}

# A forgery has a wrong ICV, or is a sync without protection. In something broken, lengths do not agree, or a sync notify has
# not its form: payloads that hold others (SA) cannot be added up here.
flaws_of_tshark() { # CASE, on standard input the numbers of packets
    awk -F '\t' 'NR == FNR { wanted[$1] = 1; next } $1 in wanted' - "parts/$1.tshark" | jq -rR '
        def list: if . == "" then [] else split(",") end;
        def octets: length / 2;
        split("\t") | .[0] as $number | .[3] as $malformed | (.[7] | list | length > 0) as $sync | .[10] as $says |
        (.[11] | list) as $types | (.[12] | list) as $next | (.[13] | list | map(tonumber)) as $lengths |
        ([.[14, 15] | list[]] | all(. == "0")) as $without_spi |
        (if .[18] == "" then null else $lengths[0] - 4 - (.[16] + .[17] | octets) - (.[18] | tonumber) - 1 end) as $inside |
        ($types[0] == "46" and ($types | index("33") | not)) as $can_be_added |
        ([range($types | length) | select($types[.] == "41" and $lengths[.] == 20)] | length > 0) as $has_its_size |
        if ($says | test("Integrity Checksum Data is incorrect")) or ($sync and (["46", "53"] | index($types[0]) | not)) then "\($number) forged"
        elif $malformed != "" or ($can_be_added and ($next[-1] != "0" or ($lengths[1:] | add // 0) != $inside)) or
            ($sync and (($has_its_size | not) or ($types | index("42") | not) and ($without_spi | not)))
        then "\($number) broken" else "\($number) right" end'
}

same_flaws() { # CASE
    flaws_of_journal "$1" >by_journal
    cut -d ' ' -f 1 by_journal | flaws_of_tshark "$1" >by_tshark
    [[ -s by_journal ]] && diff by_journal by_tshark
}

checksums() { # CASE: those that are not good; IPv6 has none of its own, and a packet inside ESP has more of them
    jq -r 'select(.esp and (.forged or .broken)).number' "parts/$1" >wrong_on_purpose
    awk -F '\t' 'FILENAME == "wrong_on_purpose" { wrong[$1] = 1; next }
        $1 in wrong { next }
        $2 !~ /^(1(,1)*)?$/ || $3 !~ /^1(,1)*$/ { print "number, IP, UDP: " $1, $2, $3 }' \
        wrong_on_purpose "parts/$1.tshark" >bad_checksums
    [[ -s parts/$1.tshark ]] && nothing_in bad_checksums
}

packet_lines() { # CASE: as many as the capture has packets, numbered from 1
    jq -n --arg case "$1" --slurpfile counts counts '
        ($counts | from_entries)[$case] as $wire | [inputs | select(.event == "packet")] |
        if [.[] | select(.number > 0) | .number] == [range(1; $wire + 1)] and all(.[]; .lost == (.number == 0)) then empty
        else "the capture has \($wire) packets" end' "parts/$1" >wrong_numbers
    nothing_in wrong_numbers
}

named_packets() { # RUN: what a check or a verdict names is in the capture, and of its combination
    jq -c -n --slurpfile counts counts '
        ($counts | from_entries) as $count |
        inputs | select(.event == "verdict" and .verdict != "SKIP") |
        select(.packets.last > $count[.case] or .packets.first > .packets.last or
               ([.checks[].packets[]] - [range(.packets.first; .packets.last + 1)]) != []) |
        {case, combination, packets, of_checks: [.checks[].packets]}' "$1/journal.jsonl" >wrong_numbers
    nothing_in wrong_numbers
}

some_named_packets() { # RUN
    [[ $(jq -n '[inputs | select(.event == "verdict").checks[].packets[]] | length' "$1/journal.jsonl") -gt 20 ]]
}

# --- the journal -------------------------------------------------------------------------------------

every_line() { # RUN
    jq -Rn '[inputs | try fromjson catch null] |
        length > 1 and all(.[]; type == "object" and (.event | type) == "string") and
        (.[0] | .event == "run" and .format == 1 and (.seed | test("^[0-9]+$")) and (.started | fromdate) > 0) and
        .[-1].event == "end"' "$1/journal.jsonl" | grep -x true
}

verdict_lines() { # RUN: those that are not of the form
    jq -c 'def texts: type == "array" and all(.[]; type == "string");
        def check: (.requirement | test("^[A-Z]+-[0-9]+$")) and ([.result] - ["held", "broken", "observed", "not-judged"]) == [] and
            ([.expected, .seen, .silence] | texts) and .expected != "" and .seen != "" and
            (.packets | type == "array" and all(.[]; type == "number" and . > 0));
        select(.event == "verdict") |
        select(((.case | test("^[a-z0-9]+\\.[a-z0-9-]+$")) and (.version | type) == "number" and
            (.combination | type) == "object" and ([.combination[]] | texts) and
            ([.role] - ["initiator", "responder"]) == [] and .role == .combination.role and
            ([.verdict] - ["PASS", "FAIL", "WARN", "OBSERVED", "UNSUPPORTED", "SKIP", "INCONCLUSIVE", "ERROR"]) == [] and
            (.tags | texts) and (.reason | type) == "string" and
            (.reason != "" or ([.verdict] - ["PASS", "FAIL", "OBSERVED", "WARN"]) == []) and
            (.checks | type) == "array" and all(.checks[]; check) and
            (.verdict != "PASS" or (.checks | length) > 0) and
            (.verdict != "FAIL" or any(.checks[]; .result == "broken"))) | not)' "$1/journal.jsonl" >odd_lines &&
        nothing_in odd_lines
}

every_begin_ends() { # RUN
    jq -n '[inputs] | [.[] | select(.event == "begin") | [.case, .combination]] ==
        [.[] | select(.event == "verdict" and .verdict != "SKIP") | [.case, .combination]] and length > 0' \
        <(jq -c 'select(.event == "begin" or .event == "verdict")' "$1/journal.jsonl" | sort_by_case) | grep -x true
}

sort_by_case() { # cases play side by side, the combinations of one in order
    jq -cs 'group_by(.case)[][]'
}

same_verdicts() { # RUN
    local by='[.case, .combination, .verdict, .reason]'
    diff <(jq -c "select(.event == \"verdict\") |
            .combination |= (to_entries | map(\"\(.key)=\(.value)\") | join(\",\")) | $by" "$1/journal.jsonl" | sort) \
        <(jq -c ".results[] | $by" "$1/result.json" | sort) &&
        jq -e '.counts as $counts | [.results[].verdict] | group_by(.) | all(.[]; $counts[.[0]] == length)' "$1/result.json"
}

no_secret() { # RUN: neither the pre-shared key nor one of the keys of an IKE SA stands where it need not
    grep -hoE '[0-9a-f]{32,}' "$1"/cases/*/ikev2_decryption_table | sort -u >keys
    [[ -s keys ]] && ! grep -rnF "$secret" "$1" && ! grep -rlF -f keys --exclude=ikev2_decryption_table "$1"
}

private() { # RUN
    find "$1" \( -type d ! -perm 0700 -o -name ikev2_decryption_table ! -perm 0600 \) -printf '%m %p\n' >open_ones
    [[ -n $(find "$1" -name ikev2_decryption_table) ]] && nothing_in open_ones
}

# --- whole runs ------------------------------------------------------------------------------------------

read_it_all() { # RUN
    local run=$1 name
    ok "$run: every line of the journal" every_line "$run"
    ok "$run: the form of its verdicts" verdict_lines "$run"
    ok "$run: a verdict for each combination that began" every_begin_ends "$run"
    ok "$run: the result says the same" same_verdicts "$run"
    ok "$run: no secret but in the key files" no_secret "$run"
    ok "$run: folders and keys are private" private "$run"
    ok "$run: a capture for each case" take_apart "$run"
    ok "$run: what checks name is there" named_packets "$run"
    ok "$run: checks name packets" some_named_packets "$run"
    for name in $(names_of "$run"); do
        ok "$run, $name: tcpdump reads it" tcpdump -nr "$run/cases/$name/wire.pcap"
        ok "$run, $name: a packet line for each packet" packet_lines "$name"
        ok "$run, $name: checksums" checksums "$name"
        ok "$run, $name: tshark decrypts what the journal says" same_packets "$name"
        ok "$run, $name: tshark finds what is wrong on purpose" same_flaws "$name"
    done
}

(umask 000 && exec "$program" run --depth normal --seed 21 --out memory >said) || ok "in memory: $(tail -n 1 said)" false
read_it_all memory
ok "packets of IPv6 were among them" tcpdump -c 1 -nr memory/cases/neg.support-is-announced/wire.pcap ip6
(umask 077 && exec "$program" run --depth quick --seed 22 --transport udp --out udp >said) || ok "over UDP: $(tail -n 1 said)" false
read_it_all udp
ok "a broken peer" status_is 1 "$program" run --fault accept-equal-m1 --case 'sync.*' --out faulty
read_it_all faulty
ok "a bad network" "$program" run --case 'sync.*' --depth quick --loss 15 --duplicate 15 --reorder 15 --seed 23 --out lossy
read_it_all lossy

# Shards that were played apart and joined: packets keep their numbers.
for k in 3 1 2; do
    ok "shard $k/3" "$program" run --case 'sync.*' --depth quick --seed 24 --transport udp --shard $k/3 --out apart-$k
done
ok "they are joined" "$program" merge apart-1 apart-2 apart-3 --out joined
read_it_all joined

# --- runs that are killed ------------------------------------------------------------------------------------

family_of() { # PID: it, its children and theirs
    local child
    echo "$1"
    for child in $(pgrep -P "$1"); do family_of "$child"; done
}

# Nobody tells the others of a killed run; they notice by themselves.
all_gone() { # PID...
    local pid
    for _ in $(seq 600); do
        for pid; do kill -0 "$pid" 2>/dev/null && break; done || return 0
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    ps -o pid,ppid,stat,args -p "$(IFS=,; echo "$*")"
    return 1
}

whole_but_for_the_last_line() { # RUN
    head -n -1 "$1/journal.jsonl" | jq -Rn '[inputs | fromjson] | length > 0 and all(.[]; .event | type == "string")' |
        grep -x true
}

captures_are_whole() { # RUN
    local pcap
    for pcap in "$1"/cases/*/wire.pcap; do
        [[ -e $pcap ]] || continue
        if ! tshark -n -r "$pcap" >/dev/null 2>>complaints || ! capinfos -c "$pcap" >/dev/null; then
            echo "$pcap"
            return 1
        fi
    done
}

for round in 1 2 3 4 5; do
    run=killed-$round
    "$fast" run --transport udp --depth full --seed "$round" --out "$run" >said 2>&1 &
    pid=$!
    until [[ $(wc -l <"$run/journal.jsonl") -ge 2 ]] || ! kill -0 "$pid"; do sleep 0.05; done 2>/dev/null
    sleep "$((RANDOM % 3)).$((RANDOM % 900 + 100))"
    mapfile -t family < <(family_of $pid)
    kill -KILL $pid
    wait $pid 2>/dev/null
    ok "$run: it was killed" test $? = 137
    ok "$run: nobody is left" all_gone "${family[@]}"
    ok "$run: the journal is whole but for its last line" whole_but_for_the_last_line "$run"
    ok "$run: so are the captures" captures_are_whole "$run"
    ok "$run: and private" private "$run"
done

checks_end
