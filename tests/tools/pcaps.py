# SPDX-License-Identifier: ISC
"""Captures, made and read without libpcap, so that what ipsecctl writes is judged by something else."""

import struct

ETHERNET, RAW, LINUX_SLL, LINUX_SLL2, IPV4 = 1, 101, 113, 276, 228
MICRO, NANO = 0xA1B2C3D4, 0xA1B23C4D


class Frame:
    """seconds, fraction (in units of the file), the captured bytes, and the length on the wire."""

    def __init__(self, data, seconds=0, fraction=0, wire_len=None):
        self.data, self.seconds, self.fraction = bytes(data), seconds, fraction
        self.wire_len = len(self.data) if wire_len is None else wire_len

    def key(self):
        return self.seconds, self.fraction, self.wire_len, self.data


def write(path, frames, link=ETHERNET, magic=MICRO, order="<"):
    with open(path, "wb") as stream:
        stream.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link))
        for frame in frames:
            stream.write(struct.pack(order + "IIII", frame.seconds, frame.fraction, len(frame.data), frame.wire_len))
            stream.write(frame.data)
    return path


def read(path):
    """(magic, link type, frames)"""
    with open(path, "rb") as stream:
        content = stream.read()
    magic, _, _, _, _, _, link = struct.unpack("<IHHiIII", content[:24])
    frames, offset = [], 24
    while offset < len(content):
        seconds, fraction, captured, wire = struct.unpack("<IIII", content[offset:offset + 16])
        frames.append(Frame(content[offset + 16:offset + 16 + captured], seconds, fraction, wire))
        assert len(frames[-1].data) == captured, "the last frame is cut off"
        offset += 16 + captured
    return magic, link, frames


def keys_of(frames):
    return [frame.key() for frame in frames]
