#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Sends packets as somebody would who is on the wire and has no keys.

forge.py spi SOURCE DESTINATION SPI COUNT [FLOW]   ESP under an SPI, sequence numbers from 1; FLOW: IPv6's label
forge.py replay CAPTURE SOURCE                     the last ESP packet from SOURCE in the capture, once more
forge.py bad-icv CAPTURE SOURCE                    the same, a thousand numbers ahead and with another last byte
forge.py clear DEVICE SOURCE DESTINATION           a TCP segment from port 80, past this host's own guard
forge.py fragments SOURCE DESTINATION              later IPv6 fragments, one for each extension header they may begin with
"""

import fcntl
import socket
import struct
import sys

ESP, TCP, FRAGMENT = 50, 6, 44
EXTENSIONS = (0, 43, 44, 51, 60)  # hop-by-hop, routing, fragment, authentication, destination options
ETHERNET_BYTES, IPV4_BYTES = 14, 20
SIOCGIFHWADDR = 0x8927


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def ipv4(source, destination, protocol, payload):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, IPV4_BYTES + len(payload), 1, 0, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(destination))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ipv6(source, destination, protocol, payload, flow):
    return struct.pack("!IHBB16s16s", 6 << 28 | flow, len(payload), protocol, 64,
                       socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, destination)) + payload


def send(packet):
    family = socket.AF_INET6 if packet[0] >> 4 == 6 else socket.AF_INET
    to = socket.inet_ntop(family, packet[24:40] if family == socket.AF_INET6 else packet[16:20])
    sender = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)  # with the header included
    sender.sendto(packet, (to, 0))
    sender.close()


def spi(source, destination, number, count, flow="0"):
    for sequence in range(1, int(count) + 1):
        esp = struct.pack("!II", int(number, 0), sequence) + bytes(64)
        send(ipv6(source, destination, ESP, esp, int(flow, 0)) if ":" in source else ipv4(source, destination, ESP, esp))


def fragments(source, destination):
    for extension in EXTENSIONS:
        header = struct.pack("!BBHI", extension, 0, 64 << 3, extension)  # the offset, and no more to come
        send(ipv6(source, destination, FRAGMENT, header + bytes(64), 0))


def last_of(capture, source):
    with open(capture, "rb") as stream:
        data = stream.read()
    at, found = 24, None
    while at < len(data):
        captured = struct.unpack_from("<I", data, at + 8)[0]
        packet = data[at + 16 + ETHERNET_BYTES:at + 16 + captured]
        if packet[0] >> 4 == 4 and packet[9] == ESP and packet[12:16] == socket.inet_aton(source):
            found = packet
        at += 16 + captured
    assert found, "no ESP in the capture"
    print(f"spi=0x{struct.unpack_from('!I', found, IPV4_BYTES)[0]:08x}",
          f"sequence={struct.unpack_from('!I', found, IPV4_BYTES + 4)[0]}")
    return bytearray(found)


def replay(capture, source):
    send(bytes(last_of(capture, source)))


def bad_icv(capture, source):
    packet = last_of(capture, source)
    sequence = struct.unpack_from("!I", packet, IPV4_BYTES + 4)[0]
    struct.pack_into("!I", packet, IPV4_BYTES + 4, sequence + 1000)
    packet[-1] ^= 1
    send(bytes(packet))


def hardware_address(device):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        return fcntl.ioctl(asker, SIOCGIFHWADDR, struct.pack("256s", device.encode()))[18:24]


def clear(device, source, destination):
    segment = struct.pack("!HHIIBBHHH", 80, 40000, 1, 1, 0x50, 0x10, 1024, 0, 0)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((device, 0))
    sender.send(b"\xff" * 6 + hardware_address(device) + struct.pack("!H", 0x0800) +
                ipv4(source, destination, TCP, segment))


{"spi": spi, "replay": replay, "bad-icv": bad_icv, "clear": clear,
 "fragments": fragments}[sys.argv[1]](*sys.argv[2:])
