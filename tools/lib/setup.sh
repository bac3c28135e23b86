# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What tools/demo, tests/run and bench/run have in common: get what they need from Debian's packages, and build.
# Everything is looked at before it is done, so a second run installs nothing, compiles nothing and is quick.
#
#   . tools/lib/setup.sh
#   need_packages "${SP_PACKAGES_BUILD[@]}" nginx-light curl
#   need_build demo -Dtests=disabled        # the build folder is then in $SP_BUILD
#
# It can also be called: bash tools/lib/setup.sh need_build NAME OPTION...

SP_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# What compiling the libraries and the tools takes.
SP_PACKAGES_BUILD=(gcc libc6-dev pkg-config meson ninja-build python3-minimal libsodium-dev libssl-dev
    liburcu-dev libmnl-dev libjansson-dev libpcap-dev libnftables-dev
    libncurses-dev libmicrohttpd-dev libseccomp-dev)

sp_say() {
    printf '%s\n' "$*" >&2
}

# Runs a command as root: as we are, or with sudo. sudo may ask for a password only on a terminal.
sp_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

sp_can_be_root() {
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null 2>&1 || return 1
    [ -t 0 ] || sudo -n true 2>/dev/null
}

# The packages of the list that aren't installed, one a line.
sp_missing_packages() {
    dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
        awk -v wanted="$*" '
            $2 == "installed" { have[$1] = 1 }
            END { n = split(wanted, list, " "); for (i = 1; i <= n; i++) if (!have[list[i]]++) print list[i] }'
}

# Installs packages without starting the services that they bring (nginx would take port 80 of this host):
# policy-rc.d is how Debian lets an administrator say so. An existing one stays in charge.
sp_install() {
    local answer=0 guard=/usr/sbin/policy-rc.d is_ours=no
    if [ ! -e "$guard" ]; then
        is_ours=yes
        trap 'sp_as_root rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' | sp_as_root tee "$guard" >/dev/null && sp_as_root chmod 755 "$guard"
    fi
    sp_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=500 \
        --no-install-recommends install "$@" || answer=1
    if [ "$is_ours" = yes ]; then
        sp_as_root rm -f "$guard"
        trap - EXIT
    fi
    return "$answer"
}

# need_packages NAME...: they are installed when this returns 0.
need_packages() {
    local missing log
    mapfile -t missing < <(sp_missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null 2>&1 || ! sp_can_be_root; then
        sp_say "These Debian packages are missing, and installing them takes root or sudo:"
        sp_say "    apt-get install --no-install-recommends ${missing[*]}"
        return 1
    fi
    sp_say "installing: ${missing[*]}"
    log=$(mktemp)
    # In a subshell, so that the trap that removes policy-rc.d can't replace the caller's.
    if ! (
        # A stale package list may still do; apt-get install will tell.
        sp_as_root apt-get -q -o DPkg::Lock::Timeout=500 update || true
        sp_install "${missing[@]}"
    ) >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        sp_say "could not install: ${missing[*]}"
        return 1
    fi
    rm -f "$log"
}

# sp_logged LOG COMMAND...: runs it quietly; shows the log's end when it fails.
sp_logged() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null && return 0
    tail -n 40 "$log" >&2
    return 1
}

# The work of need_build; $SP_BUILD is where.
sp_build() {
    local name=$1 compiler='' wanted
    shift
    if [[ ${1-} == CC=* ]]; then
        compiler=${1#CC=}
        shift
    fi
    wanted="CC=$compiler $*"
    if [ ! -e "$SP_BUILD/build.ninja" ] || [ "$(cat "$SP_BUILD/.sp-options" 2>/dev/null)" != "$wanted" ]; then
        sp_say "build/$name: configuring"
        rm -rf "$SP_BUILD"
        mkdir -p "$SP_BUILD" || return 1
        sp_logged "$SP_BUILD/setup.log" env ${compiler:+"CC=$compiler"} \
            meson setup "$SP_BUILD" "$SP_SOURCE" "$@" || return 1
        printf '%s\n' "$wanted" >"$SP_BUILD/.sp-options"
    fi
    ninja -C "$SP_BUILD" -n 2>/dev/null | grep -q 'no work to do' && return 0
    sp_say "build/$name: compiling"
    sp_logged "$SP_BUILD/ninja.log" ninja -C "$SP_BUILD" -j "$(nproc)"
}

# need_build NAME [CC=COMPILER] [OPTION...]: builds build/NAME, configured with exactly these meson options.
# Sets SP_BUILD to its absolute path. Two at a time wait for each other.
need_build() {
    SP_BUILD=$SP_SOURCE/build/$1
    mkdir -p "$SP_BUILD" 2>/dev/null
    if [ ! -w "$SP_BUILD" ]; then
        sp_say "$SP_BUILD can't be written: it may be another user's; remove it, or run this as that user"
        return 1
    fi
    (
        flock 9
        sp_build "$@" 9>&-
    ) 9>"$SP_SOURCE/build/.$1.lock"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -u
    "$@"
fi
