# SPDX-License-Identifier: ISC
"""What only happens at a terminal: alignment, colours, progress, the monitor's screen, and what it leaves behind."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pcaps
from apply import requests
from fake_daemon import Daemon, status
from harness import FRONT_END, IPSECCTL, IPSECMON, check_secrets, equal, expect, run, test

PATIENCE_SECONDS = 20
ENTER, LEAVE = "\033[?1049h", "\033[?1049l"


class Terminal:
    """A tool at a pseudo-terminal of some size, as a session's leader, with TERM and without NO_COLOR."""

    def __init__(self, *words, rows=24, columns=80, environment=None):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        settings = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        settings.update({"TERM": "xterm"}, **(environment or {}))
        self.job = subprocess.Popen([str(word) for word in words], stdin=self.slave, stdout=self.slave,
                                    stderr=self.slave, env=settings, start_new_session=True)
        self.text = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.1):
        """Takes in what is there; False after that time without anything."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            self.text += os.read(self.master, 65536).decode("utf-8", "replace")
        except OSError:
            return False
        return True

    def wait_for(self, pattern, start=0):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = re.search(pattern, self.text[start:])
            if found:
                return found
            expect(time.monotonic() < deadline, f"{pattern!r} did not appear", repr(self.text[-1500:]))
            self.read()

    def press(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """Waits for the end and returns the exit code; the text is then complete."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.job.poll() is None:
            expect(time.monotonic() < deadline, "it does not end", repr(self.text[-1500:]))
            self.read()
        while self.read():
            pass
        check_secrets(self.text)
        return self.job.returncode

    def is_restored(self):
        """The terminal's modes are as they were, and each sequence that changes it was taken back."""
        equal(termios.tcgetattr(self.slave), self.before, "terminal modes")
        equal(self.text.count(ENTER), self.text.count(LEAVE), "alternate screen")
        expect(self.text.rindex("\033[?25h") > self.text.rindex("\033[?25l"), "the cursor stayed hidden")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.job.poll() is None:
            self.job.kill()
        self.job.wait()
        os.close(self.master)
        os.close(self.slave)


@test
def tables_are_aligned(folder):
    """at a terminal tables are aligned with spaces and headings are bold"""
    words = [IPSECCTL, "explain", FRONT_END, "out", "tcp", "192.0.2.1:1", "192.0.2.2:80"]
    with Terminal(*words) as terminal:
        equal(terminal.end(), 0)
        expect("\t" not in terminal.text and "\033[1mACTION  WHERE" in terminal.text, repr(terminal.text))


@test
def no_color_is_obeyed(folder):
    """NO_COLOR, and a dumb terminal, mean no escape sequence at all"""
    words = [IPSECCTL, "explain", FRONT_END, "out", "tcp", "192.0.2.1:1", "192.0.2.2:80"]
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with Terminal(*words, environment=environment) as terminal:
            equal(terminal.end(), 0)
            expect("\033" not in terminal.text and "ACTION  WHERE" in terminal.text, repr(terminal.text))
    with Terminal(*words, environment={"NO_COLOR": ""}) as terminal:
        equal(terminal.end(), 0)
        expect("\033[1m" in terminal.text, "an empty NO_COLOR is none")


@test
def keys_stay_off_terminals(folder):
    """keygen refuses to print keys on a terminal with 1"""
    with Terminal(IPSECCTL, "keygen") as terminal:
        equal(terminal.end(), 1)
        expect("0x" not in terminal.text and "--output" in terminal.text, repr(terminal.text))


@test
def captures_stay_off_terminals(folder):
    """apply refuses to write a capture to a terminal with 1"""
    pcaps.write(folder.file("in.pcap"), requests(3))
    with Terminal(IPSECCTL, "apply", "--policy", FRONT_END, "--keys", folder.keys(), "--direction", "out",
                  folder.file("in.pcap"), "-") as terminal:
        equal(terminal.end(), 1)


@test
def large_captures_show_progress(folder):
    """apply shows progress for a large file at a terminal, and wipes it away; for a small one it does not"""
    frame = requests(1)[0]
    frame.data = frame.data[:14] + b"\x45" + frame.data[15:]
    keys = folder.keys()
    for count, is_shown in ((100000, True), (50, False)):
        pcaps.write(folder.file("in.pcap"), [frame] * count)
        with Terminal(IPSECCTL, "apply", "--policy", FRONT_END, "--keys", keys, "--direction", "out",
                      folder.file("in.pcap"), folder.file("out.pcap")) as terminal:
            equal(terminal.end(), 0)
            shown = re.findall(r"\r +\d+ %  \d+ packets\x1b\[K", terminal.text)
            equal(bool(shown), is_shown, f"progress of {count} frames")
            expect(not is_shown or terminal.text.index("\r\033[K") < terminal.text.index("VERDICT"), "not wiped")


@test
def monitor_fits_its_window(folder):
    """in a real terminal of 130, 80 and 40 columns the monitor shows title and associations, also after a resize"""
    path = folder.file("control.sock")
    tmux = ["tmux", "-f", "/dev/null", "-S", folder.file("tmux")]
    with Daemon(path, lambda step: status(step, 40)):
        run(*tmux, "new-session", "-d", "-x", "130", "-y", "30", f"{IPSECMON} -i 0.2 --ascii --control {path}")
        try:
            for columns, rows in ((130, 30), (80, 24), (40, 12)):
                run(*tmux, "resize-window", "-x", columns, "-y", rows)
                deadline = time.monotonic() + PATIENCE_SECONDS
                while True:
                    lines = run(*tmux, "capture-pane", "-p").out.splitlines()
                    if "40 shown" in lines[-1] and len(lines) == rows and "0x0000" in "".join(lines) and \
                            lines[0].startswith("IP Security is enabled on this computer"):  # drawn anew, to its end
                        break
                    expect(time.monotonic() < deadline, columns, lines)
                    time.sleep(0.1)
                equal(any("Inbound TCP 80 - front-end" in line for line in lines), columns == 130, "filter column")
                equal(any("Confidential Bytes Sent" in line for line in lines), columns > 40, "counters")
        finally:
            run(*tmux, "kill-server", code=None)


@test
def monitor_shows_an_associations_last_drops(folder):
    """Enter shows all about an association, with its last dropped packets and no other's"""
    path = folder.file("control.sock")
    tmux = ["tmux", "-f", "/dev/null", "-S", folder.file("tmux")]
    with Daemon(path):
        run(*tmux, "new-session", "-d", "-x", "120", "-y", "40", f"{IPSECMON} -i 0.2 --ascii --control {path}")
        try:
            for keys, spi, wanted in (("Enter", "0x00001001", ["none"]),
                                      ("Enter j Enter", "0x00001002",
                                       ["bad-icv: inbound esp 192.0.2.2 > 192.0.2.1 spi 0x00001002 seq 17",
                                        "policy-block: inbound tcp 192.0.2.2:40000 > 192.0.2.1:80"])):
                for key in keys.split():
                    run(*tmux, "send-keys", key)
                deadline = time.monotonic() + PATIENCE_SECONDS
                while True:
                    screen = run(*tmux, "capture-pane", "-p").out
                    if f"SPI {spi}" in screen and all(part in screen for part in ["last drops", *wanted]):
                        break
                    expect(time.monotonic() < deadline, spi, screen)
                    time.sleep(0.1)
                drops = screen[screen.index("last drops"):]
                equal(drops.count(" ago"), len(wanted) if wanted != ["none"] else 0, drops)
        finally:
            run(*tmux, "kill-server", code=None)


@test
def monitor_gives_the_terminal_back(folder):
    """the terminal is as it was after q, Ctrl-C, SIGTERM and SIGHUP"""
    path = folder.file("control.sock")
    ends = [("q", lambda terminal: terminal.press("q"), 0),
            ("SIGINT", lambda terminal: terminal.job.send_signal(signal.SIGINT), -signal.SIGINT),
            ("SIGTERM", lambda terminal: terminal.job.send_signal(signal.SIGTERM), -signal.SIGTERM),
            ("SIGHUP", lambda terminal: terminal.job.send_signal(signal.SIGHUP), -signal.SIGHUP)]
    with Daemon(path):
        for name, end, code in ends:
            with Terminal(IPSECMON, "--control", path) as terminal:
                terminal.wait_for("0x00001001")
                expect(not termios.tcgetattr(terminal.slave)[3] & termios.ECHO, "keys are echoed")
                end(terminal)
                equal(terminal.end(), code, name)
                terminal.is_restored()


@test
def monitor_can_be_stopped(folder):
    """a stopped monitor gives the terminal back, and takes it again when it goes on"""
    path = folder.file("control.sock")
    with Daemon(path), Terminal(IPSECMON, "-i", "0.2", "--control", path) as terminal:
        terminal.wait_for("0x00001001")
        terminal.job.send_signal(signal.SIGTSTP)
        terminal.wait_for(re.escape(LEAVE))
        pid, state = os.waitpid(terminal.job.pid, os.WUNTRACED)
        expect(pid == terminal.job.pid and os.WIFSTOPPED(state), "not stopped")
        equal(termios.tcgetattr(terminal.slave), terminal.before, "terminal modes while stopped")
        start = len(terminal.text)
        terminal.job.send_signal(signal.SIGCONT)
        terminal.wait_for("x?0*1001", start)
        terminal.press("q")
        equal(terminal.end(), 0)
        terminal.is_restored()


@test
def monitor_waits_for_the_daemon(folder):
    """the monitor says when the daemon is away, keeps trying, and goes on when it is back"""
    path = folder.file("control.sock")
    with Terminal(IPSECMON, "-i", "0.2", "--control", path) as terminal:
        terminal.wait_for("no sallyportd answers")
        with Daemon(path):
            terminal.wait_for("0x00001001")
        start = len(terminal.text)
        terminal.wait_for("unknown|Trying again", start)
        terminal.press("q")
        equal(terminal.end(), 0)
        terminal.is_restored()


@test
def monitor_once_is_a_table(folder):
    """ipsecmon --once at a terminal prints aligned tables and takes nothing over"""
    path = folder.file("control.sock")
    with Daemon(path), Terminal(IPSECMON, "--once", "--control", path) as terminal:
        equal(terminal.end(), 0)
    expect(ENTER not in terminal.text and "SPI         DIR  PEER       " in terminal.text, repr(terminal.text))


@test
def dumb_terminals_get_tables(folder):
    """ipsecmon at a terminal that can't be drawn on prints tables, one after the other"""
    path = folder.file("control.sock")
    with Daemon(path), Terminal(IPSECMON, "-i", "0.1", "--control", path, environment={"TERM": "dumb"}) as terminal:
        terminal.wait_for("(?s)0x00001001.*0x00001001")
        terminal.job.send_signal(signal.SIGINT)
        equal(terminal.end(), -signal.SIGINT)
    expect("\033" not in terminal.text, repr(terminal.text[:500]))
