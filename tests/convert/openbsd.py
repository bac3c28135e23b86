# SPDX-License-Identifier: ISC
"""Imports of OpenBSD's ipsec.conf: what becomes of it, held by `ipsecctl diff` against a policy written by hand, and
that nothing is left out silently. Keys go to their file and nowhere else.

A case is an ipsec.conf, the policy that it must mean (but for its actions and default; None: refused), and the report.
"""

import json
import os
import stat
import tempfile

from common import differences, findings, ipsecctl, report_faults, write

SHA1_KEY = "0x" + "".join(f"{byte:02x}" for byte in range(1, 21))
SHA1_KEY_2 = "0x" + "".join(f"{byte:02x}" for byte in range(2, 22))
DES_KEY = "0x0123456789abcdef23456789abcdef01456789abcdef0123"
DES_KEY_2 = "0x1123456789abcdef33456789abcdef0155b789abcdef0123"
GCM_KEYS = ["0x" + "".join(f"{byte + start:02x}" for byte in range(20)) for start in (0, 64)]
SHA2_KEY = "0x" + "5c" * 32
MD5_KEY = "0x" + "6d" * 16
ALL_KEYS = (SHA1_KEY, SHA1_KEY_2, DES_KEY, DES_KEY_2, SHA2_KEY, MD5_KEY, *GCM_KEYS)

SA = "esp transport from 192.0.2.1 to 192.0.2.2 spi 0x1001 auth hmac-sha1 enc 3des-cbc " \
     f"authkey {SHA1_KEY} enckey {DES_KEY}\n"
PAIR = "esp transport from 192.0.2.1 to 192.0.2.2 spi 0x1001:0x1002 auth hmac-sha1 enc 3des-cbc " \
       f"authkey {SHA1_KEY}:{SHA1_KEY_2} enckey {DES_KEY}:{DES_KEY_2}\n"
GCM = f"esp transport from 192.0.2.1 to 192.0.2.2 spi 0x1001:0x1002 enc aes-128-gcm enckey {GCM_KEYS[0]}:{GCM_KEYS[1]}\n"
FLOW = "flow esp from 192.0.2.1 to 192.0.2.2\n"
PROTECT = "protect out from 192.0.2.1 to 192.0.2.2 with \"E\"\n"
ACTION = "action \"E\" {{\n esp {0}\n lifetime {1}\n}}\naction \"F\" {{\n esp 3des-cbc hmac-md5-96\n}}\n"
IKE = "ike esp transport from 192.0.2.1 to 192.0.2.2 quick auth hmac-sha1 enc 3des\n"
TUNNEL_SA = SA.replace(" transport", "")
MD5_TUNNEL_SA = TUNNEL_SA.replace("sha1", "md5").replace(SHA1_KEY, MD5_KEY) \
    .replace("192.0.2.1 to 192.0.2.2", "192.0.2.2 to 192.0.2.1")
BRANCH = "protect out from 10.0.0.0/16 to 10.1.0.0/16 with \"E\"\n"
SECRET = "correct horse"

SUITE = ("3des-cbc hmac-sha1-96", "w2k")
GATE = ("3des-cbc hmac-sha1-96\n mode tunnel from 192.0.2.1 to 192.0.2.2", "w2k")

MD5_GATE = (GATE[0].replace("sha1", "md5"), "w2k")

# name, ipsec.conf, rules (None: refused), [(line, words)], and with other actions than SUITE these
CASES = [
    ("a flow protects both ways", SA + FLOW, PROTECT, []),
    ("esp goes without saying", SA + "flow from 192.0.2.1 to 192.0.2.2\n", PROTECT, []),
    ("the two halves of a flow are one rule",
     SA + "flow esp out from 192.0.2.1 to 192.0.2.2\nflow esp in from 192.0.2.2 to 192.0.2.1\n", PROTECT, []),
    ("one half of one of its protocols is told",
     SA + "flow esp out proto { tcp, udp } from 192.0.2.1 to 192.0.2.2\n"
     "flow esp in proto tcp from 192.0.2.2 to 192.0.2.1\n",
     "".join(PROTECT.replace("from", f"{one} from") for one in ("tcp", "udp")), [(2, "one direction")]),
    ("a half beside the whole says nothing new", SA + FLOW + FLOW.replace("esp", "esp out"), PROTECT, []),
    ("one half alone is told", SA + "flow esp in from 192.0.2.2 to 192.0.2.1\n", PROTECT, [(2, "one direction")]),
    ("to may come before from", SA + "flow esp to 192.0.2.2 from 192.0.2.1\n", PROTECT, []),
    ("protocols and ports are kept", SA + "flow esp proto tcp from 192.0.2.1 port 1024 to 192.0.2.2 port www\n",
     "protect out tcp from 192.0.2.1 port 1024 to 192.0.2.2 port 80 with \"E\"\n", []),
    ("lists of protocols are rules", SA + "flow esp proto { tcp, udp 47 } from 192.0.2.1 to 192.0.2.2\n",
     "".join(PROTECT.replace("from", f"{one} from") for one in ("tcp", "udp", "47")), []),
    ("lists of addresses are lists", SA + "flow esp from { 192.0.2.1, 192.0.2.7 } to { 192.0.2.2\n 192.0.2.3 }\n",
     "protect out from { 192.0.2.1, 192.0.2.7 } to { 192.0.2.2, 192.0.2.3 } with \"E\"\n", []),
    ("a local and a peer that are the ends change nothing",
     SA + "flow esp from 192.0.2.1 to 192.0.2.2 local 192.0.2.1 peer 192.0.2.2\n", PROTECT, []),
    ("bypass and deny hold both ways",
     "flow from 10.0.0.0/8 to 10.1.0.0/16 type bypass\nflow esp from any to 198.51.100.0/24 type deny\n",
     "block out from any to 198.51.100.0/24\nblock in from 198.51.100.0/24 to any\n"
     "bypass out from 10.0.0.0/8 to 10.1.0.0/16\nbypass in from 10.1.0.0/16 to 10.0.0.0/8\n", []),
    ("bypass and deny with a direction hold there only", "flow in from 10.0.0.0/8 to any type deny\n",
     "block in from 10.0.0.0/8 to any\n", []),
    ("the most specific flow decides",
     SA + "flow esp proto tcp from 192.0.2.1 to 192.0.2.2 port 22 type bypass\n" + FLOW +
     "flow esp from any to any type deny\n",
     "bypass out tcp from 192.0.2.1 to 192.0.2.2 port 22\nbypass in tcp from 192.0.2.2 port 22 to 192.0.2.1\n" +
     PROTECT + "block out from any to any\nblock in from any to any\n", []),
    ("type require is how it is", SA + FLOW.replace("\n", " type require\n"), PROTECT, []),
    ("the other types are told", SA + FLOW.replace("\n", " type use\n"), PROTECT, [(2, "this type")]),
    ("IPv6 is read", "flow esp from 2001:db8::/32 to 2001:db8:1::1/128 type deny\n",
     "block out from 2001:db8::/32 to 2001:db8:1::1\nblock in from 2001:db8:1::1 to 2001:db8::/32\n", []),
    ("macros stand for addresses, lists and prefixes",
     "me = 192.0.2.1\nyou = \"192.0.2.2\"\nnet=10.0.0.0\nmany = \"{ 192.0.2.3, 192.0.2.4 }\"\n" + SA +
     "flow esp from $me to $you\nflow from $me to $many type deny\nflow from $net/8 to any type deny\n",
     PROTECT + "block out from 192.0.2.1 to { 192.0.2.3, 192.0.2.4 }\n"
     "block in from { 192.0.2.3, 192.0.2.4 } to 192.0.2.1\nblock out from 10.0.0.0/8 to any\n"
     "block in from any to 10.0.0.0/8\n", []),
    ("a macro may be of several strings, and of another macro",
     "a = \"192.0.2.1\"\nall = \"{\" $a '192.0.2.9' \"}\"\nflow out from $all to any type deny\n",
     "block out from { 192.0.2.1, 192.0.2.9 } to any\n", []),
    ("the latest definition of a macro counts", "a = 192.0.2.1\na = 192.0.2.2\nflow out from $a to any type deny\n",
     "block out from 192.0.2.2 to any\n", []),
    ("an unknown macro is refused", "flow out from $a to any type deny\n", None, [(1, "not defined above")]),
    ("a macro in a macro's text is refused", "b = 1\na = \"$b\"\nflow out from $a to any type deny\n", None,
     [(3, "doesn't belong")]),
    ("lines and comments go on behind a backslash",
     "# a comment \\\nflow nonsense\nflow out \\\n  from 192.0.2.1 \\\r\n to any type deny # why\n",
     "block out from 192.0.2.1 to any\n", []),
    ("SHA-256 is what stands for no auth", f"esp transport from 192.0.2.1 to 192.0.2.2 spi 300 enc null authkey "
     f"{SHA2_KEY}\n" + FLOW, PROTECT, [], ("null hmac-sha2-256-128", "w2k")),
    ("MD5 is read", SA.replace("sha1", "md5").replace(SHA1_KEY, MD5_KEY) + FLOW, PROTECT, [],
     ("3des-cbc hmac-md5-96", "w2k")),
    ("AES-GCM is read, the salt behind its key", GCM + FLOW, PROTECT, [], ("aes128-gcm16", "w2k")),
    ("of 256 bits too", GCM.replace("128", "256").replace("enckey 0x", f"enckey 0x{'5a' * 16}").replace(
        ":0x4", f":0x{'a5' * 16}4") + FLOW, PROTECT, [], ("aes256-gcm16", "w2k")),
    ("ike with AES-GCM has no auth", IKE.replace("auth hmac-sha1 enc 3des", "enc aes-256-gcm"), PROTECT,
     [(1, "negotiated by IKE")], ("aes256-gcm16", "w2k")),
    ("AES-GCM with auth, with authkey, without the salt, or with one key twice is refused",
     GCM.replace("enc ", "auth hmac-sha1 enc ") + GCM.replace("enckey", f"authkey {SHA1_KEY} enckey") +
     GCM.replace("0x1001:0x1002", "0x1001").replace(f"{GCM_KEYS[0]}:{GCM_KEYS[1]}", GCM_KEYS[0][:-8]) +
     GCM.replace(GCM_KEYS[1], GCM_KEYS[0]) + IKE.replace("3des", "aes-128-gcm"), None,
     [(1, "leave auth"), (2, "leave authkey"), (3, "20 bytes, not 16"), (4, "another SA has this key"),
      (5, "without auth")]),
    ("a flow without an SA is told", FLOW, PROTECT, [(1, "no SA of this file")]),
    ("SAs of two suites for a flow are refused",
     SA + SA.replace("sha1", "md5").replace(SHA1_KEY, MD5_KEY).replace("0x1001", "0x1002") + FLOW, None,
     [(3, "different algorithms")]),
    ("ike is a policy, and told", IKE, PROTECT, [(1, "negotiated by IKE")]),
    ("lifetimes of quick mode are kept",
     IKE.replace("3des", "3des group modp1024 lifetime 20m").replace("quick", "main auth hmac-sha2-256 enc aes "
     "group modp2048 lifetime 8h quick"), PROTECT, [(1, "negotiated by IKE")],
     ("3des-cbc hmac-sha1-96", "100000 KB 1200 seconds")),
    ("lifetimes in other units are refused",
     "".join(IKE.replace("\n", f" lifetime {one}\n") for one in ("5x", "2w", "h", "0s", "49711d", "5ms")), None,
     [(line, "expected a lifetime") for line in range(1, 7)]),
    ("modes, identities and shared keys of ike are told, and not shown",
     IKE.replace("ike", "ike dynamic").replace("\n", f" srcid a.example dstid b.example psk \"{SECRET}\" tag x\n"),
     PROTECT, [(1, "negotiated by IKE"), (1, "tags")]),
    ("ike to anybody is kept", IKE.replace("192.0.2.2", "any"), PROTECT.replace("192.0.2.2", "any"),
     [(1, "negotiated by IKE")]),
    ("ike without transforms is refused, being AES", IKE.split(" quick")[0] + "\n", None, [(1, "it is AES")]),
    ("identities of a flow are told", SA + FLOW.replace("\n", " srcid a dstid b\n"), PROTECT,
     [(2, "identities"), (2, "identities")]),
    ("a flow through a gateway is a tunnel between its SA's ends",
     TUNNEL_SA + "flow esp from 10.0.0.0/16 to 10.1.0.0/16 peer 192.0.2.2\n", BRANCH, [], GATE),
    ("and between local and peer", TUNNEL_SA + "flow esp from 10.0.0.0/16 to 10.1.0.0/16 local 192.0.2.1 peer 192.0.2.2\n"
     "flow esp in from 10.1.0.0/16 to 10.0.0.0/16 local 192.0.2.1 peer 192.0.2.2\n", BRANCH, [], GATE),
    ("a flow in has them too", TUNNEL_SA + "flow esp in from 10.1.0.0/16 to 10.0.0.0/16 peer 192.0.2.2\n"
     "flow esp out from 10.0.0.0/16 to 10.1.0.0/16 peer 192.0.2.2\n", BRANCH, [], GATE),
    ("an SA that only comes back tells both, too",
     MD5_TUNNEL_SA + "flow esp from 10.0.0.0/16 to 10.1.0.0/16 peer 192.0.2.2\n", BRANCH, [], MD5_GATE),
    ("SAs of transport mode don't tell the tunnel's end here",
     SA + "flow esp from 10.0.0.0/16 to 10.1.0.0/16 peer 192.0.2.2\n", None, [(2, "write local")]),
    ("two tunnels are two actions",
     TUNNEL_SA + TUNNEL_SA.replace("to 192.0.2.2", "to 192.0.2.3") +
     "flow esp from 10.0.0.0/16 to 10.1.0.0/16 peer 192.0.2.2\n"
     "flow esp from 10.0.0.0/16 to 10.2.0.0/16 peer 192.0.2.3\n",
     "action \"G\" {\n esp 3des-cbc hmac-sha1-96\n mode tunnel from 192.0.2.1 to 192.0.2.3\n}\n" + BRANCH +
     BRANCH.replace("10.1.", "10.2.").replace("\"E\"", "\"G\""), [], GATE),
    ("of a flow in the peer is where it comes from", TUNNEL_SA + "flow esp in from 192.0.2.2 to 192.0.2.1\n", PROTECT,
     [(2, "one direction")], GATE),
    ("a flow in from a network without a peer is refused", "flow esp in from 10.1.0.0/16 to 192.0.2.1\n", None,
     [(1, "write peer")]),
    ("a flow with two peers is refused", SA + FLOW.replace("\n", " peer { 192.0.2.2, 192.0.2.3 }\n"), None,
     [(2, "write peer")]),
    ("IPv6 goes through IPv4", TUNNEL_SA + "flow esp from 2001:db8:1::/48 to 2001:db8:2::/48 peer 192.0.2.2\n",
     BRANCH.replace("10.0.0.0/16", "2001:db8:1::/48").replace("10.1.0.0/16", "2001:db8:2::/48"), [], GATE),
    ("a flow between hosts has the mode of its SAs", TUNNEL_SA + FLOW, PROTECT, [], GATE),
    ("a tunnel without an SA is told", "flow esp from 10.0.0.0/16 to 10.1.0.0/16 local 192.0.2.1 peer 192.0.2.2\n",
     BRANCH, [(1, "no SA of this file")], GATE),
    ("SAs of transport mode don't serve a tunnel",
     SA.replace("sha1", "md5").replace(SHA1_KEY, MD5_KEY) +
     "flow esp from 10.0.0.0/16 to 10.1.0.0/16 local 192.0.2.1 peer 192.0.2.2\n", BRANCH,
     [(2, "no SA of this file")], GATE),
    ("ike is a tunnel unless it says transport",
     IKE.replace(" transport", "").replace("192.0.2.1 to 192.0.2.2", "10.0.0.0/16 to 10.1.0.0/16 local 192.0.2.1 peer "
     "192.0.2.2"), BRANCH, [(1, "negotiated by IKE")], GATE),
    ("ike between hosts too", IKE.replace("transport", "tunnel"), PROTECT, [(1, "negotiated by IKE")], GATE),
    ("a tunnel without an end is refused",
     "flow esp from 10.0.0.0/16 to 10.1.0.0/16 peer 192.0.2.2\nflow esp from 192.0.2.1 to 10.1.0.0/16\n"
     "flow esp from 10.0.0.0/16 to 10.1.0.0/16 local 2001:db8::1 peer 192.0.2.2\n", None,
     [(1, "write local"), (2, "write peer"), (3, "different families")]),
    ("a flow that SAs of both modes serve is refused", SA + TUNNEL_SA.replace("0x1001", "0x2001") + FLOW, None,
     [(3, "modes")]),
    ("ike in transport mode through a gateway is refused",
     IKE.replace("192.0.2.1 to 192.0.2.2", "10.0.0.0/16 to 10.1.0.0/16 peer 192.0.2.2"), None,
     [(1, "leave transport out")]),
    ("AH, IPIP and IPCOMP are refused",
     SA + FLOW.replace("esp", "ah") + FLOW.replace("esp", "ipip") + SA.replace("esp", "ah") +
     SA.replace("esp transport", "ipip").split(" auth ")[0] + "\n" +
     SA.replace("esp", "ipcomp").split(" spi ")[0] + " cpi 0x1001\n", None,
     [(2, "only ESP"), (3, "only ESP"), (4, "only SAs of ESP"), (5, "only SAs of ESP"), (6, "only SAs of ESP")]),
    ("other algorithms are refused", SA.replace("3des-cbc", "aes") + SA.replace("hmac-sha1", "hmac-sha2-512") +
     SA.replace(" enc 3des-cbc", ""), None, [(1, "only enc 3des-cbc"), (2, "only auth"), (3, "it is AES")]),
    ("keys of the wrong length are refused", SA.replace(SHA1_KEY, MD5_KEY), None, [(1, "20 bytes, not 16")]),
    ("weak keys are refused", SA.replace(DES_KEY, "0x" + "0123456789abcdef" * 3), None, [(1, "k1")]),
    ("an odd key is refused", SA.replace(DES_KEY, DES_KEY + "0"), None, [(1, "two hex digits")]),
    ("halves that don't go together are refused", PAIR.replace(":0x1002", ""), None, [(1, "two each")]),
    ("an SPI taken twice is refused", SA + SA, None, [(2, "already")]),
    ("an AES-GCM key that begins like another one is another one",
     GCM.replace(":0x1002", "").replace(":" + GCM_KEYS[1], "").replace("128", "256").replace("\n", "ff" * 16 + "\n") +
     GCM.replace("0x1001:0x1002", "0x1003").replace(":" + GCM_KEYS[1], ""), "", []),
    ("SPIs of more than 32 bits are refused", SA.replace("0x1001", "0x1000001001"), None, [(1, "0x100 to")]),
    ("reserved SPIs are refused", SA.replace("0x1001", "0xff"), None, [(1, "0x100 to")]),
    ("TCP MD5 is told", SA + FLOW + f"tcp md5 from 192.0.2.1 to 192.0.2.9 spi 0x100 authkey {MD5_KEY}\n"
     f"tcpmd5 from 192.0.2.1 to 192.0.2.8 spi 0x100 authkey {MD5_KEY}\n", PROTECT,
     [(3, "TCP MD5"), (4, "TCP MD5")]),
    ("names of hosts and interfaces are refused", "flow from egress to gate.example type deny\n", None,
     [(1, "no address")]),
    ("addresses behind NAT are refused", "flow from 10.0.0.0/8 (192.0.2.1) to 192.0.2.2 type deny\n", None,
     [(1, "behind NAT")]),
    ("ports without a protocol are refused", "flow from 192.0.2.1 port 1 to 192.0.2.2 type deny\n", None,
     [(1, "ports need")]),
    ("two families in one flow are refused", "flow from 192.0.2.1 to 2001:db8::1 type deny\n", None,
     [(1, "different families")]),
    ("a flow without ends is refused", "flow esp type deny\nflow from any type deny\n", None,
     [(1, "from is missing"), (2, "to is missing")]),
    ("unknown words are refused, all in one go",
     "flow esp from any to any colour red\nset skip\nflow esp esp from any to any\nflow from any to any spi 1\n", None,
     [(1, "found 'colour'"), (2, "found 'set'"), (3, "found 'esp'"), (4, "can have")]),
    ("no word is quoted where a key may be", SA.replace("authkey", "authkye"), None, [(1, "found this")]),
    ("UDP encapsulation and interfaces are refused",
     SA.replace("\n", " udpencap\n") + SA.replace("\n", " interface 1\n"), None, [(1, "UDP"), (2, "interface")]),
    ("an unfinished string is refused", "a = \"x\nflow from any to any type deny\n", None,
     [(1, "a macro's value")]),
    ("nothing is refused", "# only a comment", None, [(None, "has no flow")]),
]


def secrets_shown(answer):
    said = (answer.stdout + answer.stderr).decode("utf-8", "replace").lower()
    return [secret for secret in (SECRET, *(key[2:] for key in ALL_KEYS)) if secret[:16] in said]


def case_faults(folder, text, rules, expected, suite=SUITE):
    path = write(folder, "ipsec.conf", text)
    answer = ipsecctl("import", "openbsd", "--json", path)
    details = report_faults(findings(answer), expected)
    if secrets_shown(answer):
        details.append("a secret was shown: " + answer.stderr.decode())
    if answer.returncode != (1 if rules is None else 0):
        details.append(f"ended with {answer.returncode}: {answer.stderr.decode()}")
    elif rules is not None:
        wanted = write(folder, "wanted.policy", ACTION.format(*suite) + rules + "default bypass\n")
        imported = json.loads(answer.stdout)["policy"]
        difference = differences(wanted, write(folder, "imported.policy", imported))
        details += [difference, imported] if difference else []
    return details


def keys(tap, folder):
    """The SAs land in their file, whole and secret, and the library takes them."""
    conf, target = write(folder, "pair.conf", PAIR + FLOW), os.path.join(folder, "pair.keys")
    answer = ipsecctl("import", "openbsd", conf)
    tap.tell(b"SAs are left out" in answer.stderr and not secrets_shown(answer),
             "openbsd: without --keys the SAs are told to be left out", [answer.stderr.decode()])
    answer = ipsecctl("import", "openbsd", "--keys", target, conf)
    with open(target, encoding="utf-8") as stream:
        text = stream.read()
    mode = stat.S_IMODE(os.stat(target).st_mode)
    tap.tell(answer.returncode == 0 and mode == 0o600 and all(key in text for key in ALL_KEYS[:4]) and
             not secrets_shown(answer), "openbsd: --keys writes the SAs for their owner alone",
             [oct(mode), answer.stderr.decode()])
    table = ipsecctl("export", "wireshark", "--keys", target, "--i-know-this-reveals-keys").stdout.decode()
    rows = [("192.0.2.1", "192.0.2.2", "0x00001001", DES_KEY, SHA1_KEY),
            ("192.0.2.2", "192.0.2.1", "0x00001002", DES_KEY_2, SHA1_KEY_2)]
    tap.tell(len(table.splitlines()) == 2 and all(all(f'"{item}"' in line for item in row)
                                                  for row, line in zip(rows, table.splitlines())),
             "openbsd: both directions have their SPI and keys", [table])
    answer = ipsecctl("import", "openbsd", "--keys", target, conf)
    tap.tell(answer.returncode == 2 and answer.stdout == b"", "openbsd: a file of keys is never overwritten",
             [answer.stderr.decode()])
    os.chmod(conf, 0o644)
    answer = ipsecctl("import", "openbsd", conf)
    tap.tell(b"others may read" in answer.stderr, "openbsd: keys that others may read are told",
             [answer.stderr.decode()])


def tunnel_keys(tap, folder):
    """SAs without transport are for tunnels, and the library takes them with the policy."""
    conf = write(folder, "tunnel.conf", PAIR.replace(" transport", "") +
                 "flow esp from 10.0.0.0/16 to 10.1.0.0/16 peer 192.0.2.2\n")
    target = os.path.join(folder, "tunnel.keys")
    answer = ipsecctl("import", "openbsd", "--keys", target, conf)
    with open(target, encoding="utf-8") as stream:
        text = stream.read()
    script = os.path.join(folder, "tunnel.script")
    told = ipsecctl("export", "xfrm", "--me", "192.0.2.1", "--keys", target, "--output", script,
                    write(folder, "tunnel.policy", answer.stdout))
    tap.tell(answer.returncode == 0 and text.count("\n    mode tunnel\n") == 2 and told.returncode == 0 and
             b"no rule has" not in told.stderr, "openbsd: SAs in tunnel mode are, and serve the imported flow",
             [answer.stderr.decode(), told.stderr.decode()])


def key_files(tap, folder):
    conf = write(folder, "files.conf", PAIR.replace(f"{SHA1_KEY}:{SHA1_KEY_2}", "file \"one.auth:two.auth\"")
                 .replace(f"{DES_KEY}:{DES_KEY_2}", "file \"one.enc:two.enc\"") + FLOW)
    for name, key in (("one.auth", SHA1_KEY), ("two.auth", SHA1_KEY_2), ("one.enc", DES_KEY), ("two.enc", DES_KEY_2)):
        write(folder, name, key + "\n")
    target = os.path.join(folder, "files.keys")
    answer = ipsecctl("import", "openbsd", "--keys", target, conf)
    table = ipsecctl("export", "wireshark", "--keys", target, "--i-know-this-reveals-keys").stdout.decode()
    tap.tell(b"keys stay in their files" in answer.stderr and len(table.splitlines()) == 2 and
             all(key in table for key in ALL_KEYS[:4]), "openbsd: keys in files stay there, and are found",
             [answer.stderr.decode(), table])


def quoted_key_file(tap, folder):
    """A path means what OpenBSD takes it for, and one that no line of ours can hold is refused."""
    conf = SA.replace(SHA1_KEY, "file \"{0}\"").replace(DES_KEY, "file one.enc")
    for name, key in (("a \"b\" c\\d", SHA1_KEY), ("one.enc", DES_KEY)):
        write(folder, name, key + "\n")
    target = os.path.join(folder, "quoted.keys")
    answer = ipsecctl("import", "openbsd", "--keys", target,
                      write(folder, "quoted.conf", conf.format("a \\\"b\\\" c\\d") + FLOW))
    table = ipsecctl("export", "wireshark", "--keys", target, "--i-know-this-reveals-keys")
    tap.tell(answer.returncode == 0 and SHA1_KEY in table.stdout.decode(), "openbsd: quotes in a key's path are kept",
             [answer.stderr.decode(), table.stderr.decode()])
    told = ipsecctl("import", "openbsd", "--json", write(folder, "line.conf", conf.format("a\x01b")))
    tap.tell(told.returncode == 1 and not report_faults(findings(told), [(1, "path")]),
             "openbsd: a key's path that no line can hold is refused", [told.stdout.decode()])


def includes(tap, folder):
    os.mkdir(os.path.join(folder, "more"))
    write(folder, "more/macros.conf", "you = 192.0.2.2\ninclude \"sa.conf\"")
    write(folder, "more/sa.conf", SA)
    conf = write(folder, "outer.conf", "include \"more/macros.conf\"\nflow esp from 192.0.2.1 to $you")
    answer = ipsecctl("import", "openbsd", conf)
    wanted = write(folder, "wanted.policy", ACTION.format(*SUITE) + PROTECT + "default bypass\n")
    difference = differences(wanted, write(folder, "imported.policy", answer.stdout))
    tap.tell(difference is None, "openbsd: includes are read, relative to the file that has them",
             [difference or "", answer.stderr.decode()])
    loop = write(folder, "loop.conf", "include \"loop.conf\"\ninclude \"loop.conf\"\n")
    answer = ipsecctl("import", "openbsd", loop)
    tap.tell(answer.returncode == 1 and b"include itself" in answer.stderr, "openbsd: a file that includes itself ends",
             [answer.stderr.decode()[:500]])
    os.mkfifo(os.path.join(folder, "fifo"))
    answer = ipsecctl("import", "openbsd", write(folder, "waits.conf", "include \"fifo\"\ninclude \"none\"\n"))
    tap.tell(answer.returncode == 2 and b"regular file" in answer.stderr and b"No such file" in answer.stderr,
             "openbsd: what can't be included is told", [answer.stderr.decode()])


def debris(tap):
    """Every beginning of a file, and a file with each kind of byte anywhere, ends with 0, 1 or 2."""
    content = ("a = \"{ 192.0.2.2 }\"\n" + PAIR + "flow esp proto { tcp udp } from 192.0.2.1 port 1 to $a peer \\\n"
               "192.0.2.2 type use srcid \"x\"\n" + IKE).encode()
    bad = []
    for at in range(0, len(content), 41):
        for data in (content[:at], content[:at] + b"\"" + content[at + 1:], content[:at] + b"{" + content[at:],
                     content[:at] + b"\x00\xff$a" + content[at:], content[:at] + b"\\"):
            answer = ipsecctl("import", "openbsd", "-", content=data)
            if answer.returncode not in (0, 1):
                bad.append(f"at {at}: ended with {answer.returncode}")
    tap.tell(not bad, "openbsd: damaged files end with a report", bad)


def run(tap):
    with tempfile.TemporaryDirectory(prefix="sallyport-convert-") as folder:
        for name, text, rules, expected, *suite in CASES:
            details = case_faults(folder, text, rules, expected, *suite)
            tap.tell(not details, "openbsd: " + name, details)
        keys(tap, folder)
        tunnel_keys(tap, folder)
        key_files(tap, folder)
        quoted_key_file(tap, folder)
        includes(tap, folder)
    debris(tap)
