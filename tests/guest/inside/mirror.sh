#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The kernel's SAs in our SAD, as an appliance has them: strongSwan negotiates on two hosts and gives its SAs to their
# kernels; on west a mirror brings them to our engine, which seals and opens the packets. West's kernel never sees any:
# ESP is dropped before it. East is strongSwan and the kernel alone, and answers what it could open.
#
#   mirror.sh IKE-VERSION REKEYINGS

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"
# shellcheck source=charon.sh
. "$SP_SOURCE/tests/guest/inside/charon.sh"

version=$1
rekeyings=$2
ipsecctl=$SP_BUILD/tools/ipsecctl/ipsecctl
policy=$TMPDIR/west.policy
cat >"$policy" <<END
action "web" {
    esp 3des-cbc hmac-sha1-96
    require
}
protect out tcp from $WEST to $EAST port 80 with "web"
default bypass
END

# ---- our host

start_host() { # [SOFT-PACKETS]
    rm -f "$TMPDIR/commands" "$TMPDIR/answers"
    mkfifo "$TMPDIR/commands" "$TMPDIR/answers" || return 1
    ip netns exec west "$SP_BUILD/tests/guest/mirror-host" "$policy" "$WEST" wire0 "$@" \
        <"$TMPDIR/commands" >"$TMPDIR/answers" 2>"$TMPDIR/news" &
    host_pid=$!
    exec {host_in}>"$TMPDIR/commands" {host_out}<"$TMPDIR/answers"
}

stop_host() {
    kill "$host_pid"
    wait "$host_pid"
    exec {host_in}>&- {host_out}<&-
}

# All of the answer is read before any is printed: whoever doesn't want it all must leave nothing for the next.
host() { # COMMAND...
    local line answer=''
    echo "$*" >&"$host_in"
    while IFS= read -r line <&"$host_out" && [ "$line" != . ]; do
        answer+=$line$'\n'
    done
    printf '%s' "$answer"
}

# ---- both tables

# As ipsecctl reads them; the keys' fingerprints are in it.
kernel_table() {
    ip netns exec west "$ipsecctl" status --backend kernel --json | /usr/bin/python3 -c '
import json, sys
for sa in json.load(sys.stdin)["sas"]:
    if sa["fingerprint"]:
        print("0x%08x %s %s %s %s" % (sa["spi"], sa["source"], sa["destination"], sa["algorithms"], sa["fingerprint"]))' | sort
}

# As iproute2 reads them.
kernel_spis() {
    ip -n west xfrm state | awk '
        $1 == "src" { ends = $2 " " $4 }
        $1 == "proto" { spi = $4 }
        $1 == "enc" { print spi, ends }' | sort
}

is_mirrored() { # [LEAST]
    local table
    table=$(host table | sort)
    printf 'SAD:\n%s\nkernel:\n%s\n%s\n' "$table" "$(kernel_table)" "$(host counts)" | tail -n 30
    [ "$table" = "$(kernel_table)" ] && [ "$(cut -d ' ' -f 1-3 <<<"$table")" = "$(kernel_spis)" ] &&
        [ "$(wc -l <<<"$table")" -ge "${1:-1}" ]
}

# Everything that the kernel has, now and from now on.
stays_mirrored() { # LEAST
    wait_until 10 is_mirrored "$1" && is_mirrored "$1"
}

crosses() {
    local answer
    answer=$(host ask "$EAST")
    echo "$answer"
    [[ $answer == ok* ]]
}

spis() {
    host table | cut -d ' ' -f 1 | sort
}

has_other_spis() { # FORMER
    [ "$(spis | wc -l)" -eq 2 ] && [ "$(spis)" != "$1" ]
}

rekeys() {
    local former answer
    former=$(spis)
    charon_do west --rekey --child web >/dev/null && wait_until 15 has_other_spis "$former" && is_mirrored 2 || return 1
    answer=$(host ask "$EAST")
    echo "$former -> $answer"
    [[ $answer == ok* ]] && ! grep -q "$(cut -d ' ' -f 2 <<<"$answer")" <<<"$former"
}

rekeys_again_and_again() {
    local i
    for ((i = 0; i < rekeyings; i++)); do
        rekeys || return 1
    done
}

# East's daemon hears from west's, which hears from west's kernel, which hears from us.
rekeys_when_used_up() {
    local former i
    former=$(spis)
    for i in 1 2; do
        crosses || return 1
    done
    crosses # may meet the exchange of the SAs, which takes long on a busy machine
    wait_until 15 has_other_spis "$former" && is_mirrored 2 && crosses && grep -q '^heard .*' "$TMPDIR/news"
}

# One that we can't do is refused, once, and no other suffers.
refuses_aes() {
    ip -n west xfrm state add src "$WEST" dst "$EAST" proto esp spi 0x777 reqid 3 mode transport \
        auth-trunc 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 96 \
        enc 'cbc(aes)' 0x000102030405060708090a0b0c0d0e0f || return 1
    wait_until 5 grep -q '^refused SA 0x00000777 .*cbc(aes)' "$TMPDIR/news" && host counts | grep -q 'refused 1' || return 1
    ip -n west xfrm state delete src "$WEST" dst "$EAST" proto esp spi 0x777
    wait_until 5 eval 'host counts | grep -q "refused 0"'
}

loses_none_to_time() { # an SA of one second
    ip -n west xfrm state add src "$WEST" dst "$EAST" proto esp spi 0x888 reqid 3 mode transport limit time-hard 1 \
        auth-trunc 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 96 enc 'ecb(cipher_null)' '' || return 1
    wait_until 5 eval 'host table | grep -q 0x00000888' && wait_until 5 eval '! host table | grep -q 0x00000888' && is_mirrored 2
}

has_none() {
    [ -z "$(host table)" ] && [ -z "$(kernel_spis)" ]
}

need_esp veth
modprobe aes_generic 2>/dev/null
charon_up "$version" >&2 || exit 1
mkdir -p "$TMPDIR/www"
ip netns exec east busybox httpd -f -p 80 -h "$TMPDIR/www" &
web=$!
wait_until 5 ip netns exec east grep -q ':0050 ' /proc/net/tcp /proc/net/tcp6
# What comes by a rule before the local table's is judged before it is this host's.
ip -n west rule add pref 2 lookup local && ip -n west rule delete pref 0 &&
    ip -n west rule add pref 1 iif wire0 ipproto esp blackhole || exit 1

start_host
check "IKEv$version: before any SA the SAD is empty" has_none
ip netns exec west "$SP_BUILD/docs/mirror" "$policy" "$WEST" >"$TMPDIR/example" 2>&1 &
example=$!
check "what strongSwan negotiates is in the SAD" \
    eval 'charon_do west --initiate --child web && stays_mirrored 2'
check "east's kernel opens what our engine seals under it, and our engine opens east's answer" crosses
check "$rekeyings rekeyings: each time the SAD has the new SAs and not the old, and packets cross under them" \
    rekeys_again_and_again
check "an SA of other algorithms is refused, said once, and counted" refuses_aes
check "an SA that has lived its time in the kernel is gone here" loses_none_to_time
check "when the child ends all are gone" eval 'charon_do west --terminate --child web && wait_until 10 has_none'
kill "$example"
wait "$example"
check "the example program ends well when it is told to" [ $? -eq 0 ]
check "and has said what came and went" eval '[ "$(grep -c ^added "$TMPDIR/example")" -gt 4 ] && grep -q ^removed "$TMPDIR/example"'
stop_host

charon_do west --initiate --child web >&2
start_host 3
check "one that starts late finds what is there" stays_mirrored 2
check "an SA that is used up here makes strongSwan negotiate new ones" rekeys_when_used_up
stop_host

[ "$failures" -eq 0 ] || tail -n 30 "$TMPDIR/news" "$TMPDIR/example" "$charon_folder"/*/log >&2
kill "$web"
charon_down
exit "$failures"
