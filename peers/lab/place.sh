# shellcheck shell=bash disable=SC2154
# Places: what a peer of the lab lives in. Sourced by `lab` and `driver`; the caller stands in the state folder of the
# run and has set lab_home. Everything of a run carries its name: namespaces, the environment of its
# processes (UNDERSTUDY_PEER_OF), its record.
#
#   place/       in the state folder, gone after place_down
#     share/     /share of the place, the only thing there that it can write to and the host can read
#     box/       mount point of the place's own file system
#     way, endpoint, console.log, ended

records=${UNDERSTUDY_RECORDS:-/run/understudy/lab} # a file for each run that is up: who owns it, its state folder, its peer

fail() { # [-STATUS] message
    local status=1
    [[ $1 == -[0-9]* ]] && { status=${1#-}; shift; }
    printf '%s: %s\n' "${program_name:-lab}" "$*" >&2
    exit "$status"
}

give_up() { # [-STATUS] message: fail, with nothing left behind
    place_down
    fail "$@"
}

name_run() { # NAME
    run=$1
    [[ $run =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$ ]] ||
        fail -2 "a run has a name of letters, digits, '.', '_' and '-', not '$run'"
    harness_ns=us-$run-h peer_ns=us-$run-p record=$records/$run
}

# ---- processes ----

# shellcheck source=peers/lab/processes.sh
. "$lab_home/processes.sh"

processes_with() { # NAME=VALUE: in their environment; but for this one and what it stands in
    local pid
    while IFS=/ read -r _ _ pid _; do
        [[ $pid == "$$" || $pid == "$BASHPID" ]] && continue
        started_at "$pid" >/dev/null && printf '%s\n' "$pid"
    done < <(grep -lzxsF "$1" /proc/[0-9]*/environ)
}

# Those that carry the name of the run.
our_pids() { processes_with "UNDERSTUDY_PEER_OF=$run"; }

end_processes() { # NAME=VALUE: in their environment
    local pids tries=3
    while ((tries--)); do
        mapfile -t pids < <(processes_with "$1")
        ((${#pids[@]})) || break
        kill -s KILL "${pids[@]}" 2>/dev/null
        wait_gone "${pids[@]}"
    done
}

# ---- records ----

make_records() {
    [[ -d $records ]] || (umask 077 && mkdir -p "$records") || fail -3 "cannot make $records"
}

# Before anything is made, so that whatever is left behind has a record.
write_record() { # OWNER (0: none) PEER
    local started=0
    [[ $1 == 0 ]] || started=$(started_at "$1") || fail "process $1, the owner of run '$run', is not there"
    make_records
    if ! { printf '%s %s\n%s\n%s\n' "$1" "$started" "$PWD" "$2" >"$record.new" && mv "$record.new" "$record"; }; then
        fail -3 "cannot write $record"
    fi
}

# shellcheck disable=SC2034 # for the caller
read_record() { # NAME: sets owner, owner_started, folder, peer
    [[ $1 != *.new ]] && { read -r owner owner_started && IFS= read -r folder && IFS= read -r peer; } 2>/dev/null <"$records/$1"
}

# Whoever brings up a run that another process owns would take it away from it.
need_free_name() { # OWNER
    local owner owner_started folder peer
    if read_record "$run" && [[ $owner != 0 && $owner != "$1" ]] && ! owner_is_gone; then
        fail -3 "the name '$run' is taken: process $owner has a lab of that name up"
    fi
}

# A record that was not written to its end is of a run that was killed there.
owner_is_gone() { [[ $owner != 0 && (-z $owner_started || $(started_at "$owner") != "$owner_started") ]]; }

# Takes away what a recorded run left; its state folder, too, where it was made for that.
clear_run() { # NAME
    local owner owner_started folder peer
    read_record "$1" || folder='' peer=''
    (
        name_run "$1"
        # a driver that was killed may have left a command that would go on making what is taken away here
        [[ ! -e $peer/inside ]] || end_processes "UNDERSTUDY_RUN=$run"
        if ! [[ -n $folder && -O $folder ]] || ! cd -- "$folder"; then cd /; fi
        if [[ -n $peer && ! -e $peer/inside && -x $peer/driver && $PWD != / ]]; then
            UNDERSTUDY_RUN=$run UNDERSTUDY_STATE=$PWD "$peer/driver" stop
        fi
        place_down
        rm -f "$(dirname "$records")/$run" # what the suite itself wrote of it
        if [[ $PWD != / ]]; then
            cd /
            [[ $folder == */state-?????? || $folder == "$records.state"/* ]] && rm -rf -- "$folder"
        fi
        true
    )
}

# What runs left that were killed: their owner is gone, or another process has its number.
clear_dead_runs() {
    local dead owner owner_started folder peer
    for dead in "$records"/*; do
        [[ -f $dead && -O $dead ]] && read_record "${dead##*/}" && owner_is_gone && clear_run "${dead##*/}"
    done
}

# ---- up ----

# Where the kernel of the host has ESP: a state is added in a throw-away namespace.
kernel_has_esp() {
    local key
    printf -v key '01%.0s' {1..20}
    modprobe -a -q esp4 esp6 xfrm_user af_key 2>/dev/null
    timeout 10 unshare --net ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 mode tunnel \
        aead 'rfc4106(gcm(aes))' "0x$key" 128 2>/dev/null
}

choose_way() { # [FILE]: sets way; the file, if it is there, lists the ways in which the peer can live
    local can=' netns guest ' words
    [[ -r ${1:-} ]] && read -r -d '' -a words <"$1"
    [[ -z ${words[*]:-} ]] || can=" ${words[*]} "
    way=${UNDERSTUDY_LAB_WAY:-auto}
    case $way in
    auto) if [[ $can == *' netns '* ]] && kernel_has_esp; then way=netns; else way=guest; fi ;;
    netns | guest) ;;
    userspace) fail -3 "user-space ESP is what peers/strongswan has; UNDERSTUDY_LAB_WAY for this peer is auto, netns or guest" ;;
    *) fail -2 "UNDERSTUDY_LAB_WAY is auto, netns or guest, not '$way'" ;;
    esac
    [[ $can == *" $way "* ]] || fail -3 "this peer cannot live in the way '$way', only in:${can% }; set UNDERSTUDY_LAB_WAY to one of them, or to auto"
}

add_namespace() { # NAME
    local message
    message=$(timeout 5 ip netns add "$1" 2>&1) ||
        give_up -3 "cannot make network namespace $1 (${message##*$'\n'}); it needs root with CAP_SYS_ADMIN"
    # shellcheck disable=SC2016 # for the inner shell
    timeout 5 ip netns exec "$1" sh -c 'for f in all default; do echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter; done
        ! [ -e /proc/sys/net/ipv6 ] || echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
}

# The kernel of a guest takes seconds to seed what the first ESP SA needs; a case must not pay for that.
warm_up() {
    local key
    printf -v key '01%.0s' {1..32}
    printf 'xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 mode tunnel aead rfc4106(gcm(aes)) 0x%s01010101 128\n' "$key"
    printf 'xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 2 mode tunnel enc cbc(aes) 0x%s auth-trunc hmac(sha256) 0x%s 128\n' \
        "$key" "$key"
    printf 'xfrm state flush\n'
}

# The links, and the addresses of both sides: commands of ip for the interface us0 in the files network.harness and
# network.peer, which stand in the place folder.
make_network() {
    local message
    add_namespace "$harness_ns"
    if [[ $way == guest ]]; then
        message=$({
            timeout 5 ip -n "$harness_ns" tuntap add dev us0 mode tap user 65534 &&
                timeout 5 ip -n "$harness_ns" tuntap add dev us1 mode tap user 65534 &&
                timeout 5 ip -n "$harness_ns" addr add 169.254.77.1/30 dev us1 &&
                timeout 5 ip -n "$harness_ns" link set us1 up
        } 2>&1) || give_up -3 "cannot make the links of the guest: ${message%%$'\n'*}"
        {
            warm_up
            sed 's/\bus0\b/vec0/' place/network.peer
            printf 'addr add 169.254.77.2/30 dev vec1\nlink set vec1 up\n'
        } >place/share/network
    else
        add_namespace "$peer_ns"
        message=$({
            timeout 5 ip -n "$harness_ns" link add us0 type veth peer name us0 netns "$peer_ns" &&
                timeout 5 ip -n "$peer_ns" -batch place/network.peer
        } 2>&1) || give_up -3 "cannot join the namespaces: ${message%%$'\n'*}"
    fi
    message=$(timeout 5 ip -n "$harness_ns" -batch place/network.harness 2>&1) ||
        give_up -3 "cannot give the harness its addresses: ${message%%$'\n'*}"
}

# The place folder, for the caller to fill: share/, network.harness, network.peer.
place_prepare() {
    if ! { mkdir -m 700 place && mkdir place/share place/box && printf '%s\n' "$way" >place/way; }; then
        give_up -3 "cannot make the place in $PWD"
    fi
}

# Brings it up, until its control channel answers: place_up ROOT TIMEOUT_MS
place_up() {
    local root=$1 bound=$2 ns=$peer_ns what=${way/netns/namespace} until
    make_network
    chown -R 65534:65534 place/share
    if [[ $way == guest ]]; then
        ns=$harness_ns
        printf '169.254.77.2:7000\n' >place/endpoint
    else
        printf '%s\n' "$PWD/place/share/agent" >place/endpoint
    fi
    # a clean environment: nothing of the user's, no NOTIFY_SOCKET of a service manager
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C UNDERSTUDY_PEER_OF="$run" UNDERSTUDY_RECORDS="$records" \
        LAB_MEMORY="${UNDERSTUDY_LAB_MEMORY:-256M}" \
        setsid "$lab_home/keeper" "$run" "${UNDERSTUDY_PID:-0}" "$lab_home/lab" \
        nsenter --net="/run/netns/$ns" unshare --mount --pid --ipc --uts --fork --kill-child \
        --propagation slave "$lab_home/box" "$way" "$root" "$PWD/place" </dev/null >place/console.log 2>&1 &
    local keeper=$!
    disown "$keeper"
    until=$((${EPOCHREALTIME/./} + bound * 1000))
    until [[ -s place/share/ready ]]; do
        if [[ -e place/ended ]] || ! started_at "$keeper" >/dev/null; then
            give_up -3 "the $what ended at start: $(last_words)"
        fi
        ((${EPOCHREALTIME/./} < until)) || give_up -3 "the $what did not come up within $bound ms: $(last_words)"
        sleep 0.02
    done
}

last_words() {
    local line file
    # a guest may write what it likes into its share: links are not followed, and a pipe is not waited for
    line=$(for file in place/share/ended place/console.log; do
        dd if=$file iflag=nofollow,nonblock bs=64k count=16 status=none 2>/dev/null
    done | tr -d '\r\0' | grep -v '^[[:space:]]*$' | tail -n 1)
    printf '%s' "${line:-it left no word}"
}

# ---- in it ----

place_call() { # SECONDS COMMAND [ARG...]
    local seconds=$1 endpoint
    shift
    { read -r endpoint <place/endpoint; } 2>/dev/null || fail "run '$run' is not up (no place in $PWD)"
    # with the name of the run: a call must not outlive the place
    local call=(env "UNDERSTUDY_PEER_OF=$run" "$lab_home/call" "$seconds" "$endpoint")
    [[ $endpoint == /* ]] || call=(nsenter --net="/run/netns/$harness_ns" "${call[@]}")
    ${place_exec:-} "${call[@]}" "$@"
}

# ---- down ----

place_down() {
    local ns
    end_processes "UNDERSTUDY_PEER_OF=$run"
    for ns in "$harness_ns" "$peer_ns"; do
        [[ -e /run/netns/$ns ]] || continue
        # the links go first: a process left in the namespace would keep it alive
        for link in us0 us1; do timeout 5 ip -n "$ns" link del $link 2>/dev/null; done
        timeout 5 ip netns del "$ns" 2>/dev/null || rm -f "/run/netns/$ns"
    done
    [[ -e place/way ]] && rm -rf place
    rm -f "$record"
}
