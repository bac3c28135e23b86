# SPDX-License-Identifier: ISC
"""Shell completion, without a terminal: the words of a command line are set as the shell would, and what the
function offers is looked at. bash runs its own; for zsh, the few functions of its completion system that are used
are stood in for."""

import os
import re
import shutil
import subprocess

from harness import BUILD, IPSECCTL, SOURCE, Skip, equal, expect, ipsecctl, test

BASH = os.path.join(SOURCE, "tools/completion/ipsecctl.bash")
ZSH = os.path.join(SOURCE, "tools/completion/_ipsecctl")
IN_BASH = """source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ipsecctl
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""
IN_ZSH = """file=$1; shift
compadd() { if [[ $1 == -a ]]; then print -l -- ${(P)2}; else print -l -- $@; fi }
_files() { print -l -- *(N) }
_describe() { print -l -- ${${(P)4}%%:*} }
words=("$@") CURRENT=$#
source $file
"""


def verbs():
    return sorted(re.findall(r"^  ([a-z]+) ", ipsecctl("help").out.split("Verbs:")[1].split("\n\n")[0], re.M))


def run_shell(arguments, where):
    done = subprocess.run(arguments, cwd=where, capture_output=True, text=True, timeout=60, check=False)
    equal(done.stderr, "", "what the shell complains about")
    return sorted(done.stdout.split())


def in_bash(where, *words):
    return run_shell(["bash", "-c", IN_BASH, "bash", BASH, IPSECCTL, *words], where)


def in_zsh(where, *words):
    """zsh leaves it to its completion system to choose among what is offered by what was typed."""
    offered = run_shell(["zsh", "-fc", IN_ZSH, "zsh", ZSH, IPSECCTL, *words], where)
    return sorted(word for word in offered if word.startswith(words[-1]))


def offers_what_it_should(complete, folder):
    for name in ("one.policy", "two.policy"):
        folder.file(name, "default block\n")
    files = ["one.policy", "two.policy"]
    where = folder.path
    equal(complete(where, ""), verbs(), "verbs")
    equal(complete(where, "ex"), ["explain", "export"])
    equal(complete(where, "show", "--"), ["--compiled", "--json"])
    equal(complete(where, "keygen", "--o"), ["--output"])
    equal(complete(where, "load", "--backend", ""), ["auto", "kernel", "nic", "user"])
    equal(complete(where, "flush", "--backend", ""), ["kernel", "nic", "user"])
    for verb in verbs():
        offered = complete(where, verb, "--")
        wanted = set(re.findall(r"--[a-z][a-z-]*", ipsecctl(verb, "--help").out))
        equal(offered, sorted(wanted), f"options of {verb}")
    for words in (["check", ""], ["show", "--json", ""], ["apply", "--policy", ""], ["status", "--control", ""],
                  ["explain", "--me", "192.0.2.1", ""]):
        equal(complete(where, *words), files, " ".join(words))
    equal(complete(where, "check", "tw"), ["two.policy"])
    equal(complete(where, "explain", "one.policy", ""), ["in", "out"])
    equal(complete(where, "explain", "one.policy", "out", "icmp"), ["icmp", "icmp6"])
    equal(complete(where, "explain", "one.policy", "out", "tcp", ""), [])
    equal(complete(where, "apply", "--direction", "i"), ["in"])
    equal(complete(where, "keygen", "--esp", "3"), ["3des-cbc"])
    equal(complete(where, "keygen", "--esp", "3des-cbc", "hmac-sha1"), ["hmac-sha1-96"])
    equal(complete(where, "keygen", "--from", ""), [])
    equal(complete(where, "export", ""), ["netsh", "swanctl", "wireshark", "xfrm"])
    equal(complete(where, "help", "sh"), ["show"])


@test
def bash_knows_the_completion(folder):
    """bash takes the completion without a word and registers it for ipsecctl"""
    done = subprocess.run(["bash", "-c", 'source "$1" && complete -p ipsecctl', "bash", BASH], capture_output=True,
                          text=True, check=True, cwd=folder.path)
    equal((done.stdout, done.stderr), ("complete -F _ipsecctl ipsecctl\n", ""))


@test
def bash_offers(folder):
    """in bash, verbs, each verb's options, files and the values that there are get offered"""
    offers_what_it_should(in_bash, folder)


@test
def zsh_offers(folder):
    """in zsh, verbs, each verb's options, files and the values that there are get offered"""
    if not shutil.which("zsh"):
        raise Skip("zsh is not installed")
    offers_what_it_should(in_zsh, folder)


@test
def completions_are_installed(folder):
    """both completions are installed where the shells look for them"""
    with open(os.path.join(BUILD, "meson-info/intro-installed.json"), encoding="utf-8") as stream:
        places = stream.read()
    for place in ("share/bash-completion/completions/ipsecctl", "share/zsh/site-functions/_ipsecctl"):
        expect(place in places, f"{place} is not installed")
