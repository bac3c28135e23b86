#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What a running sallyportd does, read out of its statistics segment without any library.

    stats.py [/run/sallyport/control.stats]

prints the totals, the reasons of drops and a line an SA, as JSON. The layout is that of sallyport/segment.h."""

import ctypes
import ipaddress
import json
import mmap
import sys
import time

REASONS = 32
TOTALS, REASON, RULES, SAS = range(4)
DIRECTIONS = ("outbound", "inbound")


class Table(ctypes.Structure):
    _fields_ = [
        ("offset_bytes", ctypes.c_uint64),
        ("entry_bytes", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("room", ctypes.c_uint32),
        ("unused", ctypes.c_uint32),
    ]


class Header(ctypes.Structure):
    _fields_ = [
        ("magic", ctypes.c_char * 8),
        ("version", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("sequence", ctypes.c_uint64),
        ("written_ns", ctypes.c_uint64),
        ("started_ns", ctypes.c_uint64),
        ("generation", ctypes.c_uint64),
        ("tables", Table * 4),
    ]


class Counters(ctypes.Structure):
    _fields_ = [
        ("offered_packets", ctypes.c_uint64),
        ("offered_bytes", ctypes.c_uint64),
        ("bypassed_packets", ctypes.c_uint64),
        ("sealed_packets", ctypes.c_uint64),
        ("opened_packets", ctypes.c_uint64),
        ("dropped_packets", ctypes.c_uint64 * REASONS),
    ]


class Carried(ctypes.Structure):
    _fields_ = [
        ("packets", ctypes.c_uint64),
        ("authenticated_bytes", ctypes.c_uint64),
        ("confidential_bytes", ctypes.c_uint64),
    ]


class Totals(ctypes.Structure):
    _fields_ = [
        ("direction", Counters * 2),
        ("events_lost", ctypes.c_uint64),
        ("key_additions", ctypes.c_uint64),
        ("key_deletions", ctypes.c_uint64),
        ("carried", Carried * 2),
    ]


class Reason(ctypes.Structure):
    _fields_ = [("id", ctypes.c_char * 32), ("text", ctypes.c_char * 128)]


class Sa(ctypes.Structure):
    _fields_ = [
        ("direction", Counters * 2),
        ("number", ctypes.c_uint32),
        ("spi", ctypes.c_uint32),
        ("family", ctypes.c_uint32),
        ("state", ctypes.c_uint32),
        ("source", ctypes.c_uint8 * 16),
        ("destination", ctypes.c_uint8 * 16),
        ("bytes", ctypes.c_uint64),
        ("packets", ctypes.c_uint64),
    ]  # and more that isn't shown here: tables step by their entry_bytes


def copy_of(path):
    """A copy of the whole segment, all of one writing."""
    with open(path, "rb") as file:
        shared = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for _ in range(1000):
        before = Header.from_buffer_copy(shared)
        if before.magic != b"SPstats" or before.version != 1:
            sys.exit(f"{path} is not a statistics segment of version 1")
        copy = bytes(shared)
        after = Header.from_buffer_copy(shared)
        if before.sequence % 2 == 0 and before.sequence == after.sequence:
            return copy
        time.sleep(0.001)
    sys.exit(f"{path} is being written all the time: did its writer die?")


def entries(copy, table, kind):
    where = Header.from_buffer_copy(copy).tables[table]
    for index in range(where.count):
        yield kind.from_buffer_copy(copy, where.offset_bytes + index * where.entry_bytes)


def counted(counters, reasons):
    drops = {reasons[i]: n for i, n in enumerate(counters.dropped_packets) if n}
    numbers = {name: getattr(counters, name) for name, _ in Counters._fields_[:-1]}
    return {**numbers, "drops": drops}


def address(raw, family):
    return str(ipaddress.ip_address(bytes(raw[: 4 if family == 4 else 16])))


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "/run/sallyport/control.stats"
    copy = copy_of(path)
    header = Header.from_buffer_copy(copy)
    reasons = [reason.id.decode() for reason in entries(copy, REASON, Reason)]
    totals = next(entries(copy, TOTALS, Totals))
    told = {
        "generation": header.generation,
        "age_seconds": round(time.time() - header.written_ns / 1e9, 3),
        "totals": {name: counted(totals.direction[i], reasons) for i, name in enumerate(DIRECTIONS)},
        "key_additions": totals.key_additions,
        "key_deletions": totals.key_deletions,
        "carried": {
            name: {field: getattr(totals.carried[i], field) for field, _ in Carried._fields_}
            for i, name in enumerate(DIRECTIONS)
        },
        "sas": [
            {
                "spi": sa.spi,
                "source": address(sa.source, sa.family),
                "destination": address(sa.destination, sa.family),
                "bytes": sa.bytes,
                "packets": sa.packets,
            }
            for sa in entries(copy, SAS, Sa)
        ],
    }
    json.dump(told, sys.stdout, indent=2)
    print()


main()
