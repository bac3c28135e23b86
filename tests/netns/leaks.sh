# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: does anything leak, or get lost? Under load policies and keys change all the time, and daemons are killed.

# shellcheck source=stream.sh
. "$here/stream.sh"

RELOAD_ROUNDS=50 # of four reloads each
KILLS=10
if [ -n "${SP_NIGHTLY-}" ]; then
    RELOAD_ROUNDS=2500
    KILLS=200
fi

# ---- policies and keys change all the time

# Numbers go by pairs of ports (udp_pairs.c): a policy lets those at even or those at odd places through, and the last
# always. So each change changes two things at once for each pair, and whatever were decided by half of each would show.
# No more are on their way than any queue has room for, so not one may be lost: neither to a reload, nor otherwise.
PAIRS_PORT=7100
PAIRS_LAST=6
PAIRS_RATE=1500
write_pair_policies() { # WHICH of two neighbours is open, 0 or 1
    local ports=$((PAIRS_PORT + $1)) place
    for ((place = 2 + $1; place < PAIRS_LAST; place += 2)); do
        ports+=", $((PAIRS_PORT + place))"
    done
    write_policy changing-front.policy <<EOF
protect out udp from me port { $ports, $((PAIRS_PORT + PAIRS_LAST)) } to $BACK_IPV4 port $PAIRS_PORT with "encrypt" as "pairs"
block out udp from me to $BACK_IPV4 port $PAIRS_PORT
default bypass
EOF
}
start_pairs() { # NAME
    start_process "receive-$1" "$scratch/$1.received" ip netns exec "$topology_tag-back" \
        "$SP_BUILD/tests/netns/udp_pairs" receive "$BACK_IPV4" "$PAIRS_PORT" "$scratch/$1.progress"
    sleep 0.3
    start_process "send-$1" "$scratch/$1.sent" ip netns exec "$topology_tag-front" \
        "$SP_BUILD/tests/netns/udp_pairs" send "$BACK_IPV4" "$PAIRS_PORT" "$PAIRS_RATE" "$scratch/$1.progress"
}
declare -A pairs=()
read_pairs() { # NAME
    local item
    pairs=()
    read -r "pairs[sent]" <"$scratch/$1.sent"
    for item in $(<"$scratch/$1.received"); do
        pairs[${item%%=*}]=${item#*=}
    done
    echo "sent=${pairs[sent]} $(<"$scratch/$1.received")"
}
# What the daemons dropped for want of time. With one worker there is nothing of it: the last port's flow tells of the
# only queue. Two workers have a queue each, and the flow tells of its own.
late_at_back='sum(s["totals"]["inbound"]["drops"][d] for d in ("host-socket-queue", "replay"))'
dropped_for_slowness() {
    gate_value front 's["totals"]["outbound"]["drops"]["host-device-queue"]' || return 1
    gate_value back "$late_at_back"
}
read_slowness() { # WORKERS
    pairs[slow]=0
    [ "$1" -eq 1 ] || pairs[slow]=$(dropped_for_slowness | awk '{ sum += $1 } END { print sum + 0 }') || return 1
    echo "${pairs[slow]} dropped because this machine was too slow for them"
}
all_came_once() { # NAME WORKERS: of the last port, which all policies let through
    read_pairs "$1" && read_slowness "$2" || return 1
    [ "${pairs[sent]}" -gt 0 ] && [ "${pairs[twice]}" -eq 0 ] && [ "${pairs[whole]}" -le "${pairs[sent]}" ] &&
        [ "${pairs[whole]}" -ge $((pairs[sent] - pairs[slow])) ]
}
# Each flow changes as often as the policy: a packet less or more that came through would be two changes more. One
# worker sees one policy at a time, hence no pair is open on both sides for longer than the number that is in hand; two
# workers change each in their own time.
changed_as_often() { # NAME TIMES WORKERS
    read_pairs "$1" && read_slowness "$3" || return 1
    [ "${pairs[least_changes]}" -ge $(($2 - 2 * pairs[slow])) ] && [ "${pairs[most_changes]}" -le $(($2 + 2 * pairs[slow])) ] || return 1
    [ "$3" -gt 1 ] || { [ "${pairs[turns]}" -eq "$2" ] && [ "${pairs[both]}" -le "$2" ] && [ "${pairs[disorder]}" -eq 0 ]; }
}

# Keys of a number: one file of keygen's is all that is needed, and the numbers in it are ours. Nothing else is started
# in a round but ipsecctl, so that reload follows upon reload.
pair pattern
pair_pattern=$(sed -e 's/^sa "pattern/sa "pair%d/; s/spi 0x.*/spi %#010x/; s/\(integrity-key 0x\).\{8\}/\1%08x/' "$scratch/pattern")
set_numbered_keys() { # HOST NUMBER...
    local host=$1 number
    shift
    for number in "$@"; do
        # shellcheck disable=SC2059 # the pattern
        printf "$pair_pattern\n" "$number" $((0x10000 + 2 * number)) "$number" "$number" $((0x10001 + 2 * number)) "$number"
    done >"$scratch/$host.keys"
}
# Each round gives both ends new keys without a gap: the receiver has both before the sender has the new ones only, and
# then the old ones for a time of grace.
change_round() { # ROUND
    set_numbered_keys back "$1" $(($1 + 1)) && reloads back >/dev/null || return 1
    set_numbered_keys front $(($1 + 1)) && reloads front >/dev/null || return 1
    set_numbered_keys back $(($1 + 1)) && reloads back >/dev/null || return 1
    echo "${pair_policies[($1 + 1) % 2]}" >"$scratch/changing-front.policy"
    reloads front >/dev/null
}
change_rounds() {
    local round
    for ((round = 0; round < RELOAD_ROUNDS; round++)); do
        change_round "$round" || return 1
    done
    sleep 0.1 # so that the last one is seen
}
reload_under_load() { # WORKERS
    local workers="with $1 worker$([ "$1" -eq 1 ] || echo s)"
    local pair_policies which
    for which in 1 0; do
        write_pair_policies "$which"
        pair_policies[which]=$(<"$scratch/changing-front.policy")
    done
    rm -f "$scratch/front.keys" "$scratch/back.keys"
    (umask 077 && touch "$scratch/front.keys" "$scratch/back.keys")
    set_numbered_keys front 0
    set_numbered_keys back 0
    start_gate front "$scratch/changing-front.policy" "$scratch/front.keys" --workers "$1"
    start_gate back "$scratch/changing-back.policy" "$scratch/back.keys" --workers "$1"
    start_capture reloads front wire0 not esp
    start_pairs reloads
    sleep 0.3
    check "$((4 * RELOAD_ROUNDS)) reloads under load $workers, $RELOAD_ROUNDS of them with new keys, are all taken" change_rounds
    check "$workers: the stream runs on" is_running send-reloads
    stop_stream reloads
    stop_capture reloads
    check "$workers: of what all policies let through not one was lost or came twice" all_came_once reloads "$1"
    sed 's/^/# /' "$scratch/check.log"
    check "$workers: none was decided by a mixture of policies" changed_as_often reloads "$RELOAD_ROUNDS" "$1"
    check "$workers: none was in clear" is_unseen reloads "udp"
    check "$workers: the back-end has dropped nothing else" is_true back \
        "sum(s['totals']['inbound']['drops'].values()) == $([ "$1" -eq 1 ] && echo 0 || gate_value back "$late_at_back")"
    check "$workers: the front-end only by its policy" is_true front \
        "all(n == 0 or d in ('policy-block', 'host-not-steered', $([ "$1" -eq 1 ] || echo "'host-device-queue'")) for d, n in s['totals']['outbound']['drops'].items())"
    end_gates
}
write_receiver_policy() {
    write_policy changing-back.policy <<EOF
protect in udp from any to me port $PAIRS_PORT with "encrypt" as "pairs"
default bypass
EOF
}
end_gates
write_receiver_policy
reload_under_load 1
reload_under_load 2

# Kernels have been seen to take sets of intervals for empty while a change is made. Of rules that have them nothing may
# be missed for a moment: neither what they protect, nor what they block.
BLOCKED_PORT=7405
write_interval_policies() { # WHICH of the other intervals
    write_policy changing-front.policy <<EOF
protect out udp from me port { $PAIRS_PORT-$((PAIRS_PORT + PAIRS_LAST)), 72$1 } to $BACK_IPV4 port $PAIRS_PORT with "encrypt" as "pairs"
default bypass
EOF
    write_policy changing-back.policy <<EOF
protect in udp from any to me port $PAIRS_PORT with "encrypt" as "pairs"
block in udp from any to me port { $((BLOCKED_PORT - 1))-$((BLOCKED_PORT + 1)), 72$1 }
default bypass
EOF
}
change_intervals() {
    local round
    for ((round = 0; round < 2 * RELOAD_ROUNDS; round++)); do
        write_interval_policies $((10 + round % 2))
        reloads front >/dev/null && reloads back >/dev/null || return 1
    done
}
stays_out() { # NAME: all of it
    local sent received
    read -r sent <"$scratch/$1.sent"
    read -r received _ <"$scratch/$1.received"
    echo "sent $sent, received $received"
    [ "$sent" -gt 0 ] && [ "$received" -eq 0 ]
}
guard_sets() { # how many there are in both guards
    { in_front nft list sets table inet sallyport && in_back nft list sets table inet sallyport; } | grep -c '^[[:space:]]*set '
}
as_many_sets() { # AS-BEFORE
    local now
    now=$(guard_sets)
    echo "$1 before, $now now"
    [ "$1" -gt 0 ] && [ "$now" -eq "$1" ]
}
never_changed() { # NAME: each port was open from first to last
    read_pairs "$1" && [ "${pairs[most_changes]}" -eq 0 ]
}
write_interval_policies 10
pair pair0
set_keys front pair0
set_keys back pair0
start_gate front "$scratch/changing-front.policy" "$scratch/front.keys" --workers 1
start_gate back "$scratch/changing-back.policy" "$scratch/back.keys" --workers 1
start_capture intervals front wire0 dst port "$PAIRS_PORT" and not esp
start_process receive-blocked "$scratch/blocked.received" ip netns exec "$topology_tag-back" \
    /usr/bin/python3 -B "$here/udp_stream.py" receive "$BACK_IPV4" "$BLOCKED_PORT"
start_process send-blocked "$scratch/blocked.sent" ip netns exec "$topology_tag-front" \
    /usr/bin/python3 -B "$here/udp_stream.py" send "$BACK_IPV4" "$BLOCKED_PORT" 2000
start_pairs intervals
sleep 0.3
sets_before=$(guard_sets)
check "$((4 * RELOAD_ROUNDS)) reloads of policies with intervals, under load" change_intervals
end_process send-blocked
stop_stream intervals
end_process receive-blocked
stop_capture intervals
check "of their sets no guard has kept those of former policies" as_many_sets "$sets_before"
check "none of what is protected was in clear meanwhile" is_unseen intervals "udp"
check "and none was lost or came twice" all_came_once intervals 1
sed 's/^/# /' "$scratch/check.log"
check "from none of the ports" never_changed intervals
check "none of what is blocked got in" stays_out blocked
end_gates

# ---- killed

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
write_pair_policies 0
write_receiver_policy
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
    read_pairs "$1"
    [ "${pairs[whole]}" -gt 1000 ]
}
check "some of it came" arrived kills
end_gates
rm -rf "$scratch/state-front" "$scratch/state-back"
