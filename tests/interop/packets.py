# SPDX-License-Identifier: ISC
"""Clear packets to seal, made byte by byte, and captures of them.

Neither the library nor scapy has a hand in these bytes, so both can be held against them.
"""

import struct

SOURCE = {4: "192.0.2.1", 6: "2001:db8::1"}
DESTINATION = {4: "198.51.100.2", 6: "2001:db8::2"}
ADDRESS_BYTES = {"192.0.2.1": bytes([192, 0, 2, 1]), "198.51.100.2": bytes([198, 51, 100, 2]),
                 "2001:db8::1": bytes.fromhex("20010db8000000000000000000000001"),
                 "2001:db8::2": bytes.fromhex("20010db8000000000000000000000002")}

EXPERIMENTAL, TCP, UDP = 253, 6, 17
HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS, FRAGMENT = 0, 43, 60, 44

ROUTER_ALERT_V4 = bytes([0x94, 4, 0, 0])
RECORD_ROUTE_V4 = bytes([7, 11, 4]) + bytes(8) + bytes([0])
PADDING_OPTION = bytes([1, 4, 0, 0, 0, 0])
ROUTER_ALERT_V6 = bytes([5, 2, 0, 0, 1, 0])
ROUTE = bytes([0, 0, 0, 0, 0, 0]) + ADDRESS_BYTES["2001:db8::2"]

# What stands between the IP header and the upper layer: IPv4 options, or IPv6 (kind, body) in order.
SHAPES = {
    "IPv4": (4, b""),
    "IPv4 with options": (4, ROUTER_ALERT_V4 + RECORD_ROUTE_V4),
    "IPv6": (6, []),
    "IPv6 with hop-by-hop options": (6, [(HOP_BY_HOP, ROUTER_ALERT_V6)]),
    "IPv6 with a routing header": (6, [(HOP_BY_HOP, ROUTER_ALERT_V6), (DESTINATION_OPTIONS, PADDING_OPTION),
                                       (ROUTING, ROUTE)]),
    "IPv6 with destination options": (6, [(DESTINATION_OPTIONS, PADDING_OPTION)]),
    "IPv6 with options on both sides of ESP": (6, [(DESTINATION_OPTIONS, PADDING_OPTION), (ROUTING, ROUTE),
                                                   (DESTINATION_OPTIONS, PADDING_OPTION)]),
}


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff - total


def pattern(len_bytes, seed):
    return bytes((seed + 31 * i + (i >> 5)) & 0xff for i in range(len_bytes))


def upper_layer(len_bytes, plain):
    """(protocol, bytes) of that length; TCP and UDP in turn where they fit, unless plain."""
    if not plain and len_bytes >= 8 and len_bytes % 3 == 1:
        return UDP, struct.pack("!4H", 40000, 53, len_bytes, 0) + pattern(len_bytes - 8, len_bytes)
    if not plain and len_bytes >= 20 and len_bytes % 3 == 2:
        return TCP, struct.pack("!2H2I4H", 40000, 80, 1, 2, 0x5018, 8192, 0, 0) + pattern(len_bytes - 20, len_bytes)
    return EXPERIMENTAL, pattern(len_bytes, len_bytes)


def ipv4(options, protocol, payload):
    header_bytes = 20 + len(options)
    header = struct.pack("!BBHHHBBH", 0x40 | header_bytes // 4, 0, header_bytes + len(payload), len(payload), 0x4000,
                         64, protocol, 0) + ADDRESS_BYTES[SOURCE[4]] + ADDRESS_BYTES[DESTINATION[4]] + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ipv6(extensions, protocol, payload):
    kinds = [kind for kind, _ in extensions] + [protocol]
    chain = b"".join(bytes([following, (2 + len(body)) // 8 - 1]) + body
                     for (_, body), following in zip(extensions, kinds[1:]))
    return struct.pack("!IHBB", 0x60012345, len(chain) + len(payload), kinds[0], 64) + \
        ADDRESS_BYTES[SOURCE[6]] + ADDRESS_BYTES[DESTINATION[6]] + chain + payload


def clear_packets(shape, lengths, plain=False):
    """One packet for each upper-layer length."""
    family, between = SHAPES[shape]
    build = ipv4 if family == 4 else ipv6
    return [build(between, *upper_layer(len_bytes, plain)) for len_bytes in lengths]


def write_capture(path, packets):
    """A pcap file of raw IP packets (LINKTYPE_RAW)."""
    with open(path, "wb") as stream:
        stream.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 0x40000, 101))
        for number, packet in enumerate(packets):
            stream.write(struct.pack("<IIII", 1700000000 + number, 0, len(packet), len(packet)) + packet)


def read_capture(path):
    with open(path, "rb") as stream:
        data = stream.read()
    magic, = struct.unpack_from("<I", data)
    if magic not in (0xa1b2c3d4, 0xa1b23c4d):
        raise ValueError(f"{path} is no pcap file of this byte order")
    packets, at = [], 24
    while at < len(data):
        captured, = struct.unpack_from("<I", data, at + 8)
        packets.append(data[at + 16:at + 16 + captured])
        at += 16 + captured
    return packets
