# SPDX-License-Identifier: ISC
"""The sockets from which the kernel takes ESP in UDP, as key daemons have them: what comes to these is asked for no
policy of its own before ESP is taken out of it."""

import signal
import socket
import struct

PORT = 4500
UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2
IP_XFRM_POLICY, IPV6_XFRM_POLICY = 17, 35


def open_port(family):
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
    port.bind(("", PORT))
    return port


ports = [open_port(socket.AF_INET), open_port(socket.AF_INET6)]
signal.pause()
