#!/bin/bash
# Reports of runs: every format, read by somebody else; runs that were cut short; what must be refused.
# Usage: reports.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

run() { # STATUS FOLDER OPTION...
    local want=$1 folder=$2
    shift 2
    status_is "$want" "$program" run --out "$folder" --no-color "$@"
}

# Debian's Python: another one that stands before it in PATH does not have its packages.
consumers() {
    PATH=/usr/bin:$PATH python3 -B "$here/consumers.py" "$@"
}

tap_parser() { # the Node that runs it need not be Debian's
    NODE_PATH=/usr/share/nodejs tap-parser "$@"
}

ok "a run that conforms" run 0 good --case 'sync.*' --case 'neg.*' --depth quick
ok "a run with a fault" run 1 bad --fault accept-equal-m1 --case 'sync.*' --case 'neg.*' --depth quick

# --- each format, against result.json ------------------------------------------------------------------

counts_of() { # RUN VERDICT
    jq --arg v "$2" '[.results[] | select(.verdict == $v)] | length' "$1/result.json"
}

all_formats() { # RUN
    "$program" report "$1" --text "$1.txt" --tap "$1.tap" --tap14 "$1.tap14" --junit "$1.xml" --json "$1.json" --markdown "$1.md"
}

for r in good bad; do
    ok "$r: all formats at once" all_formats $r
    total=$(jq '.results | length' $r/result.json)
    fails=$(counts_of $r FAIL)
    ok "$r: TAP has a point for each combination" equal "$total" "$(grep -cE '^(not )?ok ' $r.tap)"
    ok "$r: TAP says not ok for each failure" equal "$fails" "$(grep -c '^not ok ' $r.tap)"
    ok "$r: JUnit is valid" xmllint --noout --schema "$here/junit.xsd" $r.xml
    ok "$r: JUnit counts for another reader" equal "$total $fails 0 $(counts_of $r SKIP)" "$(consumers junit $r.xml)"
    ok "$r: JSON is of its schema" consumers json "$here/../../docs/report.schema.json" $r.json
    ok "$r: JSON counts" equal "$total $fails" "$(jq -r '"\(.results | length) \(.counts.FAIL)"' $r.json)"
    ok "$r: Markdown folds each failure" equal "$fails" "$(grep -c '^<details>' $r.md)"
    ok "$r: the text names each failure" equal "$fails" "$(grep -c '^FAIL ' $r.txt)"
done
# The prove of Debian 12 takes no version above 13.
ok "prove reads TAP 14 of a run that conforms" prove -e "sed 1s/14/13/" good.tap14
ok "prove reads TAP 14 of one that does not" status_is 1 prove -e "sed 1s/14/13/" bad.tap14
in_tap14() { # RUN: "combinations not-ok" of all subtests
    tap_parser -j 0 <"$1.tap14" | jq -r '[.. | arrays | select(.[0]? == "child")[1] | [.[] | select(.[0] == "assert")[1]]] | add |
        "\(length) \([.[] | select(.ok | not)] | length)"'
}
for r in good bad; do
    ok "$r: TAP 14 has a version, and a point for each case" equal "TAP version 14 1..$(jq '[.results[].case] | unique | length' $r/result.json)" \
        "$(head -n 2 $r.tap14 | paste -sd ' ')"
    ok "$r: a parser of TAP 14 finds all combinations in subtests" equal "$(jq '.results | length' $r/result.json) $(counts_of $r FAIL)" \
        "$(in_tap14 $r)"
done
ok "a case is not ok when one of its combinations is not" equal "$(jq '[.results[] | select(.verdict == "FAIL").case] | unique | length' bad/result.json)" \
    "$(grep -c '^not ok ' bad.tap14)"
ok "prove reads the TAP of a run that conforms" prove -e cat good.tap
ok "prove reads the TAP of one that does not" status_is 1 prove -e cat bad.tap
ok "a failure of JUnit has the requirement as its type" equal SYNC-4 \
    "$(xmllint --xpath 'string(//failure[1]/@type)' bad.xml)"
ok "JSON names requirements that nothing judged" jq -e '.requirements[] | select(.id == "RPL-1") | .verdict == "not judged"' \
    good.json
ok "JSON gives a broken requirement its verdict" jq -e '.requirements[] | select(.id == "SYNC-4") | .verdict == "FAIL"' bad.json
ok "without a format the text is printed" cmp -s <("$program" report good) good.txt
ok "- is standard output" cmp -s <("$program" report good --tap -) good.tap
ok "a journal names its run, too" cmp -s <("$program" report good/journal.jsonl) good.txt

ok "the schema is closed: a member that it does not name is found" status_is 1 consumers json "$here/../../docs/report.schema.json" \
    <(jq '.results[0].other = 1' good.json)

# --- ESP: sequence numbers of each SA across the failover ------------------------------------------------

ok "a run with ESP" run 0 esp --case rpl.delta-moves-every-child-sa --depth quick
ok "esp: all formats at once" all_formats esp
ok "esp: JSON is of its schema" consumers json "$here/../../docs/report.schema.json" esp.json
# From the packets alone: SPI, sender, packets, first and last number, and the jumps.
numbers_on_the_wire() { # RUN CASE COMBINATIONS
    jq -rs --arg case "$2" '[.[] | select(.case == $case)] | (map(.event == "verdict") | index(true)) as $last | .[:$last] |
        [.[] | select(.event == "packet" and .esp and .number > 0)] | group_by([.esp.spi, .direction])[] | sort_by(.number) |
        "\(.[0].esp.spi) \(if .[0].direction == "from-peer" then "peer" else "cluster" end) \(length) \(.[0].esp.sequence) \(.[-1].esp.sequence)" +
        ([range(1; length) as $i | select(.[$i].esp.sequence != .[$i - 1].esp.sequence + 1) |
            " \(.[$i - 1].esp.sequence) to \(.[$i].esp.sequence) at \(.[$i].number)"] | join(""))' "$1/journal.jsonl" | sort
}
numbers_of_json() { # RUN
    jq -r '.results[] | select(.esp_sas != [])' "$1.json" | jq -rs '.[0].esp_sas[] | "\(.spi) \(.sender) \(.packets) \(.first) \(.last)" +
        ([.steps[] | " \(.from) to \(.to) at \(.packet)"] | join(""))' | sort
}
ok "esp: there are jumps" grep -q ' to .* at ' <(numbers_on_the_wire esp rpl.delta-moves-every-child-sa)
ok "esp: JSON says of each SA what was on the wire" diff <(numbers_on_the_wire esp rpl.delta-moves-every-child-sa) <(numbers_of_json esp)
ok "esp: so does the text" diff <(numbers_on_the_wire esp rpl.delta-moves-every-child-sa) \
    <(sed -nE '/^Sequence numbers/,$ s/^  ([0-9a-f]{8}) (peer|cluster) +([0-9]+) +([0-9]+) +([0-9]+)/\1 \2 \3 \4 \5/p' esp.txt |
        sed -E 's/  +([0-9]+ to [0-9]+) \([^)]*\) (at) packet ([0-9]+).*/ \1 \2 \3/' | sort)
ok "esp: what the peer sent was taken by a member" jq -es '([.[] | select(.esp and .direction == "from-peer").number] | sort) ==
    ([.[] | select(.kind == "esp-received" and .accepted).packet] | sort)' esp/journal.jsonl
if command -v tshark >/dev/null; then
    esp_case=esp/cases/rpl.delta-moves-every-child-sa
    ok "esp: tshark reads the same SPIs and numbers" diff \
        <(jq -r 'select(.esp) | "\(.number) 0x\(.esp.spi) \(.esp.sequence)"' esp/journal.jsonl) \
        <(WIRESHARK_CONFIG_DIR=$esp_case tshark -r $esp_case/wire.pcap -Y esp -T fields -E separator=' ' -e frame.number -e esp.spi \
            -e esp.sequence 2>/dev/null)
fi

# --- a peer that writes markup ---------------------------------------------------------------------------

# shellcheck disable=SC2016 # a name that is to stay as it is
evil='<img src=x onerror=alert(1)> & ]]> | `x` # "q"'
cp -r good evil
jq -c --arg evil "$evil" 'if .event == "run" then .peer = $evil
    elif .event == "verdict" then .verdict = "INCONCLUSIVE" | .reason = $evil else . end' good/journal.jsonl >evil/journal.jsonl
ok "a hostile name in every format" all_formats evil
ok "JUnit stays valid" xmllint --noout --schema "$here/junit.xsd" evil.xml
ok "JUnit gives the name back as it was" equal "$evil" "$(xmllint --xpath 'string(//property[@name="peer"]/@value)' evil.xml)"
ok "JSON stays of its schema" consumers json "$here/../../docs/report.schema.json" evil.json
ok "a parser of TAP 14 gives the reason back" grep -qF "$(jq -n --arg evil "$evil" '$evil')" \
    <(tap_parser -j 0 <evil.tap14 | jq '.. | objects | .diag?.message? // empty')
ok "no markup in Markdown" status_is 1 grep -F '<img' evil.md
ok "TAP escapes a directive" status_is 1 grep -E '^not ok [0-9]+ - .*[^\\]# "q"' evil.tap
ok "JSON gives the name back" equal "$evil" "$(jq -r .peer evil.json)"

# --- runs that were cut short --------------------------------------------------------------------------------

marked() { # RUN: as one that was killed, in every format, each still valid
    grep -q 'The run was not complete: killed' "$1.txt" && grep -q '^Bail out! ' "$1.tap" && grep -q '^Bail out! ' "$1.tap14" &&
        [[ $(xmllint --schema "$here/junit.xsd" --noout "$1.xml" &&
            xmllint --xpath 'string(//testcase[@classname="understudy"]/error/@type)' "$1.xml") == killed ]] &&
        grep -qE '^[0-9]+ [0-9]+ [1-9][0-9]* ' <(consumers junit "$1.xml") && grep -qF 'the run was cut short' "$1.md" &&
        consumers json "$here/../../docs/report.schema.json" "$1.json" && [[ $(jq -r .end "$1.json") == killed ]] &&
        "$program" report "$1" --html - | grep -q 'The run was not complete: killed'
}

# As a kill leaves it: in the middle of a line, at the end of one, with its newline not yet there, with octets of a disk that
# was full or lost power.
cut_at() { # RUN OCTETS [TAIL]
    rm -rf "$1" && mkdir "$1" && { head -c "$2" good/journal.jsonl && printf '%b' "${3:-}"; } >"$1/journal.jsonl"
}
size=$(wc -c <good/journal.jsonl) line_end=$(($(head -n 400 good/journal.jsonl | wc -c)))
cut_at torn $((size * 2 / 3))
cut_at between "$line_end"
cut_at open-ended $((line_end - 1))
cut_at zeros "$line_end" '\0000\0000\0000'
cut_at garbage "$line_end" '\0377\0376{"event":"verdict"'
cut_at begun "$(head -n 1 good/journal.jsonl | wc -c)"
for r in torn between open-ended zeros garbage begun; do
    ok "$r: a journal that was cut short is reported" all_formats $r
    ok "$r: and marked so everywhere" marked $r
done
ok "a last line without its newline counts" equal "$(jq '.results | length' between.json)" "$(jq '.results | length' open-ended.json)"
cut_at hole "$line_end" '{"event":"no\n{"event":"end"}\n'
ok "a broken line with others behind it is no kill, and is named" refused "hole/journal.jsonl:401: not a line of a journal" \
    "$program" report hole

killed_run() { # RUN: killed once it has a verdict, without a warning
    local pid
    "${UNDERSTUDY_FAST:-$program}" run --transport udp --depth full --seed 3 --out "$1" >/dev/null 2>&1 &
    pid=$!
    within 60 grep -qs '"event":"verdict"' "$1/journal.jsonl"
    kill -KILL $pid
    wait $pid 2>/dev/null
    grep -q '"event":"verdict"' "$1/journal.jsonl" && ! grep -q '"event":"end"' "$1/journal.jsonl"
}
ok "a run that is killed" killed_run killed
ok "is reported" all_formats killed
ok "and marked" marked killed

# --- differences -----------------------------------------------------------------------------------------------

ok "a run against itself has no change" equal "no change" "$("$program" diff good good)"
ok "a fault is a regression" status_is 1 "$program" diff good bad
ok "the other way it is none" status_is 0 "$program" diff bad good
ok "worse is said with the requirement" grep -q '^worse .*PASS -> FAIL SYNC-4$' <("$program" diff good bad)
ok "for programs" jq -e '.regression and (.changes | all(.change == "worse"))' <("$program" diff good bad --json)
ok "as many changes as failures" equal "$(counts_of bad FAIL)" "$("$program" diff good bad --json | jq '.changes | length')"
ok "another case" run 0 other --case 'ex.a1*' --depth quick
ok "new and gone" jq -e '([.changes[].change] | unique) == ["gone", "new"] and (.regression | not)' \
    <("$program" diff good other --json)
ok "what was left out was not there" jq -e '[.changes[] | select(.change == "new")] | length == 1' \
    <("$program" diff good other --json)

ok "a second run that was cut short is a regression" status_is 1 "$program" diff good torn
ok "which is said" grep -q '^The second run was not complete: killed\.' <("$program" diff good torn)
ok "and for programs" jq -e '.regression and .after.end == "killed" and .counts.gone > 0 and .counts.worse == 0' \
    <("$program" diff good torn --json)
ok "a first one is none" status_is 0 "$program" diff torn good
rm -rf changed && mkdir changed && jq -c 'if .event == "verdict" then .version += 1 else . end' bad/journal.jsonl >changed/journal.jsonl
ok "a case that changed is named with its change" grep -q 'PASS -> FAIL SYNC-4 (the case changed: version 1, then 2)$' \
    <("$program" diff good changed)

# --- runs of other versions ----------------------------------------------------------------------------------------

other_version() { # RUN FILTER OF JQ
    rm -rf "$1" && mkdir "$1" && jq -c "$2" good/journal.jsonl >"$1/journal.jsonl"
}
other_version newer 'if .event == "run" then .format = 9 | .suite = "7.1" else . end'
ok "a run of a newer format" refused 'newer/journal.jsonl:1: a journal of format 9, of a newer understudy (7.1); this program reads format 1' \
    "$program" report newer
other_version older 'if .event == "run" then .format = 0 else . end'
ok "one of an older format" refused 'older/journal.jsonl:1: a journal of format 0, of an older understudy' "$program" report older
for command in "diff newer good" "diff good newer" "matrix good newer --html no.html"; do
    # shellcheck disable=SC2086 # words
    ok "$command" refused "of a newer understudy" "$program" $command
done
ok "nothing is written of what cannot be read" test ! -e no.html
other_version without 'if .event == "run" then del(.format) else . end'
ok "one of no format" refused 'without/journal.jsonl:1: not the journal of a run: it names no "format"' "$program" report without
other_version later 'if .event == "run" then .later = {a: 1} elif .event == "verdict" then .case = "later.case" | .more = [1] |
    .tags += ["of-later"] | .checks |= map(. + {of_later: true}) elif .case then .case = "later.case" | .event = "of-later" else . end'
ok "events, members, tags and cases of a later one in the same format are borne" all_formats later
ok "its cases are there" equal "$(jq '.results | length' good/result.json)" "$(grep -c '^ok .* later.case' later.tap)"
ok "in HTML, too" grep -q 'not a case of this version of the suite' <("$program" report later --html -)
other_version odd 'if .event == "verdict" and .case == "neg.support-is-announced" then .verdict = "MAYBE" else . end'
ok "a verdict that nobody knows, with its line" refused "odd/journal.jsonl:$(grep -nm1 '"verdict":"MAYBE"' odd/journal.jsonl | cut -d : -f 1): \"verdict\" is \"MAYBE\"" \
    "$program" report odd

# --- parts of a run --------------------------------------------------------------------------------------------------

for k in 1 2; do ok "shard $k" run 0 part-$k --case 'sync.*' --case 'neg.*' --depth quick --seed 5 --shard $k/2; done
ok "merged" "$program" merge part-1 part-2 --out whole
ok "a run in one" run 0 one --case 'sync.*' --case 'neg.*' --depth quick --seed 5
for r in part-1 whole; do
    ok "$r: all formats" all_formats $r
    ok "$r: JUnit is valid" xmllint --noout --schema "$here/junit.xsd" $r.xml
    ok "$r: JSON is of its schema" consumers json "$here/../../docs/report.schema.json" $r.json
    ok "$r: a page" xmllint --noout <("$program" report $r --html -)
done
ok "a part says so in text" grep -q '^shard 1/2 (a part of a run)' part-1.txt
ok "in Markdown" grep -qF '| Shard | 1/2 (a part of a run) |' part-1.md
ok "in JUnit" equal "1/2 (a part of a run)" "$(xmllint --xpath 'string(//property[@name="shard"]/@value)' part-1.xml)"
ok "in JSON" jq -e '.shard.number == 1 and .shard.of == 2' part-1.json
ok "in HTML" grep -q '1/2 (a part of a run)' <("$program" report part-1 --html -)
ok "the whole does not" status_is 1 grep -q 'part of a run' whole.txt
ok "its requirements and results are those of a run in one" diff <("$program" report one --json - | jq '[.requirements, (.results | sort_by(.case, .combination))]') \
    <(jq '[.requirements, (.results | sort_by(.case, .combination))]' whole.json)
ok "nothing changed between them" equal "no change" "$("$program" diff one whole)"
ok "a part after a whole is a regression" status_is 1 "$program" diff whole part-1
ok "which is said" grep -q '^The second run is shard 1/2' <("$program" diff whole part-1)

# --- what is refused -------------------------------------------------------------------------------------------

ok "no folder" refused "report takes the folder of one run" "$program" report
ok "a folder that is no run" refused "cannot open $work/journal.jsonl" "$program" report "$work"
printf 'x\n' | cat - good/journal.jsonl >noise.jsonl
mkdir noise && mv noise.jsonl noise/journal.jsonl
ok "a journal that is none" refused "noise/journal.jsonl:1" "$program" report noise
ok "a file that exists" refused "good.txt exists; --force replaces it" "$program" report good --text good.txt
ok "unless forced" "$program" report good --text good.txt --force
ok "a folder that is not there" refused "cannot write no/where.txt: No such file" "$program" report good --text no/where.txt
ok "a folder" refused "good is a folder; name a file in it" "$program" report good --text good
ok "a folder, forced" refused "good is a folder; name a file in it" "$program" report good --text good --force
ok "one of two that cannot be written" refused "cannot write no/where.html" "$program" report good --text first.txt --html no/where.html
ok "leaves nothing of the other" test ! -e first.txt
ok "one file for two formats" refused "both.txt is named for two outputs" "$program" report good --text both.txt --json both.txt --force
ok "and nothing is written" test ! -e both.txt
ln good.txt link.txt
ok "under two names, too" refused "is named for two outputs" "$program" report good --text good.txt --json link.txt --force
ok "or under two names of one that is not there yet" refused "is named for two outputs" \
    "$program" report good --text new.txt --json good/../new.txt --force
ok "the journal is not replaced by a report of it" refused "good/journal.jsonl is the journal of the run" \
    "$program" report good --html good/journal.jsonl --force
ok "and is as it was" "$program" report good
# The kernel's limit stands for a disk that fills up.
too_large() { (ulimit -f 8 && trap '' XFSZ && exec "$program" report good --html "$1"); }
ok "no room" refused "cannot write full.html: File too large" too_large full.html
ok "what was written in part is taken away" test ! -e full.html
stopped_half_way() { # each time the page is whole, or not there; on a busy machine it may be whole often
    local n=0 stopped=0 writer status
    while ((++n <= 8 || (stopped < 3 && n <= 300))); do
        rm -f stopped.html
        "$program" report good --html stopped.html &
        writer=$!
        until [[ -s stopped.html ]] || ! kill -0 "$writer" 2>/dev/null; do sleep 0.002; done
        kill -s "$((n % 2 ? 1 : 15))" "$writer" 2>/dev/null # HUP, TERM
        wait "$writer" 2>/dev/null
        status=$?
        if [[ -e stopped.html ]]; then
            ((status == 0)) && xmllint --noout stopped.html || return
        else
            ((status == 129 || status == 143)) || { echo "exit status $status"; return 1; }
            stopped=$((stopped + 1))
        fi
    done
    echo "stopped $stopped times of $n"
    ((stopped > 0))
}
ok "one who is stopped leaves no part of a page" stopped_half_way
ok "a full disk" refused "cannot write /dev/full: No space left" "$program" report good --text /dev/full --force
ok "diff of one" refused "diff takes the folders of two runs" "$program" diff good
ok "diff of what is not there" refused "cannot open nothing/journal.jsonl" "$program" diff good nothing

checks_end
