# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: how daemons end, and begin again. The host fails closed.

sallyportd() { # HOST ARGUMENT...: in the foreground
    in_host "$1" timeout 10 "$SP_BUILD/tools/sallyportd/sallyportd" "${@:2}"
}
exits_with() { # STATUS COMMAND...
    "${@:2}"
    local status=$?
    echo "exit status $status"
    [ "$status" -eq "$1" ]
}

# ---- SIGKILL

killed_scene() { # HOST
    check "both daemons start, $1 to be killed" start_gates
    start_capture "killed-$1" front wire0
    start_process download "$scratch/download.log" \
        ip netns exec "$topology_tag-front" curl -s --limit-rate 1M -o /dev/null "http://$BACK_IPV4/big"
    sleep 1
    check "a download is on its way when $1 gets SIGKILL" is_running download
    end_process "$1" KILL
    check "after SIGKILL of $1 no new connection comes about" stays_shut front "$BACK_IPV4"
    check "nor over IPv6, $1" stays_shut front "[$BACK_IPV6]"
    end_process download
    stop_capture "killed-$1"
    check "after SIGKILL of $1 nothing leaked in clear" is_hidden "killed-$1" 'tcp port 80'
    check "the guard and the dead end of $1 still stand" stands "$1"
    end_gates
    renew_keys
    check "started again after SIGKILL of $1" start_gates
    check "the gate is open again" fetches front "$BACK_IPV4" small
    end_process front
    check "SIGTERM: status 0" test "$ended_status" -eq 0
    check "SIGTERM leaves no table, rule, route, device or socket on the front-end" is_cleaned_up front
    end_process back
    check "nor on the back-end" is_cleaned_up back
    renew_keys
}
stands() {
    in_host "$1" nft list table inet sallyport && in_host "$1" ip rule | grep -q 'fwmark 0x5a11' &&
        in_host "$1" ip route show table 23057 | grep -q '^blackhole' &&
        in_host "$1" ip -6 route show table 23057 | grep -q '^blackhole'
}
killed_scene front
killed_scene back

check "without daemons HTTP is in clear again" fetches front "$BACK_IPV4" small

# ---- SIGINT, and --leave-guard

start_gate front "$FRONT_POLICY" "$scratch/keys" --leave-guard
end_process front
check "--leave-guard: SIGTERM ends it with status 0" test "$ended_status" -eq 0
check "--leave-guard leaves the guard and the dead end" stands front
start_capture left front wire0
check "--leave-guard: protected traffic stays stopped" stays_shut front "$BACK_IPV4"
check "--leave-guard: other traffic runs" speaks_udp "$BACK_IPV4" 6000
stop_capture left
# (the back-end has no guard: it may still be closing its connection of before)
check "--leave-guard: nothing in clear" is_unseen left "src $FRONT_IPV4 and tcp port 80"

# other numbers than those that were left: the old ones must go all the same
check "the next daemon takes over, with another mark and table" \
    start_gate front "$FRONT_POLICY" "$scratch/keys" --mark 0x77 --table 99
start_gate back "$BACK_POLICY" "$scratch/keys"
check "with them the gate is open" fetches front "$BACK_IPV4" small
check_fails "the rule that was left is gone" bash -c 'ip -n "$0" rule | grep -q 0x5a11' "$topology_tag-front"
end_process front INT
check "SIGINT: status 0" test "$ended_status" -eq 0
in_front ip route flush table 23057 2>/dev/null
in_front ip -6 route flush table 23057 2>/dev/null
check "SIGINT cleans up as well" is_cleaned_up front
end_process back

# ---- one a host

renew_keys
start_gates
check "a second daemon in the same namespace is refused" exits_with 2 \
    sallyportd front --policy "$FRONT_POLICY" --keys "$scratch/keys" --control "$scratch/second.sock" --device sally1
check "the first one is none the worse" fetches front "$BACK_IPV4" small
end_gates

# ---- what is wrong is said before anything is touched

printf 'protect sideways\n' >"$scratch/bad.policy"
check "a policy with errors: status 1" exits_with 1 \
    sallyportd front --policy "$scratch/bad.policy" --keys "$scratch/keys" --control "$scratch/front.sock"
printf 'sa "x" {\n    spi 5\n}\n' >"$scratch/bad.keys"
chmod 600 "$scratch/bad.keys"
check "keys with errors: status 1" exits_with 1 \
    sallyportd front --policy "$FRONT_POLICY" --keys "$scratch/bad.keys" --control "$scratch/front.sock"
cp "$scratch/keys" "$scratch/open.keys"
chmod 644 "$scratch/open.keys"
check "keys that others may read: status 1" exits_with 1 \
    sallyportd front --policy "$FRONT_POLICY" --keys "$scratch/open.keys" --control "$scratch/front.sock"
check "no policy named: status 1" exits_with 1 sallyportd front --keys "$scratch/keys"
check "a number that is none: status 1" exits_with 1 \
    sallyportd front --policy "$FRONT_POLICY" --keys "$scratch/keys" --mtu 12x
check "the kernel's own tables are refused: status 1" exits_with 1 \
    sallyportd front --policy "$FRONT_POLICY" --keys "$scratch/keys" --table 254
check "--help: status 0" exits_with 0 sallyportd front --help
check "after all that nothing is left" is_cleaned_up front
