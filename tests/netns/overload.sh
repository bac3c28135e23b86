# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: floods of UDP, several times what the gate carries. Memory stays what it was, a ping gets through in time, and
# each datagram that does not arrive has one of our reasons: sent = received + the sum of the reasons, exactly.

FLOOD_PORT=7001
FLOOD_SECONDS=2
PING_MS_MAX=20
RSS_GROWTH_KB_MAX=8192
# policy, address family, from, to, bytes of a datagram
FLOODS=('raw 4 front back 1400' 'raw 6 back front 512' 'udp 4 front back 64')
if [ -n "${SP_NIGHTLY-}" ]; then
    FLOOD_SECONDS=10
    FLOODS=()
    for form in raw udp; do
        for family in 4 6; do
            for way in 'front back' 'back front'; do
                for bytes in 18 64 512 1372; do
                    FLOODS+=("$form $family $way $bytes")
                done
            done
        done
    done
fi

address_of() { # HOST FAMILY
    local name=${1^^}_IPV$2
    echo "${!name}"
}
peak_kb() { # HOST: the most memory that the daemon has ever had
    awk '/^VmHWM/ { print $2 }' "/proc/${topology_pids[$1]}/status"
}
# flood FORM FAMILY FROM TO BYTES: leaves what became of it in files
flood() {
    local form=$1 family=$2 from=$3 to=$4 bytes=$5 address host
    local -A peak
    address=$(address_of "$to" "$family")
    rm -f "$scratch/keys"
    make_keys "$scratch/keys" $([ "$form" = udp ] && echo --encap) || return 1
    # the pings go by IPv4 and the SAs of IPv4 even when the flood does not: they share the device and the processors
    write_both_policies flood "$form" "udp from any to any port $FLOOD_PORT" "icmp from any to any"
    start_gate "$from" "$scratch/flood-out.policy" "$scratch/keys" || return 1
    start_gate "$to" "$scratch/flood-in.policy" "$scratch/keys" || return 1
    peak=([front]=$(peak_kb front) [back]=$(peak_kb back))
    start_process drain "$scratch/drain" ip netns exec "$topology_tag-$to" \
        "$SP_BUILD/tests/netns/udp_flood" receive "$address" "$FLOOD_PORT"
    sleep 0.3
    start_process flood "$scratch/flood" ip netns exec "$topology_tag-$from" \
        "$SP_BUILD/tests/netns/udp_flood" send "$address" "$FLOOD_PORT" "$bytes" "$FLOOD_SECONDS"
    sleep 0.3
    in_host "$from" ping -n -i 0.02 -w "$FLOOD_SECONDS" "$(address_of "$to" 4)" >"$scratch/ping-during"
    wait "${topology_pids[flood]}"
    unset "topology_pids[flood]"
    in_host "$from" ping -n -i 0.02 -c 40 "$(address_of "$to" 4)" >"$scratch/ping-after"
    sleep 0.2
    end_process drain
    gate_status front >"$scratch/front.status" && gate_status back >"$scratch/back.status" || return 1
    for host in front back; do
        echo "$host: $(($(peak_kb "$host") - peak[$host])) KB more at its peak"
        [ $(($(peak_kb "$host") - peak[$host])) -le "$RSS_GROWTH_KB_MAX" ] || flood_grew=1
    done
    end_gates
}
# The milliseconds of the pings that came back: least, median, most.
pings() { # during|after
    sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p' "$scratch/ping-$1" | sort -n |
        awk '{ at[NR] = $1 } END { print at[1], at[int((NR + 1) / 2)], at[NR] }'
}
is_prompt() { # during|after
    local least median most
    read -r least median most <<<"$(pings "$1")"
    echo "ping $1 the flood: least $least, median $median, most $most ms"
    [ -n "$median" ] && awk -v m="$median" -v most="$PING_MS_MAX" 'BEGIN { exit !(m < most) }'
}
# The chain of custody, link by link. Each echo request that comes out of the gate is answered, which the reply's
# sealing or bypass shows; so requests are known from what ping sent and what was lost between.
adds_up() { # FROM TO
    /usr/bin/python3 - "$scratch/$1.status" "$scratch/$2.status" "$scratch/flood" "$scratch/drain" \
        "$scratch/ping-during" "$scratch/ping-after" <<'PYTHON'
import json, re, sys
sender, receiver = (json.load(open(file))["totals"] for file in sys.argv[1:3])
taken, refused = map(int, open(sys.argv[3]).read().split())
received, left = map(int, open(sys.argv[4]).read().split())
pings = sum(int(re.search(r"(\d+) packets transmitted", open(file).read())[1]) for file in sys.argv[5:7])
out, into = sender["outbound"], receiver["inbound"]
lost = {f"{side} {reason}": count for side, counters in (("sealing", out), ("opening", into))
        for reason, count in counters["drops"].items() if count}
echoed = receiver["outbound"]["offered_packets"]  # replies to the pings: the only traffic back
print(f"{taken} sent ({refused} refused), {pings} pings; {received} received, {left} left by the receiver; {lost}")
assert received > 0 and lost, "that was no overload"
assert not refused
assert out["offered_packets"] == taken + pings
assert out["offered_packets"] == out["sealed_packets"] + sum(out["drops"].values())
assert into["offered_packets"] == out["sealed_packets"], "lost between the gates"
assert into["offered_packets"] == into["opened_packets"] + sum(into["drops"].values())
assert into["opened_packets"] == received + left + echoed
assert taken + pings == received + left + echoed + sum(lost.values())
allowed = {"sealing host-device-queue", "sealing host-send", "opening host-socket-queue"}
assert lost.keys() <= allowed, "not for want of speed"
PYTHON
}

for row in "${FLOODS[@]}"; do
    read -r form family from to bytes <<<"$row"
    name="a flood of $bytes bytes over IPv$family, $form, $from to $to"
    flood_grew=''
    check "$name" flood "$form" "$family" "$from" "$to" "$bytes"
    check "$name: memory is bounded" test -z "$flood_grew"
    check "$name: a ping takes less than $PING_MS_MAX ms" is_prompt during
    echo "# ping, ms (least median most): $(pings during) during, $(pings after) after"
    check "$name: and right after" is_prompt after
    check "$name: each lost datagram has a reason" adds_up "$from" "$to"
done

# A link that is slower than the gate: what its queue has no room for is told by the kernel to those only who ask.
if in_front tc qdisc add dev wire0 root tbf rate 100mbit burst 32kb limit 100kb 2>"$scratch/check.log"; then
    check "a flood onto a slow link" flood raw 4 front back 1400
    in_front tc qdisc delete dev wire0 root
    check "a slow link: each lost datagram has a reason" adds_up front back
    check "a slow link: and some have that of the link" /usr/bin/python3 -c '
import json, sys
assert json.load(open(sys.argv[1]))["totals"]["outbound"]["drops"]["host-send"] > 0' "$scratch/front.status"
else
    skip "a flood onto a slow link" "this kernel has no token bucket filter: $(head -n 1 "$scratch/check.log")"
fi
renew_keys
