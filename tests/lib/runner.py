# SPDX-License-Identifier: ISC
"""Runs suites and counts their tests.

Each suite is an executable tests/SUITE/run that prints TAP. It gets SP_SOURCE, SP_BUILD and SP_NIGHTLY in its
environment, no standard input, and a process group of its own, which is ended with it: nothing is left running, also
not after an interrupt. The last line is the sum over all suites; whatever should have run and did not is a failure.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import tap

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PASSED_ON = ("SP_SOURCE", "SP_BUILD", "SP_NIGHTLY", "SP_GUEST", "PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")  # through sudo
CLEANUP_SECONDS = 20  # what an ended suite has to clean up after itself
BUILDS = {
    "tests": ["-Dtests=enabled"],
    "asan": ["-Dtests=enabled", "-Dbuildtype=debugoptimized", "-Db_sanitize=address,undefined"],
}
# The suite asan is these suites once more, in the build folder with the sanitizers.
SANITIZED = ["unit", "vectors", "golden", "convert", "tools", "interop"]
# Without detect_stack_use_after_return: gcc 12 aligns the frames that it then makes to 32 bytes (bug 110027), and
# AVX-512 faults on its own spilled registers.
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "abort_on_error=0:exitcode=99:detect_stack_use_after_return=0:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


class Suite:
    def __init__(self, line):
        self.name, self.build, self.rights, minutes, *_ = line.split()
        self.limit_seconds = float(minutes) * 60
        self.folder = self.name
        self.environment = {}

    def sanitized(self, folder):
        twin = Suite.__new__(Suite)
        twin.__dict__.update(self.__dict__)
        twin.name, twin.folder, twin.environment = f"asan/{folder}", folder, SANITIZER_OPTIONS
        return twin


def load_suites(names):
    with open(os.path.join(SOURCE, "tests", "suites"), encoding="utf-8") as table:
        suites = [Suite(line) for line in table if line.strip() and not line.startswith("#")]
    chosen = []
    for suite in suites:
        if suite.name not in names:
            continue
        chosen += [suite.sanitized(folder) for folder in SANITIZED] if suite.name == "asan" else [suite]
    return chosen


class Ended(Exception):
    """The run was interrupted."""


ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(number, _frame):
    for other in ENDING_SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # what follows is cleaning up: not twice
    raise Ended(signal.Signals(number).name)


def end_group(process, as_root=False):
    """Ends a process and its group: asks first, so that a suite can remove its namespaces, then insists."""
    for number, patience in ((signal.SIGTERM, CLEANUP_SECONDS), (signal.SIGKILL, 5)):
        try:
            if as_root:
                subprocess.run(["sudo", "-n", "kill", f"-{number.value}", "--", f"-{process.pid}"],
                               stderr=subprocess.DEVNULL, check=False)
            else:
                os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def command_of(suite, environment):
    """What to run; None when the suite needs root and can't have it."""
    program = os.path.join(SOURCE, "tests", suite.folder, "run")
    if suite.rights != "root" or os.geteuid() == 0:
        return [program]
    passed_on = [f"{name}={environment[name]}" for name in PASSED_ON if name in environment]
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0:
        return ["sudo", "-n", "env", *passed_on, program]
    return None


class Outcome:
    """What a suite came to: its tests, and why it as a whole failed, if it did."""

    def __init__(self):
        self.results, self.complaints, self.log = [], [], []
        self.seconds = 0.0

    def count(self, outcome):
        return sum(result.outcome == outcome for result in self.results)

    @property
    def failed(self):
        return self.count("failed") + len(self.complaints)


def show_progress(text):
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)


def read_output(stream, lines, title):
    """Collects the suite's output; on a terminal the reader sees the tests go by."""
    for line in stream:
        lines.append(line)
        if line.startswith(("ok", "not ok")):
            count = sum(1 for known in lines if known.startswith(("ok", "not ok")))
            show_progress(f"{title}  {count}")
    stream.close()


def execute(suite, nightly):
    outcome = Outcome()
    started = time.monotonic()
    build = os.path.join(SOURCE, "build", suite.build) if suite.build != "-" else ""
    environment = {**os.environ, **suite.environment, "SP_SOURCE": SOURCE, "SP_BUILD": build,
                   "SP_NIGHTLY": "1" if nightly else "", "PYTHONDONTWRITEBYTECODE": "1",
                   # Debian leaves the administrator's folders out of a user's path; nginx and nft are there.
                   "PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"}
    program = os.path.join(SOURCE, "tests", suite.folder, "run")
    command = command_of(suite, environment)
    if not os.access(program, os.X_OK):
        outcome.complaints.append(f"tests/{suite.folder}/run is not there")
        return outcome
    if command is None:
        outcome.complaints.append("needs root: run it as root, or allow sudo without a password")
        return outcome
    process = subprocess.Popen(command, cwd=SOURCE, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                               start_new_session=True)
    output = []
    readers = [threading.Thread(target=read_output, args=(process.stdout, output, suite.name), daemon=True),
               threading.Thread(target=lambda: outcome.log.extend(process.stderr), daemon=True)]
    for reader in readers:
        reader.start()
    limit = suite.limit_seconds * (10 if nightly else 1)
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        outcome.complaints.append(f"did not end within {limit / 60:.0f} minutes")
    finally:
        # Also when it ended by itself: what it left running in its group goes with it.
        end_group(process, command[0] == "sudo")
    for reader in readers:
        reader.join(5)
    results, complaints = tap.parse(output)
    outcome.results = results
    outcome.complaints += complaints
    if results and outcome.count("skipped") == len(results):
        outcome.complaints.append("skipped all of its tests")
    if process.returncode != 0 and not outcome.failed:
        outcome.complaints.append(f"ended with {process.returncode} although no test failed")
    if process.returncode == 0 and outcome.count("failed"):
        outcome.complaints.append("ended with 0 although tests failed")
    outcome.seconds = time.monotonic() - started
    return outcome


def build(name):
    """Builds a folder; the sentence that says what failed, or None."""
    script = os.path.join(SOURCE, "tools", "lib", "setup.sh")
    options = BUILDS[name] + (["-Dwerror=true"] if os.environ.get("CI") else [])
    process = subprocess.Popen(["bash", script, "need_build", name, *options], stdin=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        process.wait()
    finally:
        end_group(process)
    return None if process.returncode == 0 else f"build/{name} could not be built"


def report(suite, outcome):
    show_progress("")
    parts = [f"{outcome.count('passed')} passed"]
    if outcome.failed:
        parts.append(f"{outcome.failed} failed")
    if outcome.count("skipped"):
        parts.append(f"{outcome.count('skipped')} skipped")
    print(f"{suite.name:<16}{', '.join(parts)}  ({outcome.seconds:.1f} s)")
    for result in outcome.results:
        if result.outcome == "failed":
            print(f"    FAILED  {result.name}")
            for line in result.diagnostics[:40]:
                print(f"            {line}")
        elif result.outcome == "skipped":
            print(f"    skipped {result.name}: {result.reason}")
    for complaint in outcome.complaints:
        print(f"    FAILED  {suite.name}: {complaint}")
    if outcome.failed:
        for line in outcome.log[-30:]:
            print(f"        | {line.rstrip()}")
    sys.stdout.flush()


def main(arguments):
    nightly = "--nightly" in arguments
    suites = load_suites([name for name in arguments if not name.startswith("--")])
    for number in ENDING_SIGNALS:
        signal.signal(number, interrupt)
    passed = failed = skipped = 0
    built = {"-": None}
    try:
        for suite in suites:
            if suite.build not in built:
                built[suite.build] = build(suite.build)
            outcome = Outcome()
            if built[suite.build]:
                outcome.complaints.append(built[suite.build])
            else:
                show_progress(suite.name)
                outcome = execute(suite, nightly)
            report(suite, outcome)
            passed += outcome.count("passed")
            failed += outcome.failed
            skipped += outcome.count("skipped")
        if not suites:
            failed += 1
            print("No suite was chosen.")
    except Ended as reason:
        failed += 1
        print(f"\nended by {reason}: the rest did not run")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
