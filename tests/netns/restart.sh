# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: daemons with a state are killed amid traffic, and go on with the same keys.

# shellcheck source=stream.sh
. "$here/stream.sh"

RESTARTS=10
[ -z "${SP_NIGHTLY-}" ] || RESTARTS=100

write_policy restart-front.policy <<EOF
protect out udp from me to $BACK_IPV4 port $STREAM_PORT with "encrypt" as "stream"
default bypass
EOF
write_policy restart-back.policy <<EOF
protect in udp from any to me port $STREAM_PORT with "encrypt" as "stream"
default bypass
EOF
start_with_state() { # HOST
    start_gate "$1" "$scratch/restart-$1.policy" "$scratch/keys" --state "$scratch/state-$1"
}
exits_at_start_with() { # STATUS PATTERN HOST
    local status said
    said=$(in_host "$3" timeout 10 "$SP_BUILD/tools/sallyportd/sallyportd" --policy "$scratch/restart-$3.policy" \
        --keys "$scratch/keys" --control "$scratch/$3.sock" --state "$scratch/state-$3" 2>&1)
    status=$?
    echo "exit status $status: $said"
    [ "$status" -eq "$1" ] && grep -q "$2" <<<"$said"
}
# The judge is the wire: no number under an SPI twice, and enough of them. (What a host without a daemon refuses by ICMP
# quotes the packet.)
no_number_twice() { # CAPTURE
    local seen
    seen=$(tshark -n -r "$scratch/$1.pcap" -Y "esp && !icmp" -T fields -e esp.spi -e esp.sequence 2>/dev/null | sort)
    uniq -d <<<"$seen" | head
    echo "$(wc -l <<<"$seen") ESP packets"
    [ "$(wc -l <<<"$seen")" -gt 500 ] && [ -z "$(uniq -d <<<"$seen")" ]
}
# More packets have come to the back-end's SA than before.
grows() { # EXPRESSION BEFORE
    [ "$(gate_value back "$1")" -gt "$2" ]
}
opened='s["totals"]["inbound"]["opened_packets"]'

renew_keys
start_with_state front
start_with_state back
check "the state's folder is for its owner alone" test "$(stat -c %a "$scratch/state-front")" = 700
start_capture restarts front wire0
start_stream restarted
sleep 0.5
for round in $(seq "$RESTARTS"); do
    host=front
    [ $((round % 2)) -eq 1 ] || host=back
    end_process "$host" KILL
    sleep 0.1
    start_with_state "$host" || tell_broken=1
    before=$(gate_value back "$opened")
    wait_until 5 grows "$opened" "$before" || tell_broken=1
done
check "after each of $RESTARTS kills the peers understand each other again, with the same keys" test -z "${tell_broken-}"
stop_stream restarted
stop_capture restarts
check "what came, came once" came_in_part restarted
check "no sequence number was sent twice" no_number_twice restarts
check "and nothing in clear" is_hidden restarts "udp port $STREAM_PORT"
check "the log says that SAs went on" grep -q 'they go on where they were' "$scratch/front.log"
end_gates

# ---- an end in order, and files that can't be trusted

start_with_state front
start_with_state back
before=$(gate_value back "$opened")
start_stream ordered
check "after an end in order the SAs go on as well" wait_until 5 grows "$opened" "$before"
stop_stream ordered
end_gates
printf 'x' >>"$scratch/state-front/state"
check "with a damaged state the daemon does not start" exits_at_start_with 1 'no SA can go on from it' front
rm -rf "$scratch/state-front" "$scratch/state-back"
renew_keys
