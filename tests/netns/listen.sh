# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Listens to a daemon's events, for the scenes in which they are told.

start_monitor() { # NAME HOST [OPTION...]
    start_process "$1" "$scratch/$1.heard" "$SP_BUILD/tools/ipsecctl/ipsecctl" monitor --backend user \
        --control "$scratch/$2.sock" "${@:3}"
    wait_until 5 grep -q listening "$scratch/$1.heard"
}
# hears NAME EXPRESSION: within 5 s an event e of which Python says so.
hears() {
    wait_until "${SECONDS_TO_HEAR:-5}" has_heard "$@" || { tail -n 20 "$scratch/$1.heard" && return 1; }
}
has_heard() {
    grep '^{' "$scratch/$1.heard" | /usr/bin/python3 -c 'import json, sys
sys.exit(not any(eval(f"({sys.argv[1]})", {"e": json.loads(line)}) for line in sys.stdin))' "$2"
}
