#!/bin/bash
# The judge beside strongSwan, without help from the harness: the capture is tcpdump's, on the peer's side, and the keys of IKE
# and ESP are what charon says of itself: save-keys where it is built, else its log at level 4. Needs root and the packages of
# peers/strongswan/packages; exits 77 (skipped) without. Usage: judge_strongswan.sh [PROGRAM]
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
program=$(readlink -f "${1:-build/understudy}")
here=$(dirname "$(readlink -f "$0")")

((EUID == 0)) || { echo "needs root"; exit 77; }
[[ -x /usr/sbin/charon-systemd && -c /dev/net/tun ]] || { echo "needs charon-systemd and /dev/net/tun"; exit 77; }
command -v tcpdump >/dev/null || { echo "needs tcpdump"; exit 77; }

work=$(mktemp -d) || exit 2
cd "$work" || exit 2
runner='' dump=''

finish() {
    local pid
    for pid in $runner $dump; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap finish EXIT

cp -r "$here/../../peers/strongswan" peer
cp -r "$here/../../peers/lab" lab # what the driver reads beside it
sed -i 's/^      ike = .*/      ike = 4/; s/^      chd = .*/      chd = 4/' peer/strongswan.conf
plugin=$(find /usr/lib/ipsec/plugins -name '*save-keys.so' 2>/dev/null)
if [[ -n $plugin ]]; then
    sed -i "s|^  load = |  load = save-keys |; s|^  plugins {|  plugins {\\n    save-keys {\\n      ike = yes\\n      esp = yes\\n      wireshark_keys = $work\\n    }|" \
        peer/strongswan.conf
fi

# A peer that is up when the capture has begun.
mv peer/driver peer/real
cat >peer/driver <<END
#!/bin/bash
"$work/peer/real" "\$@" || exit
[[ \$1 != start ]] || until grep -qs 'listening on' "$work/tcpdump.txt"; do sleep 0.02; done
END
chmod 755 peer/driver

"$program" run --peer peer --case sync.several-failovers --case rpl.replay-is-dropped --depth quick --out run --no-color >run.txt 2>&1 &
runner=$!
space='' # the namespaces have the name of the run, and so has its state folder
until [[ -n $space && -e /run/netns/$space ]] || ! kill -0 "$runner" 2>/dev/null; do
    space=$(compgen -G 'run/state-*') && space=us-u${space##*-}-p
    sleep 0.05
done
[[ -e /run/netns/$space ]] || { echo "the peer did not come up"; cat run.txt; exit 1; }
ip netns exec "$space" tcpdump -i any -U -w foreign.pcap 2>tcpdump.txt &
dump=$!
wait "$runner"
runner=''
packets() { tshark -n -r "$1" -Y 'udp.port == 500 || udp.port == 4500' 2>/dev/null | wc -l; }
written=0
for pcap in run/cases/*/wire.pcap; do written=$((written + $(packets "$pcap"))); done
all_is_captured() { (($(packets foreign.pcap) >= written)); } # it hears of packets a moment later
within 60 all_is_captured
kill "$dump" && wait "$dump"
dump=''

keys=(--keys keys)
if [[ -n $plugin ]]; then
    keys=(--keys ikev2_decryption_table --keys esp_sa)
else
    "$here/charon_keys.py" run/cases/*/peer.log >keys
fi
"$program" judge foreign.pcap "${keys[@]}" --json judged.json --html judged.html >/dev/null

judged() { # JQ-TEST: of what was opened, and of ESP
    jq -e "def opened: [.ike_sas[] | select(.keys == \"open\")]; def esp: [.esp_sas[] | select(.packets > 0)];
        def ids: [.requirements[].id]; $1" judged.json && return
    jq -c '{counts, requirements: [.requirements[] | [.id, .of, .verdict]], sas: [.ike_sas[] | {keys, sides, failovers}],
        esp: [.esp_sas[] | {spi, keys, agreed, packets, opened, not_opened, copies, findings}]}' judged.json
    tail -n 3 run.txt
    return 1
}

ok "IKE is opened, all of it" judged '(opened | length > 0) and ([opened[].sides[].not_opened] | add == 0)'
ok "failovers are found" judged '[opened[].failovers] | add > 0'
ok "syncs are judged" judged 'ids | contains(["SYNC-5", "SYNC-6", "FMT-2", "IKE-10"])'
ok "ESP is opened, all of it" judged '(esp | length > 1) and ([esp[] | .keys == "open" and .not_opened == 0] | all)'
ok "ESP is of Child SAs that were agreed on in the capture" judged '[esp[] | .agreed and .ike_sa != null] | all'
ok "its rules are judged of both sides" judged '[.requirements[] | select(.id == "IKE-16" or .id == "IKE-17" or .id == "IKE-19")] | length == 6'
ok "replays are seen" judged '([esp[].copies] | add > 0) and (ids | contains(["RPL-4"]))'
ok "the peer breaks no rule of ESP" judged '[esp[].findings[]] == []'
checks_end
