# SPDX-License-Identifier: ISC
"""compare and diff: two ends of a conversation, and two versions of a policy."""

from fake_daemon import Daemon
from harness import BACK_END, FRONT_END, equal, expect, ipsecctl, test

BETWEEN = ("--between", "192.0.2.1", "192.0.2.2")


def text_of(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


@test
def both_ends_agree(folder):
    """compare says plainly that front-end and back-end agree, for IPv4, IPv6 and either order"""
    for pair in ((FRONT_END, BACK_END), (BACK_END, FRONT_END)):
        for hosts in (("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")):
            answer = ipsecctl("compare", *pair, "--between", *hosts)
            equal(answer.lines()[-1], f"no disagreement about any packet between {hosts[0]} and {hosts[1]}")
            told = ipsecctl("compare", "--json", *pair, "--between", *hosts).json()
            equal((told["agree"], told["disagreements"]), (True, 0))
            equal({found["kind"] for found in told["differences"]}, {"denied", "client-port"})


@test
def disagreement_is_shown(folder):
    """compare shows a disagreement as a rectangle with an example and both rules, and exits 1"""
    path = folder.file("other.policy", text_of(BACK_END).replace("hmac-sha1-96", "hmac-md5-96"))
    answer = ipsecctl("compare", FRONT_END, path, *BETWEEN, code=1)
    for part in ("disagreement: protected by both, with different algorithms, sequence numbers or tunnels [parameters]",
                 "    packets: out tcp 192.0.2.1 -> 192.0.2.2 port 80",
                 "    example: out tcp 192.0.2.1:1024 -> 192.0.2.2:80",
                 f"    {FRONT_END}:11: protect out", f"    {path}:10: protect in", f"    {path}:10: mirror of protect",
                 "3 disagreements about packets between"):
        expect(part in answer.out, part, answer.out)
    told = ipsecctl("compare", "--json", FRONT_END, path, *BETWEEN, code=1).json()
    equal((told["agree"], told["disagreements"]), (False, 3))
    equal([(found["kind"], found["severity"], found["first"]["line"], found["second"]["line"],
            found["second"]["mirrored"]) for found in told["differences"][:2]],
          [("parameters", "disagreement", 11, 10, False), ("parameters", "disagreement", 11, 10, True)])


@test
def sequence_numbers_count(folder):
    """compare and diff tell apart actions with extended sequence numbers and without"""
    path = folder.file("esn.policy", text_of(BACK_END).replace("    require", "    esn\n    require"))
    told = ipsecctl("compare", "--json", FRONT_END, path, *BETWEEN, code=1).json()
    equal({found["kind"] for found in told["differences"] if found["severity"] == "disagreement"}, {"parameters"})
    equal(ipsecctl("diff", BACK_END, path, code=1).out.count("no difference"), 0)
    expect(ipsecctl("show", "--json", path).json()["actions"][0]["esn"] is True, "shown")
    expect(ipsecctl("show", "--json", BACK_END).json()["actions"][0]["esn"] is False, "shown")
    equal(ipsecctl("diff", path, folder.file("again.policy", ipsecctl("show", path).out)).out,
          "no difference: both decide about every packet alike\n")


GATE = '''action "gate" {{
    esp 3des-cbc hmac-sha1-96
    mode tunnel from {} to {}
}}
protect {} tcp from {} to {} port 80 with "gate"
default bypass
'''


@test
def both_ends_of_a_tunnel_are_held_against_each_other(folder):
    """compare finds the ends of a tunnel crossed at the peer, diff finds them changed, show and explain tell them"""
    def policy(name, here, there, direction, *ends):
        return folder.file(name, GATE.format(here, there, direction, *ends))
    first = policy("first.policy", "203.0.113.1", "203.0.113.2", "out", "me", "any")
    second = policy("second.policy", "203.0.113.2", "203.0.113.1", "in", "any", "me")
    not_crossed = policy("not-crossed.policy", "203.0.113.1", "203.0.113.2", "in", "any", "me")
    elsewhere = policy("elsewhere.policy", "203.0.113.2", "203.0.113.9", "in", "any", "me")
    equal(ipsecctl("compare", "--json", first, second, *BETWEEN).json()["disagreements"], 0)
    for other in (not_crossed, elsewhere):
        told = ipsecctl("compare", "--json", first, other, *BETWEEN, code=1).json()
        equal({found["kind"] for found in told["differences"] if found["severity"] == "disagreement"}, {"parameters"})
    equal(ipsecctl("diff", second, elsewhere, code=1).out.count("no difference"), 0)
    equal(ipsecctl("diff", first, folder.file("again.policy", ipsecctl("show", first).out)).out,
          "no difference: both decide about every packet alike\n")
    action = ipsecctl("show", "--json", first).json()["actions"][0]
    equal((action["mode"], action["tunnel"]), ("tunnel", {"from": "203.0.113.1", "to": "203.0.113.2"}))
    equal(ipsecctl("show", "--json", FRONT_END).json()["actions"][0]["tunnel"], None)
    out = ipsecctl("explain", first, "out", "tcp", "192.0.2.1:40000", "192.0.2.2:80").out
    expect("in a tunnel from 203.0.113.1 to 203.0.113.2" in out, out)
    back = ipsecctl("explain", first, "in", "tcp", "192.0.2.2:80", "192.0.2.1:40000").out
    expect("in a tunnel from 203.0.113.2 to 203.0.113.1" in back, back)


@test
def errors_of_either_file_count(folder):
    """compare and diff of a file with errors exit 1, of one that is not there 2, and print nothing on stdout"""
    broken = folder.file("broken.policy", "default sideways\n")
    for words, code in (([FRONT_END, broken], 1), ([broken, FRONT_END], 1),
                        ([FRONT_END, folder.file("missing.policy")], 2)):
        equal(ipsecctl("compare", *words, *BETWEEN, code=code).out, "")
        equal(ipsecctl("diff", *words, code=code).out, "")


@test
def diff_is_by_meaning(folder):
    """diff of a policy with its canonical text is empty, and of another one shows each rectangle with both rules"""
    path = folder.file("same.policy", ipsecctl("show", FRONT_END).out)
    equal(ipsecctl("diff", FRONT_END, path).out, "no difference: both decide about every packet alike\n")
    equal(ipsecctl("diff", "--json", FRONT_END, "-", stdin=text_of(path)).json(),
          {"first": FRONT_END, "second": "-", "same": True, "differences": []})
    path = folder.file("other.policy", text_of(FRONT_END).replace("to any port 80", "to any port 80-81"))
    told = ipsecctl("diff", "--json", FRONT_END, path, code=1).json()
    equal(sorted(found["area"] for found in told["differences"]),
          ["in tcp 0.0.0.0/0 port 81 -> 0.0.0.0/0 port 0-79", "in tcp 0.0.0.0/0 port 81 -> 0.0.0.0/0 port 81-65535",
           "in tcp ::/0 port 81 -> ::/0 port 0-79", "in tcp ::/0 port 81 -> ::/0 port 81-65535",
           "out tcp 0.0.0.0/0 -> 0.0.0.0/0 port 81", "out tcp ::/0 -> ::/0 port 81"])
    answer = ipsecctl("diff", FRONT_END, path, code=1)
    expect(f"    {FRONT_END}: default bypass" in answer.out and "difference: " in answer.out, answer.out)


@test
def diff_against_the_daemon(folder):
    """diff --loaded asks the daemon for its policy and compares that; without a daemon it exits 2"""
    path = folder.file("control.sock")
    told = {"ok": True, "policy": ipsecctl("show", FRONT_END).out}
    with Daemon(path, lambda step: told) as daemon:
        ipsecctl("diff", "--loaded", "--control", path, FRONT_END)
        answer = ipsecctl("diff", "--loaded", "--control", path, BACK_END, code=1)
        equal(daemon.questions, [{"ask": "policy"}] * 2)
    expect("    loaded" in answer.out, answer.out)
    expect(ipsecctl("diff", "--loaded", "--control", path, FRONT_END, code=2).err, "silence")
    for odd in ({"ok": False, "error": "no"}, {"ok": True, "policy": "nonsense\n"}, b"not JSON\n"):
        with Daemon(path, lambda step, odd=odd: odd):
            equal(ipsecctl("diff", "--loaded", "--control", path, FRONT_END, code=2).out, "")
