# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: other policies than the two of the design.

# ---- a rule about UDP, ranges and lists

write_policy udp-front.policy <<EOF
protect out udp from me to { $BACK_IPV4, $BACK_IPV6 } port { 4000-5100, 5050-5200, 7000 } with "encrypt" as "UDP"
default bypass
EOF
write_policy udp-back.policy <<EOF
protect in udp from { 192.0.2.0/24, 2001:db8::/64 } to me port { 4000-5100, 5050-5200, 7000 } with "encrypt" as "UDP"
default bypass
EOF
check "policies about UDP, port ranges and lists start" start_gate front "$scratch/udp-front.policy" "$scratch/keys"
check "on the back-end too" start_gate back "$scratch/udp-back.policy" "$scratch/keys"
start_capture udp front wire0
check "a datagram comes back under ESP" speaks_udp "$BACK_IPV4" 5000
check "a datagram comes back under ESP over IPv6" speaks_udp "$BACK_IPV6" 5000
stop_capture udp
check "no clear-text UDP was on the wire" is_hidden udp 'udp port 5000'
start_capture quotes front wire0
check_fails "nobody listens on a protected port" speaks_udp "$BACK_IPV4" 4500
check_fails "nor over IPv6" speaks_udp "$BACK_IPV6" 4500
check_fails "nor behind options, or extension headers, that anybody on the way may have put there" speaks_udp "$BACK_IPV4" 4501 options
check_fails "nor over IPv6 so" speaks_udp "$BACK_IPV6" 4501 options
check_fails "nor on one that isn't protected" speaks_udp "$BACK_IPV4" 6500
stop_capture quotes
check "no ICMP error quotes in clear what came protected" \
    is_unseen quotes 'icmp[0] == 3 and (icmp[30:2] == 4500 or icmp[8] > 0x45) or icmp6 and ip6[40] == 1'
check "other ICMP errors go their way" test "$(captured quotes 'icmp[0] == 3 and icmp[30:2] == 6500')" -gt 0
check "the back-end counted those that it kept" is_true back \
    'sum(g["packets"] for g in s["guard"] if g["chain"] == "guard_out" and g["rule"] == 0) >= 2'
start_capture other front wire0
check "a port outside the ranges is bypassed" speaks_udp "$BACK_IPV4" 6000
stop_capture other
check "and that one is seen in clear" test "$(captured other 'udp port 6000')" -ge 2
end_gates

# ---- default block

renew_keys
write_policy strict-front.policy <<'EOF'
protect out tcp from me to any port 80 with "encrypt"
default block
EOF
write_policy strict-back.policy <<'EOF'
protect in tcp from any to me port 80 with "encrypt"
default block
EOF
check "default block starts" start_gate front "$scratch/strict-front.policy" "$scratch/keys"
check "on the back-end too, default block" start_gate back "$scratch/strict-back.policy" "$scratch/keys"
in_front ip neighbour flush all
in_back ip neighbour flush all
start_capture strict front wire0
check "with default block the protected port works" fetches front "$BACK_IPV4" small
check "over IPv6 too: neighbour discovery is let through" fetches front "[$BACK_IPV6]" small
check_fails "everything else is refused" speaks_udp "$BACK_IPV4" 6000
stop_capture strict
check "only ESP, ARP and neighbour discovery were on the wire" \
    is_unseen strict 'not esp and not arp and not (icmp6 and ip6[40] >= 133 and ip6[40] <= 137)'
check "what the default refused is counted" is_true front \
    'sum(g["packets"] for g in s["guard"] if g["rule"] is None) > 0'
end_gates

# ---- keys that don't fit

wrong_keys() { # the same SAs with other integrity keys
    (umask 077 && /usr/bin/python3 - "$scratch/keys" >"$scratch/wrong.keys") <<'EOF'
import re, sys
text = open(sys.argv[1]).read()
turn = str.maketrans("0123456789abcdef", "123456789abcdef0")
print(re.sub(r"(integrity-key 0x)([0-9a-f]+)", lambda m: m[1] + m[2].translate(turn), text), end="")
EOF
}
wrong_keys
check "a host with other integrity keys starts" start_gate front "$FRONT_POLICY" "$scratch/wrong.keys"
start_gate back "$BACK_POLICY" "$scratch/keys"
check "wrong keys: no traffic" stays_shut front "$BACK_IPV4"
check "wrong keys: the other side counts bad-icv" is_true back 's["totals"]["inbound"]["drops"]["bad-icv"] > 0'
check "and tells which packet it was last" is_true back \
    '[(d["source"], d["protocol"], d["spi"] == s["sas"][d["sa"]]["spi"], d["sequence"] > 0) for d in s["last_drops"] if d["reason"] == "bad-icv"][0] == ("'"$FRONT_IPV4"'", 50, True, True)'
check "and opened nothing" is_true back 's["totals"]["inbound"]["opened_packets"] == 0'
end_gates

# ---- no keys for that peer

write_policy everywhere.policy <<'EOF'
protect out udp from me to any port 5000 with "encrypt"
default bypass
EOF
check "a policy whose peers have no SAs starts" start_gate back "$scratch/everywhere.policy" "$scratch/keys"
check_fails "a peer without an SA is not reached" in_back /usr/bin/python3 -B "$here/udp_echo.py" ask "$BYSTANDER_IPV4" 5000 10
check "that is counted as no-sa" is_true back 's["totals"]["outbound"]["drops"]["no-sa"] > 0'
check "and told with its ports and rule" is_true back \
    '[(d["direction"], d["destination_port"], d["rule"]) for d in s["last_drops"] if d["reason"] == "no-sa"][0] == ("outbound", 5000, 0)'
check "and raised acquire events" wait_until 3 is_true back 's["events"]["acquire"] > 0'
check "which the log tells of" grep -q "no SA from $BACK_SIDE_IPV4 to $BYSTANDER_IPV4" "$scratch/back.log"
end_gates
