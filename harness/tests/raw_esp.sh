#!/bin/bash
# ESP as IP protocol 50 over a real network: the reference peer on loopback, and as a program behind a pair of interfaces,
# watched by dumpcap. All of it is in network namespaces without names that end with their processes. Exits 77
# (skipped) where no such namespace can be made. Usage: raw_esp.sh [PROGRAM]
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
# shellcheck source=harness/tests/reference_ini
. "$(dirname "$(readlink -f "$0")")/reference_ini"

program=$(realpath "${1:-build/understudy}") || exit 2
if [[ -z ${RAW_ESP_INSIDE:-} ]]; then
    map=()
    ((EUID == 0)) || map=(--map-root-user)
    unshare "${map[@]}" --net true 2>/dev/null || { echo "1..0 # SKIP needs root, or user namespaces"; exit 77; }
    RAW_ESP_INSIDE=1 exec unshare "${map[@]}" --net bash "$0" "$program"
fi

work=$(mktemp -d) || exit 2
cd "$work" || exit 2
own=()

finish() {
    local pid
    for pid in ${own[@]+"${own[@]}"}; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap finish EXIT

play() { # FOLDER ARGUMENT...: cases with jumps, replays, rekeys and deletes, that need no trigger of the peer
    "$program" run --case rpl.jump-is-accepted --case rpl.replay-is-dropped --case rpl.delta-moves-every-child-sa --no-color \
        --force --out "$@"
}

verdicts() { # FOLDER
    jq -r '[.results[].verdict] - ["SKIP"] | unique[]' "$1/result.json"
}

all_pass() { # FOLDER ARGUMENT...
    play "$@" || return 1
    [[ $(verdicts "$1") == PASS ]] || { verdicts "$1"; return 1; }
}

# Every packet with ESP in the captures of the run is of protocol 50, and tshark opens those that the journal says are good.
opened_as_protocol_50() { # FOLDER
    local folder bare opened in_udp
    for folder in "$1"/cases/*; do
        bare=$(fields "$folder" 'ip.proto == 50 || ipv6.nxt == 50' | wc -l)
        opened=$(fields "$folder" 'esp && icmp' | wc -l)
        in_udp=$(fields "$folder" 'udp.port == 4500' | wc -l)
        ((bare > 0 && opened > bare / 2 && in_udp == 0)) || { echo "$folder: $bare $opened $in_udp"; return 1; }
    done
}

fields() { # FOLDER FILTER
    WIRESHARK_CONFIG_DIR=$1 tshark -n -r "$1/wire.pcap" -Y "$2" -T fields -e frame.number 2>/dev/null
}

names_no_port() { # FOLDER
    jq -e -s '[.[] | select(.event == "packet" and (.message | startswith("ESP "))) | .from, .to] |
        length > 0 and all(test("^[0-9.]+$"))' "$1/journal.jsonl"
}

says_how_esp_goes() { # FOLDER
    [[ $(jq -r 'select(.event == "run").esp' "$1/journal.jsonl") == raw && $(jq -r .esp "$1/result.json") == raw ]] &&
        "$program" report "$1" --text - | grep -F ', ESP raw,'
}

# --- in memory ---------------------------------------------------------------------------------
ok "in memory it takes no privileges" setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$program" run \
    --esp raw --case 'rpl.*' --depth quick --out memory
ok "tshark opens protocol 50" opened_as_protocol_50 memory
ok "the journal names no ports" names_no_port memory
ok "reports say so" says_how_esp_goes memory
needs_privileges() {
    status_is 3 setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$program" run --transport udp --esp raw \
        --case 'rpl.*' --out refused >said 2>&1 &&
        grep -F 'not permitted; run as root, grant CAP_NET_RAW, or leave ESP in UDP (--esp udp)' said
}
ok "over the network it takes CAP_NET_RAW, and that is said" needs_privileges

# --- on loopback -------------------------------------------------------------------------------
ip link set lo up || exit 1
ok "the reference peer on loopback" all_pass loopback --transport udp --esp raw --depth quick
ok "tshark opens what went there" opened_as_protocol_50 loopback
ok "several at once do not hear each other" all_pass many --transport udp --esp raw --jobs 4
ok "a network that loses, doubles and reorders" all_pass lossy --transport udp --esp raw --depth quick --role initiator --exclude 'rpl.delta*' --loss 5 --duplicate 5 --reorder 5
one_address() {
    play six --transport udp --esp raw --depth quick --state family=ipv6
    [[ $(verdicts six) == UNSUPPORTED ]] &&
        jq -r '.results[].reason' six/result.json | grep -F 'loopback has one IPv6 address'
}
ok "two ends at ::1 cannot be told apart" one_address

# --- between two hosts -------------------------------------------------------------------------
sleep infinity &
home=$!
own+=("$home")
unshare --net sleep infinity &
away=$!
own+=("$away")
until [[ $(readlink "/proc/$away/ns/net") != "$(readlink "/proc/$home/ns/net")" && $(</proc/$away/comm) == sleep ]]; do sleep 0.01; done
there() { nsenter --target "$away" --net "$@"; }
{
    ip link add near type veth peer name far netns "$away" && ip link set near up &&
        ip address add 192.0.2.1/24 dev near && ip address add 2001:db8::1/64 dev near nodad &&
        there ip link set lo up && there ip link set far up && there ip address add 192.0.2.2/24 dev far &&
        there ip address add 2001:db8::2/64 dev far nodad
} || exit 1

peer_ini() { # ESP
    cat <<END
[peer]
name = the reference peer behind a wire
esp = $1
[address]
peer = 192.0.2.2
peer6 = 2001:db8::2
harness = 192.0.2.1
harness6 = 2001:db8::1
protected = 198.51.100.2
behind = 198.51.100.1
END
    reference_sections "$one_ike" "aes256gcm16, aes256gcm16-esn"
    echo 'modes = tunnel, transport'
}

begin_peer() { # ADDRESS ESP [OPTION...]: sets peer
    nsenter --target "$away" --net "$program" peer --listen "$1" --esp "$2" "${@:3}" >peer.out 2>&1 &
    peer=$!
    own+=("$peer")
    within 60 grep -q '^listening' peer.out && return
    cat peer.out
    return 1
}

end_peer() {
    kill "$peer" && wait "$peer"
    return 0
}

begin_dump() { # FILE: sets dump
    dumpcap -q -i near -w "$1" -f 'ip proto 50 or ip6 proto 50 or udp port 4500' 2>dump.err &
    dump=$!
    own+=("$dump")
    within 60 grep -q '^File: ' dump.err && return
    cat dump.err
    return 1
}

# What a witness on the wire saw is what the run wrote down.
end_dump() { # FOLDER FILE
    local own_count seen folder
    own_count=$(for folder in "$1"/cases/*; do fields "$folder" 'ip.proto == 50 || ipv6.nxt == 50'; done | wc -l)
    for ((i = 0; i < 300; i++)); do # it hears of packets a moment later
        seen=$(tshark -n -r "$2" -Y 'ip.proto == 50 || ipv6.nxt == 50' 2>/dev/null | wc -l)
        ((seen < own_count)) || break
        sleep 0.1
    done
    kill "$dump" && wait "$dump"
    [[ $own_count -gt 0 && $own_count == "$seen" ]] || { echo "$own_count written, $seen seen"; return 1; }
    [[ $(tshark -n -r "$2" -Y udp 2>/dev/null | wc -l) == 0 ]]
}

# Nothing but ICMP and UDP between the two addresses is inside.
in_transport_mode() { # FAMILY ARGUMENT...
    local folder=host-$1/cases/base.esp-modes inside
    "$program" run --case base.esp-modes --no-color --peer raw.ini --esp raw --state mode=transport --state "family=$1" \
        --depth quick --out "host-$1" "${@:2}" || return 1
    [[ $(verdicts "host-$1") == PASS ]] || { verdicts "host-$1"; return 1; }
    inside=$(WIRESHARK_CONFIG_DIR=$folder tshark -n -r "$folder/wire.pcap" -Y esp -T fields -e esp.protocol 2>/dev/null | sort -u |
        tr '\n' ' ')
    [[ $inside == '0x01 0x11 ' || $inside == '0x11 0x3a ' ]] || { echo "inside: $inside"; return 1; }
}

peer_ini 'udp, raw' >raw.ini
peer_ini udp >udp.ini
for family in ipv4 ipv6; do
    address=192.0.2.2
    [[ $family == ipv4 ]] || address=2001:db8::2
    ok "$family: the peer listens" begin_peer "$address" raw
    ok "$family: a witness listens" begin_dump "$family.pcap"
    ok "$family: ESP between two hosts" all_pass "$family" --peer raw.ini --esp raw --role initiator --depth quick --state family=$family
    ok "$family: a witness on the wire saw protocol 50 and no UDP" end_dump "$family" "$family.pcap"
    end_peer
    ok "$family: the peer listens, for transport mode" begin_peer "$address" raw --mode transport
    ok "$family: transport mode between two hosts" in_transport_mode "$family" --role initiator
    end_peer
done

ok "the peer in UDP" begin_peer 192.0.2.2 udp
ok "without the option ESP goes in UDP" all_pass plain --peer raw.ini --role initiator --depth quick
not_named() {
    play named --peer udp.ini --esp raw --role initiator --depth quick
    [[ $(verdicts named) == UNSUPPORTED ]] &&
        jq -r '.results[].reason' named/result.json | grep -F 'esp in [peer] does not name it'
}
ok "a peer that is said to go in UDP only is UNSUPPORTED" not_named
end_peer

checks_end
