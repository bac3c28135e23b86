# SPDX-License-Identifier: ISC
"""The guard beside its twin: random policies, random packets, and for each packet the rule whose counter nftables
moved must be the one that `ipsecctl explain` names.

usage: twin.py SEED POLICIES PACKETS FRONT BACK SALLYPORTD IPSECCTL KEYS FOLDER
FRONT and BACK are network namespaces; the guard is the front-end's. Prints what differs; exit status 1 if anything
does."""

import json
import os
import random
import signal
import subprocess
import sys
import time

FRONT_ADDRESSES = ["192.0.2.1", "2001:db8::1"]
BACK_ADDRESSES = ["192.0.2.2", "2001:db8::2"]
NOBODY = ["192.0.2.77", "2001:db8::77"]
NETWORKS = ["192.0.2.0/26", "192.0.2.64-192.0.2.255", "192.0.2.0-192.0.2.2", "2001:db8::/112", "2001:db8::2-2001:db8::ff",
            "198.51.100.0/24", "0.0.0.0/0", "::/0"]
PORTS = [1, 81, 443, 5001, 5002, 65535]  # none that a server of the tests is bound to
PORT_RANGES = ["81", "443", "1-100", "5001-5002", "1024-65535", "0-65535", "50-90"]

# Errors are left out: hosts answer UDP with them, and then two packets are counted.
TYPES = {"icmp ": [0, 8, 13], "icmp6 ": [128, 129, 200]}
TYPE_RANGES = {"icmp ": ["8", "0", "4-7", "13-255"], "icmp6 ": ["128", "129", "100-127", "140-200"]}

seed, policy_count, packet_count = (int(word) for word in sys.argv[1:4])
front, back, sallyportd, ipsecctl, keys, folder = sys.argv[4:]
dice = random.Random(seed)
control = os.path.join(folder, "twin.sock")


def listed(choices):
    chosen = dice.sample(choices, dice.randint(1, 3))
    return chosen[0] if len(chosen) == 1 else "{ " + ", ".join(chosen) + " }"


def icmp_words(protocol):
    if not protocol.startswith("icmp"):
        return protocol
    words = protocol + "type " + listed(TYPE_RANGES[protocol]) + " "
    return words + ("code " + listed(["0", "1", "2-3", "4-255"]) + " " if dice.random() < 0.5 else "")


def endpoint(may_be_me, has_ports):
    what = dice.choice(["any", "me", "list", "list"] if may_be_me else ["any", "list"])
    words = listed(NETWORKS + BACK_ADDRESSES + NOBODY + (["me"] if may_be_me else [])) if what == "list" else what
    if has_ports and dice.random() < 0.5:
        words += " port " + listed(PORT_RANGES)
    return words


def make_policy():
    lines = ['action "e" { esp 3des-cbc hmac-sha1-96 }', f"order {dice.choice(['listed', 'specific'])}"]
    for _ in range(dice.randint(1, 8)):
        action, direction = dice.choice(["protect", "bypass", "block"]), dice.choice(["in", "out"])
        protocol = dice.choice(["tcp ", "udp ", "udp ", "any ", "icmp ", "icmp6 "])
        has_ports = protocol in ("tcp ", "udp ")
        protocol = icmp_words(protocol)
        ends = [endpoint(True, has_ports), endpoint(True, has_ports)]
        suffix = ' with "e"' if action == "protect" else ""
        lines.append(f"{action} {direction} {protocol}from {ends[0]} to {ends[1]}{suffix}")
    return "\n".join(lines + [f"default {dice.choice(['bypass', 'block'])}", ""])


def counters():
    listing = subprocess.run(["ip", "netns", "exec", front, "nft", "-j", "list", "counters", "table", "inet", "sallyport"],
                             capture_output=True, check=True).stdout
    return {item["counter"]["name"]: item["counter"]["packets"]
            for item in json.loads(listing)["nftables"] if "counter" in item}


SENDER = """
import socket, sys
for line in sys.stdin:
    protocol, source, source_port, destination, destination_port = line.split()
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    if protocol.startswith("icmp"):
        number = socket.IPPROTO_ICMPV6 if protocol == "icmp6" else socket.IPPROTO_ICMP
        with socket.socket(family, socket.SOCK_RAW, number) as channel:
            message = bytes([int(source_port), int(destination_port), 0, 0, 0, 1, 0, 1])
            if number == socket.IPPROTO_ICMP:
                total = sum(message[i] * 256 + message[i + 1] for i in range(0, 8, 2))
                total = ~(total + (total >> 16)) & 0xffff
                message = message[:2] + total.to_bytes(2, "big") + message[4:]
            try:
                channel.bind((source, 0))
                channel.sendto(message, (destination, 0))
            except OSError:
                pass
        print("sent", flush=True)
        continue
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        channel.setblocking(False)
        try:
            channel.bind((source, int(source_port)))
            channel.connect((destination, int(destination_port)))
            if protocol == "udp":
                channel.send(b"?")
        except OSError:
            pass
    print("sent", flush=True)
"""


class Sender:
    def __init__(self, space):
        self.process = subprocess.Popen(["ip", "netns", "exec", space, "/usr/bin/python3", "-c", SENDER], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, *packet):
        print(*packet, file=self.process.stdin, flush=True)
        self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def expected(policy, direction, packet):
    protocol, source, source_port, destination, destination_port = packet
    is_icmp = protocol.startswith("icmp")
    if is_icmp:
        protocol = f"{protocol}:{source_port}/{destination_port}"
    ends = [source, destination] if is_icmp else [f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            for address, port in ((source, source_port), (destination, destination_port))]
    told = subprocess.run([ipsecctl, "explain", "--json", *(word for a in FRONT_ADDRESSES for word in ("--me", a)),
                           policy, direction, protocol, *ends], capture_output=True, check=True, text=True).stdout
    decision = json.loads(told)["decision"]
    if decision["action"] == "bypass":
        return None
    index = decision["index"]
    return f"{'steer' if direction == 'out' else 'guard_in'}_{'default' if index is None else index}"


def moved(sender, direction, packet):
    before = counters()
    sender.send(*packet)
    after = counters()
    chain = "steer_" if direction == "out" else "guard_in_"
    return [name for name in after if name.startswith(chain) and after[name] != before[name]]


def start(policy):
    daemon = subprocess.Popen(["ip", "netns", "exec", front, sallyportd, "--policy", policy, "--keys", keys,
                               "--control", control], stderr=subprocess.DEVNULL)
    for _ in range(100):
        if subprocess.run([ipsecctl, "status", "--json", "--control", control], capture_output=True).returncode == 0:
            return daemon
        time.sleep(0.05)
    daemon.kill()
    sys.exit(f"sallyportd does not start with {open(policy).read()}")


def main():
    different = compared = 0
    outbound, inbound = Sender(front), Sender(back)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for _ in range(policy_count):
        policy = os.path.join(folder, "twin.policy")
        is_valid = False
        while not is_valid:  # one end may be IPv4 only and the other IPv6 only
            with open(policy, "w") as file:
                file.write(make_policy())
            is_valid = subprocess.run([ipsecctl, "check", policy], capture_output=True).returncode == 0
        daemon = start(policy)
        try:
            for _ in range(packet_count):
                direction = dice.choice(["in", "out"])
                six = dice.randint(0, 1)
                far = BACK_ADDRESSES[six] if direction == "in" else dice.choice([BACK_ADDRESSES, NOBODY])[six]
                ends = [FRONT_ADDRESSES[six], far]
                if direction == "in":
                    ends.reverse()
                packet = (dice.choice(["tcp", "udp"]), ends[0], dice.choice(PORTS), ends[1], dice.choice(PORTS))
                if dice.random() < 0.3:
                    icmp = "icmp6 " if six else "icmp "
                    packet = (icmp.strip(), ends[0], dice.choice(TYPES[icmp]), ends[1], dice.choice([0, 1, 3]))
                wanted = expected(policy, direction, packet)
                compared += 1
                for _ in range(3):  # other packets are about: a neighbour's, a retransmission
                    seen = moved(outbound if direction == "out" else inbound, direction, packet)
                    if seen == ([wanted] if wanted else []):
                        break
                else:
                    different += 1
                    print(f"{direction} {packet}: counted {seen}, expected {wanted} under\n{open(policy).read()}")
        finally:
            daemon.terminate()
            daemon.wait()
    outbound.end()
    inbound.end()
    print(f"seed {seed}: {compared} packets compared, {different} different")
    sys.exit(1 if different else 0)


main()
