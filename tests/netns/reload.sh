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

# ---- under load: policies and keys change all the time

# Numbers go by three ports (udp_pairs.c): a policy lets the first or the second of them through, and always the third.
# So each change changes two things at once, and whatever were decided by half of each would show. One worker, because
# two would each change in their own time.
PAIRS_PORT=7100
PAIRS_RATE=2000
write_pair_policies() { # WHICH of the two is open, 0 or 1
    write_policy changing-front.policy <<EOF
protect out udp from me port { $((PAIRS_PORT + $1)), $((PAIRS_PORT + 2)) } to $BACK_IPV4 port $PAIRS_PORT with "encrypt" as "pairs"
block out udp from me to $BACK_IPV4 port $PAIRS_PORT
default bypass
EOF
}
start_pairs() { # NAME
    start_process "receive-$1" "$scratch/$1.received" ip netns exec "$topology_tag-back" \
        "$SP_BUILD/tests/netns/udp_pairs" receive "$BACK_IPV4" "$PAIRS_PORT"
    sleep 0.3
    start_process "send-$1" "$scratch/$1.sent" ip netns exec "$topology_tag-front" \
        "$SP_BUILD/tests/netns/udp_pairs" send "$BACK_IPV4" "$PAIRS_PORT" "$PAIRS_RATE"
}
queue_losses() { # what this machine was too slow for, which is not a reload's doing
    echo $(($(gate_value front 's["totals"]["outbound"]["drops"]["host-device-queue"]') +
        $(gate_value back 's["totals"]["inbound"]["drops"]["host-socket-queue"]')))
}
turned_as_often() { # NAME TIMES: as the policy changed, no more and no less, and of the third port all came
    local sent first second third turns disorder slow
    slow=$(queue_losses) || return 1
    read -r sent <"$scratch/$1.sent"
    read -r first second third turns disorder <"$scratch/$1.received"
    echo "sent $sent; received $first, $second, $third; $turns turns, $disorder out of order, $slow too many"
    [ "$sent" -gt 0 ] && [ "$third" -le "$sent" ] && [ "$third" -ge $((sent - slow)) ] && [ "$turns" -eq "$2" ] && [ "$disorder" -eq 0 ] &&
        [ "$first" -gt 0 ] && [ "$second" -gt 0 ] && [ $((first + second)) -le $((sent + $2)) ]
}

# Each round gives both ends new keys without a gap: the receiver has both before the sender has the new ones only.
change_round() { # ROUND
    local old=pair$(($1 % 2)) new=pair$((($1 + 1) % 2))
    pair "$new"
    set_keys back "$old" "$new" && reloads back >/dev/null || return 1
    set_keys front "$new" && reloads front >/dev/null || return 1
    sleep 0.05 # for what is on its way under the old ones
    set_keys back "$new" && reloads back >/dev/null || return 1
    write_pair_policies $((($1 + 1) % 2))
    reloads front >/dev/null
}
change_rounds() {
    local round
    for ((round = 0; round < RELOAD_ROUNDS; round++)); do
        change_round "$round" || return 1
    done
    sleep 0.1 # so that the last one is seen
}
end_gates
write_pair_policies 0
write_policy changing-back.policy <<EOF
protect in udp from any to me port $PAIRS_PORT with "encrypt" as "pairs"
default bypass
EOF
pair pair0
set_keys front pair0
set_keys back pair0
start_gate front "$scratch/changing-front.policy" "$scratch/front.keys" --workers 1
start_gate back "$scratch/changing-back.policy" "$scratch/back.keys" --workers 1
start_capture reloads front wire0 not esp
start_pairs reloads
sleep 0.3
check "$((4 * RELOAD_ROUNDS)) reloads under load, $RELOAD_ROUNDS of them with new keys, are all taken" change_rounds
check "the stream runs on" is_running send-reloads
stop_stream reloads
stop_capture reloads
check "none was decided by a mixture of policies, and none that all let through was lost or came twice" \
    turned_as_often reloads "$RELOAD_ROUNDS"
echo "# lost because this machine was too slow for a moment: $(queue_losses)"
check "and none was in clear" is_unseen reloads "udp"
check "the back-end has dropped nothing" is_true back \
    'all(n == 0 or d == "host-socket-queue" for d, n in s["totals"]["inbound"]["drops"].items())'
check "the front-end only by its policy" is_true front \
    'all(n == 0 or d in ("policy-block", "host-not-steered", "host-device-queue") for d, n in s["totals"]["outbound"]["drops"].items())'

# ---- killed under load

# At random, from a seed that is told: either daemon, in quiet or amid a reload, and begun again with its state, the
# same keys and more. The policy that it begins with is whichever of the two is in its file by then.
SEED=${SP_SEED-$RANDOM}
RANDOM=$SEED
echo "# seed of the kills: SP_SEED=$SEED"
start_pairs_gate() { # HOST
    start_gate "$1" "$scratch/changing-$1.policy" "$scratch/$1.keys" --state "$scratch/state-$1"
}
opened_more() { # BEFORE
    [ "$(gate_value back 's["totals"]["inbound"]["opened_packets"]')" -gt "$1" ]
}
opened_grows() {
    local before
    before=$(gate_value back 's["totals"]["inbound"]["opened_packets"]') && wait_until 10 opened_more "$before"
}
change_amid() { # NUMBER HOST: the host's change is still going on afterwards
    local other=front
    [ "$2" = back ] || other=back
    write_pair_policies $(($1 % 2))
    pair "kill$(($1 % 2))"
    set_keys front "kill$((($1 + 1) % 2))" "kill$(($1 % 2))"
    cp "$scratch/front.keys" "$scratch/back.keys"
    reloads "$other" >/dev/null || return 1
    reloads "$2" >/dev/null 2>&1 &
    sleep "0.0$((RANDOM % 4))"
}
kill_one() { # NUMBER
    local host=front
    [ $((RANDOM % 3)) -gt 0 ] || host=back
    sleep "0.$((RANDOM % 4))"
    [ $((RANDOM % 2)) -eq 0 ] || change_amid "$1" "$host" || return 1
    end_process "$host" KILL
    sleep "0.$((RANDOM % 3))"
    start_pairs_gate "$host" && opened_grows
}
kill_many() {
    local kill
    for ((kill = 0; kill < KILLS; kill++)); do
        kill_one "$kill" || { echo "at kill $kill" && return 1; }
    done
}
end_gates
pair kill0
pair kill1
set_keys front kill0 kill1
set_keys back kill0 kill1
start_pairs_gate front
start_pairs_gate back
start_capture kills front wire0 not esp
start_pairs kills
check "daemons are killed at random $KILLS times under load, and each time traffic goes on" kill_many
stop_stream kills
stop_capture kills
check "none of it was in clear" is_unseen kills "udp and not icmp"
arrived() { # NAME
    local first second third turns disorder
    read -r first second third turns disorder <"$scratch/$1.received"
    echo "received $first, $second, $third; $turns turns, $disorder out of order"
    [ "$third" -gt 1000 ]
}
check "some of it came" arrived kills
end_gates
rm -rf "$scratch/state-front" "$scratch/state-back"
