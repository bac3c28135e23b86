#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Is the service manager at the other end of sd_notify(3): prints a line for each datagram, its lines joined by blanks.

hear_notify.py PATH, where a path that begins with "@" is of the abstract kind
"""

import socket
import sys
import time

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("\0" + sys.argv[1][1:] if sys.argv[1].startswith("@") else sys.argv[1])
print("listening", flush=True)
while True:
    words = manager.recv(4096).decode().split("\n")
    print(f"at={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}", *words, flush=True)
