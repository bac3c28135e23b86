# SPDX-License-Identifier: ISC
"""Our side: ipsecctl with a pair of SAs that it made itself."""

import json
import os
import re
import subprocess

import packets

IPSECCTL = os.path.join(os.environ["SP_BUILD"], "tools", "ipsecctl", "ipsecctl")

POLICY = """action "all" {{
    esp {suite}{mode}{encap}{esn}
    lifetime nist-r2
}}
protect out any from any to any with "all"
default block
"""

# The ends of tunnels, by family: ours and the peer's. For what comes in, policy and keys are the peer's.
ENDS = {4: ("203.0.113.1", "203.0.113.2"), 6: ("2001:db8:ff::1", "2001:db8:ff::2")}


def run(*arguments):
    """Its output; an exception with what it said when it fails."""
    process = subprocess.run([IPSECCTL, *arguments], capture_output=True, text=True, check=False,
                             stdin=subprocess.DEVNULL)
    if process.returncode != 0:
        raise RuntimeError(f"ipsecctl {' '.join(arguments)}: exit {process.returncode}\n{process.stderr}")
    return process.stdout


class Gate:
    """A policy that protects everything with one suite, and keys for one family. "SUITE in UDP" is encapsulated. With
    tunnel, a family, everything goes into a tunnel of that one."""

    def __init__(self, folder, suite, family, has_esn=False, tunnel=None):
        suite, _, carrier = suite.partition(" in ")
        self.folder, self.suite, self.is_encapsulated, self.has_esn = folder, suite, carrier == "UDP", has_esn
        self.policy, self.keys = os.path.join(folder, "policy"), os.path.join(folder, "keys")
        self.ends = ENDS[tunnel] if tunnel else (packets.SOURCE[family], packets.DESTINATION[family])
        self.tunnel = tunnel
        run("keygen", "--from", self.ends[0], "--to", self.ends[1], "--esp", *suite.split(), "--output", self.keys,
            *(["--encap"] if self.is_encapsulated else []), *(["--esn"] if has_esn else []),
            *(["--tunnel"] if tunnel else []))
        with open(self.keys, encoding="ascii") as stream:
            first = stream.read().split("}")[0]
        self.spi = int(re.search(r"\bspi (\S+)", first).group(1), 0)
        self.encryption_key = self._key("encryption-key", first)
        self.integrity_key = self._key("integrity-key", first)

    def set_replay_window(self, count):
        """Of both SAs, in packets."""
        with open(self.keys, "r+", encoding="ascii") as stream:
            text = stream.read()
            stream.seek(0)
            stream.write(text.replace("\n}", f"\n    replay-window {count}\n}}"))

    @staticmethod
    def _key(word, text):
        found = re.search(rf"\b{word} 0x([0-9a-f]+)", text)
        return bytes.fromhex(found.group(1)) if found else b""

    def apply(self, direction, capture):
        """What comes out, and how many packets were dropped for which reason."""
        here, there = self.ends if direction == "out" else reversed(self.ends)
        with open(self.policy, "w", encoding="ascii") as stream:
            stream.write(POLICY.format(suite=self.suite, esn="\n    esn" if self.has_esn else "",
                                       mode=f"\n    mode tunnel from {here} to {there}" if self.tunnel else "",
                                       encap="\n    encap udp" if self.is_encapsulated else ""))
        before, after = (os.path.join(self.folder, f"{direction}-{end}.pcap") for end in ("before", "after"))
        packets.write_capture(before, capture)
        summary = json.loads(run("apply", "--policy", self.policy, "--keys", self.keys, "--direction", direction,
                                 "--json", before, after))
        return packets.read_capture(after), summary

    def wireshark_table(self):
        return run("export", "wireshark", "--keys", self.keys, "--i-know-this-reveals-keys")
