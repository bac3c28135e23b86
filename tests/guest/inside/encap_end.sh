#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The kernel's end of the wire with ESP in UDP: ipsecctl load, the sockets that the kernel takes such ESP from, and an
# echo server. Lives as long as the peer.
#
#   encap_end.sh POLICY KEYS: the guest is 10.0.1.2 and fd00:0:0:1::2

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"

ipsecctl=$SP_BUILD/tools/ipsecctl/ipsecctl
need_esp
ip link set vec0 up
ip address add 10.0.1.2/24 dev vec0
ip address add fd00:0:0:1::2/64 dev vec0 nodad
for peer in 10.0.1.1 fd00:0:0:1::1; do
    ip neighbour replace "$peer" lladdr 02:00:00:00:00:01 dev vec0 nud permanent
done
install -m 600 "$2" "$TMPDIR/keys"
check "ipsecctl gives the kernel a policy and SAs in UDP" "$ipsecctl" load --backend kernel --keys "$TMPDIR/keys" "$1"
is_encapsulated() {
    ip xfrm state
    [ "$(ip xfrm state | grep -c 'encap type espinudp sport 4500 dport 4500')" -eq 4 ]
}
check "each SA has the encapsulation" is_encapsulated
check "loading again leaves them" bash -c '"$0" load --backend kernel --keys "$2" "$1" && [ "$(ip xfrm state | grep -c "spi 0x")" -eq 4 ]' \
    "$ipsecctl" "$1" "$TMPDIR/keys"
"$SP_BUILD/tests/guest/echo-server" &
# As key daemons have them: what comes to these sockets is asked for no policy of its own before ESP is taken out of it.
/usr/bin/python3 -c '
import signal, socket, struct
UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2
IP_XFRM_POLICY, IPV6_XFRM_POLICY = 17, 35
sockets = []
for family in socket.AF_INET, socket.AF_INET6:
    port = socket.socket(family, socket.SOCK_DGRAM)
    level, option = socket.IPPROTO_IP, IP_XFRM_POLICY
    if family == socket.AF_INET6:
        level, option = socket.IPPROTO_IPV6, IPV6_XFRM_POLICY
        port.setsockopt(level, socket.IPV6_V6ONLY, 1)
    for direction in 0, 1:
        policy = bytearray(168)  # struct xfrm_userpolicy_info: to let through whatever it is
        struct.pack_into("=H", policy, 40, family)
        policy[160] = direction
        port.setsockopt(level, option, bytes(policy))
    port.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
    port.bind(("", 4500))
    sockets.append(port)
signal.pause()' &
wait_until 5 grep -q ':0007 ' /proc/net/udp6 || exit 1
wait_until 20 grep -q ':1194 ' /proc/net/udp6 || exit 1
tell_ready
wait_for_peer 600
check "the kernel had nothing to refuse" equals '' xfrm_drops
exit "$failures"
