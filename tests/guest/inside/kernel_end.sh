#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The kernel's end of the wire: an SA pair of each suite on IPv4 and IPv6, each in a network of its own, nothing
# allowed in clear, and an echo server. Lives as long as the peer.
#
#   kernel_end.sh KEYS NETWORK...: the guest is 10.0.NETWORK.2 and fd00:0:0:NETWORK::2

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"
# shellcheck source=xfrm.sh
. "$SP_SOURCE/tests/guest/inside/xfrm.sh"

add_network() {
    ip address add "10.0.$1.2/24" dev vec0 && ip address add "fd00:0:0:$1::2/64" dev vec0 nodad || return 1
    local family local_address peer
    for family in 4 6; do
        local_address=10.0.$1.2 peer=10.0.$1.1
        [ "$family" = 4 ] || local_address=fd00:0:0:$1::2 peer=fd00:0:0:$1::1
        ip neighbour replace "$peer" lladdr 02:00:00:00:00:01 dev vec0 nud permanent || return 1
        xfrm_require "$local_address" "$peer" || return 1
    done
}

keys=$1
shift
need_esp
ip link set vec0 up
for network; do
    add_network "$network" || exit 1
done
xfrm_add_states "$keys" || exit 1
"$SP_BUILD/tests/guest/echo-server" &
wait_until 5 grep -q ':0007 ' /proc/net/udp6 || exit 1
tell_ready
wait_for_peer 600
check "the kernel had nothing to refuse" equals '' xfrm_drops
exit "$failures"
