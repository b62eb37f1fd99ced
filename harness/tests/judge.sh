#!/bin/bash
# The judge of captures: beside live runs, over all forms of captures, and over what must be refused.
# Usage: judge.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
program=$(readlink -f "${UNDERSTUDY_FAST:-${1:-build/understudy}}")
careful=$(readlink -f "${1:-build/understudy}") # with sanitizers
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

ends_saying() { # STATUS TEXT COMMAND...
    local want=$1 text=$2
    shift 2
    status_is "$want" "$@" >said 2>&1 || { cat said; return 1; }
    grep -qF -- "$text" said || { cat said; return 1; }
}

# --- beside live runs -------------------------------------------------------------------------------------

agrees() { # FOLDER [REQUIREMENT...] [--] OPTION...
    local folder=$1 named=()
    shift
    while [[ ${1:-} == [A-Z]*-[0-9]* ]]; do named+=("$1"); shift; done
    "$program" run --seed 7 --out "$folder" --no-color "$@" >/dev/null
    "$here/judge_agrees.py" "$program" "$folder" "${named[@]}"
}

ok "all cases with a peer that conforms" agrees good --depth quick
for fault in answer-with-unasked-id reuse-request-id answer-copies-anew create-in-clear repeat-ivs \
    create-with-illegal-payload; do
    ok "all cases with $fault" agrees "$fault" --depth quick --fault "$fault"
done
while read -r fault requirement; do
    ok "all cases with $fault: $requirement" agrees "$fault" "$requirement" --depth quick --fault "$fault"
done <<'END'
accept-lower-m1 SYNC-3
accept-equal-m1 SYNC-4
sync-without-agreement NEG-1
announce-too-early NEG-1
ignore-delta RPL-1
turn-esp-numbers-round IKE-16
repeat-esp-ivs IKE-17
use-unknown-esp-spi IKE-18
leave-esp-selectors IKE-19
change-esp-mode IKE-21
forget-esp-numbers RPL-4
END

ok "all replay counters with jump-on-one-child-sa: RPL-1" agrees jump-on-one RPL-1 --case 'rpl.*' --fault jump-on-one-child-sa

for seed in 1 2 3; do
    ok "all cases with a peer that conforms over a bad network, $seed" agrees "lossy$seed" --depth quick --seed "$seed" \
        --loss 10 --duplicate 10 --reorder 10
done
ok "all cases with a peer that conforms over UDP" agrees udp --depth quick --transport udp

# --- one failover, in every form of a capture -------------------------------------------------------------

case=sync.several-failovers
pcap=good/cases/$case/wire.pcap
keys=good/cases/$case/ikev2_decryption_table
esp_keys=/dev/null

requirements_of() { # CAPTURE OPTION...
    "$careful" judge --json - "$@" | jq -c '[.requirements[] | [.id, .of, .verdict]]'
}

same_as_raw() { # FORM OPTION...
    local form=$1
    shift
    "$here/recapture.py" "$form" "$pcap" "$form.pcap" &&
        requirements_of "$pcap" --keys "$keys" --keys "$esp_keys" >want &&
        requirements_of "$form.pcap" --keys "$keys" --keys "$esp_keys" "$@" >got &&
        grep -q SYNC-6 want && diff want got
}

ok "a failover" ends_saying 0 "SYNC answer" "$careful" judge "$pcap" --keys "$keys"
counters() { # behind the first sync exchange, and of whom nothing was opened
    "$careful" judge "$pcap" --keys "$keys" --json ladder.json
    jq -e '[.ike_sas[0].ladder[] | select(.kind == "sync-answer")][0].counters ==
        [{"sends": 7, "expects": 0}, {"sends": 0, "expects": 7}]' ladder.json &&
        jq -e '[.ike_sas[].ladder[].counters[0].sends] | max == 28' ladder.json
}
ok "the counters of both sides" counters
for form in ethernet vlan qinq sll sll2 null loop pcapng interfaces fragments extensions swapped doubled; do
    ok "the same: $form" same_as_raw "$form"
done
ok "the same: fragments of IPv6" same_as_raw ipv6-fragments
packed() {
    requirements_of "$pcap" --keys "$keys" >want && gzip -c interfaces.pcap >packed.gz &&
        requirements_of packed.gz --keys "$keys" >got && diff want got && requirements_of - --keys "$keys" <packed.gz >got && diff want got
}
ok "the same: with gzip, and from standard input" packed
ok "the same: another port" same_as_raw natt-port --port 4501


with_esp() { # COMMAND...: with the capture of a case that sends ESP
    local pcap=good/cases/rpl.delta-moves-every-child-sa/wire.pcap
    local keys=${pcap%/*}/ikev2_decryption_table esp_keys=${pcap%/*}/esp_sa
    "$@"
}

shows_esp() { # JQ-TEST OPTION...: of what the judge says of ESP
    local test=$1
    shift
    "$careful" judge "${capture:-$pcap}" --cluster 203.0.113.10 --json - "$@" >esp.json
    jq -e "def v: [.requirements[] | {(.id + \" \" + .of): .verdict}] | add; $test" esp.json >/dev/null ||
        { jq -c '.requirements, .esp_sas' esp.json; return 1; }
}

for form in raw-esp ethernet fragments swapped doubled; do
    ok "ESP, the same: $form" with_esp same_as_raw "$form"
done
opened() { shows_esp 'v["RPL-1 peer"] == "PASS" and v["RPL-2 cluster"] == "PASS" and v["IKE-19 peer"] == "PASS" and
    v["IKE-17 cluster"] == "PASS" and ([.esp_sas[] | .keys == "open" and .agreed and .not_opened == 0] | all)' \
    --keys "$keys" --keys "$esp_keys"; }
ok "ESP is opened and judged" with_esp opened
ok "ESP is on the ladder" grep -q esp-jumped esp.json
by_agreement() { shows_esp 'v["RPL-1 peer"] == "PASS" and v["IKE-16 peer"] == "PASS" and v["IKE-17 peer"] == "PASS" and
    v["IKE-18 peer"] == "PASS" and v["IKE-19 peer"] == null and ([.esp_sas[].keys] | unique == ["none"])' --keys "$keys"; }
ok "ESP without its keys, of Child SAs that were agreed on in the capture" with_esp by_agreement
in_clear() { shows_esp 'v["IKE-16 peer"] == "PASS" and v["IKE-17 peer"] == null and v["IKE-18 peer"] == null'; }
ok "ESP without any keys" with_esp in_clear
wrong_esp() { sed 's/"0x[0-9a-f]\{8\}\([0-9a-f]\{40,\}\)"/"0x00000000\1"/' "$esp_keys" >wrong_esp
    shows_esp 'v["IKE-16 peer"] == null and ([.esp_sas[].keys] | unique == ["wrong"])' --keys wrong_esp; }
ok "wrong keys of ESP are no verdict" with_esp wrong_esp
snapped() { "$here/recapture.py" snap "$pcap" snap.pcap
    capture=snap.pcap shows_esp 'v["RPL-1 peer"] == "PASS" and v["IKE-17 peer"] == "PASS" and v["IKE-19 peer"] == null and
        ([.esp_sas[].findings[]] == []) and ([.esp_sas[].cut] | min > 0)' --keys "$keys" --keys "$esp_keys"; }
ok "ESP that was captured in part" with_esp snapped
late_esp() { "$here/recapture.py" late "$pcap" late.pcap
    capture=late.pcap shows_esp '([.esp_sas[].findings[]] == [])' --keys "$esp_keys"; }
ok "ESP of an IKE SA that is older than the capture" with_esp late_esp
as_save_keys() { sed 's/AES-GCM with 16 octet ICV/AES-GCM/; s/"NULL","[^"]*"/"ANY 128 bit authentication [no checking]","0x"/' \
    "$esp_keys" >save_keys
    grep -q ANY save_keys && esp_keys=save_keys opened; }
ok "keys of ESP as save-keys writes them" with_esp as_save_keys

# --- captures that show less ------------------------------------------------------------------------------

breaks_nothing() { # FORM
    "$here/recapture.py" "$1" "$pcap" "$1.pcap" &&
        "$careful" judge "$1.pcap" --keys "$keys" --json "$1.json"
    jq -e '[.ike_sas[].findings[]] == []' "$1.json" || { jq '.ike_sas[].findings' "$1.json"; return 1; }
}

for form in late cut torn shuffled; do
    ok "no rule is broken by a capture that is $form" breaks_nothing "$form"
done
one_side() { # FILTER TEXT OPTION...
    local filter=$1 text=$2
    shift 2
    tcpdump -r "$pcap" -w one.pcap "$filter" 2>/dev/null
    ends_saying 0 "$text" "$careful" judge one.pcap --keys "$keys" "$@"
}
ok "the answers alone" one_side 'src host 192.0.2.2' "nothing of cluster was captured" --cluster 203.0.113.10
ok "nor is what needs both sides judged" status_is 1 grep -qE '^(IKE-1|IKE-9|FMT-4|SYNC-5) ' said
ok "but what one says itself" grep -qE '^IKE-5 +- +PASS' said
ok "the requests alone" one_side 'dst host 192.0.2.2' "nothing of peer was captured" --cluster 203.0.113.10
ok "on the page, too" grep -q 'Nothing of peer was captured' <("$careful" judge one.pcap --keys "$keys" --cluster 203.0.113.10 --html -)
without_sync_requests() {
    tcpdump -r "$pcap" -w gaps.pcap 'not (dst host 192.0.2.2 and ip[46] = 37 and ip[48:4] = 0)' 2>/dev/null
    ends_saying 1 "Where it may have lost some: --lossy" "$careful" judge gaps.pcap --keys "$keys"
}
ok "that a capture may have lost something is said" without_sync_requests
ok "what broke a rule is marked in the ladder" grep -q '>breaks IKE-1, FMT-4<' <("$careful" judge gaps.pcap --keys "$keys" --html -)
ok "and taken for granted with --lossy" ends_saying 0 "SYNC" "$careful" judge gaps.pcap --keys "$keys" --lossy
ok "nobody is accused of what a capture does not show" "$here/judge_less.py" "$program" good
ok "a torn file is said to be so" ends_saying 0 "what came before it is judged" "$careful" judge torn.pcap --keys "$keys"
ok "a late beginning is said" ends_saying 0 "older than the capture" "$careful" judge late.pcap --keys "$keys"
ok "cut frames are said" grep -q '"has_cut": true' cut.json

flooded() {
    "$here/recapture.py" flood "$pcap" flood.pcap
    ends_saying 3 "on SAs beyond the first 16384: not judged" "$program" judge flood.pcap --text - --html flood.html || return 1
    ls -l flood.html
    (($(stat -c %s flood.html) < 1000000))
}
ok "a flood of SPIs is bounded, in memory and on the page" flooded

half() { # both halves of a capture, given in the wrong order
    tcpdump -r "$pcap" -w all.pcap 2>/dev/null
    editcap -r "$pcap" a.pcap 1-6 && editcap "$pcap" b.pcap 1-6 &&
        requirements_of "$pcap" --keys "$keys" >want && requirements_of b.pcap a.pcap --keys "$keys" >got &&
        diff want got
}
if command -v editcap >/dev/null; then
    ok "several files" half
fi

# --- keys -------------------------------------------------------------------------------------------------

sed 's/^\([^,]*,[^,]*\),[0-9a-f]\{8\}/\1,00000000/; s/^\([^,]*,[^,]*,[^,]*\),[0-9a-f]\{8\}/\1,00000000/' "$keys" >wrong
sed 's/^.\{16\}/ffffffffffffffff/' "$keys" >others
{ echo '# a comment'; echo; sed 's/\r*$/\r/' "$keys"
  echo "\"IPv4\",\"192.0.2.1\",\"*\",\"0xc0ffee01\",\"AES-GCM [RFC4106]\",\"0x$(printf '0%.0s' {1..72})\",\"ANY 128 bit authentication [no checking]\",\"0x\""
  echo '"IPv4","192.0.2.1","192.0.2.2","0xc0ffee02","TripleDES-CBC [RFC2451]","0x00","NULL",""'
} >mixed
ok "wrong keys are no verdict" ends_saying 3 "the keys do not open it" "$careful" judge "$pcap" --keys wrong
: >empty_keys
ok "a key file without keys is said" ends_saying 0 "no keys in the key files" "$careful" judge "$pcap" --keys empty_keys
by_other_hands() { # another editor, other quotes, blanks, hex in capitals
    { printf '\xef\xbb\xbf'; sed 's/^\([^,]*\),\([^,]*\),/"0X\U\1" , \U\2 ,/; s/,"NONE/, "NONE/; s/$/\r/' "$keys"; } >edited
    requirements_of "$pcap" --keys "$keys" >want && requirements_of "$pcap" --keys edited >got && diff want got
}
ok "a key file that went through other hands" by_other_hands
ok "keys of others" ends_saying 0 "judged by headers alone" "$careful" judge "$pcap" --keys others
ok "are said to be so" ends_saying 0 "note: the keys are of other IKE SAs" "$careful" judge "$pcap" --keys others
ok "on the page, too" grep -q 'keys are of other IKE SAs' <("$careful" judge "$pcap" --keys others --html -)
ok "but not where one is of it" status_is 1 grep -qF "of other" <(cat others "$keys" >both && "$careful" judge "$pcap" --keys both)
other_esp() { sed 's/"0x[0-9a-f]\{8\}",/"0xfffffff1",/' "$esp_keys" >other_esp
    ends_saying 0 "note: the keys are of other ESP SAs" "$careful" judge "$pcap" --keys other_esp; }
ok "keys of ESP of others" with_esp other_esp
ok "no keys" ends_saying 0 "a sync, perhaps" "$careful" judge "$pcap"
ok "a table with comments and Child SAs" ends_saying 0 "1 keys of ESP have algorithms" "$careful" judge "$pcap" --keys mixed

under_old_spis() { # who began a rekey may write the new keys so
    local folder=good/cases/neg.agreement-after-rekey
    awk -F, -v OFS=, 'NR % 2 { i = $1; r = $2 } NR % 2 == 0 { $1 = i; $2 = r } 1' $folder/ikev2_decryption_table >old
    [[ $(cut -d, -f1 old | sort | uniq -c | awk '{print $1}' | sort -u) == 2 ]] &&
        requirements_of $folder/wire.pcap --keys $folder/ikev2_decryption_table >want &&
        requirements_of $folder/wire.pcap --keys old >got && grep -q IKE-7 want && diff want got
}
ok "keys of a rekeyed IKE SA under the SPIs of the old one" under_old_spis

refuses() { # TEXT LINE
    printf '%s\n' '# keys' "$2" >bad
    ends_saying 2 "key file bad: line 2: $1" "$careful" judge "$pcap" --keys bad
}
zeros=$(printf '0%.0s' {1..72})
ok "a table with too few fields" refuses "3 fields" 'a,b,c'
ok "a table with an open quote" refuses "field 1" '"abc'
ok "a table with a short SPI" refuses "SPIi: 4 hex digits" \
    "0102,0102030405060708,$zeros,$zeros,\"AES-GCM-256 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\""
ok "a table with a key that is no hex" refuses "SK_ei: not hex" \
    "0102030405060708,0102030405060708,${zeros/0/x},$zeros,\"AES-GCM-256 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\""
ok "a table with an unknown name" refuses "encryption" "0102030405060708,0102030405060708,00,00,\"ROT13\",,,\"NONE [RFC4306]\""
ok "an esp_sa with an unknown name" refuses "esp_sa: Wireshark has no such" \
    "\"IPv4\",\"192.0.2.1\",\"192.0.2.2\",\"0xc0ffee01\",\"$zeros\",\"0x00\",\"NULL\",\"\""
ok "an esp_sa with a short SPI" refuses "SPI: 4 hex digits" \
    "\"IPv4\",\"192.0.2.1\",\"192.0.2.2\",\"0xc0ff\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x$zeros\",\"NULL\",\"\""
ok "an esp_sa with a key of no AES" refuses "esp_sa: Wireshark has no such encryption and authentication with a key of 3 octets" \
    '"IPv4","192.0.2.1","192.0.2.2","0xc0ffee01","AES-CBC [RFC3602]","0x010203","HMAC-SHA-256-128 [RFC4868]","0x00"'
ok "an esp_sa with an address that is none" refuses '"here"' \
    "\"IPv4\",\"here\",\"192.0.2.2\",\"0xc0ffee01\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x$zeros\",\"NULL\",\"\""
ok "an error does not repeat a key" status_is 1 grep -q "$zeros" said

# --- what must be refused ---------------------------------------------------------------------------------

ok "no capture" ends_saying 2 "which capture" "$careful" judge
ok "a file that is not there" ends_saying 2 "nowhere.pcap" "$careful" judge nowhere.pcap
ok "a file that is no capture" ends_saying 2 "mixed" "$careful" judge mixed
ok "an empty file" ends_saying 2 "empty" "$careful" judge empty "$(: >empty)"
ok "a folder" ends_saying 2 "good" "$careful" judge good
printf '\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x69\0\0\0' >wlan.pcap
ok "a link type without IP" ends_saying 2 "IEEE802_11" "$careful" judge wlan.pcap
printf '\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0' >nothing.pcap
ok "a capture of nothing" ends_saying 3 "nothing could be judged" "$careful" judge nothing.pcap
ok "an address that is none" ends_saying 2 "--cluster" "$careful" judge "$pcap" --cluster here
ok "a port that is none" ends_saying 2 "--port" "$careful" judge "$pcap" --port 70000
ok "a file that exists" ends_saying 2 "--force replaces it" "$careful" judge "$pcap" --json wrong
ok "a file that exists, replaced" status_is 0 "$careful" judge "$pcap" --keys "$keys" --json wrong --force
cp "$pcap" own.pcap && cp "$keys" own.keys
ok "a capture is not replaced by what is said of it" ends_saying 2 "own.pcap is a capture that is read" \
    "$careful" judge own.pcap --json own.pcap --force
ok "nor is a key file" ends_saying 2 "own.keys is a key file that is read" "$careful" judge own.pcap --keys own.keys --html own.keys --force
ok "both are as they were" diff <(cat "$pcap" "$keys") <(cat own.pcap own.keys)
ok "one file for two outputs" ends_saying 2 "same.html is named for two outputs" \
    "$careful" judge "$pcap" --html same.html --json same.html --force
ok "standard output for two" ends_saying 2 "named for two outputs" "$careful" judge "$pcap" --html - --json -
ok "one of two that cannot be written" ends_saying 2 "cannot write no/where.json" "$careful" judge "$pcap" --html same.html --json no/where.json
ok "leaves nothing of the other" test ! -e same.html
piped() { "$careful" judge "$pcap" --text /dev/stdout | grep -q IKE-1; }
ok "a pipe is written to, and not replaced" piped
ok "a disk that is full" ends_saying 2 "cannot write /dev/full" "$careful" judge "$pcap" --keys "$keys" --text /dev/full --force
ok "a page on a disk that is full" ends_saying 2 "cannot write /dev/full" "$careful" judge "$pcap" --keys "$keys" --html /dev/full --force
ok "a page that exists" ends_saying 2 "--force replaces it" "$careful" judge "$pcap" --html wrong
odd_name() {
    local name=$'<img src=x>\xff\xed\xa0\x80\xc3\xa9.pcap'
    cp "$pcap" "$name"
    ends_saying 0 "<img src=x>" "$careful" judge "$name" "$pcap" --text - --json odd.json --html odd.html || return
    jq -e '.captures | length == 2 and (.[0].path | startswith("<img src=x>"))' odd.json &&
        xmllint --noout odd.html && grep -qF $'&lt;img src=x&gt;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9.pcap' odd.html
}
ok "a name that is neither UTF-8 nor harmless" odd_name
ok "the cluster is not in the capture" ends_saying 3 "between others" "$careful" judge "$pcap" --cluster 198.18.0.1

checks_end
