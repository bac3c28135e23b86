# SPDX-License-Identifier: ISC
"""A stream of numbered datagrams. `send ADDRESS PORT RATE` numbers them from 0, so many a second, until SIGTERM, and
then prints how many they were; `receive ADDRESS PORT` prints, at SIGTERM, how many came, how many of those before the
last one did not, and how many came again."""

import signal
import socket
import struct
import sys
import time

verb, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
channel = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
NUMBER = struct.Struct("!Q")


class Over(Exception):
    """SIGTERM came."""


def end(_number, _frame):
    raise Over


def send(rate):
    number, start = 0, time.monotonic()
    try:
        while True:
            try:
                channel.sendto(NUMBER.pack(number) + bytes(100), (address, port))
            except OSError as error:  # refused by the host itself: it counts as lost
                print(f"{number}: {error}", file=sys.stderr)
            number += 1
            time.sleep(max(0, start + number / rate - time.monotonic()))
    except Over:
        print(number)


def receive():
    seen, again = set(), 0
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    channel.bind((address, port))
    try:
        while True:
            (number,) = NUMBER.unpack(channel.recv(65536)[:NUMBER.size])
            again += number in seen
            seen.add(number)
    except Over:
        missing = max(seen, default=-1) + 1 - len(seen)
        print(len(seen), missing, again)


signal.signal(signal.SIGTERM, end)
if verb == "send":
    send(float(sys.argv[4]))
else:
    receive()
