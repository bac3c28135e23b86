# SPDX-License-Identifier: ISC
"""Exports: what a policy becomes for Windows and for the kernel, and that it is still the same policy.

netsh: what is exported and imported again means the same, by `ipsecctl diff`, for the examples and for policies drawn
at random. xfrm: "ip -batch" loads it in a network namespace, and what the kernel then has is what was written.
"""

import os
import random
import re
import stat
import subprocess
import tempfile

from common import EXAMPLES, SECONDS, differences, ipsecctl, write

ACTIONS = "action \"E\" {\n esp 3des-cbc hmac-sha1-96\n lifetime w2k\n}\n" \
          "action \"F\" {\n esp null hmac-md5-96\n lifetime 5000 KB 900 seconds\n}\n"

# name, rules, (line of the rule, counted from the first, and words)
REFUSED_BY_NETSH = [
    ("types of ICMP", "block in icmp type 8 from any to me", "types of ICMP"),
    ("ports of SCTP", "block in sctp from any to me port 80", "TCP and UDP only"),
    ("wide ranges of ports", "block in tcp from any to me port 1024-65535", "no ranges of ports"),
    ("port 0", "block in tcp from any to me port 0-7", "port 0"),
    ("a direction without me", "block in from any to 192.0.2.1", "means both directions"),
    ("me at the far end", "block in from me to me", "own end only"),
    ("an order against the most specific filter",
     "bypass in from 10.0.0.0/8 to me\nblock in tcp from 10.1.0.0/16 to me port 80", "no order of rules"),
    ("SHA-256", "protect in from any to me with \"S\"", "hmac-sha1-96 and hmac-md5-96"),
    ("AES-GCM", "protect in from any to me with \"G\"", "no AES-GCM: write 3des-cbc"),
    ("extended sequence numbers", "protect in from any to me with \"X\"", "leave esn out"),
    ("lifetimes without seconds", "protect in from any to me with \"N\"", "KB and seconds"),
]
# A protect rule is mirrored, and Windows would try the mirror of a rule about one host before a block of all others.
REFUSED_EXAMPLES = {"mail-site/front-end.policy": "no order of rules", "mail-tier.policy": "no types of ICMP"}
ODD_ACTIONS = "action \"S\" {\n esp 3des-cbc hmac-sha2-256-128\n}\n" \
              "action \"N\" {\n esp 3des-cbc hmac-sha1-96\n lifetime nist-r2\n}\n" \
              "action \"G\" {\n esp aes256-gcm16\n lifetime w2k\n}\n" \
              "action \"X\" {\n esp 3des-cbc hmac-sha1-96\n esn\n lifetime w2k\n}\n"


def round_trip(folder, path):
    """What differs after export and import; None: nothing."""
    exported = ipsecctl("export", "netsh", path)
    if exported.returncode != 0:
        return "export: " + exported.stderr.decode()
    imported = ipsecctl("import", "netsh", "-", content=exported.stdout)
    if imported.returncode != 0:
        return "import: " + imported.stderr.decode() + exported.stdout.decode()
    return differences(path, write(folder, "again.policy", imported.stdout))


def drawn_policy(seed):
    """Rules that netsh can have, the most specific first by construction: each is about a protocol and port of its
    own, or about networks that don't meet."""
    draw = random.Random(seed)
    rules = []
    for number in range(draw.randrange(1, 9)):
        action = draw.choice(["block", "bypass", "protect"])
        far = draw.choice(["any", f"10.{number}.0.0/16", f"10.{number}.1.1", f"10.{number}.0.3-10.{number}.0.9",
                           f"2001:db8:{number}::/48", f"{{ 10.{number}.2.0/24, 10.{number}.3.1 }}"])
        ports = draw.choice([f" port {8000 + number}", f" port {{ {8000 + number}, {8100 + number} }}",
                             f" port {9000 + 10 * number}-{9003 + 10 * number}"])
        protocol, end = draw.choice(["tcp", "udp"]), f" with \"{draw.choice('EF')}\"" if action == "protect" else ""
        name = draw.choice(["", f" as \"{draw.choice(['a', 'A', 'x & y ^ z', 'ä (2)', 'tab=1'])} {number}\""])
        shape = draw.randrange(4)
        if shape == 0:
            rules.append(f"{action} in {protocol} from {far} to me{ports}{end}{name}")
        elif shape == 1:
            rules.append(f"{action} out {protocol} from me to {far}{ports}{end}{name}")
        elif shape == 2:
            rules.append(f"{action} out {protocol} from me{ports} to {far}{end}{name}")
        else:
            for direction in ("in", "out"):
                rules.append(f"{action} {direction} {protocol} from {far}{ports} to 198.51.{number}.0/24{end}"
                             if ":" not in far else f"{action} {direction} {protocol} from {far}{ports} to any{end}")
    rules.append(f"default {draw.choice(['bypass', 'block'])}")
    return ACTIONS + "order specific\n" + "\n".join(rules) + "\n"


def netsh(tap, folder):
    for path in sorted(os.path.join(place, name) for place, _, names in os.walk(EXAMPLES) for name in names
                       if name.endswith(".policy")):
        name = os.path.relpath(path, EXAMPLES)
        difference = round_trip(folder, path)
        refusal = REFUSED_EXAMPLES.get(name)
        if refusal:
            tap.tell(difference is not None and refusal in difference, f"netsh: {name} is refused: {refusal}",
                     [difference or "it was exported"])
        else:
            tap.tell(difference is None, f"netsh: {name} comes back as it was", [difference or ""])
    for end in ("front-end", "back-end"):
        with open(os.path.join(EXAMPLES, "netsh", end + ".txt"), "rb") as stream:
            first = write(folder, "first.policy", ipsecctl("import", "netsh", "-", content=stream.read()).stdout)
        difference = round_trip(folder, first)
        tap.tell(difference is None, f"netsh: the example {end}.txt, imported, comes back as it was",
                 [difference or ""])
    path = write(folder, "case.policy", ACTIONS.replace('"E"', '"Encrypt"').replace('"F"', '"encrypt"') +
                 "protect out tcp from me to any port 80 with \"Encrypt\"\n"
                 "protect out tcp from me to any port 81 with \"encrypt\"\ndefault bypass\n")
    difference, text = round_trip(folder, path), ipsecctl("export", "netsh", path).stdout.decode()
    tap.tell(difference is None and re.findall(r"add filteraction name=\"(.*?)\"", text) == ["Encrypt", "encrypt (2)"],
             "netsh: names that differ only in case are told apart there too", [difference or text])
    bad, refused = [], 0
    count = 2000 if os.environ.get("SP_NIGHTLY") else 40
    for seed in range(count):
        path = write(folder, "drawn.policy", drawn_policy(seed))
        difference = round_trip(folder, path)
        if difference and "no order of rules" in difference:
            refused += 1  # the order of ours differs from Windows' where rules cross
        elif difference:
            bad.append(f"seed {seed}: {difference}\n{drawn_policy(seed)}")
    tap.tell(not bad and refused < count // 4, f"netsh: {count} policies drawn at random come back as they were",
             bad[:3] + [f"{refused} were refused for their order"])
    for name, rules, words in REFUSED_BY_NETSH:
        text = ODD_ACTIONS + rules + "\ndefault bypass\n"
        line = ODD_ACTIONS.count("\n") + 1
        answer = ipsecctl("export", "netsh", write(folder, "refused.policy", text))
        said = answer.stderr.decode()
        places = [int(place) for place in re.findall(r"refused\.policy:(\d+):\d+: error", said)]
        last = line + rules.count("\n")
        tap.tell(answer.returncode == 1 and answer.stdout == b"" and words in said and
                 places != [] and all(line <= place <= last for place in places),
                 f"netsh: {name} is refused with the rule's line", [said])
    answer = ipsecctl("export", "netsh", "--name", "50% \"quick\"", "-",
                      content=b"block in from any to me as \"90% \\\"sure\\\"\"\ndefault bypass\n")
    tap.tell(answer.returncode == 0 and b"50_ _quick_" in answer.stdout and b"90_ _sure_" in answer.stdout and
             b"became _" in answer.stderr, "netsh: names are made safe for a script, and that is told",
             [answer.stdout.decode(), answer.stderr.decode()])


def in_namespace(*words, **options):
    inside = ["unshare", "-n", *words] if os.geteuid() == 0 else ["unshare", "-rn", *words]
    return subprocess.run(inside, capture_output=True, timeout=SECONDS, check=False, **options)


NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "ipv6-icmp": "58", "sctp": "132", "gre": "47"}


def template_of(text):
    """Mode and ends."""
    template = text.split("tmpl", 1)[1]
    return (re.search(r"mode (\w+)", template)[1],
            re.findall(r"(?:src|dst) (\S+)", template) if "mode tunnel" in template else [])


def written_policies(script):
    found = []
    for line in script.splitlines():
        if not line.startswith("xfrm policy add"):
            continue
        words = dict(re.findall(r"\b(src|dst|proto|type|code|sport|dport|dir|priority|action) (\S+)",
                                line.split(" tmpl ")[0]))
        found.append((words["src"], words["dst"], words.get("proto", ""), words.get("type", ""),
                      words.get("code", ""), words.get("sport", ""), words.get("dport", ""), words["dir"],
                      words["action"], words["priority"], " tmpl " in line and template_of(line)))
    return sorted(found)


def loaded_policies(listing):
    """Of `ip xfrm policy`: a policy is a line and those behind it that are indented."""
    found = []
    for block in re.split(r"\n(?=src )", listing.strip()):
        text = re.sub(r"\s+", " ", block)
        words = dict(re.findall(r"\b(src|dst|proto|type|code|sport|dport|dir|priority|action) (\S+)",
                                text.split(" tmpl ")[0]))
        if words.get("dir") not in ("in", "out", "fwd"):
            continue
        protocol = words.get("proto", "")
        found.append((words["src"], words["dst"], NUMBERS.get(protocol, protocol), words.get("type", ""),
                      words.get("code", ""), words.get("sport", ""), words.get("dport", ""), words["dir"],
                      words.get("action", "allow"), words["priority"],
                      "tmpl" in text and "proto esp" in text and template_of(text)))
    return sorted(found)


RICH = ACTIONS + """protect out tcp from me to { 192.0.2.0/25, 192.0.2.200-192.0.2.209 } port { 25, 587 } with "E"
protect in udp from 2001:db8::/32 to me port 88 with "F"
bypass in icmp type 8 from any to me
bypass out icmp6 type { 128, 135-136 } code 0 from me to any
block out 47 from me to any
protect out tcp from me to 192.0.2.1 port 25 with "E"
default block
"""
ME = ["--me", "192.0.2.77", "--me", "2001:db8::77"]


TUNNEL = """action "T" {
    esp 3des-cbc hmac-sha1-96
    mode tunnel from 192.0.2.77 to 203.0.113.2
}
action "U" {
    esp 3des-cbc hmac-sha1-96
    mode tunnel from 192.0.2.77 to 203.0.113.3
}
protect out from 10.1.0.0/16 to 10.2.0.0/16 with "T"
protect out from 2001:db8:1::/48 to 2001:db8:2::/48 with "U"
default bypass
"""


def tunnel_words(tap, folder):
    """Ends turn round with the direction, what is forwarded is judged too, and each tunnel has its reqid."""
    text = ipsecctl("export", "xfrm", *ME, write(folder, "tunnel.policy", TUNNEL)).stdout.decode()
    found = re.findall(r"src (10\S+) .* dir (\w+) .*tmpl src (\S+) dst (\S+) proto esp mode tunnel reqid (\d)", text)
    there, back = ("10.1.0.0/16", "192.0.2.77", "203.0.113.2", "1"), ("10.2.0.0/16", "203.0.113.2", "192.0.2.77", "1")
    tap.tell([(source, *rest) for source, _, *rest in found] == [there, back, back] and
             [direction for _, direction, *_ in found] == ["out", "in", "fwd"] and
             set(re.findall(r"dst 203.0.113.3 proto esp mode tunnel reqid (\d)", text)) == {"2"},
             "xfrm: a tunnel's ends turn round, and forwarded packets are judged too", [text])
    sa = ("sa \"t\" {{\n spi 0x1001\n from 192.0.2.77 to 203.0.113.3\n esp null hmac-sha1-96\n mode tunnel\n"
          " integrity-key 0x" + "5a" * 20 + "\n {}\n}}\n")
    policy = write(folder, "null.policy", TUNNEL.replace("3des-cbc", "null"))
    for lines, expected in [("", " mode tunnel reqid 2 replay-window 64 auth-trunc"),
                            ("df clear\n ecn off\n dscp 0",
                             " replay-window 64 flag nopmtudisc flag noecn extra-flag dont-encap-dscp auth-trunc"),
                            ("df set", None), ("dscp 46", None)]:
        keys, script = os.path.join(folder, "tunnel.keys"), os.path.join(folder, "tunnel.script")
        for path in (keys, script):
            if os.path.exists(path):
                os.remove(path)
        with open(os.open(keys, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as stream:
            stream.write(sa.format(lines))
        answer = ipsecctl("export", "xfrm", *ME, "--keys", keys, "--output", script, policy)
        said = answer.stderr.decode()
        if expected is None:
            tap.tell(answer.returncode == 1 and not os.path.exists(script) and "0x00001001" in said,
                     f"xfrm: an SA with {lines} is refused, as the kernel has nothing like it", [said])
            continue
        with open(script, encoding="utf-8") as stream:
            text = stream.read()
        tap.tell(answer.returncode == 0 and expected in text, f"xfrm: an SA in tunnel mode, {lines!r}", [text, said])


def xfrm(tap, folder):
    probe = in_namespace("ip", "xfrm", "policy")
    if probe.returncode != 0:
        tap.skip("xfrm: the kernel loads what was written", "no network namespace can be had")
    cases = [("the front-end", os.path.join(EXAMPLES, "front-end.policy")),
             ("ranges, lists, both families and default block", write(folder, "rich.policy", RICH)),
             ("tunnels", write(folder, "tunnel.policy", TUNNEL))]
    for name, path in cases:
        script = ipsecctl("export", "xfrm", *ME, path)
        batch = write(folder, "batch", script.stdout)
        if probe.returncode == 0:
            done = in_namespace("sh", "-c", f"ip -batch '{batch}' && ip xfrm policy")
            wanted, have = written_policies(script.stdout.decode()), loaded_policies(done.stdout.decode())
            tap.tell(done.returncode == 0 and wanted != [] and wanted == have,
                     f"xfrm: the kernel loads {name}, and has what was written",
                     [done.stderr.decode(), f"wanted {wanted}", f"have   {have}", script.stderr.decode()])
    text = ipsecctl("export", "xfrm", *ME, cases[1][1]).stdout.decode()
    tunnel_words(tap, folder)
    prefixes = set(re.findall(r"dst (192\.0\.2\.\S+) proto 6 dport 25 dir out", text))
    tap.tell(prefixes == {"192.0.2.0/25", "192.0.2.200/29", "192.0.2.208/31", "192.0.2.1/32"} and
             len(set(re.findall(r"reqid (\d+)", text))) == 2,
             "xfrm: a range is its prefixes, and suites are told apart by reqid", [text])
    for name, rules, words, options in [
            ("me that isn't known", "block in from any to me", "say which addresses", []),
            ("wide ranges of ports", "block in tcp from any to me port 1024-65535", "no ranges of ports", ME),
            ("ports of UDP-Lite", "block in 136 from any to me port 80", "no ports for this protocol", ME),
            ("protocol 0", "block in 0 from any to me", "protocol 0", ME)]:
        answer = ipsecctl("export", "xfrm", *options, write(folder, "r.policy", rules + "\ndefault bypass\n"))
        said = answer.stderr.decode()
        tap.tell(answer.returncode == 1 and answer.stdout == b"" and words in said and "r.policy:1:" in said,
                 f"xfrm: {name} is refused with the rule's line", [said])


GCM = """action "G" {
    esp aes256-gcm16
}
protect out tcp from me to any port 80 with "G"
default bypass
"""


def keys_and_states(folder, policy, suite):
    """Of one pair: the keys' digits, what export said, and the file it wrote."""
    keys, script = os.path.join(folder, "pair.keys"), os.path.join(folder, "script")
    for path in (keys, script):
        if os.path.exists(path):
            os.remove(path)
    ipsecctl("keygen", "--esp", *suite.split(), "--from", "192.0.2.77", "--to", "192.0.2.2", "--output", keys)
    with open(keys, encoding="utf-8") as stream:
        digits = re.findall(r"-key 0x(\w+)", stream.read())
    return digits, ipsecctl("export", "xfrm", *ME, "--keys", keys, "--output", script, policy), script


def one_key_twice(tap, folder):
    """Two SAs that share a key of AES-GCM would share its IVs: no script is written."""
    sa = "sa \"{0}\" {{\n spi {1}\n from 192.0.2.77 to 192.0.2.{0}\n esp aes128-gcm16\n encryption-key 0x{2}\n}}\n"
    keys, script = os.path.join(folder, "twice.keys"), os.path.join(folder, "twice.script")
    with open(os.open(keys, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as stream:
        stream.write("".join(sa.format(number, 256 + number, "5a" * 20) for number in (1, 2)))
    answer = ipsecctl("export", "xfrm", *ME, "--keys", keys, "--output", script, write(folder, "gcm.policy", GCM))
    said = answer.stderr.decode()
    tap.tell(answer.returncode == 1 and not os.path.exists(script) and
             "twice.keys:7:4: error: the SA of line 1 has this key of AES-GCM already" in said and "5a5a" not in said,
             "xfrm: two SAs with one key of AES-GCM are refused", [said])


def states(tap, folder):
    """Keys go to a file for their owner alone, and the kernel's tool understands every line."""
    front_end = os.path.join(EXAMPLES, "front-end.policy")
    answer = ipsecctl("export", "xfrm", *ME, "--keys", "none.keys", front_end)
    tap.tell(answer.returncode == 1 and answer.stdout == b"" and b"to a file only" in answer.stderr,
             "xfrm: keys are written to no stream", [answer.stderr.decode()])
    has_namespace = in_namespace("ip", "xfrm", "policy").returncode == 0
    for suite, policy, key_count in [("3des-cbc hmac-sha1-96", front_end, 4),
                                     ("aes256-gcm16", write(folder, "gcm.policy", GCM), 2)]:
        digits, answer, script = keys_and_states(folder, policy, suite)
        with open(script, encoding="utf-8") as stream:
            text = stream.read()
        mode = stat.S_IMODE(os.stat(script).st_mode)
        said = (answer.stdout + answer.stderr).decode()
        tap.tell(answer.returncode == 0 and mode == 0o600 and len(digits) == key_count and
                 all(key in text for key in digits) and not any(key[:16] in said for key in digits),
                 f"xfrm: --output has policies and keys of {suite}, for its owner alone", [oct(mode), said])
        if not has_namespace:
            tap.skip(f"xfrm: the kernel is given both states of {suite}", "no network namespace can be had")
            continue
        # A batch ends at a state that this kernel has no ESP or cipher for, so each has its own. Its answer comes
        # after ip has understood the whole line.
        lines = [line for line in text.splitlines() if line.startswith("xfrm state add")]
        answers = [in_namespace("ip", "-batch", write(folder, "state", line + "\n")) for line in lines]
        tap.tell(len(lines) == 2 and all(
            done.returncode == 0 or re.match(r"Error: Requested \w+ (algorithm )?not found", done.stderr.decode())
            for done in answers), f"xfrm: the kernel is given both states of {suite}",
            [repr(done.stderr) for done in answers])


def run(tap):
    with tempfile.TemporaryDirectory(prefix="sallyport-convert-") as folder:
        netsh(tap, folder)
        xfrm(tap, folder)
        states(tap, folder)
        one_key_twice(tap, folder)
