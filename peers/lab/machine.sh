# shellcheck shell=bash disable=SC2154
# What the lab needs of a machine. Sourced after place.sh.

# What is needed of each package of the list beside this file.
declare -A lab_needs=(
    [user-mode-linux]=linux.uml
    [mmdebstrap]=mmdebstrap
    [iproute2]=ip
    [util-linux]=setpriv
    [perl-base]=perl
    [coreutils]=timeout
    [procps]=ps
)

lacking_packages() { # [netns]: one line; user-mode Linux is for guests
    local package missing=
    while read -r package; do
        [[ -z $package || $package == '#'* ]] && continue
        [[ $package == user-mode-linux ]] && { [[ ${1:-} == netns ]] || ! has_guests; } && continue
        command -v "${lab_needs[$package]:-true}" >/dev/null || missing+=" $package"
    done <"$lab_home/packages"
    printf '%s' "$missing"
}

# Debian has user-mode Linux for this architecture.
has_guests() { [[ $(uname -m) == x86_64 || $(uname -m) == i?86 ]]; }

has_namespaces() { unshare --mount --net --pid --fork true 2>/dev/null; }

# What every way needs, so that the way can be chosen.
check_machine() {
    local missing
    missing=$(lacking_packages netns)
    [[ -z $missing ]] || fail -3 "packages are missing: apt-get install$missing"
    ((EUID == 0)) || fail -3 "namespaces and guests need root; run as root (sudo), or in a container that has CAP_SYS_ADMIN and CAP_NET_ADMIN"
    has_namespaces ||
        fail -3 "this kernel, or this container, allows no new namespaces (unshare --mount --net --pid); the lab needs them"
}

check_guest() {
    command -v linux.uml >/dev/null || has_guests ||
        fail -3 "the kernel has no ESP, so peers live in guests, and user-mode Linux is for x86-64, not $(uname -m); load the kernel's ESP (modprobe esp4 esp6 xfrm_user), or take peers/strongswan, which needs neither"
    command -v linux.uml >/dev/null ||
        fail -3 "the kernel has no ESP, so peers live in guests, and a package for them is missing: apt-get install user-mode-linux"
    [[ -c /dev/net/tun ]] || fail -3 "no /dev/net/tun for the links of guests; make it with: modprobe tun"
}

# ---- doctor: what the ways need, and what is there ----

tell() { # yes|no|- WHAT
    case $1 in
    yes) printf '  ok       %s\n' "$2" ;;
    no) printf '  MISSING  %s\n' "$2" ;;
    *) printf '  -        %s\n' "$2" ;;
    esac
}

doctor() {
    local missing guest=yes netns=yes user=yes name to_build=
    echo "This machine"
    if ((EUID == 0)); then tell yes "root"; else
        tell no "root: run as root (sudo understudy lab doctor)"
        guest=no netns=no user=no
    fi
    if has_namespaces; then tell yes "namespaces"; elif ((EUID == 0)); then
        tell no "namespaces: this kernel, or this container, allows none; a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN"
        guest=no netns=no user=no
    fi
    if [[ -c /dev/net/tun ]]; then tell yes "/dev/net/tun"; else
        tell no "/dev/net/tun: modprobe tun, or mknod /dev/net/tun c 10 200"
        guest=no user=no
    fi
    missing=$(lacking_packages)
    if [[ -z $missing ]]; then tell yes "packages of the lab"; else
        tell no "packages: apt-get install$missing"
        [[ $missing == *user-mode-linux* ]] && guest=no
        [[ ${missing/ user-mode-linux/} == "" ]] || guest=no netns=no
    fi
    has_guests || command -v linux.uml >/dev/null || { tell - "no user-mode Linux for $(uname -m): it is for x86-64"; guest=no; }
    if ((EUID == 0)) && has_namespaces; then
        if kernel_has_esp; then tell yes "ESP in the kernel"; else
            tell - "no ESP in the kernel: peers run in guests"
            netns=no
        fi
    fi
    doctor_user_space || user=no
    doctor_way
    echo "Root folders in $cache"
    for name in "$(dirname "$lab_home")"/*/inside; do
        name=$(basename "$(dirname "$name")")
        if compgen -G "$cache/roots/$name.????????????/.whole" >/dev/null; then tell yes "$name"; else
            tell - "$name: built at its first start, or by: understudy lab root $name"
            to_build=yes
        fi
    done
    [[ -z $to_build ]] || doctor_room
    echo "Ways"
    tell "${netns/no/-}" "a namespace with the ESP of this kernel"
    tell "${guest/no/-}" "a user-mode Linux guest"
    tell "${user/no/-}" "a namespace with user-space ESP (peers/strongswan only)"
    [[ $netns == yes || $guest == yes || $user == yes ]] || exit 3
}

doctor_way() {
    case ${UNDERSTUDY_LAB_WAY:-auto} in
    auto) ;;
    netns | guest) tell - "UNDERSTUDY_LAB_WAY is $UNDERSTUDY_LAB_WAY: no other way is taken" ;;
    *) tell no "UNDERSTUDY_LAB_WAY is auto, netns or guest, not '$UNDERSTUDY_LAB_WAY'" ;;
    esac
}

# Where the cache folder is, or will be.
doctor_room() {
    local folder=$cache free
    until [[ -e $folder ]]; do folder=$(dirname "$folder"); done
    [[ -d $folder ]] || { tell no "a folder: $folder is none; UNDERSTUDY_CACHE names another"; return; }
    free=$(($(df --output=avail -k "$folder" | tail -n 1) / 1024))
    ((free > root_needs_mb)) || tell no "room: each takes up to $root_needs_mb MB, and $free are left; UNDERSTUDY_CACHE names another folder"
}

doctor_user_space() {
    local package lacking=
    while read -r package; do
        [[ -z $package || $package == '#'* ]] || dpkg-query -W "$package" >/dev/null 2>&1 || lacking+=" $package"
    done <"$(dirname "$lab_home")/strongswan/packages"
    if [[ -z $lacking ]]; then tell yes "packages of peers/strongswan"; else
        tell no "packages of peers/strongswan: apt-get install$lacking"
        return 1
    fi
}
