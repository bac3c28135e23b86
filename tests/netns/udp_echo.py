# SPDX-License-Identifier: ISC
"""UDP there and back: `serve ADDRESS PORT` answers each datagram with itself; `ask ADDRESS PORT BYTES [options]`
succeeds when it gets back what it sent; options: behind an IPv4 option, or a header of IPv6 destination options."""

import os
import socket
import sys

verb, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
channel = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)

if verb == "serve":
    channel.bind((address, port))
    while True:
        datagram, peer = channel.recvfrom(65536)
        channel.sendto(datagram, peer)

if "options" in sys.argv[5:]:
    if ":" in address:  # "next header, length, PadN of 4 bytes": the kernel fills in the first
        channel.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
    else:
        channel.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([1, 1, 1, 0]))
channel.settimeout(1)
for _ in range(3):
    sent = os.urandom(int(sys.argv[4]))
    try:
        channel.sendto(sent, (address, port))
        if channel.recv(65536) == sent:
            sys.exit(0)
    except OSError as error:
        print(error)
sys.exit(1)
