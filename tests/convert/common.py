# SPDX-License-Identifier: ISC
"""What the tests of imports and exports share: ipsecctl, and lines of TAP."""

import json
import os
import subprocess
import sys

SOURCE, BUILD = os.environ["SP_SOURCE"], os.environ["SP_BUILD"]
IPSECCTL = os.path.join(BUILD, "tools", "ipsecctl", "ipsecctl")
EXAMPLES = os.path.join(SOURCE, "docs", "examples")
SECONDS = 60


class Tap:
    number, failed = 0, False

    def tell(self, is_good, name, details=()):
        self.number += 1
        self.failed = self.failed or not is_good
        print(f"{'ok' if is_good else 'not ok'} {self.number} - {name}")
        for line in details if not is_good else ():
            for part in line.splitlines():
                print(f"# {part}")
        sys.stdout.flush()

    def skip(self, name, why):
        self.number += 1
        print(f"ok {self.number} - {name} # SKIP {why}")
        sys.stdout.flush()


def ipsecctl(*words, content=b"", **options):
    return subprocess.run([IPSECCTL, *words], input=content, capture_output=True, timeout=SECONDS, check=False,
                          **options)


def write(folder, name, content, mode=0o600):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as stream:
        stream.write(content if isinstance(content, bytes) else content.encode())
    return path


def differences(first, second, *options):
    """What diff says about two policies; None when they mean the same."""
    answer = ipsecctl("diff", *options, first, second)
    if answer.returncode == 0:
        return None
    return answer.stdout.decode() + answer.stderr.decode()


def findings(answer):
    return [(one["line"] or None, one["text"]) for one in json.loads(answer.stdout)["findings"]]


def report_faults(found, expected):
    """Where the report isn't what was expected: [(line, words)], each finding once and in order."""
    if len(found) == len(expected) and all(line == place and words in text
                                           for (line, text), (place, words) in zip(found, expected)):
        return []
    return ["the report: " + repr(found)]
