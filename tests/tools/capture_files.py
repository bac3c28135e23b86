# SPDX-License-Identifier: ISC
"""apply and its files: link types, timestamps, damaged and truncated captures, outputs that fail."""

import os
import signal
import struct
import subprocess
import time

import packets
import pcaps
from apply import apply, check_sums, requests
from harness import FRONT_END, IPSECCTL, equal, expect, ipsecctl, test
from packets import framed
from pcaps import Frame


def seal(folder, frames, **file_options):
    pcaps.write(folder.file("in.pcap"), frames, **file_options)
    keys = folder.file("pair.keys") if "pair.keys" in folder.names() else folder.keys()
    told = apply(folder, FRONT_END, keys, "out", "in.pcap", "out.pcap")
    check_sums(told)
    return told, pcaps.read(folder.file("out.pcap"))


def words(folder, source="in.pcap"):
    keys = folder.file("pair.keys") if "pair.keys" in folder.names() else folder.keys()
    return ["apply", "--policy", FRONT_END, "--keys", keys, "--direction", "out", folder.file(source),
            folder.file("out.pcap")]


@test
def vlan_tags_are_kept(folder):
    """VLAN tags, also stacked, stay in front of the sealed packet"""
    tags = [[packets.Dot1Q(vlan=5)], [packets.Dot1AD(vlan=7), packets.Dot1Q(vlan=9)], []]
    frames = [Frame(framed(packets.request(30), *tag)) for tag in tags]
    told, (_, _, written) = seal(folder, frames)
    equal(told["totals"]["sealed_packets"], 3)
    for before, after, tag in zip(frames, written, tags):
        link = 14 + 4 * len(tag)
        equal(after.data[:link], before.data[:link], "link header")
        equal(after.data[link + 9], 50, "protocol")
        equal(struct.unpack(">H", after.data[link + 2:link + 4])[0], len(after.data) - link, "total length")


@test
def link_types_are_kept(folder):
    """raw IP and Linux cooked captures are read and written as such"""
    packet = bytes(packets.request(40))
    cooked = struct.pack(">HHH8sH", 4, 1, 6, b"\x02" * 8, 0x0800)
    cooked2 = struct.pack(">HHIHBB8s", 0x0800, 0, 3, 1, 4, 6, b"\x02" * 8)
    kinds = ((pcaps.RAW, b""), (pcaps.IPV4, b""), (pcaps.LINUX_SLL, cooked), (pcaps.LINUX_SLL2, cooked2))
    for link, header in kinds:
        told, (_, written_link, written) = seal(folder, [Frame(header + packet)], link=link)
        equal((told["totals"]["sealed_packets"], written_link), (1, link), f"link type {link}")
        equal(written[0].data[:len(header)], header, "link header")
        equal(written[0].data[len(header) + 9], 50, "protocol")


@test
def other_link_types_are_2(folder):
    """a link type that is not known is refused with 2, named, before anything is written"""
    pcaps.write(folder.file("in.pcap"), [Frame(b"\x00" * 40)], link=105)
    answer = ipsecctl(*words(folder), code=2)
    expect("IEEE802_11" in answer.err and "EN10MB" in answer.err, answer.err)
    expect("out.pcap" not in folder.names(), folder.names())


@test
def nanoseconds_are_kept(folder):
    """a capture with nanoseconds, or of the other byte order, keeps its timestamps to the last digit"""
    frames = [Frame(framed(packets.request(3)), 1, 123456789)]
    _, (magic, _, written) = seal(folder, frames, magic=pcaps.NANO)
    equal((magic, written[0].fraction), (pcaps.NANO, 123456789))
    _, (magic, _, written) = seal(folder, [Frame(framed(packets.request(3)), 77, 999999)], order=">")
    equal((magic, written[0].seconds, written[0].fraction), (pcaps.MICRO, 77, 999999))


@test
def truncated_packets_are_counted(folder):
    """packets that the capture cut off are dropped and counted as truncated, others of that file are not"""
    whole = framed(packets.request(500))
    padded = framed(packets.request(0)) + b"\x00" * 6
    frames = [Frame(whole[:96], 1, 0, len(whole)), Frame(whole, 2), Frame(whole[:16], 3, 0, len(whole)),
              Frame(padded[:-2], 4, 0, len(padded))]
    told, (_, _, written) = seal(folder, frames)
    equal((told["truncated_frames"], told["totals"]["sealed_packets"]), (2, 2))
    equal([frame.seconds for frame in written], [2, 4])


@test
def padding_is_not_sealed(folder):
    """Ethernet padding behind a packet is not sealed with it, and stays where the packet passes"""
    padding = b"\x00" * 6
    request, other = framed(packets.request(0)), framed(packets.ping(packets.FRONT, packets.BACK))
    told, (_, _, written) = seal(folder, [Frame(request + padding), Frame(other + padding)])
    equal((told["totals"]["sealed_packets"], told["totals"]["bypassed_packets"]), (1, 1))
    total_bytes = struct.unpack(">H", written[0].data[16:18])[0]
    equal(len(written[0].data), 14 + total_bytes, "sealed frame")
    equal(written[1].data, other + padding, "passed frame")


@test
def malformed_packets_are_counted(folder):
    """packets with broken headers are dropped as malformed"""
    good = bytearray(framed(packets.request(20)))
    short, version, long = bytearray(good), bytearray(good), bytearray(good)
    short[14] = 0x42
    version[14] = 0x75
    long[16:18] = b"\xff\xff"
    told, _ = seal(folder, [Frame(short), Frame(version), Frame(long), Frame(good[:20]), Frame(good)])
    equal((told["totals"]["drops"]["malformed"], told["totals"]["sealed_packets"]), (4, 1))


@test
def fragments_are_counted(folder):
    """a fragment that a protect rule meets is dropped as fragment"""
    packet = packets.request(64)
    packet.flags = "MF"
    told, _ = seal(folder, [Frame(framed(packet))])
    equal(told["totals"]["drops"]["fragment"], 1)


@test
def large_packets_are_counted(folder):
    """a packet that would grow past 65,535 bytes is dropped as too-long"""
    told, _ = seal(folder, [Frame(framed(packets.request(65535 - 40))), Frame(framed(packets.request(65000)))])
    equal((told["totals"]["drops"]["too-long"], told["totals"]["sealed_packets"]), (1, 1))


@test
def empty_captures_are_fine(folder):
    """a capture without frames gives one without frames"""
    told, (_, link, written) = seal(folder, [])
    equal((told["totals"]["offered_packets"], link, written), (0, pcaps.ETHERNET, []))


@test
def order_survives_bursts(folder):
    """a capture of many bursts with ARP in between keeps its order"""
    frames = [Frame(packets.arp() if index % 7 == 0 else framed(packets.request(index % 50)), index)
              for index in range(500)]
    _, (_, _, written) = seal(folder, frames)
    equal([frame.seconds for frame in written], list(range(500)))


@test
def missing_and_foreign_inputs_are_2(folder):
    """inputs that are missing, no captures, or folders exit 2 and leave nothing behind"""
    folder.file("text.pcap", "this is not a capture\n")
    os.mkdir(folder.file("folder.pcap"))
    for name in ("missing.pcap", "text.pcap", "folder.pcap"):
        answer = ipsecctl(*words(folder, name), code=2)
        expect(folder.file(name) in answer.err, answer.err)
    expect(not [name for name in folder.names() if name.startswith("out.pcap")], folder.names())
    missing = ["apply", "--policy", FRONT_END, "--keys", folder.file("no.keys"), "--direction", "out",
               folder.file("in.pcap"), folder.file("out.pcap")]
    ipsecctl(*missing, code=2)


@test
def damaged_captures_leave_nothing(folder):
    """a capture that ends in the middle of a frame exits 2 and leaves no output, and a former one as it was"""
    path = pcaps.write(folder.file("in.pcap"), requests(100))
    os.truncate(path, os.path.getsize(path) - 5)
    answer = ipsecctl(*words(folder, "in.pcap"), code=2)
    expect("99" in answer.err and not answer.out, answer.err, answer.out)
    equal(folder.names(), ["in.pcap", "pair.keys"], "files")
    folder.file("out.pcap", "former\n")
    ipsecctl(*words(folder, "in.pcap"), code=2)
    with open(folder.file("out.pcap"), encoding="utf-8") as stream:
        equal(stream.read(), "former\n", "the former output")
    equal(folder.names(), ["in.pcap", "out.pcap", "pair.keys"], "files")


@test
def unwritable_outputs_are_2(folder):
    """outputs that can't be made or are full exit 2"""
    pcaps.write(folder.file("in.pcap"), requests(200))
    line = words(folder, "in.pcap")
    for target in (folder.file("no/such/folder.pcap"), "/dev/full", folder.path):
        answer = ipsecctl(*line[:-1], target, code=2)
        expect(target in answer.err, answer.err)
    equal(folder.names(), ["in.pcap", "pair.keys"], "files")


@test
def links_and_modes_are_kept(folder):
    """an output behind a link replaces the file and not the link, keeps its mode, and stays when apply fails"""
    pcaps.write(folder.file("in.pcap"), requests(9))
    target, link = folder.file("target.pcap", "former\n"), folder.file("out.pcap")
    os.chmod(target, 0o640)
    os.symlink(target, link)
    ipsecctl(*words(folder), "surplus", code=1)
    os.truncate(folder.file("in.pcap"), os.path.getsize(folder.file("in.pcap")) - 1)
    ipsecctl(*words(folder), code=2)
    with open(target, encoding="utf-8") as stream:
        equal(stream.read(), "former\n", "the former output")
    pcaps.write(folder.file("in.pcap"), requests(9))
    ipsecctl(*words(folder))
    expect(os.path.islink(link), "the link was replaced")
    equal((len(pcaps.read(target)[2]), os.stat(target).st_mode & 0o777), (9, 0o640))


@test
def input_may_be_output(folder):
    """a capture can be replaced by itself"""
    pcaps.write(folder.file("in.pcap"), requests(9))
    ipsecctl(*words(folder, "in.pcap")[:-1], folder.file("in.pcap"))
    equal({frame.data[14 + 9] for frame in pcaps.read(folder.file("in.pcap"))[2]}, {50})


@test
def pipes_work(folder):
    """captures go through standard input and output, with the tables on standard error"""
    pcaps.write(folder.file("in.pcap"), requests(9))
    line = words(folder, "in.pcap")
    with open(folder.file("in.pcap"), "rb") as source, open(folder.file("piped.pcap"), "wb") as target:
        done = subprocess.run([IPSECCTL, *line[:-2], "-", "-"], stdin=source, stdout=target, stderr=subprocess.PIPE,
                              text=True, check=False)
    equal(done.returncode, 0, "exit")
    expect("VERDICT" in done.stderr, done.stderr)
    equal(len(pcaps.read(folder.file("piped.pcap"))[2]), 9, "frames")


@test
def interruption_leaves_nothing(folder):
    """an interrupted run removes its half-written output"""
    os.mkfifo(folder.file("slow.pcap"))
    job = subprocess.Popen([IPSECCTL, *words(folder, "slow.pcap")], stderr=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
    try:
        with open(pcaps.write(folder.file("in.pcap"), requests(80)), "rb") as source:
            content = source.read()
        with open(folder.file("slow.pcap"), "wb", buffering=0) as pipe:
            pipe.write(content)
            deadline = time.monotonic() + 20
            while not [name for name in folder.names() if name.startswith("out.pcap.")]:
                expect(time.monotonic() < deadline, "no output was begun")
                time.sleep(0.02)
            job.send_signal(signal.SIGINT)
            equal(job.wait(timeout=20), -signal.SIGINT, "end")
    finally:
        if job.poll() is None:
            job.kill()
            job.wait()
    equal(folder.names(), ["in.pcap", "pair.keys", "slow.pcap"], "files")
