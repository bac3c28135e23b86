# SPDX-License-Identifier: ISC
"""A daemon that answers status as tools/control/control.h describes it, with counters that grow at each question."""

import copy
import json
import os
import socket
import threading

POLICY = """action "encrypt" {
    esp 3des-cbc hmac-sha1-96
    require
}
protect out tcp from me to any port 80 with "encrypt" as "Outbound TCP 80 - front-end"
default bypass
"""
REASONS = ["policy-block", "clear-text", "no-sa", "replay", "bad-icv"]


def last_drop(**members):
    return {"time": 1764000000.25, "direction": "inbound", "reason": "bad-icv", "source": "192.0.2.2",
            "destination": "192.0.2.1", "protocol": 50, "source_port": None, "destination_port": None, "spi": None,
            "sequence": None, "rule": None, "sa": None, **members}


LAST_DROPS = [last_drop(spi=0x1002, sequence=17, sa=1),
              last_drop(reason="policy-block", protocol=6, source_port=40000, destination_port=80, rule=0),
              last_drop(reason="clear-text", source="2001:db8::2", destination="2001:db8::1", protocol=17,
                        source_port=5, destination_port=80),
              last_drop(reason="malformed", source=None, destination=None, protocol=None)]


def counters(packets, esp="sealed_packets", drops=None):
    drops = drops or {}
    dropped = sum(drops.values())
    told = {"offered_packets": packets + dropped, "offered_bytes": packets * 100, "bypassed_packets": 0,
            "sealed_packets": 0, "opened_packets": 0, "dropped_packets": dropped, "drops": drops}
    told[esp] = packets
    return told


def sa(number, direction, packets):
    source, destination = ("192.0.2.1", "192.0.2.2") if direction == "out" else ("192.0.2.2", "192.0.2.1")
    return {"number": number, "name": f"pair {number}", "spi": 0x1001 + number, "source": source,
            "destination": destination, "direction": direction, "mode": "transport", "encryption": "3des-cbc",
            "integrity": "hmac-sha1-96", "fingerprint": f"{number:016x}", "state": "live", "bytes": packets * 50,
            "packets": packets, "age_seconds": 36,
            "lifetime": {"preset": "w2k", "soft_bytes": 0, "hard_bytes": 102400000, "soft_packets": 0,
                         "hard_packets": 0, "soft_seconds": 3150, "hard_seconds": 3600},
            "replay_window_packets": 64, "sequence_sent": packets, "sequence_received": 0,
            "outbound": counters(packets), "inbound": counters(0)}


def status(step, sas=2):
    packets = 1000 * step
    every = dict.fromkeys(REASONS, 0)
    rule = {"index": 0, "name": "Inbound TCP 80 - front-end", "file": "front-end.policy", "line": 7,
            "action": "block", "direction": "in", "text": "block in tcp from any to me port 80",
            "outbound": counters(0), "inbound": counters(0, drops={"policy-block": 3})}
    return {"ok": True, "version": "0.1.0", "pid": 4711, "uptime_seconds": 36 + step, "backend": "user",
            "kernel": "no XFRM", "device": {"name": "sally0", "mtu_bytes": 1400, "mark": 1, "table": 2},
            "addresses": ["192.0.2.1", "2001:db8::1"],
            "policy": {"file": "/etc/sallyport/front-end.policy", "generation": 1, "default": "bypass",
                       "default_stats": {"outbound": counters(5, "bypassed_packets"), "inbound": counters(0)},
                       "rules": [rule]},
            "sas": [sa(number, "out" if number % 2 == 0 else "in", packets) for number in range(sas)],
            "totals": {"outbound": counters(packets), "inbound": counters(
                packets, "opened_packets", dict(every, **{"policy-block": 3, "clear-text": 2}))},
            "guard": [{"chain": "guard_in", "rule": 0, "action": "refuse", "packets": 3, "bytes": 180},
                      {"chain": "steer", "rule": None, "action": "steer", "packets": 1, "bytes": 60}],
            "sa_totals": {"key_additions": 5, "key_deletions": 3, "packets_sent": packets, "packets_received": packets,
                             "confidential_bytes_sent": packets * 70, "confidential_bytes_received": packets * 80,
                             "authenticated_bytes_sent": packets * 71, "authenticated_bytes_received": packets * 81},
            "last_drops": LAST_DROPS,
            "events": {"acquire": 4, "soft_expired": 0, "hard_expired": 0, "lost": 0}}


class Daemon:
    """Listens at path until it is closed. answer(step) gives what to say: a dictionary, bytes, or None to hang up."""

    def __init__(self, path, answer=status):
        self.path, self.answer, self.step = path, answer, 0
        self.questions = []
        self.handed = []  # of each question, what the files say whose descriptors came with it
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(8)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                self._reply(peer)

    def _reply(self, peer):
        question, handed = b"", []
        while not question.endswith(b"\n"):
            more, descriptors, _, _ = socket.recv_fds(peer, 4096, 4)
            for descriptor in descriptors:
                with open(descriptor, "rb") as file:
                    file.seek(0)
                    handed.append(file.read())
            if not more:
                return
            question += more
        self.questions.append(json.loads(question))
        self.handed.append(handed)
        is_about_policy = self.questions[-1] == {"ask": "policy"}
        self.step += not is_about_policy
        told = self.answer(self.step)
        if is_about_policy and isinstance(told, dict) and "pid" in told:
            told = {"ok": True, "policy": POLICY}
        if isinstance(told, dict):
            told = json.dumps(copy.deepcopy(told)).encode()
        if told:
            try:
                peer.sendall(told)
            except OSError:
                pass

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(timeout=5)
        if os.path.exists(self.path):
            os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
