# SPDX-License-Identifier: ISC
"""Holds the runner against suites that misbehave: silence, early ends and lies must be counted as failures."""

import os
import shutil
import subprocess
import tempfile

# (what the suite does, its script, the last line that the runner must print)
CASES = [
    ("counts what passed, failed and was skipped",
     "echo 1..3; echo ok 1 - a; echo not ok 2 - b; echo 'ok 3 - c # SKIP no reason'; exit 1",
     "1 passed, 1 failed, 1 skipped"),
    ("is content with a suite that passes", "echo ok 1 - a; echo 1..1", "1 passed, 0 failed, 0 skipped"),
    ("fails a suite that says nothing", "exit 0", "0 passed, 1 failed, 0 skipped"),
    ("fails a suite without a plan", "echo ok 1 - a", "1 passed, 1 failed, 0 skipped"),
    ("fails a suite that runs fewer tests than it planned", "echo 1..3; echo ok 1 - a", "1 passed, 1 failed, 0 skipped"),
    ("fails a suite that runs more tests than it planned", "echo 1..1; echo ok 1 - a; echo ok 2 - b",
     "2 passed, 1 failed, 0 skipped"),
    ("fails a suite that ends badly although no test failed", "echo 1..1; echo ok 1 - a; exit 7",
     "1 passed, 1 failed, 0 skipped"),
    ("fails a suite that ends well although a test failed", "echo 1..1; echo not ok 1 - a",
     "0 passed, 2 failed, 0 skipped"),
    ("fails a suite that is killed", "echo 1..1; echo ok 1 - a; kill -9 $$", "1 passed, 1 failed, 0 skipped"),
    ("fails a suite that bails out", "echo 1..1; echo ok 1 - a; echo 'Bail out! enough'", "1 passed, 1 failed, 0 skipped"),
    ("fails a suite that skips everything", "echo '1..0 # SKIP not here'", "0 passed, 1 failed, 0 skipped"),
    ("fails a suite that skips each of its tests", "echo 1..1; echo 'ok 1 - a # SKIP not here'",
     "0 passed, 1 failed, 1 skipped"),
    ("fails a suite that is not there", None, "0 passed, 1 failed, 0 skipped"),
]


def last_line_and_code(root, script):
    """Runs the runner on a tree whose only suite is the script."""
    with tempfile.TemporaryDirectory() as folder:
        tests = os.path.join(folder, "tests")
        shutil.copytree(os.path.join(root, "tests", "lib"), os.path.join(tests, "lib"),
                        ignore=shutil.ignore_patterns("__pycache__"))
        os.makedirs(os.path.join(tests, "plant"))
        with open(os.path.join(tests, "suites"), "w", encoding="utf-8") as table:
            table.write("plant - - 1 none\n")
        if script is not None:
            program = os.path.join(tests, "plant", "run")
            with open(program, "w", encoding="utf-8") as stream:
                stream.write(f"#!/bin/bash\n{script}\n")
            os.chmod(program, 0o755)
        answer = subprocess.run(["python3", "-B", os.path.join(tests, "lib", "runner.py"), "plant"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                check=False)
    lines = answer.stdout.splitlines()
    return (lines[-1] if lines else ""), answer.returncode


def faults(root, script, expected):
    line, code = last_line_and_code(root, script)
    found = []
    if line != expected:
        found.append(f"said {line!r} instead of {expected!r}")
    if (code == 0) != (", 0 failed," in expected):
        found.append(f"ended with {code}")
    return found
