# SPDX-License-Identifier: ISC
"""Subscribers to a daemon's events. `quick SOCKET` reads all the time, `slow SOCKET` nothing until SIGUSR1 and then up to
what it lost; both print on a line of their own how many events they were told and how many they lost, quick after each.
`many SOCKET NUMBER` subscribes so often, prints what each was answered, and stays."""

import json
import signal
import socket
import sys

ASK = b'{"ask": "events"}\n'


def subscribe(path):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.connect(path)
    peer.sendall(ASK)
    return peer


def count(lines, ends_with_lost):
    told = lost = 0
    for line in lines:
        event = json.loads(line)
        if event["event"] == "lost":
            lost += event["count"]
        else:
            told += 1
        if not ends_with_lost or event["event"] == "lost":
            print(told, lost, flush=True)
        if ends_with_lost and event["event"] == "lost":
            return


verb, path = sys.argv[1], sys.argv[2]
if verb == "many":
    peers = [subscribe(path) for _ in range(int(sys.argv[3]))]
    for peer in peers:
        print(json.loads(peer.recv(4096))["ok"], flush=True)
    signal.pause()
signal.signal(signal.SIGUSR1, lambda *_: None)
lines = subscribe(path).makefile()
answer = lines.buffer.raw.readline() if verb == "slow" else lines.readline()  # of the slow one nothing more
print("listening" if json.loads(answer)["ok"] else "refused", flush=True)
if verb == "slow":
    signal.pause()
count(lines, verb == "slow")
