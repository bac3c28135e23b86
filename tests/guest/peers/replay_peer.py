#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The same sequence numbers through our replay window and the kernel's.

    replay_peer.py POLICY KEYS

KEYS has an SA for each window size, to 10.0.N.2. scapy seals a trace of packets under each, with sequence numbers that
we choose; the guest's kernel gets them over the wire and says in $SP_SHARE/delivered which came through, and
`ipsecctl apply` opens the same packets with the same SAs. Prints a line of TAP for each window.
"""

import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "interop"))

import packets  # noqa: E402
import peer as peers  # noqa: E402  # imports scapy quietly

from scapy.layers.inet import IP  # noqa: E402
from scapy.layers.ipsec import ESP, SecurityAssociation  # noqa: E402
from scapy.packet import Raw  # noqa: E402

SHARE = os.environ["SP_SHARE"]
IPSECCTL = os.path.join(os.environ["SP_BUILD"], "tools", "ipsecctl", "ipsecctl")
PORT = 9000
GUEST, US = bytes([2, 0, 0, 0, 0, 2]), bytes([2, 0, 0, 0, 0, 1])
PATIENCE_SECONDS = 60
LAST = 2 ** 32 - 1


def trace(window):
    """Sequence numbers: edges written by hand, then wandering ones, then the end of the number space."""
    edges = [0, 1, 1, 2, 0, window, 1, 2, 3, 3, window + 1, 1, 2, window + 3, 3, 4, 4,
             # leaps of exactly a window, of one less and one more, of a ring of blocks and further
             2 * window + 2, window + 3, window + 4, 3 * window + 3, 2 * window + 3, 2 * window + 5,
             8 * window, 7 * window, 7 * window + 1, 7 * window + 1, 8 * window - 63, 8 * window - 64, 8 * window]
    chance = random.Random(window)
    wandering, highest = [], 9 * window
    for _ in range(300 if not os.environ.get("SP_NIGHTLY") else 3000):
        step = chance.choice([1, 1, 2, 3, 63, 64, 65, window - 1, window, window + 1, 2 * window])
        wandering.append(max(1, highest + chance.choice([step, -step, -chance.randrange(2 * window), 0])))
        highest = max(highest, wandering[-1])
    end = [2 ** 31 - 1, 2 ** 31, 2 ** 31 - window, 2 ** 31 - window + 1, LAST - 1, LAST, LAST, 0, LAST - window,
           LAST - window + 1, LAST - 1, 1]
    return edges + wandering + end


def extended_trace(window):
    """Numbers of 64 bits: the window within a subspace, its left edge on the border, across it and behind it."""
    border, numbers = 2 ** 32, [1, 2, 2, window + 5, 6, 2 ** 31]
    chance = random.Random(-window)
    for top in (border - window - 1, 2 * border - window - 1, 5 * border // 2, 3 * border - 2 * window):
        numbers += [top, top + 1, top - 1, top]
        numbers += [top + window - 2, top + window - 1, top + window, top + window + 1, top + 2, top + 3, top + 2]
        highest = top + window + 1
        for _ in range(100 if not os.environ.get("SP_NIGHTLY") else 1000):
            step = chance.choice([1, 1, 2, 3, 63, 64, 65, window - 1, window, window + 1, 2 * window])
            numbers.append(highest + chance.choice([step, -step, -chance.randrange(2 * window), 0]))
            highest = max(highest, numbers[-1])
        numbers += [highest + 1, highest, highest + 2 ** 31]
    return numbers


def read_sas(path):
    with open(path, encoding="ascii") as stream:
        blocks = re.findall(r"^sa .*?^}", stream.read(), re.MULTILINE | re.DOTALL)
    found = []
    for block in blocks:
        lines = block.split("\n", 1)[1]  # the SA's name may say anything
        value = {word: re.search(rf"\b{word} (\S+)", lines).group(1)
                 for word in ("spi", "from", "to", "encryption-key", "integrity-key", "replay-window")}
        value["esn"] = bool(re.search(r"^ +esn$", lines, re.MULTILINE))
        found.append((int(value["replay-window"]), value))
    return found


def seal_trace(value, numbers):
    association = SecurityAssociation(
        ESP, spi=int(value["spi"], 0), crypt_algo="3DES", crypt_key=bytes.fromhex(value["encryption-key"][2:]),
        auth_algo="HMAC-SHA1-96", auth_key=bytes.fromhex(value["integrity-key"][2:]))
    association.esn_en = value["esn"]
    if value["esn"]:
        association.auth_algo = peers.ExtendedIntegrity(association.auth_algo, association)
    sealed = []
    for index, number in enumerate(numbers):
        payload = f"{value['spi']} {index}\n".encode()
        datagram = struct.pack("!4H", PORT, PORT, 8 + len(payload), 0) + payload
        clear = IP(src=value["from"], dst=value["to"], flags="DF", proto=packets.UDP) / Raw(datagram)
        # scapy takes a seq_num of 0 for none
        association.seq_num, association.esn = number & 0xffffffff, number >> 32
        sealed.append(bytes(association.encrypt(IP(bytes(clear)), seq_num=association.seq_num)))
    return sealed


def wait_for(path, what, is_there=os.path.exists):
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_there(path):
        if time.monotonic() > until:
            raise SystemExit(f"{what} is not there")
        time.sleep(0.02)


def through_kernel(traces):
    """The indexes of each SA's packets that the guest's UDP got."""
    wait_for(os.path.join(SHARE, "guest-ready"), "the guest")
    wire = socket.socket(fileno=int(os.environ["SP_WIRE"]))
    for sealed in traces.values():
        for packet in sealed:
            wire.send(GUEST + US + b"\x08\x00" + packet)
            time.sleep(0.0005)  # the guest's wire holds ten; a lost one would look like a refused one
    with open(os.path.join(SHARE, "sent"), "w", encoding="ascii") as stream:
        stream.write(f"{sum(len(sealed) for sealed in traces.values())}\n")
    wait_for(os.path.join(SHARE, "counted"), "the guest's count")
    delivered = {spi: [] for spi in traces}
    with open(os.path.join(SHARE, "delivered"), encoding="ascii") as stream:
        for line in stream:
            spi, index = line.split()
            delivered[spi].append(int(index))
    return delivered


def through_us(policy, keys, spi, sealed):
    before, after = (os.path.join(SHARE, f"{end}-{spi}.pcap") for end in ("before", "after"))
    # A burst is 64 packets, and the upper half of a number is found beside the highest one before the burst: a clear
    # packet, which is refused, 63 times over makes each packet a burst of its own.
    clear = bytes(IP(src="192.0.2.1", dst="192.0.2.2", proto=packets.UDP) / Raw(bytes(8)))
    packets.write_capture(before, [item for packet in sealed for item in [packet] + [clear] * 63])
    summary = subprocess.run([IPSECCTL, "apply", "--policy", policy, "--keys", keys, "--direction", "in", "--json", before,
                              after], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    opened = [packet[28:].decode("ascii").split() for packet in packets.read_capture(after)]
    drops = {reason: count for reason, count in find_drops(json.loads(summary)).items()
             if count and reason != "policy-block"}
    return [int(index) for of_spi, index in opened if of_spi == spi], drops


def find_drops(summary):
    """The summary's counts by reason, wherever they stand."""
    if isinstance(summary, dict):
        if isinstance(summary.get("drops"), dict):
            return summary["drops"]
        for value in summary.values():
            found = find_drops(value)
            if found:
                return found
    return {}


def main():
    policy, keys = sys.argv[1:]
    sas = read_sas(keys)
    numbers = {value["spi"]: (extended_trace if value["esn"] else trace)(window) for window, value in sas}
    traces = {value["spi"]: seal_trace(value, numbers[value["spi"]]) for _, value in sas}
    kernel = through_kernel(traces)
    failed = 0
    for window, value in sas:
        spi = value["spi"]
        ours, drops = through_us(policy, keys, spi, traces[spi])
        differing = sorted(set(ours) ^ set(kernel[spi]))
        is_good = ours == kernel[spi] and 0 < len(ours) < len(traces[spi])
        reasons = {"replay", "bad-icv"} if value["esn"] else {"replay"}
        is_good = is_good and set(drops) == reasons and sum(drops.values()) == len(traces[spi]) - len(ours)
        failed += not is_good
        what = f"a window of {window}{' with extended numbers' if value['esn'] else ''}"
        print(f"{'ok' if is_good else 'not ok'} - {what}: of {len(traces[spi])} packets the kernel and we "
              f"take the same {len(ours)}")
        if not is_good:
            print(f"# we took {len(ours)}, the kernel {len(kernel[spi])}; our drops: {drops}")
            for index in differing[:10]:
                print(f"# packet {index}, number {numbers[spi][index]}: taken by {'us' if index in ours else 'the kernel'}"
                      f" alone; before it came {numbers[spi][max(0, index - 8):index]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
