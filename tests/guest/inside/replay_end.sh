#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The kernel's end of the replay traces: says which packets came through, and what XFRM counted of the others.
#
#   replay_end.sh KEYS NETWORK...

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"
# shellcheck source=xfrm.sh
. "$SP_SOURCE/tests/guest/inside/xfrm.sh"

keys=$1
shift
need_esp
ip link set vec0 up
for network; do
    ip address add "10.0.$network.2/24" dev vec0
    xfrm_require "10.0.$network.2" "10.0.$network.1" || exit 1
done
xfrm_add_states "$keys" || exit 1
"$SP_BUILD/tests/guest/udp-lines" 9000 >"$TMPDIR/delivered" &
lines=$!
wait_until 5 grep -q ':2328 ' /proc/net/udp || exit 1
tell_ready
has_sent_or_ended() {
    [ -s "$SP_SHARE/sent" ] || [ -e "$SP_SHARE/peer-ended" ]
}
wait_until 120 has_sent_or_ended && [ -s "$SP_SHARE/sent" ] || exit 1

# All that was sent has either come through or been counted. Under extended numbers, what lies left of the window is
# taken for a number of the next subspace (RFC 4303 appendix A2), so it has a wrong ICV rather than an old number.
counted() {
    awk -v name="$1" '$1 == name { print $2 }' /proc/net/xfrm_stat
}
all_seen() {
    [ $(($(wc -l <"$TMPDIR/delivered") + $(counted XfrmInStateSeqError) + $(counted XfrmInStateProtoError))) -eq \
        "$(cat "$SP_SHARE/sent")" ]
}
wait_until 10 all_seen
kill "$lines"
cp "$TMPDIR/delivered" "$SP_SHARE/delivered"
sync -f "$SP_SHARE"
touch "$SP_SHARE/counted"
check "what the kernel did not deliver it counted as XfrmInStateSeqError or XfrmInStateProtoError" all_seen
check "and it refused nothing for another reason" equals \
    "$(printf '%s\n' "XfrmInStateProtoError $(counted XfrmInStateProtoError)" \
        "XfrmInStateSeqError $(counted XfrmInStateSeqError)")" xfrm_drops
wait_for_peer 60
exit "$failures"
