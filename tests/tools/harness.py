# SPDX-License-Identifier: ISC
"""Runs the tools, remembers all that they said, and prints TAP.

Whatever a tool prints is searched for key bytes of every key file that a test made: a tool that shows a key fails
the test in which it does, whatever else the test wanted to know.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

SOURCE, BUILD = os.environ["SP_SOURCE"], os.environ["SP_BUILD"]
IPSECCTL = os.path.join(BUILD, "tools/ipsecctl/ipsecctl")
IPSECMON = os.path.join(BUILD, "tools/ipsecmon/ipsecmon")
FRONT_END = os.path.join(SOURCE, "docs/examples/front-end.policy")
BACK_END = os.path.join(SOURCE, "docs/examples/back-end.policy")
PATIENCE_SECONDS = 60

TESTS = []
_keys = set()


class Failure(Exception):
    """What a test expected and did not get."""


class Skip(Exception):
    """Why a test can't be run here."""


def test(function):
    """A test; the first line of its docstring is the sentence that it proves."""
    TESTS.append(function)
    return function


def expect(condition, *facts):
    if not condition:
        raise Failure("; ".join(str(fact) for fact in facts) or "not so")


def equal(have, want, what="value"):
    expect(have == want, f"{what}: wanted {want!r}", f"got {have!r}")


def remember_keys(path):
    """From now on nothing may print the keys of this SA file."""
    with open(path, encoding="utf-8") as stream:
        for digits in re.findall(r"-key\s+0x([0-9a-fA-F]+)", stream.read()):
            _keys.add(digits.lower())


def check_secrets(*texts):
    for text in texts:
        plain = re.sub(r"[\s:_.-]", "", text.lower())
        for key in _keys:
            # a third of a key is too much; shorter runs could be chance
            for start in range(0, len(key) - 16, 8):
                expect(key[start:start + 16] not in plain, "key bytes were printed")


class Answer:
    """What a tool said and how it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return self.out.splitlines()

    def table(self, heading):
        """The rows of the tab-separated table whose first heading is given, as dictionaries."""
        rows = [line.split("\t") for line in self.lines()]
        for index, row in enumerate(rows):
            if row[0] == heading and len(row) > 1:
                found = []
                for other in rows[index + 1:]:
                    if len(other) != len(row) or other[0].isupper() and other[1].isupper():
                        break
                    found.append(dict(zip(row, other)))
                return found
        raise Failure(f"there is no table {heading} in {self.out!r}")


def run(*words, code=0, stdin=None, environment=None, may_show_keys=False, binary=False):
    """Runs a tool, checks its exit code, and that it says no key."""
    words = [str(word) for word in words]
    done = subprocess.run(words, input=stdin if stdin is not None else "" if not binary else b"",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=not binary, check=False,
                          timeout=PATIENCE_SECONDS, env=dict(os.environ, **(environment or {})))
    answer = Answer(done.returncode, done.stdout, done.stderr)
    if not may_show_keys and not binary:
        check_secrets(answer.out, answer.err)
    expect(code is None or done.returncode == code, f"{' '.join(words)}: exit {done.returncode}, wanted {code}",
           f"stdout {answer.out[:600]!r}", f"stderr {answer.err[:600]!r}")
    return answer


def ipsecctl(*words, **options):
    return run(IPSECCTL, *words, **options)


def ipsecmon(*words, **options):
    return run(IPSECMON, *words, **options)


class Folder:
    """A folder for one test."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="sallyport-tools-")

    def file(self, name, text=None):
        path = os.path.join(self.path, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
        return path

    def keys(self, name="pair.keys", *options):
        """A fresh SA pair between 192.0.2.1 and 192.0.2.2, or what options say."""
        path = self.file(name)
        options = options or ("--from", "192.0.2.1", "--to", "192.0.2.2")
        ipsecctl("keygen", *options, "--output", path, may_show_keys=False)
        remember_keys(path)
        return path

    def names(self):
        return sorted(os.listdir(self.path))


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, function in enumerate(TESTS, 1):
        name = (function.__doc__ or function.__name__).strip().splitlines()[0].rstrip(".")
        folder = Folder()
        try:
            function(folder)
            print(f"ok {number} - {name}")
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}")
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {name}")
            text = str(error) if isinstance(error, Failure) else traceback.format_exc()
            for line in text.splitlines():
                print(f"# {line}")
        finally:
            shutil.rmtree(folder.path, ignore_errors=True)
        sys.stdout.flush()
    return 1 if failed else 0
