# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: the host changes while the daemon runs.

NEW_IPV4=192.0.2.9

check "both daemons start before the addresses change" start_gates
start_capture gained front wire0
in_front ip address add "$NEW_IPV4/24" dev wire0
check "from an address just gained, without an SA, nothing gets through" \
    fails in_front curl -s --max-time 2 --interface "$NEW_IPV4" -o /dev/null "http://$BACK_IPV4/small"
check "the daemon learns of the address" wait_until 5 is_true front "'$NEW_IPV4' in s['addresses']"
has_no_sa() {
    in_front curl -s --max-time 1 --interface "$NEW_IPV4" "http://$BACK_IPV4/small"
    is_true front 's["totals"]["outbound"]["drops"]["no-sa"] > 0'
}
check "the policy is in force for it, and it has no SA" wait_until 5 has_no_sa
check "rules keep their file and line" is_true front \
    's["policy"]["rules"][0]["file"].endswith("front-end.policy") and s["policy"]["rules"][0]["line"] > 5'
check "the former address goes on working" fetches front "$BACK_IPV4" small
stop_capture gained
check "nothing of the new address was in clear" is_hidden gained 'tcp port 80'
in_front ip address delete "$NEW_IPV4/24" dev wire0
check "the daemon learns that it is gone" wait_until 5 is_true front "'$NEW_IPV4' not in s['addresses']"
end_gates

# ---- SIGHUP

renew_keys
cp "$FRONT_POLICY" "$scratch/changing.policy"
check "a policy that will change starts" start_gate front "$scratch/changing.policy" "$scratch/keys"
start_gate back "$BACK_POLICY" "$scratch/keys"
generation=$(gate_value front 's["policy"]["generation"]')
printf 'nonsense\n' >>"$scratch/changing.policy"
kill -HUP "${topology_pids[front]}"
check "SIGHUP with errors in the file keeps the former policy" wait_until 3 grep -q 'former policy stays' "$scratch/front.log"
check "and says where they are" grep -Eq 'changing.policy:[0-9]+:[0-9]+: error' "$scratch/front.log"
check "which stays in force" fetches front "$BACK_IPV4" small
write_policy changing.policy <<'EOF'
block out udp from me to any port 6000
protect out tcp from me to any port 80 with "encrypt"
default bypass
EOF
kill -HUP "${topology_pids[front]}"
check "SIGHUP puts a changed policy in force" wait_until 3 is_true front "s['policy']['generation'] > $generation"
check_fails "the new rule holds" speaks_udp "$BACK_IPV4" 6000
check "and the one about port 80 goes on" fetches front "$BACK_IPV4" small
