# SPDX-License-Identifier: ISC
"""What is proven with the peers. Each case returns nothing, or raises and says why."""

import os
import struct

import gate as gates
import packets
import peer as peers
import wireshark

SUITES = [f"{encryption} {integrity}" for encryption in ("3des-cbc", "null")
          for integrity in ("hmac-sha1-96", "hmac-md5-96", "hmac-sha2-256-128")] + ["aes128-gcm16", "aes256-gcm16"]
IN_UDP = ["3des-cbc hmac-sha1-96 in UDP", "aes128-gcm16 in UDP"]
EVERY_LENGTH = range(1481)
SOME_LENGTHS = [*range(40), *range(40, 1481, 131), 1480]
# Each algorithm at every length; each pair of them at every length takes longer.
NIGHTLY_ONLY = [] if os.environ.get("SP_NIGHTLY") else ["null hmac-md5-96", "null hmac-sha2-256-128"]


def same(what, found, expected):
    """Fails at the first packet that differs."""
    if len(found) != len(expected):
        raise AssertionError(f"{what}: {len(found)} packets instead of {len(expected)}")
    for number, (one, other) in enumerate(zip(found, expected)):
        if one != other:
            raise AssertionError(f"{what}: packet {number}\n{one.hex()}\nis not\n{other.hex()}")


def gate_for(folder, suite, shape):
    return gates.Gate(folder, suite, packets.SHAPES[shape][0])


def peer_opens(folder, suite, shape, lengths):
    """What we seal, scapy opens; numbers count from 1 and the headers are whole."""
    gate = gate_for(folder, suite, shape)
    clear = packets.clear_packets(shape, lengths, plain=gate.is_encapsulated)
    sealed, summary = gate.apply("out", clear)
    if len(sealed) != len(clear):
        raise AssertionError(f"{len(sealed)} of {len(clear)} packets were sealed: {summary}")
    peer = peers.Peer(gate)
    same("opened by scapy", [peer.open(packet) for packet in sealed], clear)
    numbers = [peer.sequence(packet) for packet in sealed]
    if numbers != list(range(1, len(sealed) + 1)):
        raise AssertionError(f"sequence numbers are not 1, 2, 3, ...: {numbers[:20]}")


def we_open(folder, suite, shape, lengths):
    """What scapy seals, we open."""
    gate = gate_for(folder, suite, shape)
    # out of UDP, checksums are computed anew, and those of these packets are not right
    clear = packets.clear_packets(shape, lengths, plain=gate.is_encapsulated)
    peer = peers.Peer(gate)
    opened, summary = gate.apply("in", [peer.seal(packet) for packet in clear])
    if len(opened) != len(clear):
        raise AssertionError(f"{len(opened)} of {len(clear)} packets were opened: {summary}")
    same("opened by us", opened, clear)


def we_refuse_altered(folder, suite, shape):
    """One bit turned in each byte of what scapy sealed, behind the IP header: nothing gets through."""
    gate = gate_for(folder, suite, shape)
    clear = packets.clear_packets(shape, [200])
    sealed = peers.Peer(gate).seal(clear[0])
    header_bytes = 20 if packets.SHAPES[shape][0] == 4 else 40
    altered = []
    for at in range(header_bytes, len(sealed)):
        copy = bytearray(sealed)
        copy[at] ^= 1 << at % 8
        altered.append(bytes(copy))
    opened, _ = gate.apply("in", altered + [sealed])
    same("of all but the last", opened, clear)


def we_refuse_foreign(folder, suite, shape):
    """A peer with another integrity key, or with the sequence numbers of packets that were here already."""
    gate = gate_for(folder, suite, shape)
    clear = packets.clear_packets(shape, [10, 20, 30])
    stranger = peers.Peer(gate, is_stranger=True)
    opened, _ = gate.apply("in", [stranger.seal(packet) for packet in clear])
    same("of a stranger", opened, [])
    peer = peers.Peer(gate)
    sealed = [peer.seal(packet) for packet in clear]
    opened, _ = gate.apply("in", sealed + sealed)
    same("once each", opened, clear)


def what_tshark_says(suite, len_bytes):
    """The whole plaintext, with padding and trailer, since it dissects no experimental protocols."""
    pad_bytes = -(len_bytes + 2) % (8 if suite.startswith("3des") else 4)
    trailer = bytes(range(1, pad_bytes + 1)) + bytes([pad_bytes, packets.EXPERIMENTAL])
    return {"esp.icv_good": "1", "esp.icv_bad": "0",
            "data.data": (packets.pattern(len_bytes, len_bytes) + trailer).hex()}


def tshark_reads(folder, suite, shape):
    """What we seal, tshark authenticates and decrypts; and it would notice a wrong ICV."""
    gate = gate_for(folder, suite, shape)
    clear = packets.clear_packets(shape, EVERY_LENGTH, plain=True)
    sealed, _ = gate.apply("out", clear)
    forged = sealed[-1][:-1] + bytes([sealed[-1][-1] ^ 1])
    rows = wireshark.dissect(folder, gate.wireshark_table(), sealed + [forged])
    if len(rows) != len(clear) + 1 or len(sealed) != len(clear):
        raise AssertionError(f"tshark saw {len(rows)} of {len(clear) + 1} packets")
    for len_bytes, row in zip(EVERY_LENGTH, rows):
        expected = what_tshark_says(suite, len_bytes)
        if row != expected:
            raise AssertionError(f"payload of {len_bytes} bytes:\n{row}\nis not\n{expected}")
    if rows[-1]["esp.icv_good"] == "1":
        raise AssertionError("tshark took a forged ICV for good: the check proves nothing")


def extended_numbers_start(folder, suite, shape):
    """With extended sequence numbers scapy opens what we seal, and only when it has them too."""
    gate = gates.Gate(folder, suite, packets.SHAPES[shape][0], has_esn=True)
    clear = packets.clear_packets(shape, SOME_LENGTHS)
    sealed, _ = gate.apply("out", clear)
    peer = peers.Peer(gate)
    same("opened by scapy", [peer.open(packet) for packet in sealed], clear)
    gate.has_esn = False
    try:
        peers.Peer(gate).open(sealed[0])
    except Exception:  # pylint: disable=broad-except # scapy and the cryptography module have one each
        return
    raise AssertionError("scapy without extended numbers took a packet with them: the check proves nothing")


BORDER = 2 ** 32
# Upper halves are found beside the highest number before a burst, so packets that leap don't share one: packets in
# clear, which are refused, keep them apart.
APART = 63
WINDOW = 64
# RFC 4303 appendix A, with this window: the window within a subspace and across a border, its left edge, packets
# behind it, leaps of nearly a subspace. (number, is it taken?)
CROSSINGS = [
    (1, True), (2, True), (2, False), (2 ** 31, True), (2 ** 31 - 63, True), (2 ** 31 - 63, False),
    (BORDER - 70, True), (BORDER - 2, True), (BORDER - 1, True), (BORDER - 1, False),
    (BORDER, True), (BORDER, False), (BORDER - 3, True), (BORDER + 1, True), (BORDER - 2, False),
    (BORDER + 20, True), (BORDER - 43, True), (BORDER - 43, False), (BORDER - 44, False),
    (BORDER + 62, True), (BORDER - 1, False), (BORDER + 63, True), (BORDER, False), (BORDER + 2, True),
    (2 * BORDER - 10, True), (2 * BORDER + 5, True), (2 * BORDER - 1, True), (2 * BORDER - 1, False),
    (3 * BORDER - 60, True), (3 * BORDER - 60, False), (3 * BORDER + 100, True), (3 * BORDER + 36, False),
    (3 * BORDER + 37, True),
    # a whole subspace is lost: appendix A3 says that the two ends then no longer understand each other
    (4 * BORDER + 101, False), (3 * BORDER + 101, True),
]


def extended_numbers_cross(folder, suite, shape):
    """What scapy seals before, on and behind the borders of subspaces, we take or refuse as the RFC has it."""
    gate = gates.Gate(folder, suite, packets.SHAPES[shape][0], has_esn=True)
    gate.set_replay_window(WINDOW)
    clear = packets.clear_packets(shape, range(100, 100 + len(CROSSINGS)))
    peer = peers.Peer(gate)
    capture = []
    for packet, (number, _) in zip(clear, CROSSINGS):
        capture += [peer.seal_number(packet, number)] + clear[:1] * APART
    opened, _ = gate.apply("in", capture)
    same("opened by us", opened, [packet for packet, (_, is_taken) in zip(clear, CROSSINGS) if is_taken])


def no_iv_twice(folder, suite, shape):
    """IVs of many packets with the same content all differ, and so do the ciphertexts."""
    gate = gate_for(folder, suite, shape)
    sealed, _ = gate.apply("out", packets.clear_packets(shape, [64]) * 5000)
    at = 28 if packets.SHAPES[shape][0] == 4 else 48
    ivs = {struct.unpack_from("!Q", packet, at)[0] for packet in sealed}
    texts = {packet[at + 8:at + 72] for packet in sealed}
    if len(ivs) != 5000 or len(texts) != 5000:
        raise AssertionError(f"5000 packets have {len(ivs)} IVs and {len(texts)} ciphertexts")


def tunnel_there_and_back(folder, suite, shape, tunnel, has_esn):
    """Packets of one family in a tunnel of either: scapy opens what we seal, and we what scapy seals."""
    gate = gates.Gate(folder, suite, packets.SHAPES[shape][0], has_esn=has_esn, tunnel=tunnel)
    clear = packets.clear_packets(shape, SOME_LENGTHS, plain=True)
    sealed, summary = gate.apply("out", clear)
    if len(sealed) != len(clear):
        raise AssertionError(f"{len(sealed)} of {len(clear)} packets were sealed: {summary}")
    if {packet[0] >> 4 for packet in sealed} != {tunnel}:
        raise AssertionError("the outer header is of another family")
    # scapy 2.5 doesn't take UDP off again over IPv6
    if not (gate.is_encapsulated and tunnel == 6):
        peer = peers.Peer(gate)
        same("opened by scapy", [peer.open(packet) for packet in sealed], clear)
    peer = peers.Peer(gate)
    opened, summary = gate.apply("in", [peer.seal(packet) for packet in clear])
    same(f"opened by us ({summary})", opened, clear)


def tunnel_in_tsharks_eyes(folder, suite, shape, tunnel):
    """tshark finds the ICV right, the packet in the tunnel whole, and both headers as they should be."""
    gate = gates.Gate(folder, suite, packets.SHAPES[shape][0], tunnel=tunnel)
    clear = packets.clear_packets(shape, SOME_LENGTHS, plain=True)
    sealed, _ = gate.apply("out", clear)
    rows = wireshark.dissect(folder, gate.wireshark_table(), sealed, wireshark.FIELDS + wireshark.HEADERS)
    inner = packets.SHAPES[shape][0]
    ends = {4: [], 6: []}
    ends[tunnel].append(gate.ends)
    ends[inner].append((packets.SOURCE[inner], packets.DESTINATION[inner]))
    # of the header inside IPv4 has DF, and IPv6 makes it so outside; neither has a traffic class
    expected = {"esp.icv_good": "1", "esp.icv_bad": "0",
                "ip.src": ",".join(pair[0] for pair in ends[4]), "ip.dst": ",".join(pair[1] for pair in ends[4]),
                "ipv6.src": ",".join(pair[0] for pair in ends[6]), "ipv6.dst": ",".join(pair[1] for pair in ends[6]),
                "ip.dsfield": ",".join(["0x00"] * len(ends[4])), "ip.flags.df": ",".join(["1"] * len(ends[4])),
                "ipv6.tclass": ",".join(["0x00000000"] * len(ends[6]))}
    if len(rows) != len(clear):
        raise AssertionError(f"tshark saw {len(rows)} of {len(clear)} packets")
    for len_bytes, row in zip(SOME_LENGTHS, rows):
        text = row.pop("data.data")
        if row != expected or text != packets.pattern(len_bytes, len_bytes).hex():
            raise AssertionError(f"payload of {len_bytes} bytes:\n{row}, {text}\nis not\n{expected}")


def with_scapy(shape, suite):
    """Both ways."""
    seldom = suite in NIGHTLY_ONLY or shape not in ("IPv4", "IPv6")
    lengths = SOME_LENGTHS if seldom else EVERY_LENGTH
    # scapy 2.5 makes up a header of its own when it opens an empty payload behind extension headers
    opened = lengths[1:] if shape.startswith("IPv6 ") else lengths

    def name(what, which):
        some = f"{len(which)} lengths of" if seldom else "all payloads of"
        return f"{suite}, {shape}: {what}, {some} {which[0]} to {which[-1]} bytes"
    return [(name("scapy opens what we seal", opened), peer_opens, (suite, shape, opened)),
            (name("we open what scapy seals", lengths), we_open, (suite, shape, lengths))]


def with_tshark_and_attackers(shape, suite):
    return [(f"{suite}, {shape}: tshark authenticates and decrypts what we seal, all payloads of 0 to 1480 bytes",
             tshark_reads, (suite, shape)),
            (f"{suite}, {shape}: a bit turned in any byte from ESP on is refused", we_refuse_altered, (suite, shape)),
            (f"{suite}, {shape}: a stranger's packets and repeated ones are refused", we_refuse_foreign,
             (suite, shape))]


def all_cases():
    """(name, function, arguments after the folder)."""
    cases = [case for shape in packets.SHAPES for suite in SUITES for case in with_scapy(shape, suite)]
    for shape in ("IPv4", "IPv6"):
        for suite in IN_UDP:
            # scapy 2.5 doesn't take UDP off again over IPv6
            cases += with_scapy(shape, suite)[shape == "IPv6":] + with_tshark_and_attackers(shape, suite)[:1]
        for suite in SUITES:
            cases += with_tshark_and_attackers(shape, suite)
        for suite in SUITES:
            cases += [(f"{suite} esn, {shape}: scapy opens what we seal, when it has extended numbers too",
                       extended_numbers_start, (suite, shape)),
                      (f"{suite} esn, {shape}: we take scapy's packets over the borders of subspaces, each once",
                       extended_numbers_cross, (suite, shape))]
        for tunnel in (4, 6):
            where = f"{shape} in a tunnel over IPv{tunnel}"
            cases += [(f"{suite}{' esn' if has_esn else ''}, {where}: scapy and we open what the other sealed",
                       tunnel_there_and_back, (suite, shape, tunnel, has_esn))
                      for suite in SUITES for has_esn in (False, True)]
            cases += [(f"{suite}, {where}: scapy and we open what the other sealed", tunnel_there_and_back,
                       (suite, shape, tunnel, False)) for suite in IN_UDP]
            cases += [(f"{suite}, {where}: tshark finds both headers and the packet inside", tunnel_in_tsharks_eyes,
                       (suite, shape, tunnel)) for suite in SUITES]
        cases += [(f"{suite}, {shape}: no IV comes twice in 5000 packets", no_iv_twice, (suite, shape))
                  for suite in ("3des-cbc hmac-sha1-96", "aes128-gcm16")]
    return cases
