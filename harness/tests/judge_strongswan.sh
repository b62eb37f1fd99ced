#!/bin/bash
# The judge beside strongSwan, without help from the harness: the capture is tcpdump's, on the peer's side, and the keys are
# what charon says of itself: save-keys where it is built, else its log at level 4. Needs root and the packages of
# peers/strongswan/packages; exits 77 (skipped) without. Usage: judge_strongswan.sh [PROGRAM]
set -u -o pipefail
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
sed -i 's/^      ike = .*/      ike = 4/' peer/strongswan.conf
plugin=$(find /usr/lib/ipsec/plugins -name '*save-keys.so' 2>/dev/null)
if [[ -n $plugin ]]; then
    sed -i "s|^  load = |  load = save-keys |; s|^  plugins {|  plugins {\\n    save-keys {\\n      ike = yes\\n      wireshark_keys = $work\\n    }|" \
        peer/strongswan.conf
fi

before=$(ls /run/netns 2>/dev/null)
"$program" run --peer peer --case sync.several-failovers --depth quick --out run --no-color >run.txt 2>&1 &
runner=$!
for ((i = 0; i < 400; i++)); do
    space=$(comm -13 <(echo "$before") <(ls /run/netns 2>/dev/null) | grep '^us-.*-p$' | head -n 1)
    [[ -z $space ]] || break
    sleep 0.05
done
[[ -n $space ]] || { echo "the peer did not come up"; cat run.txt; exit 1; }
ip netns exec "$space" tcpdump -i any -U -w foreign.pcap 2>tcpdump.txt &
dump=$!
wait "$runner"
runner=''
kill "$dump" && wait "$dump"
dump=''

[[ -n $plugin ]] || "$here/charon_keys.py" run/cases/*/peer.log >ikev2_decryption_table
"$program" judge foreign.pcap --keys ikev2_decryption_table --json judged.json >/dev/null
jq -e '[.ike_sas[] | select(.keys == "open")] as $open |
    ($open | length > 0) and ([$open[].sides[].not_opened] | add == 0) and ([$open[].failovers] | add > 0) and
    ([.requirements[].id] | contains(["SYNC-5", "SYNC-6", "FMT-2", "IKE-10"]))' judged.json >/dev/null ||
    { echo "not judged:"; jq '{counts, requirements, sas: [.ike_sas[] | {keys, sides, failovers}]}' judged.json; tail -n 5 run.txt; exit 1; }
echo "1 passed, 0 failed"
