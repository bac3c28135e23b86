#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Stands in for syslogd or journald at a datagram socket: each datagram becomes one line, its lines joined by "|".

hear_log.py PATH
"""

import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(listener.recv(65536).decode().rstrip("\n\0").replace("\n", "|"), flush=True)
