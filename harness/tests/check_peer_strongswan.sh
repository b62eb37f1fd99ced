#!/bin/bash
# check-peer with a real peer, strongSwan: nothing is to be fixed as it is, and what is broken on one side is said. Needs root and
# the packages of peers/strongswan/packages; exits 77 (skipped) without. Usage: check_peer_strongswan.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
program=$(readlink -f "${1:-build/understudy}")
peer=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../peers/strongswan")

((EUID == 0)) || { echo "needs root"; exit 77; }
[[ -x /usr/sbin/charon-systemd && -c /dev/net/tun ]] || { echo "needs charon-systemd and /dev/net/tun"; exit 77; }

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export TMPDIR=$work/tmp && mkdir tmp

check() { # STATUS FOLDER PATTERN...
    local want=$1 got pattern
    timeout -k 5 180 "$program" check-peer "$2" >said 2>&1 </dev/null
    got=$?
    tr '\n' ' ' <said | sed -E 's/ +/ /g' >words
    ((got == want)) || { echo "exit status $got, expected $want"; cat said; return 1; }
    for pattern in "${@:3}"; do
        grep -qE -- "$pattern" words || { echo "not said: $pattern"; cat said; return 1; }
    done
    [[ -z $(find tmp -mindepth 1) ]] || { echo "left: $(find tmp)"; return 1; }
}

# charon is set up from the good file, the cluster from the changed one, in which there is one slot.
broken() { # SED-SCRIPT OF-DRIVER STATUS PATTERN...
    rm -rf box && mkdir box
    sed -E "s/^slots = .*/slots = 1/; s/%n/0/g; $1" "$peer/peer.ini" >box/peer.ini
    # shellcheck disable=SC2016 # for the driver
    printf '#!/bin/bash\necho "$UNDERSTUDY_RUN" >>%q\nexport UNDERSTUDY_PEER_INI=%q\n%s\nexec %q "$@"\n' \
        "$work/runs" "$peer/peer.ini" "$2" "$peer/driver" >box/driver
    chmod +x box/driver
    check "$3" box "${@:4}"
}

ok "as it is" check 0 "$peer" 'fine start: ' 'fine version: strongSwan' 'fine IKE_AUTH: .*psk.*fqdn:peer.test' 'fine selectors: 10.78.0.1 ' \
    'fine it authenticates by ecdsa-old, too' 'fine it can be reached over IPv6' 'fine all 8 slots' 'note not announced: message ID sync' \
    'fine fragmentation' 'fine MOBIKE' 'fine an echo of 10.78.0.1' 'fine initiate: .* announces message ID sync' 'note liveness: the driver has none' \
    'fine add-child' 'fine rekey-child' 'fine delete-child' 'fine rekey-ike' 'fine delete: ' 'fine status' 'fine logs' 'ready: nothing to fix'
ok "one slot through another driver" broken '' '' 0 'ready: nothing to fix'
printf 'another key' >other.psk && chmod 600 other.psk
ok "another key" broken '' "export UNDERSTUDY_PSK_FILE=$work/other.psk" 1 'FIX authentication failed, says the peer \(AUTHENTICATION_FAILED\)' \
    'FIX initiate: wrong pre-shared key'
ok "another identity of ours" broken 's/^harness = fqdn.*/harness = fqdn:other.test/' '' 1 'FIX authentication failed.*does not know fqdn:other.test'
ok "another identity of the peer's" broken 's/^peer = fqdn.*/peer = fqdn:other.test/' '' 1 \
    'FIX initiate: the peer calls itself fqdn:peer.test, and peer in \[identity\] says fqdn:other.test'
ok "other ESP proposals" broken 's/^esp = .*/esp = chacha20poly1305/' '' 1 'FIX no ESP proposal chosen' 'FIX initiate: no ESP proposal chosen'
ok "a proposal that charon has not" broken 's/^ike = .*/ike = aes256gcm16-prfsha256-ecp256, aes256-sha256-modp2048/' '' 1 \
    'FIX no proposal chosen: the peer does not take aes256gcm16-prfsha256-ecp256'
ok "other selectors" broken 's/^peer = 10.78.0.1.*/peer = 10.80.0.1/; /^protected/d' '' 1 'FIX selectors not acceptable \(TS_UNACCEPTABLE\)'
# shellcheck disable=SC2016 # for the driver
ok "nobody behind the peer" broken '' '[[ $1 == start ]] && { "$(dirname "$UNDERSTUDY_PEER_INI")/driver" "$@" || exit; ip netns exec "us-$UNDERSTUDY_RUN-p" sh -c "echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all"; exit 0; }' \
    1 'FIX no echo: 10.78.0.1 was asked through ESP, and nothing came back'
# shellcheck disable=SC2016 # for the driver
ok "charon is not there any more" broken '' '[[ $1 == start ]] && { "$(dirname "$UNDERSTUDY_PEER_INI")/driver" "$@" || exit; kill -KILL $(cut -d " " -f 1 "$UNDERSTUDY_STATE/charon.pid"); exit 0; }' \
    3 'FIX nothing came from 10.77.0.1'
nothing_left() {
    local run
    [[ $(sort -u runs | wc -l) -ge 8 ]] || { echo "no run left its name"; return 1; }
    while read -r run; do
        [[ ! -e /run/netns/us-$run-h && ! -e /run/netns/us-$run-p && ! -e /run/understudy/$run ]] || { echo "left: $run"; return 1; }
        grep -lzx "UNDERSTUDY_PEER_OF=$run" /proc/[0-9]*/environ 2>/dev/null && return 1
    done < <(sort -u runs)
    return 0
}
ok "nothing is left" nothing_left

checks_end
