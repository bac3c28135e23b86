# SPDX-License-Identifier: ISC
"""export wireshark: the one place where keys leave, only when asked, and right for tshark."""

import os
import re
import shutil
import subprocess

import packets
import pcaps
from apply import apply, requests
from harness import FRONT_END, Skip, equal, expect, ipsecctl, test
from pcaps import Frame

YES = "--i-know-this-reveals-keys"


def export(keys, **options):
    return ipsecctl("export", "wireshark", "--keys", keys, YES, may_show_keys=True, **options)


@test
def export_must_be_asked_for(folder):
    """export without --i-know-this-reveals-keys exits 1 and prints nothing"""
    answer = ipsecctl("export", "wireshark", "--keys", folder.keys(), code=1)
    expect(not answer.out and YES in answer.err, answer.err)


@test
def export_says_what_it_gives_away(folder):
    """export says on stderr what it gives away, and prints one line for each SA with exactly the file's keys"""
    keys = folder.keys()
    answer = export(keys)
    expect("keys" in answer.err and "read and forge" in answer.err, answer.err)
    with open(keys, encoding="utf-8") as stream:
        text = stream.read()
    wanted = [spi for spi in re.findall(r"spi (0x[0-9a-f]+)", text)]
    rows = [re.findall(r'"([^"]*)"', line) for line in answer.lines()]
    equal([row[3] for row in rows], wanted, "SPIs")
    equal([row[5] for row in rows], re.findall(r"encryption-key (0x[0-9a-f]+)", text), "encryption keys")
    equal([row[7] for row in rows], re.findall(r"integrity-key (0x[0-9a-f]+)", text), "integrity keys")


@test
def export_minds_ownership(folder):
    """export refuses SA files that others may read, and files with errors, and prints nothing of them"""
    keys = folder.keys()
    os.chmod(keys, 0o604)
    equal(export(keys, code=2).out, "")
    os.chmod(keys, 0o600)
    with open(keys, "a", encoding="utf-8") as stream:
        stream.write('sa "broken" {\n}\n')
    equal(export(keys, code=1).out, "")
    equal(export(folder.file("missing.keys"), code=2).out, "")


def tshark(folder, capture, *fields):
    words = ["tshark", "-n", "-r", capture, "-o", "esp.enable_encryption_decode:TRUE", "-o",
             "esp.enable_authentication_check:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE", "-T", "fields"]
    for field in fields:
        words += ["-e", field]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env=dict(os.environ, WIRESHARK_CONFIG_DIR=folder.file("wireshark")), timeout=60)
    equal(done.returncode, 0, done.stderr)
    expect("UAT" not in done.stderr, done.stderr)
    return [line.split("\t") for line in done.stdout.splitlines()]


@test
def tshark_reads_our_captures(folder):
    """tshark decrypts and authenticates what apply sealed, with the exported table, for each suite and family"""
    if not shutil.which("tshark"):
        raise Skip("tshark is not installed")
    os.mkdir(folder.file("wireshark"))
    suites = [("3des-cbc", "hmac-sha1-96"), ("3des-cbc", "hmac-md5-96"), ("3des-cbc", "hmac-sha2-256-128")]
    pairs = [(packets.FRONT, packets.BACK), (packets.FRONT6, packets.BACK6)]
    cases = [(suite, pair) for suite in suites for pair in pairs]
    for number, (suite, (front, back)) in enumerate(cases):
        keys = folder.keys(f"{number}.keys", "--from", front, "--to", back, "--esp", *suite)
        with open(FRONT_END, encoding="utf-8") as stream:
            text = stream.read().replace("3des-cbc hmac-sha1-96", " ".join(suite))
        policy = folder.file(f"{number}.policy", text)
        pcaps.write(folder.file("in.pcap"), requests(40, 9, source=front, destination=back))
        apply(folder, policy, keys, "out", "in.pcap", "esp.pcap")
        folder.file("wireshark/esp_sa", export(keys).out)
        rows = tshark(folder, folder.file("esp.pcap"), "esp.icv_good", "tcp.dstport", "tcp.srcport", "tcp.len")
        equal(rows, [["1", "80", str(40000 + index), str(index * 9)] for index in range(40)], f"{suite} {front}")
