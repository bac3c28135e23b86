# SPDX-License-Identifier: ISC
"""explain on a capture: each flow once, as it would be told alone."""

from packets import BACK, BACK6, FRONT, FRONT6, arp, framed, ping, reply, request, tcp, udp
from pcaps import ETHERNET, Frame, write
from harness import BACK_END, FRONT_END, equal, expect, ipsecctl, test

from scapy.layers.inet import fragment

PACKETS = [request(), request(10), request(5, port=40001), tcp(FRONT6, 40000, BACK6, 80), udp(FRONT, BACK),
           ping(FRONT, BACK), reply()]


def capture(folder, packets, *others):
    frames = [bytes(framed(packet)) for packet in packets] + list(others)
    return write(folder.file("in.pcap"), [Frame(frame) for frame in frames], link=ETHERNET)


@test
def flows_are_explained(folder):
    """explain --pcap tells of each flow what explain tells of one packet, and counts its packets"""
    path = capture(folder, PACKETS)
    for policy in (FRONT_END, BACK_END):
        for direction in ("out", "in"):
            for me in ((), ("--me", FRONT)):
                told = ipsecctl("explain", "--json", *me, policy, direction, "--pcap", path).json()
                equal([flow["packets"] for flow in told["flows"]], [2, 1, 1, 1, 1, 1])
                for flow in told["flows"]:
                    ends = flow["flow"]
                    words = [ends["source"], ends["destination"]]
                    if ends["source_port"] is not None:
                        words = [f"[{word}]:{ends[port]}" for word, port in
                                 zip(words, ("source_port", "destination_port"))]
                    protocol = ends["protocol"]
                    if ends["icmp_type"] is not None:
                        protocol = f"icmp:{ends['icmp_type']}/{ends['icmp_code']}"
                    alone = ipsecctl("explain", "--json", *me, policy, direction, protocol, *words).json()
                    equal((flow["flow"], flow["decision"]), (alone["flow"], alone["decision"]))


@test
def icmp_types_are_read(folder):
    """explain --pcap holds an echo request against rules about its type"""
    policy = folder.file("icmp.policy", "block out icmp type 8 from any to any\ndefault bypass\n")
    told = ipsecctl("explain", "--json", policy, "out", "--pcap", capture(folder, [ping(FRONT, BACK)])).json()
    equal(told["flows"][0]["decision"]["action"], "block")


@test
def flows_are_a_table(folder):
    """explain --pcap prints a table of flows, and what it did not ask about and why"""
    pieces = fragment(udp(FRONT, BACK, 2000), 800)
    spoilt = bytearray(bytes(framed(request())))
    spoilt[14] = 0x95
    path = capture(folder, PACKETS + pieces, bytes(arp()), bytes(spoilt))
    answer = ipsecctl("explain", FRONT_END, "out", "--pcap", path)
    rows = answer.table("ACTION")
    equal(rows[0], {"ACTION": "protect", "WHERE": f"{FRONT_END}:11", "MIRRORED": "no", "PACKETS": "2",
                    "FLOW": f"out tcp {FRONT}:40000 -> {BACK}:80", "RULE": rows[0]["RULE"]})
    equal(rows[2]["FLOW"], f"out tcp [{FRONT6}]:40000 -> [{BACK6}]:80")
    expect(rows[0]["RULE"].startswith("protect out tcp from me to any port 80"), rows[0]["RULE"])
    for line in ("1 frames that are not IP", "1 malformed packets", f"{len(pieces)} fragments"):
        expect(f"not asked about: {line}" in answer.out, line, answer.out)
    told = ipsecctl("explain", "--json", FRONT_END, "out", "--pcap", path).json()
    equal((told["frames"], told["not_ip"], told["malformed"], told["fragments"], told["truncated"]),
          (len(PACKETS) + len(pieces) + 2, 1, 1, len(pieces), 0))


@test
def many_flows_are_kept_apart(folder):
    """explain --pcap keeps thousands of flows apart and in the order in which they come"""
    packets = [request(port=1024 + index) for index in range(1500)]
    told = ipsecctl("explain", "--json", FRONT_END, "out", "--pcap", capture(folder, packets + packets)).json()
    equal([(flow["flow"]["source_port"], flow["packets"]) for flow in told["flows"]],
          [(1024 + index, 2) for index in range(1500)])


@test
def captures_that_are_none(folder):
    """explain --pcap of a file that is missing or no capture exits 2 and prints nothing on stdout"""
    for path in (folder.file("missing.pcap"), folder.file("text.pcap", "no capture\n")):
        equal(ipsecctl("explain", FRONT_END, "out", "--pcap", path, code=2).out, "")
