# SPDX-License-Identifier: ISC
"""load, flush, status and monitor with --backend: how they are asked. What they do to a kernel is shown in tests/netns
and tests/guest."""

import os

from harness import FRONT_END, equal, expect, ipsecctl, test


@test
def backends_are_named(folder):
    """load, flush and monitor want a backend that there is, and say where the user backend is to be found"""
    wrong = [(["load", FRONT_END], "needs --backend"), (["load", "--backend", "nothing", FRONT_END], "write kernel or user"),
             (["load", "--backend", "kernel"], "name a policy"),
             (["load", "--backend", "kernel", "--keys", "-", "-"], "only one file can be standard input"),
             (["load", "--backend", "kernel", "--me", "nobody", FRONT_END], "--me nobody"),
             (["load", "--backend", "user", FRONT_END], "sallyportd(8)"),
             (["flush"], "needs --backend"), (["flush", "--backend", "user"], "sallyportd(8)"),
             (["flush", "--backend", "kernel", "more"], "too much"), (["status", "--backend", "nothing"], "write user or kernel"),
             (["monitor"], "needs --backend"), (["monitor", "--backend", "user"], "ipsecmon(8)"),
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


@test
def gcm_is_for_the_user_backend(folder):
    """load refuses AES-GCM for the kernel, in a policy with the rule's line and in an SA file with the SPI"""
    head = "action \"g\" {\n    esp aes128-gcm16\n}\n"
    policy = folder.file("gcm.policy", head + "protect out tcp from me to any with \"g\"\ndefault bypass\n")
    answer = ipsecctl("load", "--backend", "kernel", "--dry-run", "--me", "192.0.2.1", policy, code=2)
    expect("gcm.policy:4:" in answer.err and "user backend" in answer.err, answer.err)
    keys = folder.file("gcm.keys", "sa \"x\" {\n    spi 0x1234\n    from 192.0.2.1 to 192.0.2.2\n    esp aes128-gcm16\n"
                       f"    encryption-key 0x{bytes(range(20)).hex()}\n}}\n")
    os.chmod(keys, 0o600)
    good = folder.file("good.policy", "block in from any to me\ndefault bypass\n")
    answer = ipsecctl("load", "--backend", "kernel", "--dry-run", "--me", "192.0.2.1", "--keys", keys, good, code=2)
    expect("gcm.keys" in answer.err and "0x00001234" in answer.err and "user backend" in answer.err, answer.err)
    equal(answer.out, "")
