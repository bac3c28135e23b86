# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: policies and keys change while traffic runs.

# shellcheck source=stream.sh
. "$here/stream.sh"

RELOAD_ROUNDS=50 # of four reloads each
KILLS=10
if [ -n "${SP_NIGHTLY-}" ]; then
    RELOAD_ROUNDS=2500
    KILLS=200
fi

reloads() { # HOST [OPTION...]
    "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/$1.sock" "${@:2}"
}
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

# pair NAME: keys of their own for both directions between the hosts.
pair() {
    rm -f "$scratch/$1"
    (umask 077 && "$SP_BUILD/tools/ipsecctl/ipsecctl" keygen --from "$FRONT_IPV4" --to "$BACK_IPV4" |
        sed "s/^sa \"/&$1 /" >"$scratch/$1")
}
set_keys() { # HOST PAIR...
    (umask 077 && cd "$scratch" && cat "${@:2}" >"$1.new" && mv "$1.new" "$1.keys")
}

# ---- what ipsecctl reload says

write_stream_policies
pair first
pair second
set_keys front first
set_keys back first
check "daemons whose files will change start" start_gate front "$scratch/changing-front.policy" "$scratch/front.keys"
check "on the back-end too, to be changed" start_gate back "$scratch/changing-back.policy" "$scratch/back.keys"

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

# ---- under load: policies and keys change all the time

# Each round gives both ends new keys without a gap: the receiver has both before the sender has the new ones only.
change_round() { # ROUND
    local old=pair$(($1 % 2)) new=pair$((($1 + 1) % 2))
    pair "$new"
    set_keys back "$old" "$new" && reloads back >/dev/null || return 1
    set_keys front "$new" && reloads front >/dev/null || return 1
    sleep 0.05 # for what is on its way under the old ones
    set_keys back "$new" && reloads back >/dev/null || return 1
    write_stream_policies "block out udp from me to any port { 6000, $((10000 + $1)) }"
    reloads front >/dev/null
}
change_rounds() {
    local round
    for ((round = 0; round < RELOAD_ROUNDS; round++)); do
        change_round "$round" || return 1
    done
}
end_gates
write_stream_policies
pair pair0
set_keys front pair0
set_keys back pair0
start_gate front "$scratch/changing-front.policy" "$scratch/front.keys"
start_gate back "$scratch/changing-back.policy" "$scratch/back.keys"
start_capture reloads front wire0
start_stream reloads
check "$((4 * RELOAD_ROUNDS)) reloads under load, $RELOAD_ROUNDS of them with new keys, are all taken" change_rounds
check "the stream runs on" is_running send-reloads
stop_stream reloads
stop_capture reloads
check "not one datagram was lost to a reload, or came twice" came_whole reloads
check "and none was in clear" is_hidden reloads "udp port $STREAM_PORT"
check "nor has the front-end dropped one" is_true front 's["totals"]["outbound"]["dropped_packets"] == 0'
check "nor the back-end" is_true back 's["totals"]["inbound"]["dropped_packets"] == 0'

# ---- killed under load

# With the old keys its sequence numbers would begin again: so it gets new ones, and the back-end is told.
kill_front() {
    local kill
    for ((kill = 0; kill < KILLS; kill++)); do
        sleep "0.$((RANDOM % 4))"
        end_process front KILL
        sleep "0.$((RANDOM % 3))"
        pair fresh
        set_keys back fresh && reloads back >/dev/null && set_keys front fresh || return 1
        start_gate front "$scratch/changing-front.policy" "$scratch/front.keys" || return 1
    done
    sleep 0.5
}
start_capture kills front wire0
start_stream kills
check "the front-end's daemon is killed $KILLS times under load, and each time starts again" kill_front
stop_stream kills
stop_capture kills
check "none of it was in clear" is_hidden kills "udp port $STREAM_PORT"
check "what came, came once" came_in_part kills
