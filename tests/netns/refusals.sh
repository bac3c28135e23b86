# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: what the policies of the design refuse.

refused_by() { # CHAIN RULE: as an expression over the status
    echo "sum(g['packets'] for g in s['guard'] if g['chain'] == '$1' and g['rule'] == $2 and g['action'] == 'refuse') > 0"
}

# Someone listens there: only the gate can be what refuses.
start_process listener "$scratch/listener.log" ip netns exec "$topology_tag-front" \
    /usr/bin/python3 -m http.server --bind :: --directory "$scratch/www" 80
wait_until 5 fetch front 1 http://127.0.0.1/small || bail_out "no web server on the front-end"
check "without a daemon port 80 of the front-end is open" fetches back "$FRONT_IPV4" small
check "both daemons start" start_gates

check "port 80 of the front-end refuses silently" is_ignored back "$FRONT_IPV4"
check "port 80 of the front-end refuses silently over IPv6" is_ignored back "[$FRONT_IPV6]"
check "the front-end counted it by rule" is_true front "$(refused_by guard_in 0)"
check "the back-end refuses clear text on port 80 silently" is_ignored bystander "$BACK_SIDE_IPV4"
check "the back-end counted it by rule" is_true back "$(refused_by guard_in 0)"
check "the front-end still reaches its own port 80 over loopback" fetch front 3 http://127.0.0.1/small
check "the gate serves those that do have keys meanwhile" fetches front "$BACK_IPV4" small

# A host without a daemon, with the front-end's address: what the back-end would send in clear if it could.
end_process front
start_capture dead front wire0
check "a front-end without a daemon is not served in clear" stays_shut front "$BACK_IPV4"
stop_capture dead
check "nor does the back-end answer it" is_unseen dead "src $BACK_IPV4 and tcp"
end_process listener
end_process back

# IPv6 fragments reach the input hook before they are put together: no way around the guard.
fragments() {
    in_front /usr/bin/python3 -B "$here/ipv6_fragments.py" "$FRONT_IPV6" "$BACK_IPV6" wire0
}
if /usr/bin/python3 -c 'import scapy' 2>/dev/null; then
    check "without a daemon a SYN in IPv6 fragments is answered" fragments
    start_gate back "$BACK_POLICY" "$scratch/keys"
    check_fails "with one it is not" fragments
    check "and it is counted" is_true back "$(refused_by guard_in 0)"
else
    skip "a SYN in IPv6 fragments is refused" "python3-scapy is not installed"
fi
