#!/bin/bash
# What can go wrong with a place or a root folder: a clear message, exit status 3 or 2, and nothing left behind.
# Needs root and the packages of peers/lab/packages; exits 77 (skipped) without.
# shellcheck disable=SC2016 # it writes scripts
set -u -o pipefail
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"

root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
program=$(readlink -f "${1:-$root/build/understudy}")
lab=$root/peers/lab/lab
work=$(mktemp -d)
checks_out=$work/out
export UNDERSTUDY_RECORDS=$work/records/lab # those of others are not this test's
unset UNDERSTUDY_LAB_WAY

((EUID == 0)) || { echo "1..0 # SKIP needs root"; exit 77; }
if ! { command -v linux.uml && command -v mmdebstrap && [[ -c /dev/net/tun ]]; } >/dev/null; then
    echo "1..0 # SKIP needs the packages of peers/lab/packages and /dev/net/tun"
    exit 77
fi
whole=$("$lab" root strongswan-kernel) || { echo "1..0 # SKIP the root folder cannot be built here"; exit 77; }

nothing_left() {
    local rest
    rest=$(find /run/netns -name 'us-lab-strongswan-kernel-*')$(grep -lzxs 'UNDERSTUDY_PEER_OF=lab-strongswan-kernel' /proc/[0-9]*/environ)
    rest+=$(grep -F "$work/records" /proc/mounts)$(find "$UNDERSTUDY_RECORDS"* -mindepth 1 2>/dev/null)
    [[ -z $rest ]] || { echo "left: $rest"; return 1; }
}

fails_tidily() { # STATUS PATTERN COMMAND...
    fails_with "$@" && nothing_left
}

finish() {
    "$lab" down --all >/dev/null 2>&1
    umount "$work/tiny" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

# what `lab up` makes carries the name of the peer, so of the tests one at a time may use it; this one does to its end, since it
# looks for what carries that name
exec 7<"$root/peers/strongswan-kernel/peer.ini" && flock 7

# ---- the machine ----

path_without() { # PROGRAM...: a PATH that has all but these
    local name folder=$work/path-$1
    mkdir -p "$folder"
    cp -sf /usr/sbin/* /usr/bin/* "$folder" 2>/dev/null
    for name; do rm -f "$folder/$name"; done
    printf '%s' "$folder"
}

without_rights() { # COMMAND...
    setpriv --bounding-set=-sys_admin --inh-caps=-all "$@"
}

ok "a missing package" fails_tidily 3 'packages are missing: apt-get install mmdebstrap$' \
    env PATH="$(path_without mmdebstrap linux.uml)" "$lab" up strongswan-kernel
ok "no user-mode Linux" fails_tidily 3 'apt-get install user-mode-linux' \
    env PATH="$(path_without linux.uml)" UNDERSTUDY_LAB_WAY=guest "$lab" up strongswan-kernel
ok "no root" fails_tidily 3 'as root' setpriv --reuid 65534 --clear-groups "$lab" up strongswan-kernel
ok "no namespaces" fails_tidily 3 'no new namespaces' without_rights "$lab" up strongswan-kernel
ok "doctor says what is missing" grep 'apt-get install mmdebstrap user-mode-linux' \
    <(PATH=$(path_without mmdebstrap linux.uml) "$lab" doctor)
ok "and ends with 3 where nothing works" fails_tidily 3 '' without_rights "$lab" doctor
ok "and with 0 where something does" "$lab" doctor
without_user_mode_linux() { # on a machine for which Debian has none; with no kernel's ESP
    local path
    path=$(path_without uname linux.uml)
    printf '#!/bin/sh\necho aarch64\n' >"$path/uname" && chmod 755 "$path/uname"
    UNDERSTUDY_LAB_WAY=guest PATH=$path "$@"
}
ok "a machine that user-mode Linux is not for" fails_tidily 3 'is for x86-64, not aarch64' without_user_mode_linux "$lab" up strongswan-kernel
ok "doctor asks for no package there" prints 'no user-mode Linux for aarch64' without_user_mode_linux "$lab" doctor
mkdir "$work/tiny" && mount -t tmpfs -o size=1m tiny "$work/tiny"
ok "doctor says that there is no room" prints 'MISSING  room: .* [01] are left' env UNDERSTUDY_CACHE="$work/tiny/new" "$lab" doctor
umount "$work/tiny"
ok "and what way is wanted" prints "MISSING  UNDERSTUDY_LAB_WAY is .* not 'teleport'" env UNDERSTUDY_LAB_WAY=teleport "$lab" doctor
ok "no root, and something may be up" fails_tidily 3 'as root' setpriv --reuid 65534 --clear-groups "$lab" status
ok "nor is its log for others" fails_tidily 3 'as root' setpriv --reuid 65534 --clear-groups "$lab" logs strongswan-kernel
ok "unknown commands" fails_tidily 2 "no command 'fly'" "$lab" fly
ok "up of nothing" fails_tidily 2 'up takes' "$lab" up

# ---- a guest that does not boot ----

export UNDERSTUDY_LAB_WAY=guest
ok "a guest with too little memory" fails_tidily 3 'the guest ended at start' \
    env UNDERSTUDY_LAB_MEMORY=4M "$lab" up strongswan-kernel
ok "a guest that takes too long" fails_tidily 3 'did not come up within 300 ms' \
    env UNDERSTUDY_LAB_BOOT_MS=300 "$lab" up strongswan-kernel
export UNDERSTUDY_LAB_WAY=netns

# ---- daemons; all of them live on the root folder that is there ----

# A folder with the name of the peer has its root folder. Its `inside` is a function of the verb.
make_peer() { # NAME, the script on standard input
    local folder=$work/$1/strongswan-kernel
    mkdir -p "$folder"
    cp "$root"/peers/strongswan-kernel/{peer.ini,packages} "$folder"
    printf '#!/bin/bash\nexec %q/peers/lab/driver %q "$@"\n' "$root" "$folder" >"$folder/driver"
    { echo '#!/bin/bash'; cat; } >"$folder/inside"
    chmod 755 "$folder/driver" "$folder/inside"
    printf '%s' "$folder"
}

run_of() { # PEER ARGUMENT...: the suite's exit status, and its words
    "$program" run --peer "$1" --force --out "$work/run" --case neg.support-is-announced "${@:2}"
}

peer=$(make_peer exits <<<'echo "no such option: frob" >&2; exit 1')
ok "a daemon that exits at start" fails_tidily 3 'did not come up: no such option: frob' "$lab" up "$peer"
ok "the suite says the same" fails_tidily 3 'no such option: frob' run_of "$peer"
peer=$(make_peer lies <<<'[ "$1" = up ] && exit 0; echo "it is not there" >&2; exit 1')
ok "a daemon that says it is up and is not" fails_tidily 3 'tells no version: it is not there' "$lab" up "$peer"
peer=$(make_peer rubbish <<<'[ "$1" = version ] && { head -c 3000 /dev/urandom; echo; echo netns=/elsewhere; }; exit 0')
ok "rubbish for a version stays within its line" fails_tidily 3 '' run_of "$peer"
chmod 644 "$work/exits/strongswan-kernel/inside"
ok "an inside that is no program is made one" fails_tidily 3 'no such option: frob' "$lab" up "$work/exits/strongswan-kernel"
rm "$work/exits/strongswan-kernel/inside"
ok "no inside at all" fails_tidily 3 'cannot copy .*/inside' "$lab" up "$work/exits/strongswan-kernel"
peer=$(make_peer hangs <<<'[ "$1" = up ] && sleep 1000; exit 0')
ok "a daemon that hangs at start" fails_tidily 3 'did not come up: no end' env UNDERSTUDY_LAB_UP_S=2 "$lab" up "$peer"
peer=$(make_peer verb-hangs <<<'[ "$1" = version ] && echo hanging 1; [ "$1" = initiate ] && sleep 1000; exit 0')
hanging_verb() {
    "$lab" up "$peer" >/dev/null || return
    UNDERSTUDY_RUN=lab-strongswan-kernel UNDERSTUDY_STATE=$UNDERSTUDY_RECORDS.state/lab-strongswan-kernel \
        UNDERSTUDY_LAB_VERB_S=1 fails_tidily_left 124 'no end' "$peer/driver" initiate
    local status=$?
    "$lab" down strongswan-kernel
    return $status
}
fails_tidily_left() { # fails_tidily, of a peer that is up
    local said got
    said=$("${@:3}" 2>&1)
    got=$?
    echo "$said"
    [[ $got == "$1" && $said == *"$2"* ]]
}
ok "a verb that hangs" hanging_verb
ok "nothing is left of any" nothing_left

# ---- root folders, with a builder that takes half a second ----

mkdir "$work/stub"
cat >"$work/stub/mmdebstrap" <<'END'
#!/bin/bash
echo "$$" >>"$STUB_LOG"
[[ -z ${STUB_FAILS:-} ]] || { echo "E: $STUB_FAILS" >&2; exit 1; }
for part; do [[ $part == *.part ]] && break; done
mkdir -p "$part/bin" && sleep "${STUB_SECONDS:-0.5}" && echo whole >"$part/bin/program"
END
chmod 755 "$work/stub/mmdebstrap"
export STUB_LOG=$work/builds
peer=$(make_peer roots <<<'exit 0')
get_root() { UNDERSTUDY_CACHE=$work/cache PATH=$work/stub:$PATH "$lab" root "$peer"; }
builds() { wc -l 2>/dev/null <"$STUB_LOG" || echo 0; }

two_at_once() {
    local first
    get_root >"$work/first" &
    first=$!
    get_root >"$work/second" && wait "$first" && cmp "$work/first" "$work/second" &&
        grep -q whole "$(<"$work/first")/bin/program" && [[ $(builds) == 1 ]]
}
built_again_when_the_list_changes() {
    local old new
    old=$(get_root)
    echo tcpdump >>"$peer/packages"
    new=$(get_root)
    [[ $(builds) == 2 && $new != "$old" && -e $new/bin/program && ! -e $old ]]
}
kept_while_somebody_lives_on_it() {
    local old new
    old=$(get_root)
    exec 6>>"$old.used" && flock -s 6
    echo socat >>"$peer/packages"
    new=$(get_root)
    exec 6>&-
    [[ -e $old/bin/program && -e $new/bin/program ]]
}
killed_build_is_done_again() {
    local pid part before
    before=$(builds)
    echo perl >>"$peer/packages"
    STUB_SECONDS=100 get_root >/dev/null 2>&1 &
    pid=$!
    until part=$(find "$work/cache/roots" -path '*.part/bin') && [[ -n $part ]]; do sleep 0.05; done
    kill -9 "$pid" "$(pgrep -P "$pid" | head -n 1)" 2>/dev/null
    until flock -n "$work/cache/roots/strongswan-kernel.lock" true; do sleep 0.05; done
    [[ -d $part ]] && grep -q whole "$(get_root)/bin/program" && [[ ! -d $part && $(builds) == $((before + 2)) ]]
}
swept() {
    mkdir -p "$work/cache/roots/strongswan-kernel.0123456789ab.part/bin"
    UNDERSTUDY_CACHE=$work/cache "$lab" down --all && [[ -z $(find "$work/cache/roots" -name '*.part*') ]]
}
ok "two who want one root folder build it once" two_at_once
ok "the next one has it" test "$(get_root) $(builds)" = "$(<"$work/first") 1"
by_a_relative_path() {
    [[ $(cd "$work" && UNDERSTUDY_CACHE=cache "$lab" root "$peer") == "$(<"$work/first")" ]]
}
ok "by a relative path, too" by_a_relative_path
ok "another list of packages, another folder" built_again_when_the_list_changes
ok "the old one stays while somebody lives on it" kept_while_somebody_lives_on_it
ok "what a killed build left is built anew" killed_build_is_done_again
ok "or swept away" swept
echo iproute2 >>"$peer/packages"
export STUB_FAILS="Failed to fetch http://deb.example/x  Could not resolve 'deb.example'"
ok "a builder that fails is quoted" fails_tidily 3 "cannot build the root folder of strongswan-kernel: Failed to fetch" get_root
STUB_FAILS="cannot write: No space left on device"
ok "a disk that fills up" fails_tidily 3 "no space left in $work/cache" get_root
unset STUB_FAILS
ok "and nothing of it stays" test -z "$(find "$work/cache/roots" -name '*.part*')"
mount -t tmpfs -o size=1m tiny "$work/tiny"
ok "a full disk" fails_tidily 3 'needs 600 MB, and .* has [01]' env UNDERSTUDY_CACHE="$work/tiny" "$lab" root "$peer"
umount "$work/tiny"
: >"$work/file"
ok "a cache that is no folder" fails_tidily 3 'cannot make .*UNDERSTUDY_CACHE' \
    env UNDERSTUDY_CACHE="$work/file" "$lab" root "$peer"
ok "no source for this release" fails_tidily 3 'no package source' \
    env UNDERSTUDY_CACHE="$work/cache" UNDERSTUDY_LAB_SOURCES="$work/file" "$lab" root "$peer"

# ---- and with the real one ----

(. /etc/os-release && echo "deb [trusted=yes] http://127.0.0.1:9/debian $VERSION_CODENAME main") >"$work/closed.list"
ok "a source that cannot be reached" fails_tidily 3 'cannot build .*127\.0\.0\.1' \
    env UNDERSTUDY_CACHE="$work/cache" UNDERSTUDY_LAB_SOURCES="$work/closed.list" "$lab" root "$peer"
# Sources of a few names: what they do not have is seen before anything else is fetched.
archive() {
    local package release packages
    . /etc/os-release
    release=$work/archive/dists/$VERSION_CODENAME
    packages=main/binary-$(dpkg --print-architecture)/Packages
    mkdir -p "$release/${packages%/*}"
    for package; do
        printf 'Package: %s\nVersion: 1\nArchitecture: all\nFilename: %s.deb\nSize: 1\nSHA256: %064d\n\n' "$package" "$package" 0
    done >"$release/$packages"
    printf 'Codename: %s\nDate: %s\nSHA256:\n %s %s %s\n' "$VERSION_CODENAME" "$(date -uR)" \
        "$(sha256sum <"$release/$packages" | cut -d ' ' -f 1)" "$(stat -c %s "$release/$packages")" "$packages" >"$release/Release"
    echo "deb [trusted=yes] file://$work/archive $VERSION_CODENAME main"
}
# shellcheck disable=SC2046 # words
archive iproute2 kmod procps util-linux $(grep -v '^#' "$peer/packages") >"$work/own.list"
echo no-such-package >>"$peer/packages"
ok "a package that the sources do not have" fails_tidily 3 'cannot build .*: Unable to locate package no-such-package$' \
    env UNDERSTUDY_CACHE="$work/cache" UNDERSTUDY_LAB_SOURCES="$work/own.list" "$lab" root "$peer"
ok "the root folder in use was not touched" test -e "$whole/.whole"

checks_end
