# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# TAP for suites that play with hosts made of namespaces (tools/lib/topology.sh), whose $scratch this uses. A test
# is a command that should succeed, and its name the sentence that this proves.

test_count=0
failure_count=0

# check NAME COMMAND...: ok when the command succeeds.
check() {
    local name=$1 result='ok'
    shift
    test_count=$((test_count + 1))
    if ! "$@" >"$scratch/check.log" 2>&1; then
        result='not ok'
        failure_count=$((failure_count + 1))
    fi
    printf '%s %d - %s\n' "$result" "$test_count" "$name"
    [ "$result" = ok ] || explain "$*" | sed 's/^/# /'
}
explain() {
    printf 'command: %s\n' "$1"
    tail -n 40 "$scratch/check.log" "$scratch/front.log" "$scratch/back.log" 2>/dev/null
}

check_fails() {
    local name=$1
    shift
    check "$name" fails "$@"
}
fails() {
    ! "$@"
}

skip() { # NAME REASON
    test_count=$((test_count + 1))
    printf 'ok %d - %s # SKIP %s\n' "$test_count" "$1" "$2"
}

bail_out() {
    printf 'Bail out! %s\n' "$1"
    exit 1
}

end_tests() {
    echo "1..$test_count"
    [ "$failure_count" -eq 0 ]
}

# is_true HOST EXPRESSION: about the daemon's status, as Python.
is_true() {
    local value
    value=$(gate_value "$1" "$2") && echo "$2 is $value" && [ "$value" = True ]
}
