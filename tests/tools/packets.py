# SPDX-License-Identifier: ISC
"""Packets, made by scapy."""

import logging

logging.getLogger("scapy").setLevel(logging.CRITICAL)

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether  # noqa: E402,F401
from scapy.packet import Raw  # noqa: E402

FRONT, BACK = "192.0.2.1", "192.0.2.2"
FRONT6, BACK6 = "2001:db8::1", "2001:db8::2"
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}


def ip(source, destination):
    return (IPv6 if ":" in source else IP)(src=source, dst=destination)


def tcp(source, source_port, destination, destination_port, payload=b"", **fields):
    return ip(source, destination) / TCP(sport=source_port, dport=destination_port, **fields) / Raw(payload)


def request(length=0, port=40000, source=FRONT, destination=BACK):
    return tcp(source, port, destination, 80, bytes(index % 251 for index in range(length)))


def reply(length=0, port=40000, source=BACK, destination=FRONT):
    return tcp(source, 80, destination, port, bytes(index % 241 for index in range(length)))


def udp(source, destination, length=10):
    return ip(source, destination) / UDP(sport=4000, dport=53) / Raw(b"u" * length)


def ping(source, destination):
    return ip(source, destination) / ICMP()


def framed(packet, *tags):
    frame = Ether(**MACS)
    for tag in tags:
        frame /= tag
    return bytes(frame / packet)


def arp():
    return bytes(Ether(src=MACS["src"], dst="ff:ff:ff:ff:ff:ff") / ARP(psrc=FRONT, pdst=BACK))
