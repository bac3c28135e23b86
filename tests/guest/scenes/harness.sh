# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The harness itself: in-guest gives what the script gave, and leaves nothing behind however it ends.

HELLO=$here/inside/hello.sh

gives_all() {
    local code
    mkdir -p "$scratch/share"
    # Bytes of every value: a terminal that is not told to keep its hands off would change some.
    head -c 300000 "$(command -v bash)" >"$scratch/share/noise"
    uname -r >"$scratch/share/host-release"
    "$here/in-guest" --share "$scratch/share" "$HELLO" look 7 >"$scratch/output" 2>"$scratch/errors"
    code=$?
    cat "$scratch/errors" "$scratch/share/.uml/"* 2>/dev/null
    [ "$code" -eq 7 ] && cmp "$scratch/output" "$scratch/share/noise"
}

# No process of a guest that shares this folder.
is_gone() { # FOLDER
    ! grep -lsaF "SP_SHARE=$1" /proc/[0-9]*/cmdline
}

is_ended_in_time() {
    mkdir -p "$scratch/slow"
    "$here/in-guest" --seconds 2 --share "$scratch/slow" "$HELLO" stay 0
    [ $? -eq 124 ] && is_gone "$scratch/slow"
}

ends_when_interrupted() { # SIGNAL CODE
    local pid code tries=1200
    rm -rf "$scratch/interrupted"
    mkdir -p "$scratch/interrupted"
    "$here/in-guest" --seconds 120 --share "$scratch/interrupted" "$HELLO" stay 0 &
    pid=$!
    until [ -e "$scratch/interrupted/here" ] || [ $((tries -= 1)) -eq 0 ]; do
        sleep 0.1
    done
    kill "-$1" "$pid"
    wait "$pid"
    code=$?
    [ "$1" != KILL ] || sleep 1 # nobody waits for the guest then
    echo "ended with $code"
    [ "$tries" -gt 0 ] && [ "$code" -eq "$2" ] && is_gone "$scratch/interrupted"
}

check "in-guest gives a script's output, byte for byte, and its exit code" gives_all
take_tests <"$scratch/share/tests"
check "in-guest ends a guest that takes too long" is_ended_in_time
check "in-guest leaves nothing running when it is interrupted" ends_when_interrupted TERM 143
[ -z "${SP_NIGHTLY-}" ] || check "nor when it is killed outright" ends_when_interrupted KILL 137
