#!/bin/bash
# Reports of runs: every format, read by somebody else; runs that were cut short; what must be refused.
# Usage: reports.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
passed=0 failed=0

ok() { # TITLE COMMAND...
    local title=$1
    shift
    if "$@" >out 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "not ok $((passed + failed)) - $title"
        head -n 25 out | sed 's/^/    /'
    fi
}

status_is() { # STATUS COMMAND...
    local want=$1 got
    shift
    "$@"
    got=$?
    ((got == want)) || { echo "exit status $got, expected $want: $*"; return 1; }
}

says() { # TEXT COMMAND...: fails with 2 and this error
    local text=$1
    shift
    status_is 2 "$@" 2>err || return 1
    grep -qF -- "$text" err || { cat err; return 1; }
}

equal() { # WANT GOT
    [[ $1 == "$2" ]] || { echo "expected $1, got $2"; return 1; }
}

run() { # STATUS FOLDER OPTION...
    local want=$1 folder=$2
    shift 2
    status_is "$want" "$program" run --out "$folder" --no-color "$@"
}

ok "a run that conforms" run 0 good --case 'sync.*' --case 'neg.*' --depth quick
ok "a run with a fault" run 1 bad --fault accept-equal-m1 --case 'sync.*' --case 'neg.*' --depth quick

# --- each format, against result.json ------------------------------------------------------------------

counts_of() { # RUN VERDICT
    jq --arg v "$2" '[.results[] | select(.verdict == $v)] | length' "$1/result.json"
}

all_formats() { # RUN
    "$program" report "$1" --text "$1.txt" --tap "$1.tap" --junit "$1.xml" --json "$1.json" --markdown "$1.md"
}

for r in good bad; do
    ok "$r: all formats at once" all_formats $r
    total=$(jq '.results | length' $r/result.json)
    fails=$(counts_of $r FAIL)
    ok "$r: TAP has a point for each combination" equal "$total" "$(grep -cE '^(not )?ok ' $r.tap)"
    ok "$r: TAP says not ok for each failure" equal "$fails" "$(grep -c '^not ok ' $r.tap)"
    ok "$r: JUnit is well-formed" xmllint --noout $r.xml
    ok "$r: JUnit counts" equal "$total $fails" \
        "$(xmllint --xpath 'concat(/testsuites/@tests, " ", /testsuites/@failures)' $r.xml)"
    ok "$r: JUnit holds what it counts" equal "$total $fails" \
        "$(xmllint --xpath 'concat(count(//testcase), " ", count(//failure))' $r.xml)"
    ok "$r: JSON counts" equal "$total $fails" "$(jq -r '"\(.results | length) \(.counts.FAIL)"' $r.json)"
    ok "$r: Markdown folds each failure" equal "$fails" "$(grep -c '^<details>' $r.md)"
    ok "$r: the text names each failure" equal "$fails" "$(grep -c '^FAIL ' $r.txt)"
done
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

# --- a peer that writes markup ---------------------------------------------------------------------------

# shellcheck disable=SC2016 # a name that is to stay as it is
evil='<img src=x onerror=alert(1)> & ]]> | `x` # "q"'
cp -r good evil
jq -c --arg evil "$evil" 'if .event == "run" then .peer = $evil
    elif .event == "verdict" then .verdict = "INCONCLUSIVE" | .reason = $evil else . end' good/journal.jsonl >evil/journal.jsonl
ok "a hostile name in every format" all_formats evil
ok "JUnit stays well-formed" xmllint --noout evil.xml
ok "JUnit gives the name back as it was" equal "$evil" "$(xmllint --xpath 'string(/testsuites/@name)' evil.xml)"
ok "no markup in Markdown" status_is 1 grep -F '<img' evil.md
ok "TAP escapes a directive" status_is 1 grep -E '^not ok [0-9]+ - .*[^\\]# "q"' evil.tap
ok "JSON gives the name back" equal "$evil" "$(jq -r .peer evil.json)"

# --- runs that were cut short --------------------------------------------------------------------------------

cp -r good torn
head -c "$(($(wc -c <good/journal.jsonl) * 2 / 3))" good/journal.jsonl >torn/journal.jsonl
ok "a torn journal is reported" all_formats torn
ok "the text says that it is not complete" grep -q 'The run was not complete: killed' torn.txt
ok "so does TAP" grep -q '^Bail out! ' torn.tap
ok "so does JSON" equal killed "$(jq -r .end torn.json)"

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

# --- what is refused -------------------------------------------------------------------------------------------

ok "no folder" says "report takes the folder of one run" "$program" report
ok "a folder that is no run" says "cannot open $work/journal.jsonl" "$program" report "$work"
mkdir newer && jq -c 'if .event == "run" then .format = 9 else . end' good/journal.jsonl >newer/journal.jsonl
ok "a run of another format" says 'newer/journal.jsonl' "$program" report newer
printf 'x\n' | cat - good/journal.jsonl >noise.jsonl
mkdir noise && mv noise.jsonl noise/journal.jsonl
ok "a journal that is none" says "noise/journal.jsonl:1" "$program" report noise
ok "a file that exists" says "good.txt exists; --force replaces it" "$program" report good --text good.txt
ok "unless forced" "$program" report good --text good.txt --force
ok "a folder that is not there" says "cannot write no/where.txt: No such file" "$program" report good --text no/where.txt
ok "a full disk" says "cannot write /dev/full: No space left" "$program" report good --text /dev/full --force
ok "diff of one" says "diff takes the folders of two runs" "$program" diff good
ok "diff of what is not there" says "cannot open nothing/journal.jsonl" "$program" diff good nothing

echo "$passed passed, $failed failed"
((failed == 0))
