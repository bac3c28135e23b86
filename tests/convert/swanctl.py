# SPDX-License-Identifier: ISC
"""Exports for strongSwan: its own charon loads what was written, in a network namespace, and what it then says that it
has is what the policy says.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time

from common import EXAMPLES, SECONDS, ipsecctl, write

CHARON = "/usr/lib/ipsec/charon"
ME = ["--me", "192.0.2.77", "--me", "2001:db8::77"]
ACTIONS = "action \"E\" {\n esp 3des-cbc hmac-sha1-96\n lifetime w2k\n}\n" \
          "action \"F\" {\n esp null hmac-sha2-256-128\n lifetime 4000 packets 900 seconds\n}\n" \
          "action \"G\" {\n esp aes128-gcm16\n}\naction \"H\" {\n esp aes256-gcm16\n}\n"
LINE = ACTIONS.count("\n") + 1
RICH = ACTIONS + """protect out tcp from me to { 192.0.2.0/25, 192.0.2.200-192.0.2.209 } port { 25, 6000-6100 } with "E"
protect in udp from 2001:db8::/32 to me port 88 with "F"
bypass in 47 from 198.51.100.9 to 192.0.2.77
bypass out 47 from 192.0.2.77 to 198.51.100.9
block out 132 from me to any port 0-1023
protect out tcp from me to 198.51.100.1 port 80 with "G"
protect out tcp from me to 198.51.100.2 port 80 with "H"
default block
"""
FAR = "192.0.2.0/25 192.0.2.200/29 192.0.2.208/31"
PORTS = "25 6000-6015 6016-6079 6080-6095 6096-6099 6100"
MINE_4, MINE_6, ALL_4, ALL_6 = "192.0.2.77/32", "2001:db8::77/128", "0.0.0.0/0", "::/0"
# child: mode, local and remote selectors, as charon says them
WANTED = {
    "rule-1-4": ("TRANSPORT", {f"{MINE_4}[tcp]"},
                 {f"{prefix}[tcp/{port}]" for prefix in FAR.split() for port in PORTS.split()}),
    "rule-2-6": ("TRANSPORT", {f"{MINE_6}[udp/88]"}, {"2001:db8::/32[udp]"}),
    "rule-3-4": ("PASS", {f"{MINE_4}[gre]"}, {"198.51.100.9/32[gre]"}),
    "rule-4-4": ("PASS", {f"{MINE_4}[gre]"}, {"198.51.100.9/32[gre]"}),
    "rule-5-4": ("DROP", {f"{MINE_4}[sctp]"}, {f"{ALL_4}[sctp/0-1023]"}),
    "rule-5-6": ("DROP", {f"{MINE_6}[sctp]"}, {f"{ALL_6}[sctp/0-1023]"}),
    "rule-6-4": ("TRANSPORT", {f"{MINE_4}[tcp]"}, {"198.51.100.1/32[tcp/80]"}),
    "rule-7-4": ("TRANSPORT", {f"{MINE_4}[tcp]"}, {"198.51.100.2/32[tcp/80]"}),
    "default-4": ("DROP", {ALL_4}, {ALL_4}),
    "default-6": ("DROP", {ALL_6}, {ALL_6}),
}
FRONT_END = {
    "rule-1-4": ("DROP", {f"{MINE_4}[tcp/80]"}, {f"{ALL_4}[tcp]"}),
    "rule-1-6": ("DROP", {f"{MINE_6}[tcp/80]"}, {f"{ALL_6}[tcp]"}),
    "rule-2-4": ("TRANSPORT", {f"{MINE_4}[tcp]"}, {f"{ALL_4}[tcp/80]"}),
    "rule-2-6": ("TRANSPORT", {f"{MINE_6}[tcp]"}, {f"{ALL_6}[tcp/80]"}),
}
TUNNEL = """action "T" {
    esp 3des-cbc hmac-sha1-96
    mode tunnel from 192.0.2.77 to 203.0.113.2
}
action "U" {
    esp aes128-gcm16
    mode tunnel from 2001:db8::77 to 2001:db8:ff::2
    encap udp
}
action "E" {
    esp 3des-cbc hmac-sha1-96
}
protect out from 10.1.0.0/16 to 10.2.0.0/16 with "T"
protect out tcp from me to 198.51.100.1 port 80 with "E"
protect out from 10.1.0.0/16 to 10.3.0.0/16 with "U"
protect out udp from 2001:db8:1::/48 to 2001:db8:2::/48 with "T"
default bypass
"""
TUNNELS = {
    "rule-1-4": ("TUNNEL", {"10.1.0.0/16"}, {"10.2.0.0/16"}),
    "rule-2-4": ("TRANSPORT", {f"{MINE_4}[tcp]"}, {"198.51.100.1/32[tcp/80]"}),
    "rule-3-4": ("TUNNEL", {"10.1.0.0/16"}, {"10.3.0.0/16"}),
    "rule-4-6": ("TUNNEL", {"2001:db8:1::/48[udp]"}, {"2001:db8:2::/48[udp]"}),
}
SETTINGS = """charon {{
    load_modular = no
    load = random nonce openssl sha1 sha2 md5 hmac kdf gmp aes pem pkcs1 x509 pubkey kernel-netlink socket-default vici
    install_routes = no
    filelog {{
        log {{
            path = {0}/log
            default = 1
            cfg = 2
        }}
    }}
    plugins {{
        vici {{
            socket = unix://{0}/vici
        }}
    }}
}}
"""


@contextlib.contextmanager
def charon(folder):
    """In namespaces of its own, ended by its pid. Gives what runs swanctl against it."""
    settings = write(folder, "strongswan.conf", SETTINGS.format(folder))
    environment = dict(os.environ, STRONGSWAN_CONF=settings, SWANCTL_DIR=folder)
    inside = ["unshare", "-nm"] if os.geteuid() == 0 else ["unshare", "-rnm"]
    with open(os.path.join(folder, "output"), "wb") as output:
        daemon = subprocess.Popen([*inside, "sh", "-c", f"mount -t tmpfs run /run && exec {CHARON}"], env=environment,
                                  stdout=output, stderr=output)
        try:
            end = time.monotonic() + SECONDS
            while not os.path.exists(os.path.join(folder, "vici")) and daemon.poll() is None and time.monotonic() < end:
                time.sleep(0.05)

            def swanctl(*words):
                return subprocess.run(["swanctl", *words, "--uri", f"unix://{folder}/vici"], env=environment,
                                      capture_output=True, text=True, timeout=SECONDS, check=False)
            yield swanctl
        finally:
            daemon.terminate()
            daemon.wait(timeout=SECONDS)


SERVICES = {"smtp": "25", "kerberos": "88", "http": "80", "x11": "6000", "domain": "53"}


def said_selector(text):
    """charon names ports by /etc/services where there is one."""
    return re.sub(r"/([a-z][\w-]*)\]", lambda found: f"/{SERVICES.get(found[1], found[1])}]", text)


def children(listing):
    pattern = r"([\w-]+) \{mode=(\w+) [^{}]*local-ts=\[(.*?)\] remote-ts=\[(.*?)\] priority="
    return {name: (mode, set(map(said_selector, local.split())), set(map(said_selector, remote.split())))
            for name, mode, local, remote in re.findall(pattern, listing)}


def priorities(text):
    return [int(number) for number in re.findall(r"priority = (\d+)", text)]


def loads(tap, folder):
    policies = [("the front-end", os.path.join(EXAMPLES, "front-end.policy"), FRONT_END),
                ("ranges, lists, both families and default block", write(folder, "rich.policy", RICH), WANTED),
                ("tunnels", write(folder, "tunnel.policy", TUNNEL), TUNNELS)]
    for name, path, wanted in policies:
        place = os.path.join(folder, "charon-" + os.path.basename(path))
        os.mkdir(place)
        exported = ipsecctl("export", "swanctl", *ME, path)
        write(place, "swanctl.conf", exported.stdout)
        if not os.path.exists(CHARON) or shutil.which("swanctl") is None:
            tap.skip(f"swanctl: charon has what {name} says", "strongSwan isn't installed")
            continue
        with charon(place) as swanctl:
            loaded, listed = swanctl("--load-conns"), swanctl("--list-conns", "--raw")
        have = children(listed.stdout)
        tap.tell(exported.returncode == 0 and loaded.returncode == 0 and have == wanted,
                 f"swanctl: charon has what {name} says",
                 [f"wanted {wanted}", f"have   {have}", loaded.stdout + loaded.stderr, listed.stdout, listed.stderr])


def words(tap, folder):
    answer = ipsecctl("export", "swanctl", *ME, write(folder, "rich.policy", RICH))
    text = answer.stdout.decode()
    tap.tell(priorities(text) == [1000, 1001, 1002, 1003, 1004, 1004, 1005, 1006, 1007, 1007],
             "swanctl: priorities keep the order of the rules", [text])
    first, second = text.split("rule-1-4 {")[1].split("}")[0], text.split("rule-2-6 {")[1].split("}")[0]
    tap.tell("esp_proposals = 3des-sha1\n" in first and "life_time = 3600\n" in first and
             "life_bytes = 102400000\n" in first and "life_packets" not in first and
             "esp_proposals = null-sha256\n" in second and "life_packets = 4000\n" in second and
             "life_time = 900\n" in second and "life_bytes" not in second,
             "swanctl: each child has its action's algorithms and lifetimes", [text])
    tap.tell(re.findall(r"esp_proposals = (\S+)", text)[2:] == ["aes128gcm16", "aes256gcm16"],
             "swanctl: AES-GCM stands without an integrity algorithm", [text])
    with_esn = write(folder, "esn.policy", 'action "E" {\n esp 3des-cbc hmac-sha1-96\n esn\n}\n'
                     'protect out tcp from me to any port 80 with "E"\ndefault bypass\n')
    exported = ipsecctl("export", "swanctl", *ME, with_esn).stdout.decode()
    tap.tell(set(re.findall(r"esp_proposals = (\S+)", exported)) == {"3des-sha1-esn"},
             "swanctl: extended sequence numbers are proposed where the action has them", [exported])
    exported = ipsecctl("export", "swanctl", *ME, write(folder, "tunnel.policy", TUNNEL)).stdout.decode()
    connections = dict(re.findall(r"^    (sallyport\S*) \{\n(.*?)^    \}", exported, re.M | re.S))
    tap.tell({name: (*re.findall(r"(?:local|remote)_addrs = (\S+)", text), "encap = yes" in text,
                     re.findall(r"rule-\d", text)) for name, text in connections.items()} ==
             {"sallyport": ("%any", "%any", False, ["rule-2"]),
              "sallyport-tunnel-1": ("192.0.2.77", "203.0.113.2", False, ["rule-1", "rule-4"]),
              "sallyport-tunnel-2": ("2001:db8::77", "2001:db8:ff::2", True, ["rule-3"])} and
             priorities(exported) == [1001, 1000, 1003, 1002],
             "swanctl: each tunnel is a connection between its ends", [exported])
    said = answer.stderr.decode()
    tap.tell(re.findall(r"rich\.policy:(\d+):\d+: warning", said) == [str(LINE + 4)] and "mirrored direction" in said,
             "swanctl: a block rule that becomes stricter is told with its line, and no other", [said])
    refused = [
        ("me that isn't known", "block in from any to me", 1, "say which addresses", []),
        ("bypass for one direction", "bypass in tcp from any to me port 22", 1, "both directions", ME),
        ("a mirror that isn't tried next", "bypass in from any to me\nblock out tcp from me to any\n"
         "bypass out from me to any", 1, "both directions", ME),
        ("another rule's mirror", "bypass in tcp from any to me port 22\nbypass out tcp from me port 23 to any", 1,
         "both directions", ME),
        ("types of ICMP", "block out from me to 192.0.2.1\nblock in icmp type 8 from any to me", 2, "types of ICMP", ME),
        ("protocol 0", "block in 0 from any to me", 1, "protocol 0", ME),
        ("more selectors than IKE can say", "block out from me to 10.0.0.1-10.200.200.253\n"
         "block out tcp from me to 10.0.0.1-10.200.200.253 port 1-65534", 2, "255", ME)]
    for name, rules, line, expected, options in refused:
        answer = ipsecctl("export", "swanctl", *options, write(folder, "r.policy", rules + "\ndefault bypass\n"))
        said = answer.stderr.decode()
        tap.tell(answer.returncode == 1 and answer.stdout == b"" and expected in said and
                 f"r.policy:{line}:1: error" in said, f"swanctl: {name} is refused with the rule's line", [said])


def run(tap):
    with tempfile.TemporaryDirectory(prefix="sallyport-convert-") as folder:
        loads(tap, folder)
        words(tap, folder)
