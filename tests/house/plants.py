# SPDX-License-Identifier: ISC
"""Shows that each rule of checks.py is able to fail: plants a violation in a copy of the tree and sees it caught."""

import os
import shutil
import subprocess

import checks


class Copy:
    """A copy of the tree to plant in. One serves all plants: each is pulled out again after it was seen."""

    def __init__(self, root, folder):
        self.original, self.root = root, folder
        for name in checks.EVERYWHERE + [".ci", "README.md", ".clang-format"]:
            source, target = os.path.join(root, name), os.path.join(folder, name)
            if os.path.isdir(source):
                shutil.copytree(source, target, symlinks=True,
                                ignore=shutil.ignore_patterns(*checks.SKIPPED_FOLDERS, "build-*"))
            elif os.path.exists(source):
                shutil.copy(source, target)

    def pull_out(self, path):
        original, planted = os.path.join(self.original, path), os.path.join(self.root, path)
        if os.path.exists(original):
            shutil.copy(original, planted)
        else:
            os.remove(planted)


planted_paths = []


def put(root, path, text, mode):
    whole = os.path.join(root, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole, mode, encoding="utf-8") as stream:
        stream.write(text)
    planted_paths.append(path)


def write(root, path, text):
    put(root, path, text, "w")


def append(root, path, text):
    put(root, path, text, "a")


SPDX = "/* SPDX-License-Identifier: ISC */\n"


def library_with(folder, source):
    """A shared library made of one line of C."""
    library = os.path.join(folder, "libplant.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=source, text=True, check=True)
    return library


def exports_of(source):
    """The rule of exported names on a library of its own, as long as the header of the plant is there."""
    def look(root):
        if not os.path.exists(os.path.join(root, "include/sallyport/plant.h")):
            return []
        return checks.exports(root, library_with(root, source), ["plant.h"])
    return look


def plant_header(root):
    write(root, "include/sallyport/plant.h", "#define SP_API\nSP_API int sp_promised(void);\n")


# (what is planted, the rule that must see it, how it is planted, what the finding must name)
PLANTS = [
    ("an include that climbs from core to engine", checks.includes_go_down,
     lambda root: write(root, "lib/core/plant.c", SPDX + '#include "engine/plant.h"\n'), "lib/core/plant.c"),
    ("an include between neighbours of one floor", checks.includes_go_down,
     lambda root: write(root, "lib/wire/plant.c", SPDX + '#include "crypto/suite.h"\n'), "lib/wire/plant.c"),
    ("crypto that knows packets", checks.includes_go_down,
     lambda root: write(root, "lib/crypto/plant.c", SPDX + "#include <sallyport/packet.h>\n"), "lib/crypto/plant.c"),
    ("esp that knows a policy", checks.includes_go_down,
     lambda root: write(root, "lib/esp/plant.c", SPDX + "#include <sallyport/policy.h>\n"), "lib/esp/plant.c"),
    ("lib that knows offload", checks.includes_go_down,
     lambda root: write(root, "lib/engine/plant.c", SPDX + "#include <sallyport/offload.h>\n"), "lib/engine/plant.c"),
    ("a tool that reaches past the public headers", checks.includes_go_down,
     lambda root: write(root, "tools/ipsecctl/plant.c", SPDX + '#include "sa/sad.h"\n'), "tools/ipsecctl/plant.c"),
    ("a tool that climbs out with ..", checks.includes_go_down,
     lambda root: write(root, "tools/ipsecctl/plant.c", SPDX + '#include "../../lib/sa/sad.h"\n'),
     "tools/ipsecctl/plant.c"),
    ("offload that reaches into lib", checks.includes_go_down,
     lambda root: write(root, "offload/plant.c", SPDX + '#include "wire/headers.h"\n'), "offload/plant.c"),
    ("a symbol without the prefix", exports_of("int sp_promised(void){return 0;} int stray(void){return 0;}"),
     plant_header, "stray is exported without"),
    ("a prefixed symbol that no header declares",
     exports_of("int sp_promised(void){return 0;} int sp_extra(void){return 0;}"), plant_header, "sp_extra"),
    ("a promise that is not kept", exports_of("static int x; int *sp_other(void){return &x;}"), plant_header,
     "sp_promised is declared"),
    ("a public header that needs another one first", checks.headers_stand_alone,
     lambda root: write(root, "include/sallyport/plant.h", "size_t sp_plant(void);\n"), "plant.h as -std=c17"),
    ("a public header that is not C++", checks.headers_stand_alone,
     lambda root: write(root, "include/sallyport/plant.h", "int sp_plant(int class);\n"), "plant.h as -std=c++17"),
    ("a public header without a guard", checks.headers_stand_alone,
     lambda root: write(root, "include/sallyport/plant.h", "struct sp_plant { int a; };\n"), "plant.h"),
    ("a file of 601 lines", checks.files_are_short,
     lambda root: write(root, "lib/core/plant.c", SPDX + "\n" * 600), "lib/core/plant.c has 601"),
    ("bad formatting", checks.format_is_clean,
     lambda root: write(root, "lib/core/plant.c", SPDX + "int  sp_plant( void ){return 1 ;}\n"), "lib/core/plant.c"),
    ("a C file without its licence", checks.licence_is_said,
     lambda root: write(root, "tests/unit/core/plant.c", "int plant;\n"), "plant.c"),
    ("a script without its licence", checks.licence_is_said,
     lambda root: write(root, "tools/plant", "#!/bin/sh\ntrue\n"), "tools/plant"),
    ("white space at the end of a line", checks.text_is_tidy,
     lambda root: write(root, "lib/core/plant.c", SPDX + "int plant; \n"), "plant.c:2"),
    ("a file that ends without a newline", checks.text_is_tidy,
     lambda root: write(root, "docs/plant.md", "# Plant"), "docs/plant.md"),
    ("a broken shell script", checks.scripts_parse,
     lambda root: write(root, "tools/plant", "#!/bin/bash\nif true\n"), "plant"),
    ("a broken Python script", checks.scripts_parse,
     lambda root: write(root, "tests/lib/plant.py", "def plant(:\n"), "plant.py"),
    ("a faulty man page", checks.man_pages_are_clean,
     lambda root: write(root, "docs/man/plant.8", ".Dd January 1, 2026\n.Dt PLANT 8\n.Os\n.Nonsense\n"), "plant.8"),
    ("a path of somebody's machine", checks.words_are_ours,
     lambda root: write(root, "lib/core/plant.c", SPDX + "/* see /hom" + "e/me/notes */\n"), "plant.c:2"),
    ("a tracker's number", checks.words_are_ours,
     lambda root: append(root, "README.md", "Fixed as of issu" + "e 12.\n"), "README.md"),
    ("a README example that drifted", checks.readme_shows_the_example,
     lambda root: append(root, "docs/examples/seal_one.c", "int more;\n"), "seal_one.c"),
    ("a dead link", checks.links_lead_somewhere,
     lambda root: append(root, "README.md", "[gone](docs/gone.md)\n"), "docs/gone.md"),
    ("an RFC map that names a file which is gone", checks.rfc_map_is_true,
     lambda root: append(root, "docs/rfc-map.md", "| 1 | x | `lib/gone.c` | |\n"), "lib/gone.c"),
    ("an RFC map that names a test which is gone", checks.rfc_map_is_true,
     lambda root: append(root, "docs/rfc-map.md", "| 1 | x | | `tests/unit/sa/sad.c`: nothing of the kind |\n"),
     "nothing_of_the_kind"),
    ("a source that nobody builds", lambda root: checks.every_source_is_built(root, "lib/core/status.c"),
     lambda root: write(root, "lib/core/plant.c", SPDX), "lib/core/plant.c"),
]


def is_caught(copy, rule, plant, named):
    """Whether the rule names the plant when it is there, and does not when it isn't."""
    def sees():
        return any(named in fault for fault in rule(copy.root))

    plant(copy.root)
    caught = sees()
    while planted_paths:
        copy.pull_out(planted_paths.pop())
    return caught and not sees()
