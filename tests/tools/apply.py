# SPDX-License-Identifier: ISC
"""apply: captures through the engine, both ways, with the front-end's and the back-end's policy."""

import os

import packets
import pcaps
from harness import BACK_END, FRONT_END, Failure, equal, expect, ipsecctl, test
from packets import BACK, BACK6, FRONT, FRONT6, framed
from pcaps import Frame

PAIR6 = ("--from", FRONT6, "--to", BACK6)


def apply(folder, policy, keys, direction, source, target, *options, code=0):
    """Runs apply --json and returns what it told."""
    answer = ipsecctl("apply", "--policy", policy, "--keys", keys, "--direction", direction, "--json", *options,
                      folder.file(source), folder.file(target), code=code)
    return answer.json() if code == 0 else answer


def requests(count=200, step=7, **options):
    return [Frame(framed(packets.request(index * step, 40000 + index, **options)), 1000 + index, index * 13)
            for index in range(count)]


def payload_offset(frame):
    return 14 + (20 if frame.data[12:14] == b"\x08\x00" else 40)


def protocol_of(frame):
    return frame.data[14 + (9 if frame.data[12:14] == b"\x08\x00" else 6)]


def check_sums(told):
    """Packets offered are all accounted for, in total, over the rules and the default."""
    totals = told["totals"]
    passed = totals["bypassed_packets"] + totals["sealed_packets"] + totals["opened_packets"]
    equal(totals["offered_packets"], passed + totals["dropped_packets"], "verdicts")
    equal(totals["dropped_packets"], sum(totals["drops"].values()), "reasons")
    frames = totals["offered_packets"] + told["not_ip_frames"] + told["truncated_frames"]
    equal(told["input"]["frames"], frames, "frames")
    equal(told["output"]["frames"], passed + told["not_ip_frames"], "written")


def round_trip(folder, keys, frames, seal_policy, open_policy):
    pcaps.write(folder.file("in.pcap"), frames)
    out = apply(folder, seal_policy, keys, "out", "in.pcap", "esp.pcap")
    check_sums(out)
    back = apply(folder, open_policy, keys, "in", "esp.pcap", "back.pcap")
    check_sums(back)
    equal((out["totals"]["sealed_packets"], back["totals"]["opened_packets"]), (len(frames), len(frames)))
    _, _, sealed = pcaps.read(folder.file("esp.pcap"))
    _, _, opened = pcaps.read(folder.file("back.pcap"))
    equal(pcaps.keys_of(opened), pcaps.keys_of(frames), "round trip")
    return frames, sealed


@test
def requests_come_through(folder):
    """requests sealed by the front-end and opened by the back-end are the original frames, timestamps and all"""
    frames, sealed = round_trip(folder, folder.keys(), requests(), FRONT_END, BACK_END)
    for before, after in zip(frames, sealed):
        equal(protocol_of(after), 50, "protocol")
        equal(before.data[:14], after.data[:14], "link header")
        equal((before.seconds, before.fraction), (after.seconds, after.fraction), "timestamp")
        equal(after.wire_len, len(after.data), "length")
        secret = before.data[payload_offset(before) + 20:]
        expect(len(secret) < 16 or secret not in after.data, "payload in clear")


@test
def replies_come_through(folder):
    """replies sealed by the back-end's mirrored rule and opened by the front-end are the original frames"""
    frames = [Frame(framed(packets.reply(index * 11, 40000 + index)), index, index) for index in range(100)]
    round_trip(folder, folder.keys(), frames, BACK_END, FRONT_END)


@test
def ipv6_comes_through(folder):
    """the same over IPv6"""
    frames = requests(100, 13, source=FRONT6, destination=BACK6)
    round_trip(folder, folder.keys("pair6.keys", *PAIR6), frames, FRONT_END, BACK_END)


@test
def each_suite_comes_through(folder):
    """the same with each integrity algorithm, and with null encryption"""
    for index, suite in enumerate([("3des-cbc", "hmac-sha2-256-128"), ("3des-cbc", "hmac-md5-96"),
                                   ("null", "hmac-sha1-96")]):
        keys = folder.keys(f"{index}.keys", "--from", FRONT, "--to", BACK, "--esp", *suite)
        policy = {}
        for name in (FRONT_END, BACK_END):
            with open(name, encoding="utf-8") as stream:
                text = stream.read().replace("3des-cbc hmac-sha1-96", " ".join(suite))
            policy[name] = folder.file(f"{index}-{os.path.basename(name)}", text)
        round_trip(folder, keys, requests(20), policy[FRONT_END], policy[BACK_END])


@test
def port_80_of_the_front_end_is_blocked(folder):
    """the front-end drops a connection to its own port 80, and counts it as policy-block under its rule"""
    pcaps.write(folder.file("in.pcap"), [Frame(framed(packets.tcp(BACK, 4000, FRONT, 80))) for _ in range(5)])
    told = apply(folder, FRONT_END, folder.keys(), "in", "in.pcap", "out.pcap")
    check_sums(told)
    equal((told["totals"]["dropped_packets"], told["totals"]["drops"]["policy-block"]), (5, 5))
    equal(told["rules"][0]["stats"]["drops"], {"policy-block": 5})
    equal(pcaps.read(folder.file("out.pcap"))[2], [])


@test
def clear_text_is_refused(folder):
    """the back-end drops clear text on port 80, and so does the front-end a clear reply, counted as clear-text"""
    keys = folder.keys()
    for policy, frames in ((BACK_END, requests(70)), (FRONT_END, [Frame(framed(packets.reply(5)))] * 70)):
        pcaps.write(folder.file("in.pcap"), frames)
        told = apply(folder, policy, keys, "in", "in.pcap", "out.pcap")
        check_sums(told)
        equal(told["totals"]["drops"]["clear-text"], 70)
        equal(told["output"]["frames"], 0)


@test
def others_pass(folder):
    """what no rule speaks of passes unchanged, among it frames that are not IP, in the order of the capture"""
    frames = [Frame(framed(packets.udp(FRONT, BACK)), 1), Frame(packets.arp(), 2), Frame(framed(packets.request(9)), 3),
              Frame(framed(packets.ping(FRONT, BACK)), 4), Frame(b"\x01\x02\x03", 5),
              Frame(framed(packets.tcp(FRONT, 9, BACK, 443, b"tls")), 6), Frame(packets.arp(), 7)]
    pcaps.write(folder.file("in.pcap"), frames)
    told = apply(folder, FRONT_END, folder.keys(), "out", "in.pcap", "out.pcap")
    check_sums(told)
    equal((told["totals"]["bypassed_packets"], told["totals"]["sealed_packets"], told["not_ip_frames"]), (3, 1, 3))
    _, _, written = pcaps.read(folder.file("out.pcap"))
    equal([frame.seconds for frame in written], [1, 2, 3, 4, 5, 6, 7], "order")
    equal([frame.key() for frame in written if frame.seconds != 3],
          [frame.key() for frame in frames if frame.seconds != 3], "frames that passed")


@test
def no_sa_is_told(folder):
    """a packet to a peer without an SA is dropped as no-sa, and the SA that is missing is named once"""
    pcaps.write(folder.file("in.pcap"), requests(3, destination="192.0.2.77") + requests(1))
    told = apply(folder, FRONT_END, folder.keys(), "out", "in.pcap", "out.pcap")
    check_sums(told)
    equal((told["totals"]["drops"]["no-sa"], told["totals"]["sealed_packets"]), (3, 1))
    equal(told["missing_sas"], [{"source": FRONT, "destination": "192.0.2.77", "rule": 1}])


@test
def tampering_is_told(folder):
    """replayed, changed and unknown ESP packets are dropped, each with its own reason"""
    keys = folder.keys()
    pcaps.write(folder.file("in.pcap"), requests(3))
    apply(folder, FRONT_END, keys, "out", "in.pcap", "esp.pcap")
    _, _, sealed = pcaps.read(folder.file("esp.pcap"))
    changed, unknown = bytearray(sealed[1].data), bytearray(sealed[2].data)
    changed[-1] ^= 1
    unknown[payload_offset(sealed[2])] ^= 1
    pcaps.write(folder.file("bad.pcap"), [sealed[0], sealed[0], Frame(changed), Frame(unknown)])
    told = apply(folder, BACK_END, keys, "in", "bad.pcap", "out.pcap")
    check_sums(told)
    drops = {reason: count for reason, count in told["totals"]["drops"].items() if count}
    equal(drops, {"replay": 1, "bad-icv": 1, "unknown-spi": 1})
    equal(told["totals"]["opened_packets"], 1)


@test
def other_keys_open_nothing(folder):
    """packets sealed under one pair are not opened under another with the same SPIs"""
    keys, others = folder.keys("a.keys"), folder.file("b.keys")
    with open(keys, encoding="utf-8") as stream:
        text = stream.read()
    digit = text.index("integrity-key 0x") + len("integrity-key 0x")
    text = text[:digit] + ("1" if text[digit] != "1" else "2") + text[digit + 1:]
    with os.fdopen(os.open(others, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
        stream.write(text)
    pcaps.write(folder.file("in.pcap"), requests(9))
    apply(folder, FRONT_END, keys, "out", "in.pcap", "esp.pcap")
    told = apply(folder, BACK_END, others, "in", "esp.pcap", "out.pcap")
    equal((told["totals"]["opened_packets"], told["totals"]["drops"]["bad-icv"]), (0, 9))


@test
def me_is_minded(folder):
    """--me keeps rules off packets of other hosts"""
    keys = folder.keys()
    pcaps.write(folder.file("in.pcap"), requests(4))
    for me, sealed in ((FRONT, 4), ("192.0.2.99", 0)):
        told = apply(folder, FRONT_END, keys, "out", "in.pcap", "out.pcap", "--me", me)
        equal((told["totals"]["sealed_packets"], told["totals"]["bypassed_packets"]), (sealed, 4 - sealed), me)


@test
def tables_are_told(folder):
    """the tables name verdicts, reasons with their explanation, rules with their place, and SAs"""
    keys = folder.keys()
    pcaps.write(folder.file("in.pcap"), requests(6) + [Frame(packets.arp())])
    words = ["apply", "--policy", FRONT_END, "--keys", keys, "--direction", "out", folder.file("in.pcap"),
             folder.file("out.pcap")]
    answer = ipsecctl(*words)
    verdicts = {row["VERDICT"]: row["PACKETS"] for row in answer.table("VERDICT")}
    equal(verdicts, {"bypass": "0", "sealed": "6", "drop": "0", "not-ip": "1", "truncated": "0"})
    rules = answer.table("WHERE")
    expect(rules[0]["WHERE"].startswith(FRONT_END + ":") and rules[0]["ESP"] == "6", rules)
    equal(answer.table("SPI")[0]["ESP"], "6")
    words[2], words[6] = BACK_END, "in"
    reasons = ipsecctl(*words).table("REASON")
    equal([(row["REASON"], row["PACKETS"]) for row in reasons], [("clear-text", "6")])
    expect("protection" in reasons[0]["MEANING"], reasons)


@test
def texts_with_errors_are_1(folder):
    """a policy or SA file with errors exits 1, says where, and leaves no capture"""
    keys = folder.keys()
    pcaps.write(folder.file("in.pcap"), requests(2))
    broken = folder.file("broken.policy", "protect nothing\n")
    answer = apply(folder, broken, keys, "out", "in.pcap", "out.pcap", code=1)
    expect(f"{broken}:1:" in answer.err and not answer.out, answer.err)
    bad = folder.file("bad.keys", "sa \"a\" {\n    spi 5\n}\n")
    os.chmod(bad, 0o600)
    answer = apply(folder, FRONT_END, bad, "out", "in.pcap", "out.pcap", code=1)
    expect(f"{bad}:2:" in answer.err, answer.err)
    expect("out.pcap" not in folder.names(), folder.names())


@test
def weak_keys_are_refused(folder):
    """an SA file with a degenerate key is refused without showing the key"""
    digits = "0123456789abcdef" * 3
    text = (f'sa "weak" {{\n spi 0x1000\n from {FRONT} to {BACK}\n esp 3des-cbc hmac-sha1-96\n'
            f' encryption-key 0x{digits}\n integrity-key 0x{"00112233445566778899aabbccddeeff01234567"}\n}}\n')
    keys = folder.file("weak.keys", text)
    os.chmod(keys, 0o600)
    pcaps.write(folder.file("in.pcap"), requests(1))
    answer = apply(folder, FRONT_END, keys, "out", "in.pcap", "out.pcap", code=1)
    if digits[:16] in answer.err or "0011223344" in answer.err:
        raise Failure("the key was shown")


@test
def open_key_files_are_refused(folder):
    """an SA file that others may read is refused with 2"""
    keys = folder.keys()
    os.chmod(keys, 0o644)
    pcaps.write(folder.file("in.pcap"), requests(1))
    answer = apply(folder, FRONT_END, keys, "out", "in.pcap", "out.pcap", code=2)
    expect(keys in answer.err, answer.err)
