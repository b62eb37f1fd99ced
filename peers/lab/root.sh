# shellcheck shell=bash
# Root folders: a small Debian system with the packages of one peer, built from the host's own package sources and kept
# in the cache folder. Sourced after place.sh.
#
#   CACHE/roots/NAME.HASH        whole; the hash is of all that went into it
#   CACHE/roots/NAME.HASH.part*  being built, or left by a build that was killed
#   CACHE/roots/NAME.lock        held by the one who builds
#   CACHE/roots/NAME.HASH.used   held, shared, by whoever lives on it

cache=${UNDERSTUDY_CACHE:-/var/cache/understudy}
[[ $cache == /* ]] || cache=$PWD/$cache # before anybody goes elsewhere
root_needs_mb=600 # while it is built
root_base="iproute2 kmod procps util-linux" # of every root folder, beside what Debian calls essential

root_sources() { # FOLDER: copies the host's package sources that have its release into it
    local file name
    . /etc/os-release 2>/dev/null || fail -3 "cannot read /etc/os-release"
    [[ -n ${VERSION_CODENAME:-} ]] || fail -3 "/etc/os-release names no release (VERSION_CODENAME); the lab needs Debian or a descendant"
    release=$VERSION_CODENAME
    for file in ${UNDERSTUDY_LAB_SOURCES:-/etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources}; do
        if ! [[ -r $file ]] || ! grep -Eq "^[^#]*[[:space:]]$release(-[a-z]+)?([[:space:]]|\$)" "$file"; then continue; fi
        name=${file##*/}
        cp "$file" "$1/${name%.*}-$((++n_sources)).${name##*.}"
    done
    ((n_sources)) && return
    rm -rf "$1"
    fail -3 "no package source of this machine has $release (/etc/apt/sources.list, /etc/apt/sources.list.d)"
}

root_packages() { # LIST: one line
    local package all="$root_base"
    while read -r package; do
        [[ -z $package || $package == '#'* ]] || all+=" $package"
    done <"$1" || fail -3 "cannot read $1"
    printf '%s' "$all"
}

# root_get NAME LIST: sets root, the path of the whole folder; builds it if need be. Afterwards descriptor 9 is a shared
# lock on it, for as long as somebody has it.
root_get() {
    local name=$1 list=$2 packages hash
    packages=$(root_packages "$list") || exit
    . /etc/os-release 2>/dev/null
    hash=$(printf '%s %s %s %s' 3 "${VERSION_CODENAME:-}" "$(dpkg --print-architecture 2>/dev/null)" "$packages" | sha256sum)
    root=$cache/roots/$name.${hash:0:12}
    if ! root_hold; then
        mkdir -p "$cache/roots" 2>/dev/null || fail -3 "cannot make $cache/roots; UNDERSTUDY_CACHE names another folder"
        { exec 8>"$cache/roots/$name.lock"; } 2>/dev/null || fail -3 "cannot write in $cache/roots"
        flock 8
        root_hold || root_build "$name" "$packages"
        exec 8>&-
        root_hold || fail -3 "the root folder $root vanished"
    fi
}

root_hold() {
    [[ -e $root/.whole ]] && { exec 9>>"$root.used"; } 2>/dev/null && flock -s 9 && [[ -e $root/.whole ]]
}

root_build() { # NAME PACKAGES
    local name=$1 packages=$2 part=$root.part message n_sources=0 release began=$SECONDS old sources=$root.part-sources status
    ((EUID == 0)) || fail -3 "a root folder is built as root; run as root (sudo)"
    command -v mmdebstrap >/dev/null || fail -3 "packages are missing: apt-get install mmdebstrap"
    root_room
    rm -rf --one-file-system "$part"*
    mkdir "$sources" || fail -3 "cannot make $sources"
    root_sources "$sources"
    [[ -n ${UNDERSTUDY_LAB_QUIET:-} ]] || echo "building the root folder of $name in $cache/roots" >&2
    # mmdebstrap asks for them only when the base system is there: a wrong name would cost a minute
    # shellcheck disable=SC2016 # mmdebstrap's shell is to expand it
    local known='export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG; apt-get update --error-on=any && apt-get --simulate install '$packages
    # a PID namespace, and a signal when this shell dies: nothing of a build outlives the one who wanted it
    TMPDIR=$sources setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
        timeout --foreground -k 5 "${UNDERSTUDY_LAB_BUILD_S:-600}" mmdebstrap --variant=minbase --mode=root --include="${packages// /,}" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='APT::Install-Recommends "false"' \
        --aptopt='Acquire::Retries "2"' --setup-hook="$known" "$release" "$part" "$sources"/*.* </dev/null >"$sources/output" 2>&1
    status=$?
    message=$(<"$sources/output")
    rm -rf "$sources"
    if ((status)); then
        rm -rf --one-file-system "$part"
        fail -3 "cannot build the root folder of $name: $(root_reason $status "$message")"
    fi
    # a guest reads it as nobody, and what is private in it is nobody's secret
    if ! { chmod -R a+rX "$part" && mkdir -p "$part"/{lib/modules,share,mnt} && install -m 755 /dev/null "$part/agent" &&
        sync -f "$part" && : >"$part/.whole" && mv "$part" "$root"; }; then
        rm -rf --one-file-system "$part"
        fail -3 "cannot finish the root folder $root"
    fi
    for old in "$cache/roots/$name".????????????; do
        [[ $old == "$root" ]] || root_remove "$old"
    done
    [[ -n ${UNDERSTUDY_LAB_QUIET:-} ]] || echo "built in $((SECONDS - began)) s" >&2
}

# Before, since apt and dpkg say it in many ways.
root_room() {
    local free
    free=$(df --output=avail -k "$cache/roots" | tail -n 1)
    ((free > root_needs_mb * 1000)) || fail -3 "a root folder needs $root_needs_mb MB, and $cache/roots has $((free / 1024)); UNDERSTUDY_CACHE names another folder"
}

root_reason() { # STATUS OUTPUT
    local line
    (($1 == 124 || $1 == 137)) && { printf 'it took longer than %s s' "${UNDERSTUDY_LAB_BUILD_S:-600}"; return; }
    [[ $2 == *"No space left on device"* ]] && { printf 'no space left in %s' "$cache"; return; }
    line=$(grep -E '^E: ' <<<"$2" | grep -v -E '^E: (apt-get|mmdebstrap|env|run_chroot|setup failed)' | head -n 1)
    [[ -n $line ]] || line=$(tail -n 1 <<<"$2")
    printf '%s' "${line#E: }"
}

root_remove() { # FOLDER that nobody lives on
    [[ -d $1 ]] || return
    (exec 7>>"$1.used" && flock -n 7 && rm -rf --one-file-system "$1" && rm -f "$1.used")
}

# What builds left that were killed.
root_sweep() {
    local part name
    for part in "$cache"/roots/*.part*; do
        [[ -d $part ]] || continue
        name=${part##*/}
        name=${name%.part*}
        (exec 8>>"$cache/roots/${name%.*}.lock" && flock -n 8 && rm -rf --one-file-system "$part")
    done
}
