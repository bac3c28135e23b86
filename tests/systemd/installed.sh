# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: what is installed. That the libraries can be compiled against and the tools run is the suite compilers'.

install_all() {
    DESTDIR=$scratch/installed meson install -C "$SP_BUILD" --no-rebuild </dev/null
}

check "meson install works" install_all
check "programs, libraries, headers, man pages, completions, unit and examples are all there, and nothing else" is_complete
check "the unit starts programs that are installed" names_installed_programs
