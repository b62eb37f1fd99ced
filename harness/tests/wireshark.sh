#!/bin/bash
# The folder of a case as a profile of Wireshark's, with tshark: its filters and colour rules parse and find what the journal
# tells, its columns show it, and the commands that reports print open the packets decrypted, as they stand there. Exits 77
# (skipped) without tshark.
# Usage: wireshark.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
command -v tshark >/dev/null || { echo "1..0 # SKIP needs tshark"; exit 77; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

# The case under its profile. What tshark complains of is kept; that it runs as root is no complaint.
look() { # FOLDER OPTION...
    local folder=$1
    shift
    WIRESHARK_CONFIG_DIR=$folder tshark -n -r "$folder/wire.pcap" "$@" 2> >(grep -v '^Running as user' >>complaints)
}

# "NAME<tab>FILTER" of each.
filters_of() { # FOLDER
    sed -nE 's/^"([^"]*)" (.*)$/\1\t\2/p' "$1/dfilters"
    sed -nE 's/^"TRUE","([^"]*)","([^"]*)",.*/button \1\t\2/p' "$1/dfilter_buttons"
    sed -nE 's/^@([^@]*)@([^@]*)@\[.*/colour \1\t\2/p' "$1/colorfilters"
}

filter_called() { # FOLDER NAME
    filters_of "$1" | awk -F '\t' -v name="$2" '$1 == name { print $2 }'
}

all_parse() { # FOLDER
    local name filter n=0
    while IFS=$'\t' read -r name filter; do
        tshark -r "$1/wire.pcap" -c 1 -Y "$filter" >/dev/null 2>parsed || { echo "$name: $filter"; cat parsed; return 1; }
        n=$((n + 1))
    done < <(filters_of "$1")
    # As many as the files have lines that are no comments.
    ((n > 20)) && [[ $n == "$(cat "$1/dfilters" "$1/dfilter_buttons" "$1/colorfilters" | grep -vc '^#')" ]]
}

# --- what the journal tells of packets, by number ------------------------------------------------------

packets_where() { # RUN CASE CONDITION
    jq -r --arg case "$2" "select(.event == \"packet\" and .case == \$case and .number > 0) | select($3).number" "$1/journal.jsonl"
}

finds() { # RUN CASE NAME CONDITION: the filter finds these packets, and there are some
    local folder=$1/cases/$2
    packets_where "$1" "$2" "$4" >wanted
    look "$folder" -Y "$(filter_called "$folder" "$3")" -T fields -e frame.number >found
    [[ -s wanted ]] && diff wanted found
}

coloured() { # RUN CASE RULE CONDITION
    packets_where "$1" "$2" "$4" >wanted
    COLORTERM=truecolor look "$1/cases/$2" --color -T fields -e frame.number -e frame.coloring_rule.name |
        awk -F '\t' -v rule="$3" '$2 == rule { print $1 }' >found
    [[ -s wanted ]] && diff wanted found
}

every_packet_has_a_colour() { # RUN CASE
    COLORTERM=truecolor look "$1/cases/$2" --color -T fields -e frame.coloring_rule.name >rules
    [[ -s rules ]] && ! grep -nx '' rules
}

# "NUMBER ID SENDS EXPECTS" of each sync, from the columns that the profile makes.
columns() { # RUN CASE
    jq -r --arg case "$2" 'select(.event == "packet" and .case == $case and .number > 0) | .number as $n |
        (.message | capture("^INFORMATIONAL (request|response) (?<id>[0-9]+) .*IKEV2_MESSAGE_ID_SYNC nonce [0-9a-f]+ send (?<send>[0-9]+) recv (?<recv>[0-9]+)")) |
        "\($n) \(.id) \(.send) \(.recv)"' "$1/journal.jsonl" >wanted
    look "$1/cases/$2" -T tabs | awk -F '\t' '$9 != "" { print $1, $7, $9, $10 }' | tr -s ' ' |
        while read -r number id send recv; do echo "$number $((id)) $((send)) $((recv))"; done >found
    [[ -s wanted ]] && diff wanted found
}

esp_columns() { # RUN CASE
    jq -r --arg case "$2" 'select(.esp and .case == $case and .number > 0) | "\(.number) 0x\(.esp.spi) \(.esp.sequence)"' \
        "$1/journal.jsonl" >wanted
    look "$1/cases/$2" -T tabs | awk -F '\t' '$13 != "" { print $1 + 0, $12, $13 }' >found
    [[ -s wanted ]] && diff wanted found
}

# Outer ones, also where ESP was opened.
addresses() { # RUN CASE
    jq -r --arg case "$2" 'select(.event == "packet" and .case == $case and .number > 0) |
        [.number, (.from, .to | sub(":[0-9]+$"; "") | ltrimstr("[") | rtrimstr("]"))] | join(" ")' "$1/journal.jsonl" >wanted
    look "$1/cases/$2" -T tabs | awk -F '\t' '{ print $1 + 0, $3, $4 }' | tr -s ' ' | sed 's/ $//' >found
    [[ -s wanted ]] && diff wanted found
}

# Wireshark finds the width of a column by its format, without occurrence and way of writing.
every_column_has_a_width() { # FOLDER
    sed -nE 's/^\t"[^"]*", "([^"]*)".*/\1/p' "$1/preferences" | sed -E 's/:[0-9]+:[RU]$//' >wanted
    sed -nE 's/^\t"?([^",]*)"?, [0-9]+,?$/\1/p' "$1/recent" >found
    [[ -s wanted ]] && diff wanted found
}

# --- the runs ----------------------------------------------------------------------------------------------

equal=sync.equal-m1-is-dropped jump=rpl.jump-is-accepted delta=rpl.delta-moves-every-child-sa
ok "a run that fails" status_is 1 "$program" run --out bad --no-color --seed 7 --fault accept-equal-m1 --case $equal --depth quick
mv out said
ok "a run with ESP" "$program" run --out esp --no-color --seed 7 --case 'rpl.*' --state algorithms=aes256gcm16-x25519 --state esn=off
ok "a run over UDP, on ports of the system's choice" status_is 1 "$program" run --out udp --no-color --seed 7 --transport udp \
    --fault accept-equal-m1 --case $equal --case $delta --depth quick
mv out udp.said

for folder in bad/cases/$equal esp/cases/$jump udp/cases/$equal; do
    ok "$folder: every filter parses" all_parse "$folder"
done
is_sync='.message | test("IKEV2_MESSAGE_ID_SYNC nonce")'
ok "the filter for syncs finds them" finds bad $equal "Message ID sync" "$is_sync"
ok "that for requests" finds bad $equal "Message ID sync, requests" "($is_sync) and (.message | test(\"request\"))"
ok "that for announcements" finds bad $equal "Sync announced" '.message | test("SYNC_SUPPORTED")'
ok "that for Message ID 0" finds bad $equal "Message ID 0 after IKE_SA_INIT" '.message | test("^INFORMATIONAL (request|response) 0 ")'
ok "that for deltas" finds esp $delta "Replay counter sync" '.message | test("IPSEC_REPLAY_COUNTER_SYNC [^S]|IPSEC_REPLAY_COUNTER_SYNC delta")'
ok "that for what is inside ESP" finds esp $jump "ESP: inner packets" '.esp.opened'
# Each SA for itself, without copies: a step is a number that is not one more than the number before.
steps() { # RUN CASE
    jq -rs --arg case "$2" '[.[] | select(.event == "packet" and .case == $case and .number > 0 and .esp)] |
        group_by([.esp.spi, .direction]) | map(sort_by(.number) | [range(1; length) as $i |
            select(.[$i].esp.sequence != .[$i - 1].esp.sequence + 1) | .[$i].number]) | add | sort[]' "$1/journal.jsonl"
}
finds_steps() { # RUN CASE
    local folder=$1/cases/$2
    steps "$1" "$2" >wanted
    look "$folder" -Y "$(filter_called "$folder" "ESP: the number does not go on by one")" -T fields -e frame.number >found
    [[ -s wanted ]] && diff wanted found
}
ok "that for jumps of ESP" finds_steps esp $jump
ok "syncs have their colour" coloured bad $equal "Message ID sync, request" "($is_sync) and (.message | test(\"request\"))"
ok "so have answers" coloured bad $equal "Message ID sync, answer" "($is_sync) and (.message | test(\"response\"))"
ok "every packet has one" every_packet_has_a_colour bad $equal
ok "with ESP, too" every_packet_has_a_colour esp $jump
ok "columns show IDs and the numbers of syncs" columns bad $equal
ok "over UDP, too" columns udp $equal
ok "columns show SPIs and numbers of ESP" esp_columns esp $jump

# --- the commands that are printed --------------------------------------------------------------------------

shows() { # FOLDER TEXT: the command on standard input, in that folder, prints packets with this in them
    local command
    read -r command
    [[ $command == WIRESHARK_CONFIG_DIR=* ]] || { echo "no command: $command"; return 1; }
    (cd "$1" && bash -c "$command") >packets 2>&1 || { cat packets; return 1; }
    grep -q "$2" packets || { echo "$command"; head -n 20 packets; return 1; }
}
# A function, so that `ok` can call it.
command_shows() { # FOLDER TEXT COMMAND...
    local folder=$1 text=$2
    shift 2
    "$@" | head -n 1 | shows "$folder" "$text"
}
of_text() { "$program" report "$1" | sed -n 's/^  look *//p'; }
of_junit() { "$program" report "$1" --junit - | xmllint --xpath 'string(//failure[1])' - | sed -n 's/^in the folder of the run: //p'; }
# shellcheck disable=SC2016 # the marks of a block
of_markdown() { "$program" report "$1" --markdown - | sed -n '/^```sh$/,/^```$/p' | sed 1d; }
of_tap() { "$program" report "$1" --tap - | sed -n 's/^ *look: //p' | head -n 1 | jq -r .; }
of_html() { # RUN PROGRAM
    "$program" report "$1" --html - | xmllint --xpath "string(//*[@class='command']/*[local-name()='code'][contains(., ' $2 ')])" - 2>/dev/null
}
of_console() { sed -n 's/^  look: //p' "$1"; }
decrypted='Notify Message Type: IKEV2_MESSAGE_ID_SYNC'
ok "that of the console" command_shows . "$decrypted" of_console said
ok "that of the console, over UDP" command_shows . "$decrypted" of_console udp.said
ok "that of the text" command_shows bad "$decrypted" of_text bad
ok "that of the text, over UDP" command_shows udp "$decrypted" of_text udp
ok "that of JUnit" command_shows bad "$decrypted" of_junit bad
ok "that of Markdown" command_shows bad "$decrypted" of_markdown bad
ok "that of TAP" command_shows bad "$decrypted" of_tap bad
ok "that of HTML" command_shows bad "$decrypted" of_html bad tshark
ok "that of HTML for ESP" command_shows esp 'Encapsulating Security Payload' of_html esp tshark
for_wireshark() { [[ $(of_html bad wireshark) == "WIRESHARK_CONFIG_DIR=cases/$equal wireshark -r cases/$equal/wire.pcap -Y '"*"' -g 7" ]]; }
ok "that for Wireshark opens it at the packet of the failure" for_wireshark
ok "columns show outer addresses" addresses esp $jump
ok "over UDP, too" addresses udp $equal
ok "every column has a width" every_column_has_a_width bad/cases/$equal

# --- whoever made the run can open it, and nobody else ------------------------------------------------------

as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
by_nobody() { (cd theirs && as_nobody "$work/understudy" run --out bad --no-color --seed 7 --fault accept-equal-m1 --case $equal --depth quick); }
opened_by_nobody() { # RUN
    (cd "$1" && of_html . tshark | head -n 1 | as_nobody bash) >packets 2>&1
    grep -q "$decrypted" packets
}
if ((EUID == 0)); then
    mkdir theirs && chown nobody theirs && chmod 711 . && cp "$program" understudy || exit 2
    ok "an ordinary user's run" status_is 1 by_nobody
    ok "opens decrypted" opened_by_nobody theirs/bad
    ok "another's does not open" status_is 1 opened_by_nobody bad
fi
ok "tshark has no complaint" test ! -s complaints

checks_end
