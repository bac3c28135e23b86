# SPDX-License-Identifier: ISC
"""ipsecctl status and ipsecmon where no person looks: against a daemon that answers, and ones that don't."""

import csv
import io
import json
import os
import signal
import subprocess
import time

from fake_daemon import LAST_DROPS, Daemon, status
from harness import IPSECMON, check_secrets, equal, expect, ipsecctl, ipsecmon, test


@test
def status_is_shown(folder):
    """status shows policy, rules, SAs, totals, drop reasons with their meaning, and the guard"""
    path = folder.file("control.sock")
    with Daemon(path) as daemon:
        answer = ipsecctl("status", "--control", path)
        equal(daemon.questions, [{"ask": "status"}])
    for part in ("sallyportd 0.1.0", "pid 4711", "front-end.policy", "generation 1", "default bypass", "192.0.2.1"):
        expect(part in answer.out, part, answer.out)
    equal([row["WHERE"] for row in answer.table("WHERE")], ["front-end.policy:7", "default"])
    equal(answer.table("WHERE")[0]["DROP"], "3")
    equal([(row["SPI"], row["DIR"], row["USED %"]) for row in answer.table("SPI")],
          [("0x00001001", "out", "1"), ("0x00001002", "in", "1")])
    equal({row["TOTAL"]: row["PACKETS"] for row in answer.table("TOTAL")}, {"outbound": "1000", "inbound": "1005"})
    equal([(row["DROPPED"], row["REASON"], row["PACKETS"]) for row in answer.table("DROPPED")],
          [("inbound", "policy-block", "3"), ("inbound", "clear-text", "2")])
    equal([(row["GUARD"], row["RULE"]) for row in answer.table("GUARD")],
          [("guard_in", "front-end.policy:7"), ("steer", "default")])


@test
def last_drops_are_shown(folder):
    """status shows the newest ten dropped packets with addresses, SPI, sequence number and rule; ipsecmon --json all"""
    path = folder.file("control.sock")
    with Daemon(path, lambda step: dict(status(step), last_drops=LAST_DROPS * 4)):
        rows = ipsecctl("status", "--control", path).table("DROPPED AGO")
        told = ipsecmon("--once", "--json", "--control", path).json()
    equal(len(rows), 10)
    equal([[row[name] for name in ("REASON", "PROTOCOL", "FROM", "TO", "SPI", "SEQUENCE", "RULE")] for row in rows[:4]],
          [["bad-icv", "esp", "192.0.2.2", "192.0.2.1", "0x00001002", "17", "-"],
           ["policy-block", "tcp", "192.0.2.2:40000", "192.0.2.1:80", "-", "-", "front-end.policy:7"],
           ["clear-text", "udp", "[2001:db8::2]:5", "[2001:db8::1]:80", "-", "-", "-"],
           ["malformed", "-", "", "", "-", "-", "-"]])
    expect(all(row["DROPPED AGO"].endswith(" d") for row in rows), rows)
    drops = told["dropped_packets_last"]
    equal(len(drops), 16)
    equal([[drop[name] for name in ("protocol", "source", "destination", "spi", "sequence", "rule", "sa")]
           for drop in drops[:4]],
          [["esp", "192.0.2.2", "192.0.2.1", 0x1002, 17, None, 1],
           ["tcp", "192.0.2.2:40000", "192.0.2.1:80", None, None, "Inbound TCP 80 - front-end", None],
           ["udp", "[2001:db8::2]:5", "[2001:db8::1]:80", None, None, None, None],
           [None, None, None, None, None, None, None]])
    expect(abs(time.time() - drops[0]["age_seconds"] - 1764000000.25) < 60, drops[0])


@test
def status_is_json(folder):
    """status --json is what the daemon told"""
    path = folder.file("control.sock")
    with Daemon(path):
        equal(ipsecctl("status", "--json", "--control", path).json(), status(1))


@test
def absent_daemons_are_2(folder):
    """without a daemon, or with something else at the socket, status and ipsecmon --once exit 2 with a sentence"""
    path = folder.file("control.sock")
    for tool, words in ((ipsecctl, ["status"]), (ipsecmon, ["--once"])):
        expect("sallyportd" in tool(*words, "--control", path, code=2).err, "no sentence")
    wrong = [(b"no JSON", "not sallyportd"), (b"[1, 2]", "not sallyportd"), (None, "without an answer"),
             ({"ok": False, "error": "busy"}, "busy"), (b'{"ok": true', "not sallyportd")]
    for number, (told, sentence) in enumerate(wrong):
        path = folder.file(f"{number}.sock")
        with Daemon(path, lambda step, told=told: told):
            for tool, words in ((ipsecctl, ["status"]), (ipsecmon, ["--once"])):
                answer = tool(*words, "--control", path, code=2)
                expect(sentence in answer.err and not answer.out, sentence, answer.err)


@test
def little_is_enough(folder):
    """an answer that lacks members, or has wrong ones, is shown as far as it goes"""
    odd = [{"ok": True}, {"ok": True, "sas": 5, "totals": [], "policy": None, "guard": {"a": 1}},
           {"ok": True, "sas": [None, 1, {}, {"lifetime": 3, "spi": "x"}], "addresses": [1, None]}]
    for number, told in enumerate(odd):
        path = folder.file(f"{number}.sock")
        with Daemon(path, lambda step, told=told: told):
            ipsecctl("status", "--control", path)
            ipsecmon("--once", "--control", path)
            ipsecmon("--once", "--json", "--control", path)


@test
def names_are_harmless(folder):
    """control characters in what the daemon tells don't reach the output"""
    path = folder.file("control.sock")

    def answer(step):
        told = status(step)
        told["sas"][0]["name"] = "a\x1b[31mb\tc\nd"
        told["policy"]["file"] = "\x1b]0;x\x07"
        told["version"] = "\x1b[2J"
        return told

    with Daemon(path, answer):
        for tool, words in ((ipsecctl, ["status"]), (ipsecmon, ["--once"])):
            said = tool(*words, "--control", path)
            expect("\x1b" not in said.out and "\x07" not in said.out, repr(said.out))
            equal(said.table("SPI")[0]["SA"], "a?[31mb?c?d")


@test
def once_prints_tables(folder):
    """ipsecmon --once prints totals, drops and SAs, tab-separated, and ends with 0"""
    path = folder.file("control.sock")
    with Daemon(path):
        answer = ipsecmon("--once", "--control", path)
    equal({row["DIRECTION"]: row["PACKETS"] for row in answer.table("DIRECTION")},
          {"outbound": "1000", "inbound": "1005"})
    equal([row["SPI"] for row in answer.table("SPI")], ["0x00001001", "0x00001002"])
    equal([row["PEER"] for row in answer.table("SPI")], ["192.0.2.2", "192.0.2.2"])
    equal([(row["DROPPED"], row["REASON"], row["PACKETS"]) for row in answer.table("DROPPED")],
          [("inbound", "policy-block", "3"), ("inbound", "clear-text", "2"), ("guard_in", "front-end.policy:7", "3")])


@test
def once_gives_one_object(folder):
    """ipsecmon --once --json prints one object: the status, the time, and no rates yet; without a daemon, why"""
    path = folder.file("control.sock")
    with Daemon(path):
        told = ipsecmon("--once", "--json", "--control", path).json()
    expect(abs(told.pop("time") - time.time()) < 60, "time")
    equal(told.pop("rates"), None)
    for name, value in status(1).items():
        equal(told[name], value, name)
    equal((told["enabled"], told["counters"]["active_associations"], told["counters"]["key_additions"]), (True, 2, 5))
    equal(told["counters"]["confidential_bytes_received"], 80000, "the daemon's, not the sum over living SAs")
    equal([(sa["security"], sa["filter"], sa["destination_ports"]) for sa in told["associations"]],
          [("ESP 3DES/HMAC SHA1", "Inbound TCP 80 - front-end", ports) for ports in ("80", "any")])
    told = ipsecmon("--once", "--json", "--control", path, code=2).json()
    expect(told["ok"] is False and "sallyportd" in told["error"], told)


@test
def csv_is_rfc_4180(folder):
    """ipsecmon --csv prints a head and a line an association that Python's csv reads back, names with commas too"""
    path = folder.file("control.sock")

    def answer(step):
        told = status(step)
        told["sas"][0]["name"] = 'one, "two"'
        return told

    with Daemon(path, answer):
        rows = list(csv.DictReader(io.StringIO(ipsecmon("--once", "--csv", "--control", path).out, newline="")))
        only = ipsecmon("--once", "--csv", "--filter", "dir=in", "--control", path).out.splitlines()
    equal([(row["spi"], row["direction"], row["packets"], row["name"]) for row in rows],
          [("0x00001001", "out", "1000", 'one, "two"'), ("0x00001002", "in", "1000", "pair 1")])
    equal(len(only), 2, "head and one line")


@test
def expectations_are_held(folder):
    """--expect-encrypted exits 0 only when packets of an association that the filter passes were sealed or opened"""
    path = folder.file("control.sock")
    cases = [(status, "peer=192.0.2.0/24 dir=out port=80", 0), (status, "spi=0x1002 3des", 0),
             (status, "peer=192.0.2.3", 2), (status, "port=81", 2), (status, "dir=none", 2),
             (lambda step: status(1), "", 2),  # associations, but no traffic
             (lambda step: dict(status(step), pid=step), "", 2)]  # another daemon each time
    for number, (answer, words, code) in enumerate(cases):
        with Daemon(path, answer):
            told = ipsecmon("-i", "0.1", "--expect-encrypted", words, "--control", path, code=code)
            expect(("encrypted:" in told.out) == (code == 0), number, told.out, told.err)

    def dropping(step):
        told = status(step)
        for sa in told["sas"]:
            sa["outbound"] = dict(sa["outbound"], sealed_packets=0, dropped_packets=sa["packets"])
        return told

    with Daemon(path, dropping):
        ipsecmon("-i", "0.1", "--expect-encrypted", "", "--control", path, code=2)
    ipsecmon("--expect-encrypted", "", "--control", path, code=2)
    for answer, reason in ((lambda step: dict(status(step), pid=step), "was started anew"),
                           (lambda step: status(step) if step == 1 else None, "without an answer"),
                           (lambda step: {"ok": False, "error": "busy"}, "busy")):
        with Daemon(path, answer):
            words = ("-i", "0.1", "--expect-encrypted", "", "--control", path)
            told = ipsecmon(*words, "--json", code=2).json()
        expect(told["encrypted"] is False and reason in told["error"], told)
    expect("there are: spi" in ipsecmon("--expect-encrypted", "colour=red", code=1).err, "fields are not listed")
    for words in ("peer=nobody", "spi=x", "port=70000", "source=192.0.2.0/33"):
        ipsecmon("--filter", words, code=1)


class Stream:
    """ipsecmon that goes on; its lines."""

    def __init__(self, *words):
        self.job = subprocess.Popen([IPSECMON, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def line(self):
        text = self.job.stdout.readline()
        check_secrets(text)
        return text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.job.kill()
        self.job.stdout.close()
        self.job.wait()


@test
def json_streams_rates(folder):
    """ipsecmon --json gives one object a line, with rates that are the counters' differences over time"""
    path = folder.file("control.sock")
    with Daemon(path), Stream("--json", "-i", "0.2", "--control", path) as stream:
        first, second, third = (json.loads(stream.line()) for _ in range(3))
    equal(first["rates"], None)
    for told in (second, third):
        rates = told["rates"]
        seconds = rates["seconds"]
        expect(0.1 < seconds < 10, seconds)
        expect(abs(rates["outbound"]["packets_second"] * seconds - 1000) < 1, rates)
        expect(abs(rates["sas"][1]["bytes_second"] * seconds - 50000) < 50, rates)
        equal([entry["number"] for entry in rates["sas"]], [0, 1])


@test
def restarts_are_survived(folder):
    """ipsecmon --json waits for a daemon that goes away, and gives no rates across its restart"""
    path = folder.file("control.sock")
    daemon = Daemon(path)
    with Stream("--json", "-i", "0.1", "--control", path) as stream:
        equal(json.loads(stream.line())["ok"], True)
        daemon.close()
        while True:
            told = json.loads(stream.line())
            if not told["ok"]:
                break
        expect("sallyportd" in told["error"], told)
        with Daemon(path):
            while not told["ok"]:
                told = json.loads(stream.line())
            equal(told["rates"], None)
            expect(json.loads(stream.line())["rates"], "no rates after the restart")


@test
def other_daemons_have_no_past(folder):
    """ipsecmon --json gives no rates between two daemons, told apart by their pid or their uptime"""
    for number, change in enumerate(({"pid": 4712}, {"uptime_seconds": 1})):
        path = folder.file(f"{number}.sock")
        with Daemon(path, lambda step, change=change: dict(status(step), **(change if step > 2 else {}))):
            with Stream("--json", "-i", "0.1", "--control", path) as stream:
                rates = [json.loads(stream.line())["rates"] is not None for _ in range(4)]
        equal(rates, [False, True, False, True], change)


@test
def readers_may_leave(folder):
    """ipsecmon ends when the reader of its pipe is gone"""
    path = folder.file("control.sock")
    with Daemon(path):
        stream = Stream("--json", "-i", "0.1", "--control", path)
        stream.line()
        stream.job.stdout.close()
        equal(stream.job.wait(timeout=20), -signal.SIGPIPE)


EVENTS = [{"time": "2026-11-25T08:30:00.250Z", "event": "sa-soft-expired", "text": "SA 0 nears\x1b[31m its limit",
           "limit": "bytes", "spi": 4097, "future": [1]},
          {"time": "2026-11-25T08:30:01.000Z", "event": "a-name-longer-than-any", "text": "what"}]


def lines(*objects):
    return "".join(json.dumps(told) + "\n" for told in objects).encode()


@test
def events_are_shown(folder):
    """monitor --backend user subscribes and prints an event a line; --json what came; --count ends it"""
    path = folder.file("control.sock")
    with Daemon(path, lambda step: lines({"ok": True, "generation": 1}, *EVENTS)) as daemon:
        answer = ipsecctl("monitor", "--backend", "user", "--count", "2", "--control", path)
        equal(daemon.questions, [{"ask": "events"}])
        equal(answer.out, "2026-11-25T08:30:00.250Z sa-soft-expired  SA 0 nears?[31m its limit\n"
                          "2026-11-25T08:30:01.000Z a-name-longer-than-any what\n")
        equal(answer.err, "ipsecctl: listening\n")
        told = ipsecctl("monitor", "--backend", "user", "--json", "--count", "1", "--control", path).out
        equal([json.loads(line) for line in told.splitlines()], EVENTS[:1])
        answer = ipsecctl("monitor", "--backend", "user", "--json", "--control", path, code=2)
        equal([json.loads(line) for line in answer.out.splitlines()], EVENTS)
        expect("has hung up" in answer.err, answer.err)


@test
def events_are_refused(folder):
    """monitor --backend user exits 2 with a sentence when nobody answers, or not as a sallyportd that has events"""
    path = folder.file("absent.sock")
    expect("start it" in ipsecctl("monitor", "--backend", "user", "--control", path, code=2).err, "no sentence")
    cases = [({"ok": False, "error": "too many"}, "refuses: too many"), (b"{", "not sallyportd"),
             (lines({"ok": False, "error": "too many"}), "refuses: too many"), (None, "hung up without an answer"),
             (b"no JSON\n", "not sallyportd"), (lines([1]), "not sallyportd"),
             (lines({"ok": True}, [1]), "no event"), (lines({"ok": True}) + b"x" * 70000 + b"\n", "Message too long")]
    for number, (told, sentence) in enumerate(cases):
        path = folder.file(f"{number}.sock")
        with Daemon(path, lambda step, told=told: told):
            answer = ipsecctl("monitor", "--backend", "user", "--control", path, code=2)
            expect(sentence in answer.err and not answer.out, sentence, answer.err)


RELOADED = {"ok": True, "generation": 7, "rules": 12, "sas": {"kept": 3, "added": 2, "removed": 1},
            "confirm_seconds": None, "log": "front-end.policy:3:1: warning: odd\n"}


@test
def reload_is_told(folder):
    """reload asks once, shows what is in force now, and on standard error what the daemon logged"""
    path = folder.file("control.sock")
    with Daemon(path, lambda step: RELOADED) as daemon:
        answer = ipsecctl("reload", "--control", path)
        equal(daemon.questions, [{"ask": "reload"}])
        equal(ipsecctl("reload", "--json", "--control", path).json(), RELOADED)
        ipsecctl("reload", "--strict", "--confirm", "9s", "--control", path)
        equal(daemon.questions[-1], {"ask": "reload", "strict": True, "confirm_seconds": 9})
    ipsecctl("confirm", "--strict", "--control", path, code=1)
    for part in ("generation 7", "12 rules", "3 go on", "2 are new", "1 no longer there"):
        expect(part in answer.out, part, answer.out)
    equal(answer.err, "front-end.policy:3:1: warning: odd\n")


@test
def reload_on_trial(folder):
    """reload --confirm takes seconds and minutes up to a day, and says what to do; confirm asks for it"""
    path = folder.file("control.sock")
    for word, seconds in (("30s", 30), ("30", 30), ("5m", 300), ("1440m", 86400)):
        with Daemon(path, lambda step, seconds=seconds: dict(RELOADED, confirm_seconds=seconds)) as daemon:
            answer = ipsecctl("reload", "--confirm", word, "--control", path)
            equal(daemon.questions, [{"ask": "reload", "confirm_seconds": seconds}])
        expect("ipsecctl confirm" in answer.out and f"within {seconds} s" in answer.out, "no hint", answer.out)
    for word in ("", "0", "0s", "1441m", "-1", "5h", "s", "99999999999999999999s", "1 s"):
        expect("--confirm" in ipsecctl("reload", "--confirm", word, "--control", path, code=1).err, word)
    with Daemon(path, lambda step: {"ok": True, "generation": 8}) as daemon:
        expect("generation 8" in ipsecctl("confirm", "--control", path).out, "no generation")
        equal(daemon.questions, [{"ask": "confirm"}])
    ipsecctl("confirm", "--confirm", "3s", "--control", path, code=1)


@test
def refused_reloads(folder):
    """a refused reload exits 1 when a text has errors, which are shown, and 2 otherwise; so does confirm"""
    path = folder.file("control.sock")
    wrong = {"ok": False, "error": "the former policy stays", "is_text_wrong": True,
             "log": "a.policy:2:7: error: what\n    x\n    ^\x1b[31m\n"}
    with Daemon(path, lambda step: wrong):
        answer = ipsecctl("reload", "--control", path, code=1)
        expect(answer.err.startswith("a.policy:2:7: error: what\n    x\n    ^"), "no place", answer.err)
        expect("the former policy stays" in answer.err and "\x1b" not in answer.err and not answer.out, answer.err)
        equal(ipsecctl("reload", "--json", "--control", path, code=1).json(), wrong)
    with Daemon(path, lambda step: dict(wrong, is_text_wrong=False)):
        ipsecctl("reload", "--control", path, code=2)
        ipsecctl("confirm", "--control", path, code=2)
    for told in (b"no JSON", None, {}):
        with Daemon(path, lambda step, told=told: told):
            ipsecctl("reload", "--control", path, code=2)
    ipsecctl("reload", "--control", folder.file("absent.sock"), code=2)


LOADED = dict(RELOADED, applied=True, kernel={"policies": 0, "sas": 0}, starts_with={"policy": "/p", "keys": "/k"},
              granted=[{"spi": 0x1001, "source": "192.0.2.1", "destination": "192.0.2.2"}])


@test
def load_hands_over(folder):
    """load --backend user hands the policy's text with the places of its rules, and the SA file as it is, to the daemon"""
    path = folder.file("control.sock")
    part = folder.file("part", '\nblock in tcp from any to me port 80 as "b"\n')
    policy = folder.file("a.policy", f'include "{part}"\ndefault bypass\n')
    keys = folder.file("a.keys", "# keys\n")
    os.chmod(keys, 0o600)
    with Daemon(path, lambda step: LOADED) as daemon:
        told = ipsecctl("load", "--backend", "user", "--control", path, "--keys", keys, policy)
        equal(daemon.questions, [{"ask": "load", "policy": policy, "keys": keys}])
        document = json.loads(daemon.handed[0][0])
        equal(document, {"policy": ipsecctl("show", policy).out, "places": [[part, 2]]})
        equal(daemon.handed[0][1:], [b"# keys\n"])
        expect("starts with /p and /k" in told.out, told.out)
        rows = told.table("SPI")
        equal([(row["SPI"], row["TO"], row["REQUESTED"], row["GRANTED"], row["WHY NOT MORE"]) for row in rows],
              [("0x00001001", "192.0.2.2", "user", "user", "-")])
        answer = ipsecctl("load", "--backend", "user", "--control", path, "--keys", keys, "--strict", "--confirm", "2m",
                          "-n", "--json", policy).json()
        equal(daemon.questions[-1], {"ask": "load", "policy": policy, "keys": keys, "strict": True, "dry_run": True,
                                     "confirm_seconds": 120})
    equal((answer["backend"], answer["applied"], answer["sas"]["added"], answer["rules"][0]["line"]),
          ("user", False, LOADED["sas"]["added"], 2))
    equal(answer["offload"], [dict(LOADED["granted"][0], requested="user", granted="user", device=None, refusals=[])])


@test
def refused_loads(folder):
    """a load that the daemon refuses exits 1 when a text has errors and 2 otherwise; without a daemon it says how to start one"""
    path = folder.file("control.sock")
    policy, keys = folder.file("a.policy", "default bypass\n"), folder.file("a.keys", "")
    words = ["load", "--backend", "user", "--control", path, "--keys", keys, policy]
    for is_text_wrong, code in ((True, 1), (False, 2)):
        refusal = {"ok": False, "error": "not loaded", "is_text_wrong": is_text_wrong, "log": "a.keys:1:1: error: x\n"}
        with Daemon(path, lambda step, refusal=refusal: refusal):
            answer = ipsecctl(*words, code=code)
            expect("a.keys:1:1: error: x" in answer.err and "not loaded" in answer.err and not answer.out, answer.err)
    for verb in (words, ["flush", "--backend", "user", "--control", path]):
        answer = ipsecctl(*verb, code=2)
        expect("start it" in answer.err and answer.err.count("\n") == 1, answer.err)
    with Daemon(path, lambda step: LOADED) as daemon:
        ipsecctl(*words[:-1], folder.file("wrong.policy", "block\n"), code=1)
        os.remove(keys)
        expect("a.keys: No such file" in ipsecctl(*words, code=2).err, "no sentence")
        os.symlink(policy, keys)
        expect("symbolic link" in ipsecctl(*words, code=2).err, "no sentence")
        equal(daemon.questions, [], "nobody is asked")


@test
def flush_of_the_daemon(folder):
    """flush --backend user has the daemon go back to its own files, and says so when nothing was loaded"""
    path = folder.file("control.sock")
    for was_loaded, said in ((True, "rules of the daemon's own in force"), (False, "nothing was loaded")):
        with Daemon(path, lambda step, was_loaded=was_loaded: dict(RELOADED, was_loaded=was_loaded)) as daemon:
            expect(said in ipsecctl("flush", "--backend", "user", "--control", path).out, said)
            equal(daemon.questions, [{"ask": "flush"}])
