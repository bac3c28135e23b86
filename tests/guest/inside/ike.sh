#!/bin/bash
# SPDX-License-Identifier: ISC
#
# SAs of strongSwan in the kernel, as a mirror will meet them: they come with the first packet, are replaced by a
# rekeying, and go when the IKE daemon ends them.
#
#   ike.sh VERSION

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"
# shellcheck source=charon.sh
. "$SP_SOURCE/tests/guest/inside/charon.sh"

fetches() {
    ip netns exec west curl -s -f --max-time 20 "http://$EAST/" | grep -qx 'under ESP'
}

spis() { # HOST
    ip -n "$1" xfrm state | awk '$1 == "proto" && $4 != "0x00000000" { print $4 }' | sort
}

# Both hosts have the same SAs, of the suite that was asked for.
have_same_sas() {
    ip -n west xfrm state
    [ "$(spis west | wc -l)" -ge 2 ] && [ "$(spis west)" = "$(spis east)" ] &&
        [ "$(ip -n west xfrm state | grep -c 'enc cbc(des3_ede)')" -ge 2 ] &&
        [ "$(ip -n west xfrm state | grep -c 'auth-trunc hmac(sha1) .* 96$')" -ge 2 ] &&
        [ "$(ip -n west xfrm state | grep -c 'mode transport')" -ge 2 ]
}

is_rekeyed() {
    charon_do west --rekey --child web && wait_until 10 has_others && fetches
}
has_others() {
    [ "$(spis west | wc -l)" -eq 2 ] && [ "$(spis west)" != "$first_spis" ] && have_same_sas
}

has_none() {
    [ -z "$(spis west)" ]
}

need_esp veth
charon_up "$1" >&2 || exit 1
mkdir -p "$TMPDIR/www"
echo 'under ESP' >"$TMPDIR/www/index.html"
ip netns exec east busybox httpd -f -p 80 -h "$TMPDIR/www" &
wait_until 5 ip netns exec east busybox nc -z 127.0.0.1 80
ip -n west xfrm monitor >"$TMPDIR/events" 2>/dev/null &
monitor=$!

check "IKEv$1: before the first packet there are policies and no SAs" has_none
check "IKEv$1: the first packet brings SAs, and the page comes under them" fetches
check "IKEv$1: both hosts have the same two, 3DES with HMAC-SHA1 in transport mode" have_same_sas
first_spis=$(spis west)
check "IKEv$1: a rekeying replaces them" is_rekeyed
check "IKEv$1: when the child ends they are gone" \
    eval 'charon_do west --terminate --child web && wait_until 10 has_none'
kill "$monitor"
check "IKEv$1: the kernel told of an acquire, new and deleted SAs" \
    eval 'grep -qi acquire "$TMPDIR/events" && grep -q "^Deleted src" "$TMPDIR/events" && grep -q des3_ede "$TMPDIR/events"'
[ "$failures" -eq 0 ] || tail -n 30 "$charon_folder"/*/log >&2
charon_down
exit "$failures"
