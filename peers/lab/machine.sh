# shellcheck shell=bash
# What the lab needs of a machine. Sourced after place.sh.

# What is needed of each package of the list beside this file.
declare -A lab_needs=(
    [user-mode-linux]=/usr/bin/linux.uml
    [mmdebstrap]=mmdebstrap
    [iproute2]=ip
    [util-linux]=setpriv
    [perl-base]=perl
    [coreutils]=timeout
    [procps]=ps
)

lacking_packages() { # one line
    local package missing=
    while read -r package; do
        [[ -z $package || $package == '#'* ]] && continue
        command -v "${lab_needs[$package]:-true}" >/dev/null || missing+=" $package"
    done <"$lab_home/packages"
    printf '%s' "$missing"
}

check_machine() {
    local missing
    missing=$(lacking_packages)
    [[ -z $missing ]] || fail -3 "packages are missing: apt-get install$missing"
    ((EUID == 0)) || fail -3 "namespaces and guests need root; run as root (sudo), or in a container that has CAP_SYS_ADMIN and CAP_NET_ADMIN"
    unshare --mount --net --pid --fork true 2>/dev/null ||
        fail -3 "this kernel, or this container, allows no new namespaces (unshare --mount --net --pid); the lab needs them"
    [[ -c /dev/net/tun ]] || fail -3 "no /dev/net/tun for the links of guests; make it with: modprobe tun"
}
