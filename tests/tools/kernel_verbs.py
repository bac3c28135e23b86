# SPDX-License-Identifier: ISC
"""load, flush, status and monitor with --backend: how they are asked. What they do to a kernel is shown in tests/netns
and tests/guest."""

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
