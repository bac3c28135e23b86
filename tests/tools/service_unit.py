# SPDX-License-Identifier: ISC
"""The systemd unit, as systemd itself judges it, and against what the daemon asks for."""

import os
import re
import shutil
import subprocess

from harness import BUILD, IPSECCTL, SOURCE, Skip, equal, expect, test

SALLYPORTD = os.path.join(BUILD, "tools/sallyportd/sallyportd")
UNIT = os.path.join(BUILD, "docs/sallyportd.service")
EXPOSURE_MOST = 2.5  # of 10, in systemd's own scale; what is left is the network, and being root with two capabilities


def analyze(*arguments):
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def unit_here(scratch):
    """The unit with the programs of this build, since those it names need not be installed."""
    with open(UNIT, encoding="utf-8") as stream:
        text = stream.read()
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={SALLYPORTD}", text, flags=re.M)
    text = re.sub(r"^ExecReload=\S+", f"ExecReload={IPSECCTL}", text, flags=re.M)
    return scratch.file("sallyportd.service", text)


@test
def verified(scratch):
    """systemd finds nothing wrong with the unit."""
    done = analyze("verify", "--man=no", unit_here(scratch))
    told = [line for line in (done.stdout + done.stderr).splitlines() if "sallyportd.service" in line]
    equal(told, [], "what systemd-analyze verify tells")
    equal(done.returncode, 0, "exit status")


@test
def misspelt(scratch):
    """And it would find a word that it doesn't know."""
    path = unit_here(scratch)
    with open(path, "a", encoding="utf-8") as stream:
        stream.write("\n[Service]\nProtectEverything=yes\n")
    done = analyze("verify", "--man=no", path)
    expect("ProtectEverything" in done.stderr, done.stderr)


@test
def sandboxed(scratch):
    """systemd finds the service hardly exposed."""
    done = analyze("security", "--offline=yes", f"--threshold={int(EXPOSURE_MOST * 10)}", unit_here(scratch))
    expect(done.returncode == 0, done.stdout, done.stderr)


@test
def filters_agree(_scratch):
    """What the daemon's own lists of system calls name, the unit lets it ask for."""
    with open(os.path.join(SOURCE, "tools/sallyportd/privilege/syscall_filter.c"), encoding="utf-8") as stream:
        wanted = set(re.findall(r"SCMP_SYS\((\w+)\)", stream.read()))
    with open(UNIT, encoding="utf-8") as stream:
        pending = re.search(r"^SystemCallFilter=(.*)$", stream.read(), re.M).group(1).split()
    allowed = set()
    while pending:
        name = pending.pop()
        if name.startswith("@"):
            listing = analyze("syscall-filter", name)
            equal(listing.returncode, 0, f"systemd-analyze syscall-filter {name}")
            pending += [line.strip() for line in listing.stdout.splitlines()[1:] if not line.strip().startswith("#")]
        elif name:
            allowed.add(name)
    expect(len(wanted) > 50 and len(allowed) > 100, len(wanted), len(allowed))
    equal(sorted(wanted - allowed), [], "not allowed by the unit")


@test
def fails_closed(_scratch):
    """Stopped, it leaves the guard; and its live state outlives a restart."""
    with open(UNIT, encoding="utf-8") as stream:
        text = stream.read()
    for line in ("RuntimeDirectoryPreserve=yes", "StateDirectoryMode=0700", "Type=notify", "LimitCORE=0"):
        expect(f"\n{line}\n" in text, line)
    expect(re.search(r"^ExecStart=\S+/sallyportd .*--leave-guard", text, re.M), "--leave-guard")
