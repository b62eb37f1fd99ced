#!/bin/bash
# The evidence bundle: what is in it and what is not, unpacked by tar and Python, checked by sha256sum, opened by tshark and the
# judge. Usage: bundle.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
secret='the key of the built-in reference peer'

bundle() { # RUN OPTION...
    local run=$1
    shift
    "$program" report "$run" --bundle "$run.tar" "$@"
}

unpack() { # RUN: into RUN.d; the folder in it is made known as $inside
    rm -rf "$1.d" && mkdir "$1.d" && tar -xf "$1.tar" -C "$1.d" || return
    inside=$(echo "$1.d"/*)
}

id=sync.equal-m1-is-dropped
ok "a run" status_is 1 "$program" run --out bad --no-color --seed 7 --fault accept-equal-m1 --case $id --case rpl.jump-is-accepted --depth quick
# What does not belong into it, and lies about all the same.
printf '[auth]\npsk = %s\n' "$secret" | tee bad/peer.ini bad/cases/$id/peer.ini bad/cases/$id/notes.txt >/dev/null
echo "$secret" >bad/cases/$id/peer.log
ok "a bundle" bundle bad
inside=
ok "tar unpacks it" unpack bad
ok "its folder has the name of the peer and the day" equal "reference-$(date -u +%F)" "${inside#*/}"
files() { (cd "$1" && find . -type f -printf '%P\n' | sort); }
wanted() {
    printf '%s\n' README.txt SHA256SUMS journal.jsonl report.{html,json,txt,xml} result.json
    printf "cases/%s\n" {$id,rpl.jump-is-accepted}/{colorfilters,dfilter_buttons,dfilters,esp_sa,ikev2_decryption_table,preferences,recent,wire.pcap}
}
ok "what is in it, and nothing else" diff <(wanted | sort) <(files "$inside")
ok "the sums are right" bash -c "cd '$inside' && sha256sum --quiet -c SHA256SUMS"
ok "and name every file" equal "$(($(files "$inside" | wc -l) - 1))" "$(wc -l <"$inside/SHA256SUMS")"
ok "Python reads it, too" equal "$(files "$inside" | wc -l)" "$(python3 -c 'import tarfile; print(len(tarfile.open("bad.tar").getmembers()))')"
ok "no pre-shared key in it" status_is 1 grep -aqF "$secret" bad.tar
ok "the key files of the cases are as they were" diff -r -x peer.ini -x notes.txt -x peer.log bad/cases "$inside/cases"
ok "the archive is private" equal 600 "$(stat -c %a bad.tar)"
ok "so are the keys in it" equal "" "$(tar -tvf bad.tar | grep -E 'ikev2_decryption_table|esp_sa' | grep -v '^-rw------- 0/0 ')"
same_again() { "$program" report bad --bundle - | cmp - bad.tar; }
ok "the same octets again" same_again

# --- whoever gets it -------------------------------------------------------------------------------------------

ok "the same report can be made of it" diff <("$program" report bad) <("$program" report "$inside")
ok "it is the one that is in it" diff <("$program" report bad) "$inside/report.txt"
ok "the page is well-formed" xmllint --noout "$inside/report.html"
command=$("$program" report "$inside" | sed -n 's/^  look *//p' | head -n 1)
opens() { (cd "$inside" && bash -c "${command:-false}") | grep -q 'Notify Message Type: IKEV2_MESSAGE_ID_SYNC'; }
ok "its packets open with the command of the report" opens
judged() {
    status_is 1 "$program" judge "$inside/cases/$id/wire.pcap" --keys "$inside/cases/$id/ikev2_decryption_table" >judged.txt
    grep -q 'SYNC-4' judged.txt
}
ok "the judge comes to the same from the packets alone" judged
ok "a matrix takes it" "$program" matrix "$inside=report.html" --html matrix.html

# --- other runs -------------------------------------------------------------------------------------------------

cp -r bad killed && head -n 150 bad/journal.jsonl >killed/journal.jsonl && rm killed/result.json
ok "of a run that was killed" bundle killed
unpack killed
ok "it says so" grep -q 'The run was not complete: killed' "$inside/report.txt"
cp -r bad evil && jq -c 'if .event == "run" then .peer = "../../etc/<x>\n" | .started = "/../../../" else . end | if .case then .case = "../../../bad" else . end' \
    bad/journal.jsonl >evil/journal.jsonl
ok "of a hostile journal" bundle evil
ok "its names lead nowhere" equal "etc-x-----------" "$(tar -tf evil.tar | cut -d / -f 1 | sort -u)"
ok "and no case is taken from elsewhere" equal "" "$(tar -tf evil.tar | grep cases)"
cp -r bad linked && ln -sf /etc/passwd linked/cases/$id/wire.pcap
ok "a link in the folder" refused "linked/cases/$id/wire.pcap: it is a link" bundle linked
ok "leaves no archive" test ! -e linked.tar
cp -r bad pipe && rm pipe/cases/$id/esp_sa && mkfifo pipe/cases/$id/esp_sa
ok "a pipe in the folder" refused "pipe/cases/$id/esp_sa: it is no regular file" bundle pipe
cp -r bad bare && rm "bare/cases/$id/wire.pcap"
ok "a run whose packets are gone" refused "bare/cases/$id/wire.pcap cannot be read" bundle bare
ok "makes no bundle" test ! -e bare.tar
ok "one that exists is not replaced" refused "bad.tar exists; --force replaces it" bundle bad
chmod 644 bad.tar
ok "unless forced" bundle bad --force
ok "and is private then" equal 600 "$(stat -c %a bad.tar)"
ok "a full disk" refused "cannot write /dev/full: No space left" "$program" report bad --bundle /dev/full --force
ok "whose mode stays" equal "$(stat -c %a /dev/zero)" "$(stat -c %a /dev/full)"

checks_end
