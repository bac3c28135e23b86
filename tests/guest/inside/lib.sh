# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What scripts that run inside the guest have in common.
#
#   . "$SP_SOURCE/tests/guest/inside/lib.sh"
#   need_esp veth
#   check "curl fetches the page" curl -s http://10.9.0.2/
#   exit "$failures"

failures=0

# check NAME COMMAND...: one line of TAP, without a number: tests/guest/run counts.
check() {
    local name=$1 log
    shift
    if log=$("$@" 2>&1); then
        echo "ok - $name"
        return 0
    fi
    echo "not ok - $name"
    printf 'command: %s\n%s\n' "$*" "$log" | tail -n 40 | sed 's/^/# /'
    failures=$((failures + 1))
    return 1
}

fails() {
    ! "$@"
}

# equals WANTED COMMAND...: by what it prints.
equals() {
    local wanted=$1 found
    shift
    found=$("$@" 2>&1)
    printf 'wanted: %s\nfound:  %s\n' "$wanted" "$found"
    [ "$found" = "$wanted" ]
}

says() { # SENTENCE COMMAND...: in what it prints
    local sentence=$1 said
    shift
    said=$("$@" 2>&1)
    echo "$said"
    [[ $said == *"$sentence"* ]]
}

ipsecctl=$SP_BUILD/tools/ipsecctl/ipsecctl

on() { # HOST COMMAND...: in a host's namespace, or with "-" in the guest itself
    local host=$1
    shift
    if [ "$host" = - ]; then "$@"; else ip netns exec "$host" "$@"; fi
}

status() { # HOST EXPRESSION: about ipsecctl's status, as Python
    on "$1" "$ipsecctl" status --backend kernel --json |
        /usr/bin/python3 -c 'import json, sys; s = json.load(sys.stdin); print(eval(sys.argv[1]))' "$2"
}

is_true() { # HOST EXPRESSION
    local value
    value=$(status "$@") && echo "$2 is $value" && [ "$value" = True ]
}

# wait_until SECONDS COMMAND...: false when it still fails after that long.
wait_until() {
    local tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.05
    done
}

# need_esp [MODULE...]: ESP, its algorithms, and whatever else. The kernel loads some of them by itself only after it
# has refused an SA; the full guest has all built in and no modules.
need_esp() {
    [ -d "/mnt/lib/modules" ] || return 0
    modprobe -a esp4 esp6 xfrm_user drbg des_generic cbc hmac authenc echainiv ecb crypto_null \
        gcm ctr ghash-generic seqiv "$@"
}

# The peer may begin; wait_for_peer returns when it has ended.
tell_ready() {
    touch "$SP_SHARE/guest-ready"
}

wait_for_peer() { # SECONDS
    wait_until "$1" [ -e "$SP_SHARE/peer-ended" ]
}

# The drop counters of XFRM that aren't zero, one "NAME N" a line.
xfrm_drops() {
    awk '$2 != 0 { print $1, $2 }' /proc/net/xfrm_stat
}

# Two namespaces, front and back, 1 and 2 of the documentation networks, with wire0 between them.
two_hosts_up() {
    local host number
    ip netns add front && ip netns add back || return 1
    ip link add wire0 netns front type veth peer name wire0 netns back || return 1
    for host in front back; do
        number=1
        [ "$host" = front ] || number=2
        ip -n "$host" address add "192.0.2.$number/24" dev wire0 &&
            ip -n "$host" address add "2001:db8::$number/64" dev wire0 nodad &&
            ip -n "$host" link set lo up && ip -n "$host" link set wire0 up || return 1
    done
}
