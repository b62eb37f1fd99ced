#!/bin/bash
# The HTML report and the matrix: well-formed, the same each time, and nothing of a peer's becomes markup. What a browser
# makes of them: html_browser.sh.
# Usage: html_report.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

# Elements of a page, whatever their namespace: "count(//*[local-name()='svg'])".
xpath() { # PAGE EXPRESSION
    xmllint --xpath "${2//%/local-name()=}" "$1" 2>/dev/null
}

run() { # STATUS FOLDER OPTION...
    local want=$1 folder=$2
    shift 2
    status_is "$want" "$program" run --out "$folder" --no-color --seed 7 "$@"
}

ok "a run with a fault" run 1 bad --fault accept-equal-m1 --case 'sync.*' --case 'neg.*' --case 'ex.a3*' --depth quick
ok "a run that conforms" run 0 good --case 'clu.counters-behind' --case 'ex.a3*'
ok "a run with a lost update" run 0 lost --case clu.counters-behind --state behind=one

# --- the page --------------------------------------------------------------------------------------------

for r in good bad; do
    ok "$r: a page" "$program" report $r --html $r.html
    ok "$r: it is XML, too" xmllint --noout $r.html
    ok "$r: the same page again" cmp $r.html <("$program" report $r --html -)
    cases=$(jq -r '[.results[] | select(.verdict != "SKIP").case] | unique | length' $r/result.json)
    ok "$r: all cases" equal "$cases" "$(xpath $r.html "count(//*[@class='case'])")"
    ok "$r: all combinations" equal "$(jq '[.results[] | select(.verdict != "SKIP")] | length' $r/result.json)" \
        "$(xpath $r.html "count(//*[@class='combination'])")"
    ok "$r: a ladder for each case at least" test "$(xpath $r.html "count(//*[%'svg'])")" -ge "$cases"
    ok "$r: all requirements" equal "$("$program" report $r --json - | jq '.requirements | length')" \
        "$(xpath $r.html "count(//*[@class='requirement'])")"
    ok "$r: links lead somewhere" equal "" "$(comm -13 \
        <(xpath $r.html '//@id' | sed 's/^ *id="//; s/"$//' | sort -u) \
        <(xpath $r.html '//*[local-name()="a"]/@href' | sed 's/^ *href="#//; s/"$//' | grep -v '^verdict=' | sort -u))"
    ok "$r: one script, without attributes for events" equal "1 0" \
        "$(xpath $r.html "concat(count(//*[%'script']), ' ', count(//@*[starts-with(local-name(), 'on')]))")"
    ok "$r: nothing from elsewhere" equal 0 "$(xpath $r.html "count(//@src) + count(//*[%'link'])")"
    ok "$r: no IDs twice" equal "" "$(xpath $r.html '//@id' | sort | uniq -d)"
done
ok "failures stand at the top" equal "$(jq '.failures | length' bad/result.json)" \
    "$(xpath bad.html "count(//*[@class='failures']/*[%'li'])")"
ok "with their smallest difference" equal "$(jq -r '.failures[0].text' bad/result.json)" \
    "$(xpath bad.html "string(//*[@class='when'])")"
ok "a lost update" "$program" report lost --html lost.html
ok "is drawn as such" test "$(xpath lost.html "count(//*[@class='update lost'])")" -gt 0
ok "so is what was held at the gate" test "$(xpath good.html "count(//*[@class='gate'])")" -gt 0

lines_of_first() { # CASE: of its first combination
    jq -c --arg case "$1" 'select(.case == $case)' bad/journal.jsonl | sed '/"event":"verdict"/q'
}
ok "a ladder has all packets of its combination" diff <(lines_of_first sync.equal-m1-is-dropped | jq 'select(.event == "packet").number') \
    <(xpath bad.html "(//*[%'svg'][.//*[starts-with(@href, '#c/sync.equal-m1-is-dropped/1/')]])[1]//*[@class='number']/text()")
ok "and the counters that the journal tells last" equal \
    "$(lines_of_first sync.equal-m1-is-dropped | jq -r 'select(.kind == "counters") |
        "\(.sends) \(.expects) \(.peer_sends) \(.peer_expects)"' | tail -n 1)" \
    "$(xpath bad.html "(//*[%'svg'][.//*[starts-with(@href, '#c/sync.equal-m1-is-dropped/1/')]])[1]//*[starts-with(@class, 'counter')]/text()" |
        tail -n 4 | paste -sd ' ')"
command=$(xpath bad.html "string(//*[@class='command']/*[%'code'][contains(., ' tshark ')])")
ok "the command shows the packets" bash -c "cd bad && ${command:-false} | grep -q 'Internet Security Association'"
ok "without network in the policy" grep -q "default-src 'none'" bad.html

# --- a peer that writes markup -------------------------------------------------------------------------------

evil='<img src=x onerror=alert(1)></title></script><script>alert(2)</script> & "q" '\''a'\'' ]]>'
mkdir evil
jq -c --arg evil "$evil" 'if .event == "run" then .peer = $evil | .peer_version = $evil | .seed = $evil
    elif .event == "verdict" then .verdict = "INCONCLUSIVE" | .reason = $evil | .case = (.case + $evil) |
        .checks |= map(.seen = $evil | .expected = $evil | .requirement = $evil) |
        .schedule = $evil
    elif .event == "packet" then .message = "INFORMATIONAL request 1 { N(\($evil)), \($evil) }" | .from = $evil | .case = (.case + $evil)
    elif .event == "note" then .case = (.case + $evil) | if .trigger then .trigger = $evil else . end
    elif .event == "begin" then .case = (.case + $evil)
    else . end' bad/journal.jsonl >evil/journal.jsonl
ok "a hostile peer" "$program" report evil --html evil.html
ok "stays well-formed" xmllint --noout evil.html
ok "brings no element" equal "0 1" "$(xpath evil.html "concat(count(//*[%'img']), ' ', count(//*[%'script']))")"
ok "and no attribute" equal 0 "$(xpath evil.html "count(//@onerror)")"
ok "its name is text" equal "$evil" "$(xpath evil.html "string(//*[@class='peer'])")"
printf '%s\n' "$(head -n 1 good/journal.jsonl | jq -c '.peer = "\u0001\u001b[31m\uffff\u202e"')" >odd.jsonl
tail -n +2 good/journal.jsonl >>odd.jsonl
mkdir odd && mv odd.jsonl odd/journal.jsonl
ok "octets that XML has no place for" "$program" report odd --html odd.html
ok "are replaced" xmllint --noout odd.html

# --- runs that were cut short, runs that are too large ----------------------------------------------------------

mkdir torn && head -c "$(($(wc -c <bad/journal.jsonl) * 2 / 3))" bad/journal.jsonl >torn/journal.jsonl
ok "a torn journal" "$program" report torn --html torn.html
ok "is well-formed" xmllint --noout torn.html
ok "and marked" grep -q 'The run was not complete: killed' torn.html
mkdir many && jq -c 'select(.event == "run")' bad/journal.jsonl >many/journal.jsonl
jq -c 'select(.case == "sync.equal-m1-is-dropped")' bad/journal.jsonl >one
for ((i = 0; i < 400; i++)); do cat one; done >>many/journal.jsonl
ok "800 failed combinations of a case" "$program" report many --html many.html
ok "are 8 ladders, and small" test "$(xpath many.html "count(//*[%'svg'])")" -eq 8 -a "$(wc -c <many.html)" -lt 1000000
ok "and all of them are there" equal 800 "$(xpath many.html "count(//*[@class='combination'])")"

# --- the matrix -----------------------------------------------------------------------------------------------------

ok "a matrix of runs" "$program" matrix good bad=bad.html evil --html matrix.html
ok "is well-formed, too" xmllint --noout matrix.html
ok "three peers" equal 4 "$(xpath matrix.html "count(//*[%'thead']//*[%'th'])")"
ok "a cell for each of them" equal 3 "$(xpath matrix.html "count(//*[@id='r/SYNC-4']/*[%'td'])")"
ok "that says its verdict" equal FAIL "$(xpath matrix.html "string(//*[@id='r/SYNC-4']/*[%'td'][2])")"
ok "and leads to the case" equal "bad.html#open=sync.equal-m1-is-dropped/1" \
    "$(xpath matrix.html "string(//*[@id='r/SYNC-4']/*[%'td'][2]/*/@href)")"
ok "a run without a page got one beside it" test -e matrix-1.html -a ! -e matrix-2.html -a -e matrix-3.html
for page in matrix-1 matrix-3; do ok "$page is well-formed" xmllint --noout $page.html; done
ok "every cell is a link" equal "0 $((3 * $("$program" report good --json - | jq '.requirements | length')))" \
    "$(xpath matrix.html "concat(count(//*[%'td'][not(*[%'a'])]), ' ', count(//*[%'td']/*[%'a']))")"
targets() { # PAGE: what the matrix leads to in it, as IDs
    xpath matrix.html "//*[%'td']/*[%'a']/@href[starts-with(., '$1#')]" | sed -E 's/^ *href="[^#]*#(open=)?(r\/)?(.*)"$/\1\2\3/; s/^open=/c\//' | sort -u
}
for page in matrix-1.html bad.html matrix-3.html; do
    ok "there are links into $page" test "$(targets $page | wc -l)" -gt 20
    ok "and they lead somewhere" equal "" "$(comm -13 <(xpath $page '//@id' | sed 's/^ *id="//; s/"$//' | sort -u) <(targets $page))"
done
ok "a page that is there is not replaced" refused "new-1.html exists; --force replaces it" \
    bash -c "touch new-1.html && '$program' matrix good --html new.html"
ok "and none is written for the others" bash -c "touch two-2.html && ! '$program' matrix good good --html two.html && ! test -e two-1.html -o -e two.html"
cp -r good spared
ok "a journal is not replaced" refused "spared/journal.jsonl is the journal of a run" \
    "$program" matrix good=good.html spared=spared.html --html spared/journal.jsonl --force
ok "and is as it was" cmp good/journal.jsonl spared/journal.jsonl
ok "on standard output there are none beside" bash -c "'$program' matrix good --html - | grep -q '<span class=\"verdict PASS\"'"
# A peer that lacks something is not one that was not asked.
mkdir lacks && jq -c 'if .event == "verdict" and .case == "clu.counters-behind" then .verdict = "UNSUPPORTED" | .reason = "no trigger" |
    .checks = [] | .watched = 0 else . end' good/journal.jsonl >lacks/journal.jsonl
ok "a matrix of a peer that lacks something" "$program" matrix lacks --html lacks.html
ok "says so in a cell" equal UNSUPPORTED "$(xpath lacks.html "string(//*[@id='r/CLU-2']/*[%'td'])")"
ok "and has the verdict in its filter" equal 1 "$(xpath lacks.html "count(//*[@id='filter-verdict']/*[.='UNSUPPORTED'])")"
ok "a hostile peer is text there" equal "0 1" "$(xpath matrix.html "concat(count(//*[%'img']), ' ', count(//*[%'script']))")"
ok "runs without --html" refused "is written with --html FILE" "$program" matrix good
ok "--html without runs" refused "takes the folders" "$program" matrix --html x.html
ok "a folder that is no run" refused "journal.jsonl" "$program" matrix good nothing --html x.html
ok "nothing is replaced" refused "exists; --force replaces it" "$program" matrix good --html matrix.html
ok "unless forced" "$program" matrix good --html matrix.html --force

checks_end
