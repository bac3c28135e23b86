# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: everything that may go wrong with a gate, or be done to it, while traffic wants through. A capture on the
# wire is the judge: no packet of what the policy protects in clear, whatever happens. Then what was damaged is whole
# again by itself, where there is a daemon to see to it.

HARM_CLEAR='tcp port 80 or udp port 5000'

write_policy harm-front.policy <<'EOF'
protect out tcp from me to any port 80 with "encrypt" as "web"
protect out udp from me to any port 5000 with "encrypt" as "echo"
default bypass
EOF
write_policy harm-back.policy <<'EOF'
protect in tcp from any to me port 80 with "encrypt" as "web"
protect in udp from any to me port 5000 with "encrypt" as "echo"
default bypass
EOF

start_harmed_gates() { # [OPTION...] of the front-end
    start_gate front "$scratch/harm-front.policy" "$scratch/harm.keys" "$@" &&
        start_gate back "$scratch/harm-back.policy" "$scratch/keys"
}
# New requests all the time, over both families, and a download whose connection is there when harm comes.
start_clamour() {
    start_process clamour "$scratch/clamour.log" ip netns exec "$topology_tag-front" bash -c '
        while :; do
            for host in "$@"; do
                curl -g -s -m 1 -o /dev/null "http://$host/small"
            done
            /usr/bin/python3 -B "$0" ask "$1" 5000 100
        done' "$here/udp_echo.py" "$BACK_IPV4" "[$BACK_IPV6]"
    start_process download "$scratch/download.log" ip netns exec "$topology_tag-front" \
        curl -s --limit-rate 300k -o /dev/null "http://$BACK_IPV4/big"
}
stop_clamour() {
    end_process clamour
    end_process download
}
has_begun() {
    [ "$(captured harm esp)" -gt 0 ]
}
under_clamour() { # NAME COMMAND...
    start_capture harm front wire0
    start_clamour
    wait_until 5 has_begun || true # where nothing is left that makes ESP, none comes
    check "$1, under traffic" "${@:2}"
    sleep 0.8
    stop_clamour
    stop_capture harm
}
is_harmless() { # NAME COMMAND...
    under_clamour "$@"
    check "$1: ESP on the wire, and nothing in clear" is_hidden harm "$HARM_CLEAR"
}
opens_again() { # NAME PATTERN
    check "$1: the gate is open again" wait_until 5 fetches front "$BACK_IPV4" small
    check "$1: and over IPv6" wait_until 5 fetches front "[$BACK_IPV6]" small
    check "$1: the log tells" grep -q "$2" "$scratch/front.log"
}
reloads_keys() { # KEYS
    cp "$1" "$scratch/harm.keys" && "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
}
stands_still() { # COMMAND...: while the front-end's daemon can't repair anything
    kill -STOP "${topology_pids[front]}"
    "$@" || return 1
    sleep 1
}
fresh_start() { # [OPTION...]
    end_gates
    renew_keys
    cp "$scratch/keys" "$scratch/harm.keys"
    start_harmed_gates "$@"
}

cp "$scratch/keys" "$scratch/harm.keys"
check "daemons to be harmed start" start_harmed_gates
is_doubly_guarded=''
is_true front 's["second_guard"]["is_up"]' >/dev/null 2>&1 && is_doubly_guarded=yes
if [ -n "$is_doubly_guarded" ]; then
    only_outbound() {
        in_front ip xfrm policy | grep -q 'dev sally0' && ! in_front ip xfrm policy | grep -Eq 'dir (in|fwd)'
    }
    check "this kernel has XFRM: the second guard is of its policies, outbound only" only_outbound
else
    check "this kernel has no XFRM, and status says so" is_true front 'len(s["second_guard"]["why"]) > 0'
fi

# ---- taken away, and repaired

is_harmless "device deleted" in_front ip link delete sally0
opens_again "device deleted" 'was taken away; it is made again'
is_harmless "device down" in_front ip link set sally0 down
opens_again "device down" 'it is set up again'
is_harmless "routing rule deleted" in_front ip rule delete fwmark 0x5a11
opens_again "routing rule deleted" 'it is laid again'
is_harmless "routes flushed" in_front sh -c 'ip route flush table 23057; ip -6 route flush table 23057'
opens_again "routes flushed" 'it is laid again'

steers() {
    in_front nft list chain inet sallyport steer | grep -q 'meta mark set'
}
is_harmless "rules of a chain flushed" in_front nft flush chain inet sallyport steer
check "rules of a chain flushed: they are put back" wait_until 3 steers
sleep 1
check "once, and not again and again" test "$(grep -c 'guard; it is put up again' "$scratch/front.log")" -eq 1
# So much is told meanwhile that the daemon doesn't hear all; and the counters, which it could ask for, are still there.
flushed_in_noise() {
    {
        printf 'table inet noise {\nchain here {\n'
        seq -f 'ip saddr 192.0.2.99 tcp dport %.0f accept comment "so that it is longer"' 1 40000
        printf '}\n}\n'
    } >"$scratch/noise.nft"
    in_front nft -f "$scratch/noise.nft" && in_front nft flush table inet sallyport && in_front nft delete table inet noise
}
check "rules of all chains flushed in much noise" stands_still flushed_in_noise
kill -CONT "${topology_pids[front]}"
check "rules of all chains flushed in much noise: they are put back" wait_until 5 steers

moves() { # an address comes, is used, and goes
    in_front ip address add 192.0.2.9/24 dev wire0
    fails in_front curl -s -m 1 --interface 192.0.2.9 -o /dev/null "http://$BACK_IPV4/small"
    wait_until 3 is_true front '"192.0.2.9" in s["addresses"]' || return 1
    fails in_front curl -s -m 1 --interface 192.0.2.9 -o /dev/null "http://$BACK_IPV4/small"
    in_front ip address delete 192.0.2.9/24 dev wire0
}
is_harmless "address changed" moves
check "address changed: and noticed" wait_until 3 is_true front '"192.0.2.9" not in s["addresses"]'
check "address changed: the gate is open" fetches front "$BACK_IPV4" small

# ---- one guard alone

if [ -n "$is_doubly_guarded" ]; then
    is_harmless "nftables flushed, the daemon at a standstill" stands_still in_front nft flush ruleset
    kill -CONT "${topology_pids[front]}"
    opens_again "nftables flushed" 'put up again'
    is_harmless "kernel policies flushed" in_front ip xfrm policy flush
    check "kernel policies flushed: they are there again" wait_until 3 only_outbound
    check "kernel policies flushed: the log tells" grep -q 'kernel policies of the second guard' "$scratch/front.log"
    holds_back() {
        [ "$(in_front cat /proc/sys/net/core/xfrm_larval_drop)" = 0 ]
    }
    in_front sh -c 'echo 1 >/proc/sys/net/core/xfrm_larval_drop'
    check "the kernel's setting that it needs is seen to as well" wait_until 3 holds_back
    check "so that the gate is open" fetches front "$BACK_IPV4" small
fi
is_harmless "routing rule deleted, the daemon at a standstill" stands_still in_front ip rule delete fwmark 0x5a11
kill -CONT "${topology_pids[front]}"
check "what was refused is counted" is_true front \
    's["second_guard"]["refused_packets"] + sum(g["packets"] for g in s["guard"] if g["chain"] == "guard_out") > 0'
opens_again "the daemon goes on" 'it is laid again'

# ---- no policy, no SAs

cp "$scratch/harm-front.policy" "$scratch/harm.former"
empties_policy() {
    : >"$scratch/harm-front.policy"
    ! "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
}
is_harmless "policy emptied by mistake, which is refused" empties_policy
cp "$scratch/harm.former" "$scratch/harm-front.policy"
check "policy emptied by mistake: the former one goes on" fetches front "$BACK_IPV4" small
: >"$scratch/no.keys"
chmod 600 "$scratch/no.keys"
is_harmless "SAs removed" reloads_keys "$scratch/no.keys"
check "SAs removed: nothing gets through" stays_shut front "$BACK_IPV4"
is_harmless "SAs there again" reloads_keys "$scratch/keys"

end_gates
renew_keys
sed 's/^sa .*{$/&\n    lifetime 20 KB/' "$scratch/keys" >"$scratch/harm.keys"
chmod 600 "$scratch/harm.keys"
check "daemons start with SAs that won't last" start_harmed_gates
is_harmless "SAs expired" true
check "SAs expired: they did" is_true front 's["events"]["hard_expired"] > 0'
check "SAs expired: nothing gets through" stays_shut front "$BACK_IPV4"

# ---- the end of the daemon

fresh_start --leave-guard
is_harmless "SIGTERM with --leave-guard" end_process front
check "SIGTERM with --leave-guard: nothing gets through" stays_shut front "$BACK_IPV4"
fresh_start
is_harmless "SIGKILL" end_process front KILL
if [ -n "$is_doubly_guarded" ]; then
    under_clamour "nftables flushed after SIGKILL" in_front nft flush ruleset
    check "nftables flushed after SIGKILL: nothing in clear" is_unseen harm "src $FRONT_IPV4 and ($HARM_CLEAR)"
fi
undoes() {
    in_front "$SP_BUILD/tools/sallyportd/sallyportd" --undo && rm -f "$scratch/front.sock" "$scratch/front.stats" &&
        is_cleaned_up front
}
check "--undo takes away what a killed daemon left" undoes
end_process back
check "after which the hosts talk in clear" fetches front "$BACK_IPV4" small
