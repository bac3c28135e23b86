#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Whoever keys, in small: subscribes to a running sallyportd's events and runs a program when an SA needs new keys.

    rekey.py [--control /run/sallyport/control.sock] PROGRAM [ARGUMENT...]

PROGRAM runs once for each SA that reaches a soft limit, or is found beyond one at the start, one at a time. It gets SPI,
SOURCE, DESTINATION, DIRECTION, FINGERPRINT and LIMIT in its environment, and has until the hard limit to have both hosts
reload files with new keys."""

import argparse
import json
import os
import socket
import subprocess
import sys


def connect(path, question):
    """A file to read answers from."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.connect(path)
    peer.sendall(json.dumps({"ask": question}).encode() + b"\n")
    return peer.makefile()


def rekey(program, sa):
    told = {name.upper(): str(sa[name]) for name in ("spi", "source", "destination", "direction", "fingerprint", "limit")}
    print(f"SPI 0x{sa['spi']:08x} reached its soft limit of {sa['limit']}", flush=True)
    if subprocess.run(program, env={**os.environ, **told}, check=False).returncode != 0:
        print("its keys could not be renewed", file=sys.stderr, flush=True)


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("--control", default="/run/sallyport/control.sock")
    reader.add_argument("program", nargs=argparse.REMAINDER)
    words = reader.parse_args()
    events = connect(words.control, "events")
    answer = json.loads(events.readline())
    if not answer["ok"]:
        sys.exit(answer["error"])
    print("listening", flush=True)
    known = set()  # what happened before we listened, and is told by both
    for sa in json.load(connect(words.control, "status"))["sas"]:
        if sa["state"] == "soft-expired":
            known.add(sa["fingerprint"])
            rekey(words.program, sa)
    for line in events:
        event = json.loads(line)
        if event["event"] == "sa-soft-expired" and event["fingerprint"] not in known:
            rekey(words.program, event)
        elif event["event"] == "lost":
            sys.exit(f"{event['count']} events were lost: start again")
    sys.exit("sallyportd has hung up")


if __name__ == "__main__":
    main()
