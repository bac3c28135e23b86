#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Makes a thread of a process ask for one system call, as somebody would who has taken it over (ptrace(2), x86-64).

ask_as_thread.py TID NUMBER [ARGUMENT...]

Prints what the call returned, or "SIGSYS" when the filter stopped it; then the thread goes on by itself.
"""

import ctypes
import os
import signal
import sys

ATTACH, DETACH, TO_NEXT_STOP, GET_REGISTERS, SET_REGISTERS = 16, 17, 24, 12, 13  # to next: PTRACE_SYSCALL
WAIT_ALL = 0x40000000  # __WALL: threads too
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es "
         "fs gs").split()
SYSCALL_BYTES = 2


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in NAMES]


libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def trace(request, tid, data=None):
    if libc.ptrace(request, tid, None, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def wait(tid):
    _, status = os.waitpid(tid, WAIT_ALL)
    assert os.WIFSTOPPED(status), "the thread is gone"
    return os.WSTOPSIG(status)


def go_on(tid):
    trace(TO_NEXT_STOP, tid)
    return wait(tid)


def main():
    tid, number, *arguments = (int(word, 0) for word in sys.argv[1:])
    trace(ATTACH, tid)
    wait(tid)
    saved, asked = Registers(), Registers()
    trace(GET_REGISTERS, tid, ctypes.addressof(saved))
    assert saved.orig_rax < 1 << 63, "the thread is not waiting in a system call, behind whose instruction it would stand"
    ctypes.pointer(asked)[0] = saved
    asked.rip -= SYSCALL_BYTES  # that instruction once more, for another call
    asked.rax, asked.orig_rax = number, (1 << 64) - 1  # and the call that was interrupted isn't begun again
    for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), arguments + [0] * 6):
        setattr(asked, name, value % (1 << 64))
    trace(SET_REGISTERS, tid, ctypes.addressof(asked))
    go_on(tid)  # it stops on its way into the call,
    go_on(tid)  # and on its way out
    got = Registers()
    trace(GET_REGISTERS, tid, ctypes.addressof(got))
    saved.rax = (1 << 64) - 4  # -EINTR, which all who wait have to expect
    saved.orig_rax = (1 << 64) - 1
    trace(SET_REGISTERS, tid, ctypes.addressof(saved))
    is_stopped = go_on(tid) == signal.SIGSYS  # or on its way into the next call of its own
    print("SIGSYS" if is_stopped else ctypes.c_longlong(got.rax).value)
    trace(DETACH, tid, signal.SIGSYS if is_stopped else None)


main()
