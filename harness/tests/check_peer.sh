#!/bin/bash
# peer-template and check-peer: what is written works, and of a peer that is right nothing is to be fixed; each thing that can be
# wrong is said, with what to do, and by the exit status. With the reference peer over UDP, with and without a driver. Usage:
# check_peer.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
# shellcheck source=harness/tests/reference_ini
. "$(dirname "$(readlink -f "$0")")/reference_ini"
program=$(readlink -f "${1:-build/understudy}")
work=$(mktemp -d) || exit 2
peer=''

finish() {
    [[ -n $peer ]] && kill -KILL "$peer" 2>/dev/null
    [[ -s $work/box/pid ]] && kill -KILL "$(cat "$work/box/pid")" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
cd "$work" || exit 2
export TMPDIR=$work/tmp && mkdir tmp

# What is said, each finding on one line.
findings() {
    awk '/^  (fine|note|FIX) / { if (line != "") print line; line = $0; next }
        /^        / { sub(/^ +/, " "); line = line $0; next }
        { if (line != "") print line; line = ""; print }
        END { if (line != "") print line }' said
}

finds() { # PATTERN...: each on a line
    local pattern
    for pattern; do
        findings | grep -qE -- "$pattern" || { echo "not said: $pattern"; findings; return 1; }
    done
}

fixes() { # NUMBER: so many things are to be fixed, and no more
    local n
    n=$(findings | grep -c '^  FIX ')
    ((n == $1)) || { echo "$n things to fix, expected $1"; findings; return 1; }
}

tidy() { # nothing is left behind
    [[ -z $(find tmp -mindepth 1) ]] || { find tmp; return 1; }
}

check() { # STATUS FIXES INI PATTERN...
    ends_with "$1" "$program" check-peer "$3" && fixes "$2" && finds "${@:4}" && tidy
}

# --- the template ------------------------------------------------------------------------------------

ok "a template is written" ends_with 0 "$program" peer-template gate
ok "it says what to do" finds '^gate/peer.ini: ' '^gate/psk: ' '^gate/driver: ' 'check-peer gate'
ok "the key is private" test "$(stat -c %a gate/psk)" = 600
ok "the driver is a program" test -x gate/driver
ok "which the shell accepts" bash -n gate/driver
for verb in no-such-verb initiate liveness failover version; do
    ok "which answers $verb with 127" test "$(gate/driver $verb; echo $?)" = 127
done
ok "start and stop succeed" eval 'gate/driver start && gate/driver stop && gate/driver stop'
cp -r gate before
ok "it is never overwritten" ends_with 2 "$program" peer-template gate
ok "which is said" finds 'gate/peer.ini exists' '--force'
echo mine >gate/driver
ok "but when that is asked for" ends_with 0 "$program" peer-template --force gate
ok "to the same" diff -r gate before
mkdir other && touch other/notes
ok "in a folder that is there" ends_with 0 "$program" peer-template "$work/other/"
ok "nothing else is touched" test -e other/notes
ok "the name is that of the folder" grep -qx 'name = other' other/peer.ini
for name in '' . .. a/.. 'a b' "x
y" '-x' .hidden "$(printf 'x%.0s' {1..64})"; do
    ok "no name: $name" ends_with 2 "$program" peer-template -- "$name"
done
ok "nowhere" ends_with 2 "$program" peer-template no/such/place/gate
ok "no template without a name" ends_with 2 "$program" peer-template
# The address of the template is nobody's; with one of this machine and free ports, everything in it is right but that
# nobody answers.
sed -i 's/^harness = 192.0.2.10/harness = 127.0.0.1/; s/^peer = 192.0.2.1/peer = 127.0.0.1/; s/^port = 500/port = 9/
    s/^natt_port = 4500/natt_port = 10\nharness_port = 0\nharness_natt_port = 0/' gate/peer.ini
ok "the template can be read, and its driver passes the probe" check 3 1 gate 'ends with 127' 'FIX +nothing came from 127.0.0.1, ports 9 and 10'

# --- a box without a driver ----------------------------------------------------------------------------

start_peer() { # OPTION...: sets port and natt_port
    : >listening
    "$program" peer --listen 127.0.0.1 --port 0 --natt-port 0 "$@" >listening 2>&1 &
    peer=$!
    within 60 test -s listening
    read -r port natt_port < <(sed -nE 's/^listening on [^ ]*:([0-9]+) and [^ ]*:([0-9]+) as .*/\1 \2/p' listening)
    [[ -n $natt_port ]]
}

end_peer() {
    kill -KILL "$peer" 2>/dev/null
    wait "$peer" 2>/dev/null
    peer=''
}

box_ini() {
    cat <<INI
[peer]
name = box
response_timeout_ms = ${patience:-3000}
[address]
peer = 127.0.0.1
harness = 127.0.0.1
port = $port
natt_port = $natt_port
harness_port = 0
harness_natt_port = 0
protected = 198.51.100.2
behind = 198.51.100.1
INI
    reference_sections "$all_ike" "$all_esp"
}

broken() { # SED-SCRIPT STATUS FIXES PATTERN...
    box_ini | sed -E "$1" >broken.ini
    cmp -s broken.ini box.ini && { echo "the script changes nothing"; return 1; }
    check "$2" "$3" broken.ini "${@:4}"
}

start_peer || { echo "the reference peer does not come up"; exit 1; }
box_ini >box.ini
ok "a box that is right" check 0 0 box.ini 'note +there is none: nothing can make the peer initiate' 'fine +IKE_SA_INIT' \
    'fine +IKE_AUTH.*psk.*fqdn:peer.reference.test' 'fine +selectors: 198.51.100.2 behind the peer, 198.51.100.1 behind us' \
    'fine +message ID sync' 'fine +replay counter sync' 'fine +fragmentation' 'fine +MOBIKE' 'fine +a window of 5' \
    'fine +it takes chacha20poly1305' 'fine +an echo of 198.51.100.2 came back' '^ready: nothing to fix'
ok "in a folder" eval 'mkdir -p boxes && cp box.ini boxes/peer.ini && check 0 0 boxes "^ready"'
ok "packets are kept where that is asked for" ends_with 0 "$program" check-peer box.ini --out kept
ok "with their keys" prints 'Echo' env WIRESHARK_CONFIG_DIR=kept tshark -n -r kept/wire.pcap -Y 'icmp && ip.addr == 198.51.100.2'
ok "in private" test "$(stat -c '%a %a' kept kept/ikev2_decryption_table | tr '\n' ' ')" = '700 700 600 600 '
ok "but not over others" ends_with 2 "$program" check-peer box.ini --out kept
ok "in a folder with blanks, too" ends_with 0 "$program" check-peer box.ini --out 'kept here'
ok "whose command can be copied" eval "grep '^packets: ' said | sed 's/^packets: //' >copied && sh copied | grep -q IKE_SA_INIT"
kept_nothing() { # of a peer that does not come up
    sed 's/^\[peer\]/&\ndriver = refuses/' box.ini >refuses.ini
    # shellcheck disable=SC2016 # for the driver
    printf '#!/bin/sh\ncase $1 in start) exit 1 ;; esac\nexit 127\n' >refuses && chmod +x refuses
    ends_with 3 "$program" check-peer refuses.ini --out nothing && [[ ! -e nothing ]]
}
ok "without packets there is no folder" kept_nothing
ok "no secret is printed" eval '! grep -rq "no secret" said kept'

ok "a wrong key" broken 's/^psk = .*/psk = wrong/' 1 1 'FIX +authentication failed, says the peer.*the pre-shared key is not the same'
ok "a wrong identity of ours" broken 's/cluster.reference/other.reference/' 1 1 'FIX +authentication failed.*does not know fqdn:other.reference.test'
ok "a wrong identity of the peer's" broken 's/fqdn:peer.reference/fqdn:other/' 1 1 'FIX +authentication failed.*does not call itself fqdn:other.test'
ok "a proposal that the peer has not" broken 's/^ike = .*/ike = aes256gcm16-prfsha256-x25519,/' 0 0 '^ready'
ok "proposals that no case is played with" broken 's/^ike = .*/ike = aes128-sha256-x25519, aes256gcm16-prfsha256-x25519,/' 0 0 \
    'note +ike = aes128-sha256-x25519: no case'
ok "nothing else than those" broken '/^ike = /,/^esp/{/^esp/!d}; s/^esp/ike = aes128-sha256-x25519\nesp/' 2 1 'FIX +ike in \[proposals\] allows none.*add one of aes256gcm16'
ok "no ESP proposal" broken 's/^esp = .*/esp = aes128gcm16/' 1 1 'FIX +no ESP proposal chosen'
ok "selectors that the peer has not" broken 's/^peer = 198.*/peer = 203.0.113.0\/24/; /^(protected|behind)/d' 1 1 \
    'FIX +selectors not acceptable.*203.0.113.0/24'
ok "selectors that are narrowed" broken 's/^peer = 198.*/peer = 198.51.100.0\/24/' 0 0 'note +selectors: the peer narrowed them to 198.51.100.2 '
ok "so that the probe is outside" broken 's/^peer = 198.*/peer = 198.51.100.0\/24/; s/^protected = .*/protected = 198.51.100.3/' 1 1 \
    'FIX +no echo: the peer narrowed the selectors to 198.51.100.2 '
ok "nothing to probe" broken '/^(protected|behind)/d' 0 0 'note +protected and behind are not in \[address\]'
ok "nobody there" broken 's/^response_timeout_ms = .*/response_timeout_ms = 500/; s/^port = .*/port = 9/; s/^natt_port = .*/natt_port = 10/' 3 1 'FIX +nothing came from 127.0.0.1, ports 9 and 10.*firewalls' \
    '^1 thing to fix'
ok "port 4500 is blocked" broken 's/^natt_port = .*/natt_port = 10/' 1 2 'FIX +mobike=on: IKE_SA_INIT was answered' 'FIX +behind a NAT.*IKE_AUTH was not.*firewall let UDP port 10 through'
ok "an address that is not of this machine" broken 's/^harness = 127.*/harness = 192.0.2.77/' 2 1 'FIX +.*192.0.2.77.*no such address'
ok "a wrong file" ends_with 2 "$program" check-peer nowhere.ini
ok "which is said" finds 'no peer "nowhere.ini": no file or folder here'
box_ini | sed 's/^port/prot/' >broken.ini
wrong_line() { ends_with 2 "$program" check-peer broken.ini && finds 'broken.ini:7: .*unknown key'; }
ok "a wrong line" wrong_line
ok "two of them" ends_with 2 "$program" check-peer box.ini box.ini
ok "none" ends_with 2 "$program" check-peer
end_peer

gone_through() { # INI: whatever there is to fix
    { ends_with 0 "$program" check-peer "$1" || ends_with 1 "$program" check-peer "$1"; } && finds '^(ready|[0-9]+ thing)'
}
for fault in $("$program" peer --list-faults | awk '/^[a-z]/ && /NEG-1( |$)/ { print $1 }' | head -n 2); do
    start_peer --fault "$fault" && box_ini >box.ini
    ok "a peer with the fault $fault is gone through to the end" gone_through box.ini
    end_peer
done

rubbish_peer() {
    cat >odd.py <<'PYTHON'
import os, select, socket
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets), flush=True)
while True:
    for s in select.select(sockets, [], [])[0]:
        s.sendto(os.urandom(80), s.recvfrom(65536)[1])
PYTHON
    : >listening
    python3 odd.py >listening &
    peer=$!
    within 60 test -s listening
    read -r port natt_port <listening
}
rubbish_peer
patience=500 box_ini >box.ini
ok "a peer that answers rubbish" check 1 1 box.ini 'FIX +something came from the peer, but no IKE SA of it'
end_peer

# --- a box with a driver -----------------------------------------------------------------------------------

mkdir box
read -r port natt_port own own_natt < <(free_ports 4)
cat >box/real <<DRIVER
#!/bin/bash
here=$work/box
verb() {
    local before=\$(wc -l <\$here/said)
    echo "\$1" >\$here/verbs
    until ((\$(wc -l <\$here/said) > before)); do sleep 0.02; done
    read -r status why < <(tail -n 1 \$here/said)
    echo "\$why" >&2
    return \$status
}
case \$1 in
start)
    rm -f \$here/verbs && mkfifo \$here/verbs
    "$program" peer --listen 127.0.0.1 --port $port --natt-port $natt_port --remote 127.0.0.1 --remote-port $own \\
        --remote-natt-port $own_natt --verbs <>\$here/verbs >\$here/said 2>&1 &
    echo \$! >\$here/pid
    until [[ -s \$here/said ]]; do sleep 0.02; done ;;
stop)
    [[ ! -s \$here/pid ]] || kill -KILL \$(cat \$here/pid) 2>/dev/null
    while [[ -s \$here/pid && -e /proc/\$(cat \$here/pid) ]]; do sleep 0.02; done
    rm -f \$here/pid \$here/verbs ;;
version) echo reference ;;
initiate | liveness | rekey-ike | rekey-child | add-child | delete-child | delete) verb "\$1" ;;
logs) cat \$here/said ;;
*) exit 127 ;;
esac
DRIVER
chmod +x box/real
with_driver() { # BODY: cases before the real driver's
    # shellcheck disable=SC2016 # for the driver
    printf '#!/bin/bash\ncase $1 in\n%s\nesac\nexec %s/box/real "$@"\n' "$1" "$work" >box/driver
    chmod +x box/driver
    box_ini | sed "s/^name = .*/&\ndriver = driver\nstart_timeout_ms = 60000/; s/^harness_port = .*/harness_port = $own/
        s/^harness_natt_port = .*/harness_natt_port = $own_natt/" >box/peer.ini
}

nobody_is_left() {
    [[ ! -e box/pid ]] && ! pgrep -f -- "--remote-natt-port $own_natt" && tidy
}

driven() { # BODY STATUS FIXES PATTERN...
    with_driver "$1"
    check "$2" "$3" box "${@:4}" && nobody_is_left
}

all_verbs=('fine +initiate: the peer sets up IKE SA and Child SA, and announces message ID sync and replay' 'fine +liveness: ' 'fine +add-child: '
    'fine +rekey-child: ' 'fine +delete-child: ' 'fine +rekey-ike: ' 'fine +delete: ' 'note +status: the driver has none' 'fine +logs$')
ok "a driver that is right" driven '' 0 0 'fine +version: reference' "${all_verbs[@]}" '^ready'
ok "a driver without triggers" driven 'initiate | liveness | *-child | *-ike | delete | logs) exit 127;;' 0 0 \
    'note +initiate: the driver has none' 'note +delete: ' '^ready'
ok "a driver without a version" driven 'version) exit 127;;' 0 0 'note +it tells no version'
ok "a trigger that lies" driven 'rekey-child) exit 0;;' 1 1 'FIX +rekey-child: the driver ended with 0, but .* the peer did not'
ok "a trigger that fails" driven 'add-child) echo "no such tunnel" >&2; exit 4;;' 1 1 'FIX +add-child: .*no such tunnel \(exit status 4\)'
ok "a trigger that does something else" driven 'delete-child) exec '"$work"'/box/real liveness;;' 1 1 'FIX +delete-child: the driver ended with 0'
ok "initiate lies" driven 'initiate) exit 0;;' 1 1 'FIX +initiate: .* no IKE_SA_INIT came from the peer to 127.0.0.1'
ok "initiate fails" driven 'initiate) echo "who?" >&2; exit 1;;' 1 1 'FIX +initiate: .*who\?'
ok "logs fail" driven 'logs) echo "no journal" >&2; exit 1;;' 1 1 'FIX +logs: .*no journal'
ok "start fails" driven 'start) echo "the tap is busy" >&2; exit 4;;' 3 1 'FIX +the peer is not up: .*the tap is busy'
ok "start prints rubbish" driven 'start) echo "hello world";;' 3 1 'FIX +the peer is not up: .*key=value'
ok "127 cannot be trusted" driven 'no-such-verb) exit 0;;' 3 1 'FIX +the peer is not up: .*does not exist'
with_driver 'start) sleep 1000;;'
sed -i 's/^start_timeout_ms = .*/start_timeout_ms = 3000/' box/peer.ini
ok "start hangs" eval 'check 3 1 box "FIX +the peer is not up: .*not done after 3000 ms" && nobody_is_left'

broken_box() { # SED-SCRIPT STATUS FIXES PATTERN...
    with_driver ''
    sed -i -E "$1" box/peer.ini
    check "$2" "$3" box "${@:4}" && nobody_is_left
}
ok "with a driver a wrong key is told from a wrong identity" broken_box 's/^psk = .*/psk = wrong/' 1 2 'FIX +initiate: wrong pre-shared key'
ok "and what the peer calls itself is known" broken_box 's/fqdn:peer.reference/fqdn:other/' 1 2 \
    'FIX +initiate: the peer calls itself fqdn:peer.reference.test, and peer in \[identity\] says fqdn:other.test'
ok "and what it calls us" broken_box 's/cluster.reference/other.reference/' 1 2 'FIX +initiate: the peer asks for another identity than fqdn:other'
ok "selectors that the peer offers" broken_box 's/^harness = 198.*/harness = 203.0.113.0\/24/; /^(protected|behind)/d' 1 2 'FIX +selectors not acceptable' \
    'FIX +initiate: selectors not acceptable'

# --- signals ---------------------------------------------------------------------------------------------

interrupted() { # SIGNAL
    with_driver 'rekey-ike) touch '"$work"'/box/begun; sleep 1000;;'
    rm -f box/begun
    "$program" check-peer box >said 2>&1 &
    local pid=$! status
    within 60 test -e box/begun || return
    kill -s "$1" $pid
    wait $pid
    status=$?
    [[ $status == $((128 + $(kill -l "$1"))) ]] || { echo "exit status $status"; cat said; return 1; }
    nobody_is_left
}
ok "Ctrl-C" interrupted INT
ok "SIGTERM" interrupted TERM

checks_end
