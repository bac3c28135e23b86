# SPDX-License-Identifier: ISC
"""load, flush, status and monitor with --backend: how they are asked. What they do to a kernel is shown in tests/netns
and tests/guest."""

import json
import os

from harness import FRONT_END, equal, expect, ipsecctl, test


@test
def backends_are_named(folder):
    """load, flush and monitor want a backend that there is, and say where the user backend is to be found"""
    wrong = [(["load", FRONT_END], "needs --backend"), (["load", "--backend", "nothing", FRONT_END], "write auto, kernel, nic or user"),
             (["load", "--backend", "kernel"], "name a policy"),
             (["load", "--backend", "kernel", "--keys", "-", "-"], "only one file can be standard input"),
             (["load", "--backend", "kernel", "--me", "nobody", FRONT_END], "--me nobody"),
             (["load", "--backend", "user", FRONT_END], "--backend user needs --keys"),
             (["load", "--backend", "auto", FRONT_END], "--backend auto needs --keys"),
             (["load", "--backend", "user", "--keys", "-", FRONT_END], "the daemon reads the file itself"),
             (["load", "--backend", "user", "--keys", "k", "--me", "192.0.2.1", FRONT_END], "--me is not for"),
             (["load", "--backend", "user", "--keys", "k", "--confirm", "2d", FRONT_END], "takes a time"),
             (["load", "--backend", "auto", "--keys", "k", "--confirm", "2m", FRONT_END], "are for --backend user"),
             (["load", "--backend", "kernel", "--strict", FRONT_END], "are for --backend user"),
             (["load", "--backend", "kernel", "--control", "c", FRONT_END], "--control is for"),
             (["load", "--backend", "auto", "--keys", "k", "--offload", "auto", FRONT_END], "are for --backend nic"),
             (["flush"], "needs --backend"), (["flush", "--backend", "user", "-n"], "-n is for"),
             (["flush", "--backend", "kernel", "--control", "c"], "--control is for"), (["flush", "--backend", "auto"], "write kernel, nic or user"),
             (["flush", "--backend", "kernel", "more"], "too much"), (["status", "--backend", "nothing"], "write kernel, nic or user"),
             (["load", "--backend", "nic", FRONT_END], "--backend nic needs --keys"),
             (["load", "--backend", "kernel", "--offload", "auto", FRONT_END], "are for --backend nic"),
             (["load", "--backend", "kernel", "--device", "lo", FRONT_END], "are for --backend nic"),
             (["load", "--backend", "nic", "--offload", "software", "--keys", "k", FRONT_END], "write auto, packet or crypto"),
             (["monitor"], "needs --backend"), (["monitor", "--backend", "all"], "write kernel, nic or user"),
             (["monitor", "--backend", "kernel", "--control", "/tmp"], "--control is for --backend user"),
             (["monitor", "--backend", "user", "more"], "too much"), (["monitor", "--control"], "without its value"),
             (["monitor", "--backend", "kernel", "--count", "0"], "write a number from 1")]
    for words, sentence in wrong:
        answer = ipsecctl(*words, code=1)
        expect(sentence in answer.err and not answer.out, words, answer.err)


@test
def texts_come_first(folder):
    """load says what is wrong with a policy or an SA file as check does, and then asks no kernel"""
    path = folder.file("bad.policy", "protect out tcp from me to any\n")
    expect("bad.policy:1:" in ipsecctl("load", "--backend", "kernel", path, code=1).err, "no place")
    good = folder.file("good.policy", "block in from any to me\ndefault bypass\n")
    keys = folder.file("bad.keys", "sa \"x\" {\n}\n")
    answer = ipsecctl("load", "--backend", "kernel", "--keys", keys, good, code=None)
    expect("bad.keys" in answer.err, answer.err)
    equal(answer.out, "")


def gcm_sa(name, spi, key):
    return (f"sa \"{name}\" {{\n    spi {spi}\n    from 192.0.2.1 to 192.0.2.2\n    esp aes128-gcm16\n"
            f"    encryption-key 0x{key.hex()}\n}}\n")


@test
def gcm_keys_are_for_one_sa(folder):
    """load refuses an SA file in which two SAs have one AES-GCM key, with the line, before any kernel is asked"""
    keys = folder.file("gcm.keys", gcm_sa("x", "0x1234", bytes(range(20))) + gcm_sa("y", "0x1235", bytes(20)) +
                       gcm_sa("z", "0x1236", bytes(range(20))))
    os.chmod(keys, 0o600)
    good = folder.file("good.policy", "block in from any to me\ndefault bypass\n")
    answer = ipsecctl("load", "--backend", "kernel", "--dry-run", "--me", "192.0.2.1", "--keys", keys, good, code=None)
    expect("gcm.keys:13:" in answer.err and "AES-GCM" in answer.err, answer.err)
    equal(answer.out, "")


@test
def probes_of_lo(folder):
    """offload probe says of lo that it offloads nothing, of each suite, and of no device that there is none"""
    answer = ipsecctl("offload", "probe", "lo")
    expect(answer.out.startswith("lo: driver not told\n") and "3des-cbc hmac-sha1-96" in answer.out, answer.out)
    found = json.loads(ipsecctl("offload", "probe", "--json", "lo").out)
    equal(found["device"], "lo")
    equal(sorted((suite["encryption"], suite["integrity"]) for suite in found["suites"]),
          sorted([(cipher, hash) for cipher in ("null", "3des-cbc")
                  for hash in ("hmac-md5-96", "hmac-sha1-96", "hmac-sha2-256-128")] +
                 [("aes128-gcm16", "combined"), ("aes256-gcm16", "combined")]))
    expect(all(suite["granted"] in (None, "software") for suite in found["suites"]), found)
    expect(all(state != "on" for state in found["features"].values()), found)
    answer = ipsecctl("offload", "probe", "nosuch0", code=2)
    expect("there is no device" in answer.err and not answer.out, answer.err)
    for words in (["offload"], ["offload", "probe"], ["offload", "look", "lo"], ["offload", "probe", "lo", "lo"]):
        expect('write "probe" and a device' in ipsecctl(*words, code=1).err, words)
