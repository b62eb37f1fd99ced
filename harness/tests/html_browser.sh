#!/bin/bash
# The HTML report and the matrix in a headless Chromium: what a person does with them (html_browser.py). Exits 77
# (skipped) without the browser.
# Usage: html_browser.sh [PROGRAM [FOLDER-FOR-SCREENSHOTS]]
set -u
here=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")")
program=$(readlink -f "${1:-build/understudy}")
browser=$(command -v chromium) || { echo "1..0 # SKIP needs chromium"; exit 77; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
shots=${2:-$work}
mkdir -p "$shots"
shots=$(readlink -f "$shots")

prepare() {
    "$program" run --out bad --seed 7 --fault accept-equal-m1 --case 'sync.*' --case 'neg.*' --case rpl.jump-is-accepted --depth quick
    mkdir evil && jq -c --arg evil '<img src=x onerror="window.caught=3">' 'if .event == "run" then .peer = $evil
        elif .event == "verdict" then .reason = $evil | .checks |= map(.seen = $evil)
        elif .event == "packet" then .message = "INFORMATIONAL request 1 { N(\($evil)) }" else . end' \
        bad/journal.jsonl >evil/journal.jsonl
    "$program" report bad --html bad.html && "$program" report evil --html evil.html &&
        "$program" matrix bad=bad.html evil --html matrix.html
    judge_one bad/cases/sync.equal-m1-is-dropped judged.html
    "$program" run --out rpl --seed 7 --fault jump-on-one-child-sa --case rpl.delta-moves-every-child-sa
    judge_one rpl/cases/rpl.delta-moves-every-child-sa numbers.html
    mkdir '<img src=x onerror="window.caught=3">' && cp bad/cases/sync.equal-m1-is-dropped/* '<img src=x onerror="window.caught=3">'
    judge_one '<img src=x onerror="window.caught=3">' evil-judged.html
    [[ -s judged.html && -s numbers.html && -s evil-judged.html ]]
}

judge_one() { # CASE-FOLDER HTML
    "$program" judge "$1/wire.pcap" --keys "$1/ikev2_decryption_table" --keys "$1/esp_sa" --cluster 203.0.113.10 --html "$2"
}

cd "$work" || exit 2
prepare >prepared 2>&1 || { cat prepared; echo "not ok 1 - pages"; exit 1; }
python3 -B "$here/html_browser.py" "$browser" "$work" "$shots"
