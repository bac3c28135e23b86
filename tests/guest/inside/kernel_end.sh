#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The kernel's end of the wire: SAs on IPv4 and IPv6 in some networks, nothing allowed in clear between their hosts, and
# an echo server. Lives as long as the peer.
#
#   kernel_end.sh ip|ipsecctl POLICY KEYS NETWORKS: the guest is 10.0.N.2 and fd00:0:0:N::2, N from 1 to NETWORKS,
#   in hexadecimal there

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"
# shellcheck source=xfrm.sh
. "$SP_SOURCE/tests/guest/inside/xfrm.sh"

ipsecctl=$SP_BUILD/tools/ipsecctl/ipsecctl
installer=$1 policy=$2 networks=$4
sa_count=$(grep -c '^sa ' "$3")

ipv6_network() { # NUMBER
    printf 'fd00:0:0:%x' "$1"
}

add_addresses() {
    local number ipv6 peer
    for ((number = 1; number <= networks; number++)); do
        ipv6=$(ipv6_network "$number")
        ip address add "10.0.$number.2/24" dev vec0 && ip address add "$ipv6::2/64" dev vec0 nodad || return 1
        for peer in "10.0.$number.1" "$ipv6::1"; do
            ip neighbour replace "$peer" lladdr 02:00:00:00:00:01 dev vec0 nud permanent || return 1
        done
    done
}

install_by_ip() {
    local number ipv6
    for ((number = 1; number <= networks; number++)); do
        ipv6=$(ipv6_network "$number")
        xfrm_require "10.0.$number.2" "10.0.$number.1" && xfrm_require "$ipv6::2" "$ipv6::1" || return 1
    done
    xfrm_add_states "$keys"
}

install_by_ipsecctl() {
    "$ipsecctl" load --backend kernel --keys "$keys" "$policy"
}

has_all_sas() {
    ip xfrm state
    [ "$(ip xfrm state | grep -c 'spi 0x')" -eq "$sa_count" ] &&
        [ "$(ip xfrm state | grep -c 'encap type espinudp sport 4500 dport 4500')" -eq "$(grep -c '^ *encap' "$keys")" ]
}

loads_again() {
    local said
    said=$(install_by_ipsecctl 2>&1)
    echo "$said"
    [[ $said == *"SAs: 0 added, 0 changed, 0 deleted, $sa_count kept"* ]] && has_all_sas
}

need_esp
ip link set vec0 up
keys=$TMPDIR/keys
install -m 600 "$3" "$keys"
add_addresses || exit 1
check "the kernel takes $sa_count SAs from $installer" "install_by_$installer" || exit 1
check "and has them, in UDP where they shall be" has_all_sas
[ "$installer" = ip ] || check "loading again leaves them" loads_again
"$SP_BUILD/tests/guest/echo-server" &
wait_until 5 grep -q ':0007 ' /proc/net/udp6 || exit 1
if grep -q '^ *encap' "$keys"; then
    /usr/bin/python3 "$SP_SOURCE/tests/guest/inside/encap_ports.py" &
    wait_until 20 grep -q ':1194 ' /proc/net/udp6 || exit 1
fi
tell_ready
wait_for_peer 600
check "the kernel had nothing to refuse" equals '' xfrm_drops
exit "$failures"
