# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: hours of work, as far as a test may last: TCP and UDP at load over both families, reloads, and clients that ask
# all the time. Memory stays flat, no descriptor is lost, and the two hosts' counters add up to the last packet.

SOAK_SECONDS=${SP_SOAK_SECONDS-20}
[ -z "${SP_NIGHTLY-}" ] || SOAK_SECONDS=${SP_SOAK_SECONDS-1800}
SOAK_PORT=7200
SOAK_WARM_UP_SECONDS=5

write_both_policies soak raw "tcp from any to any port 80" "udp from any to any port { $SOAK_PORT, 5000 }"

start_soak() {
    start_process soak-web "$scratch/soak-web" ip netns exec "$topology_tag-front" bash -c '
        while :; do
            for host in "$@"; do
                curl -g -s -f --max-time 20 -o /dev/null "http://$host/big" && echo fetched
            done
        done' soak-web "$BACK_IPV4" "[$BACK_IPV6]"
    start_process soak-drain "$scratch/soak-drain" ip netns exec "$topology_tag-back" \
        "$SP_BUILD/tests/netns/udp_flood" receive "$BACK_IPV4" "$SOAK_PORT"
    sleep 0.3
    start_process soak-flood "$scratch/soak-flood" ip netns exec "$topology_tag-front" \
        "$SP_BUILD/tests/netns/udp_flood" send "$BACK_IPV4" "$SOAK_PORT" 700 "$((SOAK_SECONDS + 60))"
}
# One line a second: resident kilobytes and descriptors of both daemons.
sample() { # HOST...
    local host line=''
    for host in "$@"; do
        line+=" $(awk '/^VmRSS/ { print $2 }' "/proc/${topology_pids[$host]}/status")"
        line+=" $(ls "/proc/${topology_pids[$host]}/fd" | wc -l)"
    done
    echo "$line"
}
work_long() {
    local end=$((SECONDS + SOAK_SECONDS)) round=0
    : >"$scratch/soak-samples"
    while [ "$SECONDS" -lt "$end" ]; do
        is_running front && is_running back || return 1
        gate_status front >/dev/null && gate_status back >/dev/null || return 1
        [ $((round += 1)) -gt "$SOAK_WARM_UP_SECONDS" ] && sample front back >>"$scratch/soak-samples"
        [ $((round % 4)) -ne 0 ] || "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock" >/dev/null ||
            return 1
        sleep 1
    done
}
# The least-squares slope of the resident memory, over the whole time; and descriptors are as many at the end.
is_flat() {
    /usr/bin/python3 - "$scratch/soak-samples" <<'PYTHON'
import sys
rows = [list(map(int, line.split())) for line in open(sys.argv[1])]
assert len(rows) >= 5, "too few samples"
middle = (len(rows) - 1) / 2
weight = sum((i - middle) ** 2 for i in range(len(rows)))
for host, column in (("front", 0), ("back", 2)):
    kilobytes = [row[column] for row in rows]
    grown = sum((i - middle) * kb for i, kb in enumerate(kilobytes)) / weight * (len(rows) - 1)
    descriptors = [row[column + 1] for row in rows]
    print(f"{host}: {min(kilobytes)} to {max(kilobytes)} KB, {grown:+.0f} KB by the slope; "
          f"descriptors {descriptors[0]}, {descriptors[-1]} at the end")
    assert grown < 512, "memory grows"
    assert descriptors[-1] <= descriptors[0], "descriptors are lost"
PYTHON
}
add_up_between() {
    gate_status front >"$scratch/front.status" && gate_status back >"$scratch/back.status" &&
        /usr/bin/python3 - "$scratch/front.status" "$scratch/back.status" <<'PYTHON'
import json, sys
front, back = (json.load(open(file))["totals"] for file in sys.argv[1:])
for sender, receiver in ((front, back), (back, front)):
    sealed, opened = sender["outbound"]["sealed_packets"], receiver["inbound"]["opened_packets"]
    lost = {reason: n for reason, n in receiver["inbound"]["drops"].items() if n}
    print(f"sealed {sealed} = opened {opened} + {lost}")
    assert sealed == opened + sum(lost.values()) and opened > 1000
    assert lost.keys() <= {"host-socket-queue"}
PYTHON
}

check "daemons for a long time start" start_gate front "$scratch/soak-out.policy" "$scratch/keys"
check "on the back-end too" start_gate back "$scratch/soak-in.policy" "$scratch/keys"
start_capture soak front wire0 not esp
start_soak
check "they work for $SOAK_SECONDS s, with reloads" work_long
end_process soak-flood
end_process soak-web
sleep 1
end_process soak-drain
stop_capture soak
check "memory is flat, no descriptor is lost" is_flat
sed 's/^/# /' "$scratch/check.log"
check "what was sealed was opened, or has a reason, to the last packet" add_up_between
sed 's/^/# /' "$scratch/check.log"
check "files came all the time" test "$(grep -c fetched "$scratch/soak-web")" -gt 2
check "and nothing went in clear" is_unseen soak 'tcp or udp'
end_gates
renew_keys
