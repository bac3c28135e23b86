# SPDX-License-Identifier: ISC
"""check, show, explain, version and help: what only looks at a policy."""

import json
import os

from harness import BACK_END, FRONT_END, IPSECCTL, IPSECMON, equal, expect, ipsecctl, run, test

VERBS = ["check", "show", "explain", "compare", "diff", "apply", "keygen", "import", "export", "load", "flush", "status",
         "monitor", "offload", "cpu", "version", "help"]

WIDE = """action "encrypt" {
    esp 3des-cbc hmac-sha1-96
    lifetime w2k
}
block in tcp from 192.0.2.0/24 to me port { 80, 8000-8010 } as "web"
protect out udp from me to 198.51.100.7 port 53 with "encrypt" as "dns"
bypass in icmp from any to any as "ping"
block out 47 from any to 2001:db8::/32
bypass out tcp from any to any port 1-1024 as "low"
default block
"""
BROKEN = 'block sideways tcp from any to me\nprotect out tcp from me to any with "nobody"\ndefault bypass\n'


def explain(folder, *words, me=()):
    path = folder.file("wide.policy", WIDE)
    options = [word for address in me for word in ("--me", address)]
    answer = ipsecctl("explain", "--json", *options, path, *words).json()
    return answer["decision"], answer["later"]


@test
def every_verb_helps(folder):
    """--help of each verb fits a screen, shows an example and exits 0"""
    for verb in VERBS:
        answer = ipsecctl(verb, "--help")
        expect(len(answer.lines()) <= 24, f"{verb}: {len(answer.lines())} lines")
        expect(all(len(line) <= 100 for line in answer.lines()), f"{verb}: a line is over 100 columns")
        expect("Example" in answer.out and f"ipsecctl {verb}" in answer.out, f"{verb}: no example")
        equal(ipsecctl("help", verb).out, answer.out, f"help {verb}")
    for words in (["--help"], ["help"]):
        answer = ipsecctl(*words)
        expect(len(answer.lines()) <= 24, "the overview is too long")
        for verb in VERBS:
            expect(f"  {verb} " in answer.out, f"{verb} is not in the overview")
    answer = run(IPSECMON, "--help")
    expect(len(answer.lines()) <= 24 and "Example" in answer.out, "ipsecmon --help")


@test
def wrong_usage_is_1(folder):
    """wrong usage of any verb exits 1, says so on stderr and prints nothing on stdout"""
    wrong = [[], ["frobnicate"], ["check"], ["check", "a", "b"], ["check", "--frob", FRONT_END],
             ["check", "--me", "nobody", FRONT_END], ["show"],
             ["explain"], ["explain", FRONT_END, "out", "tcp"],
             ["explain", FRONT_END, "sideways", "tcp", "192.0.2.1:1", "192.0.2.2:2"],
             ["explain", FRONT_END, "out", "tpc", "192.0.2.1:1", "192.0.2.2:2"],
             ["explain", FRONT_END, "out", "256", "192.0.2.1", "192.0.2.2"],
             ["explain", FRONT_END, "out", "tcp", "192.0.2.1", "192.0.2.2"],
             ["explain", FRONT_END, "out", "icmp", "192.0.2.1:1", "192.0.2.2:2"],
             ["explain", FRONT_END, "out", "tcp", "192.0.2.1:65536", "192.0.2.2:2"],
             ["explain", FRONT_END, "out", "tcp", "192.0.2.1:1x", "192.0.2.2:2"],
             ["explain", FRONT_END, "out", "tcp", "2001:db8::1:1", "2001:db8::2:2"],
             ["explain", FRONT_END, "out", "tcp", "[2001:db8::1]:1", "192.0.2.2:2"],
             ["explain", "--me", "nobody", FRONT_END, "out", "tcp", "192.0.2.1:1", "192.0.2.2:2"],
             ["explain", "--pcap", "x", FRONT_END], ["explain", "--pcap", "x", FRONT_END, "up"],
             ["explain", "--pcap", "-", "-", "out"], ["explain", "--pcap", "x", FRONT_END, "out", "tcp"],
             ["compare"], ["compare", FRONT_END, BACK_END],
             ["compare", FRONT_END, "--between", "192.0.2.1", "192.0.2.2"],
             ["compare", FRONT_END, BACK_END, "--between", "192.0.2.1"],
             ["compare", FRONT_END, BACK_END, "--between", "192.0.2.1", "x"],
             ["compare", FRONT_END, BACK_END, "--between", "192.0.2.1", "192.0.2.1"],
             ["compare", FRONT_END, BACK_END, "--between", "192.0.2.1", "2001:db8::1"],
             ["compare", "-", "-", "--between", "192.0.2.1", "192.0.2.2"],
             ["diff"], ["diff", FRONT_END], ["diff", "--loaded"], ["diff", "--loaded", FRONT_END, BACK_END],
             ["diff", "-", "-"], ["diff", "--me", "x", FRONT_END, BACK_END],
             ["apply"], ["apply", "--policy", FRONT_END, "a", "b"],
             ["apply", "--policy", FRONT_END, "--keys", "k", "--direction", "up", "a", "b"],
             ["apply", "--policy", FRONT_END, "--keys", "k", "--direction", "in", "a"],
             ["apply", "--policy", "-", "--keys", "-", "--direction", "in", "a", "b"],
             ["keygen", "x"], ["keygen", "--from", "192.0.2.1"], ["keygen", "--from", "192.0.2.1", "--to", "::1"],
             ["keygen", "--from", "x", "--to", "y"], ["keygen", "--esp", "des"],
             ["keygen", "--esp", "aes", "hmac-sha1-96"], ["keygen", "--json"],
             ["export"], ["export", "word", "--keys", "k", "--i-know-this-reveals-keys"],
             ["export", "wireshark", "--i-know-this-reveals-keys"],
             ["status", "x"], ["status", "--control"], ["version", "x"], ["help", "x"], ["help", "a", "b"]]
    for words in wrong:
        answer = ipsecctl(*words, code=1)
        expect(answer.err and not answer.out, f"{words}: stdout {answer.out!r}")
    for words in (["x"], ["-i", "0"], ["-i", "x"], ["-i"], ["-i", "nan"], ["--frob"], ["-i", "-1"]):
        answer = run(IPSECMON, *words, code=1)
        expect(answer.err and not answer.out, f"ipsecmon {words}")


@test
def version_is_told(folder):
    """version prints the library's version, also as JSON"""
    version = ipsecctl("version", "--json").json()["version"]
    equal(ipsecctl("version").out, f"ipsecctl {version}\n")
    equal(ipsecctl("--version").out, f"ipsecctl {version}\n")
    equal(run(IPSECMON, "--version").out, f"ipsecmon {version}\n")


@test
def check_accepts_both_policies(folder):
    """check says one line about each good policy and exits 0"""
    for path, rules in ((FRONT_END, 2), (BACK_END, 1)):
        answer = ipsecctl("check", path)
        equal(len(answer.lines()), 1, "lines")
        expect(f"{rules} rule" in answer.out and "default bypass" in answer.out and not answer.err, answer.out)
        told = ipsecctl("check", "--json", path).json()
        equal((told["ok"], told["rules"], told["actions"], told["default"], told["findings"]),
              (True, rules, 1, "bypass", []))


@test
def check_reads_stdin(folder):
    """check reads a policy from standard input as -"""
    equal(ipsecctl("check", "--json", "-", stdin=WIDE).json()["rules"], 5)


ODD = """action "e" { esp 3des-cbc hmac-sha1-96
}
action "nobody" { esp 3des-cbc hmac-sha1-96
}
block in tcp from any port 80 to me
protect out tcp from me to any port 80 with "e"
block in tcp from 192.0.2.9 port 80 to me
default bypass
"""


@test
def check_finds_odd_rules(folder):
    """check names place, severity, the other rule and a packet of each odd rule; --strict makes it exit 1"""
    path = folder.file("odd.policy", ODD)
    answer = ipsecctl("check", path)
    expect("good" in answer.out, answer.out)
    for line in (f"{path}:6: warning: the block rule at {path}:5 ", "[mirror]", f"{path}:7: warning: never decides",
                 "    example: in tcp 192.0.2.2:80 -> 192.0.2.1:1024\n", f"{path}:3: warning: no rule uses"):
        expect(line in answer.err, line, answer.err)
    strict = ipsecctl("check", "--strict", path, code=1)
    equal((strict.out, strict.err), ("", answer.err), "strict")
    told = ipsecctl("check", "--strict", "--json", path, code=1).json()
    equal((told["ok"], told["warnings"], told["looked_through"]), (False, 3, True))
    equal([(found["code"], found["severity"], found["line"], (found["other"] or {}).get("line"))
           for found in told["findings"]],
          [("mirror", "warning", 6, 5), ("shadowed", "warning", 7, 5), ("unused", "warning", 3, None)])
    equal(told["findings"][0]["area"], "in tcp 0.0.0.0/0 port 80 -> 0.0.0.0/0 port 1024-65535")
    for good in (FRONT_END, BACK_END):
        equal(ipsecctl("check", "--strict", good).err, "", good)


@test
def check_examples_can_be_asked_about(folder):
    """the packet that check shows is decided as it says when explain is asked about it"""
    path = folder.file("odd.policy", ODD)
    for found in ipsecctl("check", "--json", path).json()["findings"]:
        if not found["example"]:
            continue
        direction, protocol, source, _, destination = found["example"].split()
        told = ipsecctl("explain", "--json", path, direction, protocol, source, destination).json()
        equal(told["decision"]["line"], found["other"]["line"], found["text"])
        expect(found["line"] in [match.get("line") for match in told["later"]], found["text"])


@test
def check_shows_all_errors(folder):
    """check shows every error with place, line and caret on stderr, and exits 1"""
    path = folder.file("broken.policy", BROKEN)
    answer = ipsecctl("check", path, code=1)
    equal(answer.out, "", "stdout")
    for line in ("1", "2"):
        expect(f"{path}:{line}:" in answer.err, answer.err)
    expect("sideways" in answer.err and "^" in answer.err, answer.err)


@test
def check_gives_findings_as_json(folder):
    """check --json gives all findings with file, line, column and text, and exits 1"""
    path = folder.file("broken.policy", BROKEN)
    answer = ipsecctl("check", "--json", path, code=1)
    told = answer.json()
    equal(told["ok"], False)
    equal([finding["line"] for finding in told["findings"]], [1, 2])
    for finding in told["findings"]:
        expect(finding["file"] == path and finding["column"] > 0 and finding["text"], finding)
        equal(finding["severity"], "error")


@test
def missing_files_are_2(folder):
    """a policy that can't be read exits 2, not 1"""
    missing = folder.file("missing.policy")
    ipsecctl("check", missing, code=2)
    equal(ipsecctl("check", "--json", missing, code=2).json()["ok"], False)
    ipsecctl("show", missing, code=2)
    ipsecctl("explain", missing, "out", "tcp", "192.0.2.1:1", "192.0.2.2:2", code=2)
    expect(missing in ipsecctl("check", missing, code=2).err, "the file is not named")


@test
def full_stdout_is_2(folder):
    """output that can't be written exits 2"""
    done = os.system(f"'{IPSECCTL}' show '{FRONT_END}' > /dev/full 2> /dev/null")
    equal(os.waitstatus_to_exitcode(done), 2)


@test
def show_is_stable(folder):
    """show prints a text that shows as itself"""
    for text in (WIDE, open(FRONT_END, encoding="utf-8").read(), open(BACK_END, encoding="utf-8").read()):
        first = ipsecctl("show", "-", stdin=text).out
        equal(ipsecctl("show", "-", stdin=first).out, first, "second print")


@test
def show_gives_structure_as_json(folder):
    """show --json gives actions, rules with both ends, and the default"""
    told = ipsecctl("show", "--json", folder.file("wide.policy", WIDE)).json()
    equal(told["default"], "block")
    equal([action["name"] for action in told["actions"]], ["encrypt"])
    equal(told["actions"][0]["lifetime"]["preset"], "w2k")
    web, dns, ping, gre, _ = told["rules"]
    equal(web["from"]["addresses"], [{"first": "192.0.2.0", "last": "192.0.2.255"}])
    equal(web["to"]["ports"], [{"first": 80, "last": 80}, {"first": 8000, "last": 8010}])
    equal((web["to"]["me"], web["from"]["me"], web["line"], web["protocol"]), (True, False, 5, 6))
    equal((dns["with"], web["with"], ping["protocol"], gre["protocol"]), ("encrypt", None, 1, 47))


@test
def show_keeps_sets(folder):
    """show keeps the names of sets; with --json it lists them, and ICMP types and codes"""
    path = folder.file("sets.policy", 'set "near" { me, 192.0.2.0/24 }\nset "web" { 80, 443 }\n'
                       'block in tcp from any to "near" port "web"\nblock in icmp type 8 code 0-1 from any to me\ndefault bypass\n')
    expect('block in tcp from any to "near" port "web"\n' in ipsecctl("show", path).out)
    told = ipsecctl("show", "--json", path).json()
    near, web = told["sets"]
    equal((near["name"], near["kind"], near["line"], near["holds"]["me"]), ("near", "addresses", 1, True))
    equal((web["kind"], web["holds"]["ports"][1]), ("ports", {"first": 443, "last": 443}))
    equal(told["rules"][0]["to"]["ports"], web["holds"]["ports"])
    equal((told["rules"][1]["icmp_types"], told["rules"][1]["icmp_codes"]), ([{"first": 8, "last": 8}], [{"first": 0, "last": 1}]))


@test
def show_tells_the_compiled_order(folder):
    """show --compiled prints the rules as they are tried, each with its place; explain and --json agree"""
    path = folder.file("order.policy", 'block in from any to me\nbypass in tcp from 192.0.2.2 to me port 22\n'
                       'block in tcp from 192.0.2.0/24 to me\norder specific\ndefault bypass\n')
    lines = ipsecctl("show", "--compiled", path).lines()
    equal(lines, [f"bypass in tcp from 192.0.2.2 to me port 22  # {path}:2", f"block in tcp from 192.0.2.0/24 to me  # {path}:3",
                  f"block in from any to me  # {path}:1", "default bypass"])
    told = ipsecctl("show", "--json", path).json()
    equal((told["order"], told["tried"]), ("specific", [1, 2, 0]))
    told = ipsecctl("explain", "--json", path, "in", "tcp", "192.0.2.2:9", "192.0.2.1:22").json()
    equal([told["decision"]["index"]] + [match["index"] for match in told["later"]], [1, 2, 0, None])


@test
def show_of_errors_is_1(folder):
    """show of a policy with errors prints them on stderr and exits 1"""
    answer = ipsecctl("show", folder.file("broken.policy", BROKEN), code=1)
    expect(not answer.out and ":1:" in answer.err, answer.err)


# direction, protocol, source, destination, line of the decision (None: default), action, mirrored, later lines
QUESTIONS = [
    ("in", "tcp", "192.0.2.9:4000", "198.51.100.1:80", 5, "block", False, []),
    ("in", "tcp", "192.0.2.9:4000", "198.51.100.1:8005", 5, "block", False, []),
    ("in", "tcp", "192.0.2.9:4000", "198.51.100.1:8011", None, "block", False, []),
    ("in", "tcp", "203.0.113.9:4000", "198.51.100.1:80", None, "block", False, []),
    ("out", "udp", "192.0.2.1:4000", "198.51.100.7:53", 6, "protect", False, []),
    ("in", "udp", "198.51.100.7:53", "192.0.2.1:4000", 6, "protect", True, []),
    ("in", "udp", "198.51.100.8:53", "192.0.2.1:4000", None, "block", False, []),
    ("in", "icmp", "192.0.2.1", "192.0.2.2", 7, "bypass", False, []),
    ("out", "47", "2001:db8::1", "2001:db8::2", 8, "block", False, []),
    ("out", "tcp", "[2001:db8::1]:4000", "[2001:db8::2]:443", 9, "bypass", False, []),
    ("out", "6", "192.0.2.1:4000", "192.0.2.2:1024", 9, "bypass", False, []),
]


@test
def explain_finds_the_rule(folder):
    """explain names the deciding rule, its line, action and mirroring, for each of a table of packets"""
    for direction, protocol, source, destination, line, action, mirrored, _ in QUESTIONS:
        decision, later = explain(folder, direction, protocol, source, destination)
        have = (decision.get("line"), decision["action"], decision["mirrored"])
        equal(have, (line, action, mirrored), f"{direction} {protocol} {source} {destination}")
        expect(decision["why"].endswith(".") and decision["outcome"].endswith("."), decision)
        if line is not None:
            equal(later[-1]["index"], None, "the default comes last")


@test
def explain_lists_later_rules(folder):
    """explain lists the rules that would have matched later, in order, and the default last"""
    told = ipsecctl("explain", "--json", "-", "out", "tcp", "192.0.2.1:9", "192.0.2.2:80",
                    stdin='bypass out tcp from any to any port 80\nblock out tcp from any to any\n'
                          'block out tcp from any to any port 81\nbypass out any from any to any\ndefault block\n').json()
    equal(told["decision"]["line"], 1)
    equal([(match["index"], match["action"]) for match in told["later"][:-1]], [(1, "block"), (3, "bypass")])
    equal(told["later"][-1]["index"], None)


ICMP = """set "ours" { me, 192.0.2.0/24 }
bypass out icmp type 8-9 code 0 from me to any
block out icmp6 type { 128, 1 } from "ours" to any
default bypass
"""


@test
def explain_takes_icmp_types(folder):
    """explain takes icmp:TYPE/CODE and icmp:TYPE, says which of the rule's it met, and minds a type that isn't told"""
    path = folder.file("icmp.policy", ICMP)
    for protocol, line, addresses in [("icmp:8/0", 2, "192.0.2"), ("icmp:9", 2, "192.0.2"), ("icmp:8/1", None, "192.0.2"),
                                      ("icmp", None, "192.0.2"), ("icmp6:128", 3, "2001:db8:"), ("1:8", 2, "192.0.2"),
                                      ("icmp6", 3, "2001:db8:"), ("icmp:1/7", 3, "2001:db8:")]:
        ends = [addresses + (":" if ":" in addresses else ".") + end for end in "12"]
        told = ipsecctl("explain", "--json", path, "out", protocol, *ends).json()
        equal(told["decision"].get("line"), line, protocol)
    equal((told["flow"]["icmp_type"], told["flow"]["icmp_code"]), (1, 7))
    why = ipsecctl("explain", path, "out", "icmp:9/0", "192.0.2.1", "192.0.2.2").out
    expect('the type 9 is in "type 8-9"' in why and 'the code 0 is that of "code 0"' in why, why)
    for wrong in ("icmp:256", "icmp:8/256", "icmp:", "icmp:8/", "tcp:8", "icmp:8/0/0"):
        ipsecctl("explain", path, "out", wrong, "192.0.2.1", "192.0.2.2", code=1)


@test
def explain_says_why(folder):
    """explain's reason names the parts of the rule that the packet met"""
    decision, _ = explain(folder, "in", "tcp", "192.0.2.9:4000", "198.51.100.1:8005")
    for part in ("As written", "tcp", "192.0.2.9", "192.0.2.0/24", "8000-8010", '"to me"'):
        expect(part in decision["why"], part, decision["why"])
    decision, _ = explain(folder, "in", "udp", "198.51.100.7:53", "192.0.2.1:4000")
    for part in ("mirrored", "udp", "198.51.100.7", "53", '"from me"'):
        expect(part in decision["why"], part, decision["why"])
    expect("clear text" in decision["outcome"] and "3des-cbc" in decision["outcome"], decision["outcome"])


@test
def explain_minds_me(folder):
    """--me decides what "me" is; without it any local address is"""
    packet = ("in", "tcp", "192.0.2.9:4000", "198.51.100.1:80")
    equal(explain(folder, *packet)[0].get("line"), 5)
    equal(explain(folder, *packet, me=["198.51.100.1"])[0].get("line"), 5)
    equal(explain(folder, *packet, me=["2001:db8::1", "198.51.100.1"])[0].get("line"), 5)
    equal(explain(folder, *packet, me=["198.51.100.2"])[0].get("line"), None)


@test
def explain_tells_people(folder):
    """explain without --json names action, place and rule, and why"""
    answer = ipsecctl("explain", FRONT_END, "out", "tcp", "192.0.2.1:40000", "192.0.2.2:80")
    first = answer.lines()[0]
    expect(first.startswith("protect") and f"{FRONT_END}:" in first, first)
    for part in ('"Outbound TCP 80 - front-end"', "why:", "so:", "later", "default bypass"):
        expect(part in answer.out, part, answer.out)
    answer = ipsecctl("explain", FRONT_END, "in", "tcp", "192.0.2.2:40000", "192.0.2.1:80")
    expect(answer.lines()[0].startswith("block"), answer.out)


@test
def names_cannot_drive_a_terminal(folder):
    """JSON of a policy whose path is not UTF-8 is still JSON"""
    path = os.path.join(folder.path.encode(), b"caf\xe9.policy")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("default block\n")
    answer = run(IPSECCTL, "check", "--json", os.fsdecode(path), binary=True)
    expect(json.loads(answer.out)["file"].endswith("caf?.policy"), answer.out)
