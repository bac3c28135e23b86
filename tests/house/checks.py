# SPDX-License-Identifier: ISC
"""The rules of the house, each a function of a source tree that returns what breaks it, one sentence each.

They take the tree as an argument so that plants.py can show, on a copy, that each of them is able to fail.
"""

import os
import re
import subprocess
import tempfile

MAX_LINES = 600
SKIPPED_FOLDERS = {".git", "__pycache__", "build", "results"}

# lib's floors: how high each is. A file sees only floors that are lower, and its own; floors of one height are
# strangers to each other.
FLOORS = {"core": 0, "wire": 1, "crypto": 1, "sa": 2, "selector": 2, "policy": 3, "esp": 3, "engine": 4}
# Public headers belong to floors too; these names are the concepts that a floor first knows about.
PUBLIC_FLOORS = {"status.h": "core", "cpu.h": "crypto", "packet.h": "wire", "large.h": "wire", "sa.h": None, "policy.h": "policy",
                 "analysis.h": "policy", "convert.h": "policy", "esp.h": "esp", "stats.h": "engine",
                 "engine.h": "engine", "segment.h": "engine", "state.h": "sa"}
OFFLOAD_HEADERS = ["mirror.h", "offload.h"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def files_of(root, folders, endings):
    """Files below the tree's folders, relative, sorted; build folders left out."""
    found = []
    for folder in folders:
        for place, names, files in os.walk(os.path.join(root, folder)):
            names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS and not name.startswith("build-"))
            for name in sorted(files):
                if name.endswith(endings):
                    found.append(os.path.relpath(os.path.join(place, name), root))
    return found


def text_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as stream:
        return stream.read()


def command(*words, **options):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **options)


def may_see(floor, other):
    return other == floor or FLOORS[other] < FLOORS[floor]


def library_include_fault(root, path, kind, name):
    floor = path.split("/")[1]
    if floor not in FLOORS:
        return f"{floor} is not a floor of lib"
    if name.startswith("sallyport/"):
        header = name.split("/", 1)[1]
        if header not in PUBLIC_FLOORS:
            return f"lib does not know {name}"
        owner = PUBLIC_FLOORS[header]
        return None if owner is None or may_see(floor, owner) else f"{floor} must not know {name}"
    if kind == "<":
        return None
    parts = name.split("/")
    if ".." in parts:
        return f'"{name}" climbs out of its folder: write it from lib'
    if os.path.exists(os.path.join(root, os.path.dirname(path), name)):
        return None
    if parts[0] not in FLOORS:
        return f'"{name}" is on no floor'
    return None if may_see(floor, parts[0]) else f"{floor} must not look up to {parts[0]}"


def outsider_include_fault(root, path, kind, name):
    """For offload and tools: the public headers and their own files."""
    top = path.split("/")[0]
    if name.startswith("sallyport/"):
        return None if os.path.exists(os.path.join(root, "include", name)) else f"there is no public header {name}"
    if kind == "<":
        return None
    for base in (os.path.dirname(path), top):
        target = os.path.normpath(os.path.join(base, name))
        if target.startswith(top + "/") and os.path.exists(os.path.join(root, target)):
            return None
    if os.path.exists(os.path.join(root, "lib", name)) or ".." in name.split("/"):
        return f'{top} must not reach past the public headers to "{name}"'
    return None  # made while building


def includes_go_down(root):
    faults = []
    for path in files_of(root, ["lib", "offload", "tools"], (".c", ".h")):
        for match in INCLUDE.finditer(text_of(root, path)):
            judge = library_include_fault if path.startswith("lib/") else outsider_include_fault
            fault = judge(root, path, match.group(1), match.group(2))
            if fault:
                faults.append(f"{path}: {fault}")
    return faults


def public_functions(root, headers):
    """What the public headers promise."""
    names = set()
    for header in headers:
        text = text_of(root, os.path.join("include/sallyport", header))
        text = re.sub(r"/\*.*?\*/|^\s*#[^\n]*", "", text, flags=re.DOTALL | re.MULTILINE)
        for declaration in re.findall(r"\bSP_API\b([^;{]*)[;{]", text):
            match = re.search(r"\b(\w+)\s*\(", declaration)
            if match:
                names.add(match.group(1))
    return names


def exported_symbols(library):
    listing = command("nm", "-D", "--defined-only", library).stdout
    return {line.split()[-1].split("@")[0] for line in listing.splitlines() if len(line.split()) >= 3}


def exports(root, library, headers):
    """The library exports what its headers promise: all of it, with the prefix, and nothing more."""
    if not os.path.exists(library):
        return [f"{os.path.basename(library)} was not built"]
    have, promised = exported_symbols(library), public_functions(root, headers)
    faults = [f"{name} is exported without the prefix sp_" for name in sorted(have) if not name.startswith("sp_")]
    faults += [f"{name} is exported but no public header declares it"
               for name in sorted(have - promised) if name.startswith("sp_")]
    faults += [f"{name} is declared but not exported" for name in sorted(promised - have)]
    return faults


def sallyport_exports(root, build):
    headers = [name for name in os.listdir(os.path.join(root, "include/sallyport")) if name not in OFFLOAD_HEADERS]
    return exports(root, os.path.join(build, "lib", "libsallyport.so"), headers)


def offload_exports(root, build):
    return exports(root, os.path.join(build, "offload", "libsallyport-offload.so"), OFFLOAD_HEADERS)


def headers_stand_alone(root):
    faults = []
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", os.path.join(root, "include")]
    languages = (["gcc", "-std=c17", "-x", "c"], ["g++", "-std=c++17", "-x", "c++"])
    for path in files_of(root, ["include"], (".h",)):
        with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
            # Twice: the guard is part of standing alone.
            name = path.split("/", 1)[1]
            source.write(f"#include <{name}>\n#include <{name}>\nint main(void) {{ return 0; }}\n")
            source.flush()
            for words in languages:
                answer = command(*words, *strict, source.name)
                if answer.returncode != 0:
                    faults.append(f"{path} as {words[1]}: {answer.stdout.strip()[:600]}")
    return faults


def files_are_short(root):
    endings = (".c", ".h", ".S", ".py", ".sh", ".build", "run", "demo")
    faults = []
    for path in files_of(root, ["lib", "offload", "tools"], endings):
        count = text_of(root, path).count("\n")
        if count > MAX_LINES:
            faults.append(f"{path} has {count} lines; {MAX_LINES} is the most")
    return faults


EVERYWHERE = ["include", "lib", "offload", "tools", "tests", "bench", "docs"]


def format_is_clean(root):
    sources = files_of(root, EVERYWHERE, (".c", ".h"))
    answer = command("clang-format-14", "--dry-run", "-Werror", "--style=file", *sources, cwd=root)
    if answer.returncode == 0:
        return []
    places = sorted({line.split(": error:")[0] for line in answer.stdout.splitlines() if ": error:" in line})
    return places or [answer.stdout.strip()[:600]]


def scripts_of(root):
    """Scripts by their first line, whatever their name."""
    found = []
    for path in files_of(root, EVERYWHERE + [".ci"], ("",)):
        if os.path.islink(os.path.join(root, path)):
            continue
        with open(os.path.join(root, path), "rb") as stream:
            head = stream.read(64)
        if head.startswith(b"#!") or path.endswith((".py", ".sh")):
            found.append(path)
    return found


def licence_is_said(root):
    faults = []
    for path in files_of(root, EVERYWHERE, (".c", ".h", ".S")):
        first = text_of(root, path).split("\n", 1)[0]
        is_separate = path.startswith("offload/charon/") and first.startswith("/* SPDX-License-Identifier: ")
        if not is_separate and not first.startswith("/* SPDX-License-Identifier: ISC"):
            faults.append(f"{path}: the first line does not say /* SPDX-License-Identifier: ISC")
    for path in scripts_of(root):
        if "SPDX-License-Identifier: ISC" not in "\n".join(text_of(root, path).split("\n", 4)[:4]):
            faults.append(f"{path}: no SPDX-License-Identifier: ISC at its head")
    return faults


def scripts_parse(root):
    faults = []
    for path in scripts_of(root):
        first = text_of(root, path).split("\n", 1)[0]
        whole = os.path.join(root, path)
        if path.endswith(".py") or "python" in first:
            try:
                compile(text_of(root, path), path, "exec")
            except SyntaxError as error:
                faults.append(f"{path}:{error.lineno}: {error.msg}")
        elif path.endswith(".sh") or first.endswith("sh"):
            answer = command("bash", "-n", whole)
            if answer.returncode != 0:
                faults.append(answer.stdout.strip())
    return faults


def man_pages_are_clean(root):
    pages = files_of(root, ["docs/man"], tuple("12345678"))
    if not pages:
        return ["there are no man pages in docs/man"]
    answer = command("mandoc", "-T", "lint", "-W", "warning", *pages, cwd=root)
    return answer.stdout.splitlines()


# Written so that they don't match themselves.
STRAY_WORDS = [
    (re.compile(r"(?<![\w.-])/(?:wor[k]|hom[e]|User[s]|mnt/[a-z])/"), "a path of somebody's machine"),
    (re.compile(r"/tm[p]/BRIE[F]|\bBRIE[F]\.md\b"), "a path of somebody's machine"),
    (re.compile(r"\bissues? #?\d+\b|\bticke[t] #?\d+\b|\(#\d+\)", re.IGNORECASE), "a tracker's number"),
    (re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b"), "a note to oneself"),
    (re.compile(r"\b(?:Claud[e]|Anthropi[c]|ChatGP[T]|Copilo[t]|sub-?agen[t]s?|LL[M]s?)\b", re.IGNORECASE),
     "how it was written rather than what it is"),
]
TEXT_ENDINGS = (".c", ".h", ".S", ".py", ".sh", ".md", ".build", ".txt", ".conf", ".policy", ".keys", ".in", "run",
                "demo", ".1", ".5", ".7", ".8", "suites")


def words_are_ours(root):
    faults = []
    for path in ["README.md"] + files_of(root, EVERYWHERE + [".ci"], TEXT_ENDINGS):
        if path.startswith("tests/house/"):
            continue  # it has to name what it looks for
        for number, line in enumerate(text_of(root, path).splitlines(), 1):
            for pattern, what in STRAY_WORDS:
                if pattern.search(line):
                    faults.append(f"{path}:{number}: {what}: {line.strip()[:80]}")
    return faults


def text_is_tidy(root):
    """What .editorconfig asks for. Golden inputs may break it on purpose."""
    faults = []
    for path in ["README.md"] + files_of(root, EVERYWHERE + [".ci"], TEXT_ENDINGS):
        text = text_of(root, path)
        if path.startswith("tests/golden/") or not text:
            continue
        if not text.endswith("\n") or text.endswith("\n\n"):
            faults.append(f"{path} does not end with one newline")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                faults.append(f"{path}:{number}: white space at the end of the line")
    return faults


def every_source_is_built(root, listing):
    """A source that no meson.build names would look finished and be dead. listing: compile_commands.json's text."""
    faults = []
    for path in files_of(root, ["lib", "offload", "tools"], (".c",)):
        if not path.startswith("offload/charon/") and path not in listing:
            faults.append(f"{path} is in no meson.build")
    return faults


def readme_shows_the_example(root):
    """The README's C example is docs/examples/seal_one.c from its first include on, word for word."""
    source = text_of(root, "docs/examples/seal_one.c")
    example = source[source.index("#include"):].strip()
    blocks = [block.strip() for block in re.findall(r"```c\n(.*?)```", text_of(root, "README.md"), re.DOTALL)]
    return [] if example in blocks else ["README.md's C example differs from docs/examples/seal_one.c"]


def links_lead_somewhere(root):
    """Relative links of the Markdown files."""
    faults = []
    for path in ["README.md"] + files_of(root, ["docs", "bench"], (".md",)):
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text_of(root, path)):
            if not os.path.exists(os.path.join(root, os.path.dirname(path), target)):
                faults.append(f"{path} links to {target}, which is not there")
    return faults


def rfc_map_is_true(root):
    """Each file that docs/rfc-map.md names is there, and each unit test in the file that it is said to be in."""
    text = text_of(root, "docs/rfc-map.md")
    faults = [f"docs/rfc-map.md names {target}, which is not there"
              for target in re.findall(r"`((?:lib|tests|offload|tools|include)/[\w./-]+)`", text)
              if not os.path.exists(os.path.join(root, target))]
    for target, sentence in re.findall(r"`(tests/unit/[\w/]+\.c)`: ([^|;\n]+)", text):
        name = re.sub(r"\W+", "_", sentence.strip())
        if os.path.exists(os.path.join(root, target)) and name + ")" not in text_of(root, target):
            faults.append(f"docs/rfc-map.md: {target} has no test {name}")
    return faults
