# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: policies and keys change while traffic runs.

# shellcheck source=stream.sh
. "$here/stream.sh"

confirms() { # HOST
    "$SP_BUILD/tools/ipsecctl/ipsecctl" confirm --control "$scratch/$1.sock"
}
refuses_reload() { # STATUS PATTERN HOST [OPTION...]: with that exit status and those words, and nothing changes
    local before status said
    before=$(gate_value "$3" '[s["policy"]["generation"], [sa["spi"] for sa in s["sas"]]]')
    said=$(reloads "${@:3}" 2>&1)
    status=$?
    echo "exit status $status: $said"
    [ "$status" -eq "$1" ] && grep -Eq "$2" <<<"$said" &&
        is_true "$3" "[s['policy']['generation'], [sa['spi'] for sa in s['sas']]] == $before"
}

# write_stream_policies [SENTENCE...]: the stream is protected; what else is said stands before it.
write_stream_policies() {
    { printf '%s\n' "$@" && cat <<EOF; } | write_policy changing-front.policy
protect out udp from me to $BACK_IPV4 port $STREAM_PORT with "encrypt" as "stream"
default bypass
EOF
    write_policy changing-back.policy <<EOF
protect in udp from any to me port $STREAM_PORT with "encrypt" as "stream"
default bypass
EOF
}

# ---- what ipsecctl reload says

write_stream_policies
pair first
pair second
set_keys front first
set_keys back first
check "daemons whose files will change start" start_gate front "$scratch/changing-front.policy" "$scratch/front.keys" --grace 1
check "on the back-end too, to be changed" start_gate back "$scratch/changing-back.policy" "$scratch/back.keys" --grace 1

echo 'block sideways' >>"$scratch/changing-front.policy"
check "reload with an error in the policy: status 1, its place, and nothing changes" \
    refuses_reload 1 'changing-front.policy:[0-9]+:[0-9]+: error' front
write_stream_policies "block out udp from me to any port 6000"
echo 'nonsense' >>"$scratch/front.keys"
check "with an error in the keys: status 1, its place, and nothing changes, the good policy neither" \
    refuses_reload 1 'front.keys:[0-9]+:[0-9]+: error' front
check "the former policy goes on meanwhile" speaks_udp "$BACK_IPV4" 6000
sed 's/\(integrity-key 0x\).\{8\}/\100112233/' "$scratch/first" >"$scratch/other"
set_keys front other
check "other keys under an SPI in use: status 1, and nothing changes" \
    refuses_reload 1 'give the new one another SPI' front
set_keys front first second
write_stream_policies "block out udp from me to any port 6000" "bypass out udp from me to any port 6000"
check "a rule that never decides: with --strict refused, with its place and kind" \
    refuses_reload 1 'changing-front.policy:[0-9]+: warning: .*\[shadowed\]' front --strict
write_stream_policies "block out udp from me to any port 6000"
check "what is right is put in force" reloads front --strict
check_fails "and holds: the new rule blocks" speaks_udp "$BACK_IPV4" 6000
check "the new SAs are there, and the others still are" is_true front 'len(s["sas"]) == 4'
check_fails "nothing waits to be confirmed" confirms front
set_keys front first
check "SIGHUP does the same" kill -HUP "${topology_pids[front]}"
check "also with keys: what the file hasn't any more goes" wait_until 3 is_true front 'len(s["sas"]) == 2'
check "and is counted, as what the refused reload took back is" is_true front \
    '[s["sa_totals"][which] for which in ("key_additions", "key_deletions")] == [6, 4]'

# ---- trials

write_stream_policies "block out udp from me to any port 5000"
set_keys front first second
check "a reload on trial" reloads front --confirm 10m
check_fails "is in force" speaks_udp "$BACK_IPV4" 5000
check "while it lasts no other reload is taken" refuses_reload 2 'still on trial' front
check "it can be confirmed" confirms front
check_fails "once" confirms front
check "which leaves it in force, with its SAs" is_true front 'len(s["sas"]) == 4'
check_fails "and its rules" speaks_udp "$BACK_IPV4" 5000
write_stream_policies
set_keys front first
check "another trial" reloads front --confirm 1s
check "ends when nobody confirms" wait_until 60 grep -q 'nobody confirmed: the former policy and keys are back' "$scratch/front.log"
check_fails "with the former rules" speaks_udp "$BACK_IPV4" 5000
check "and the SAs that the trial hadn't" is_true front 'len(s["sas"]) == 4'
check_fails "after which there is nothing to confirm" confirms front

# ---- packets on their way when keys change

number_of_sas() { # HOST COUNT [STATE]
    is_true "$1" "len([sa for sa in s['sas'] if '${3-}' in ('', sa['state'])]) == $2"
}
dropped_at_back() {
    gate_value back 's["totals"]["inbound"]["drops"]["unknown-spi"]'
}
end_gates
set_keys front first
set_keys back first
start_gate front "$scratch/changing-front.policy" "$scratch/front.keys"
start_gate back "$scratch/changing-back.policy" "$scratch/back.keys" --grace 4
start_stream graceful
sleep 1
set_keys back second
check "the receiver has other keys, and the former no more" reloads back
check "the former SAs are retired there" number_of_sas back 2 retired
sleep 1
set_keys front second
check "the sender has the other keys a second later" reloads front
is_sent_under_new() {
    is_true front 'all(b["packets"] > 0 for b in s["sas"] if b["state"] == "live" and b["direction"] == "out")'
}
check "it seals under them" wait_until 2 is_sent_under_new
stop_stream graceful
check "no packet was lost between the two" came_whole graceful
check "the grace time ends: they are gone" wait_until 6 number_of_sas back 2
set_keys front first
check "a sender that goes back to the former keys" reloads front
before=$(dropped_at_back)
start_stream graceless
sleep 0.5
stop_stream graceless
is_refused_since() {
    [ "$(dropped_at_back)" -gt "$1" ]
}
check "is refused, for a reason with a name" is_refused_since "$before"
end_gates
