# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: links as they are. Each row of a table is a form of ESP, a family, an MTU, the devices' offloads on or off, and
# what the link does to packets; over each of them go files, requests, streams and datagrams. The judges: bytes by their
# checksum, nothing in clear on the wire, and counters that add up, with what the link has lost.

IMPAIRED_PORTS='{ 80, 5201 }'
LOSS_IN=50     # one packet in so many is lost
REORDER_IN=100 # one in so many is held back for some milliseconds
ROWS=('raw 4 1500 off none' 'udp 6 9000 on none' 'raw 6 9000 on loss' 'udp 4 1500 off loss' 'raw 4 1500 on reorder')
if [ -n "${SP_NIGHTLY-}" ]; then
    ROWS=()
    for form in raw udp; do
        for family in 4 6; do
            for mtu in 1500 9000; do
                for offloads in on off; do
                    for harm in none loss reorder; do
                        ROWS+=("$form $family $mtu $offloads $harm")
                    done
                done
            done
        done
    done
fi

set_links() { # MTU OFFLOADS
    local host
    for host in front back; do
        in_host "$host" ip link set wire0 mtu "$1"
        in_host "$host" ethtool -K wire0 tx "$2" rx "$2" sg "$2" tso "$2" gso "$2" gro "$2" >/dev/null 2>&1
    done
}

# netem where the kernel has it, to what leaves both hosts. Else the hook on the way in: it drops by itself, and hands
# what is to be late to a device (ifb) that gives it back when its bucket has tokens again.
harm_with_netem() { # loss|reorder
    local host wish=(loss "$((100 / LOSS_IN))%")
    [ "$1" = loss ] || wish=(delay 2ms reorder "$((100 - 100 / REORDER_IN))%")
    for host in front back; do
        in_host "$host" tc qdisc replace dev wire0 root netem "${wish[@]}" || return 1
    done
}
harm_by_hook() { # loss|reorder
    local host rule
    for host in front back; do
        rule="numgen random mod $LOSS_IN == 0 counter name lost drop"
        if [ "$1" = reorder ]; then
            in_host "$host" ip link add late0 type ifb && in_host "$host" ip link set late0 up || return 1
            in_host "$host" tc qdisc replace dev late0 root tbf rate 20mbit burst 10kb limit 60kb || return 1
            rule="numgen random mod $REORDER_IN == 0 fwd to late0"
        fi
        in_host "$host" nft -f - <<EOF || return 1
table netdev harm {
    counter lost { }
    chain ingress {
        type filter hook ingress device wire0 priority 0;
        meta protocol { ip, ip6 } meta l4proto { esp, udp } $rule
    }
}
EOF
    done
}
harm_link() { # none|loss|reorder: false with the reason in harm-log
    harm_is_counted=''
    case $1 in
    none) harm_is_counted=yes ;;
    *) harm_with_netem "$1" 2>/dev/null || { in_front tc qdisc delete dev wire0 root 2>/dev/null; harm_by_hook "$1"; } ;;
    esac >"$scratch/harm-log" 2>&1 || return 1
    in_back nft list table netdev harm >/dev/null 2>&1 && [ "$1" = loss ] && harm_is_counted=yes
    return 0
}
heal_link() {
    local host
    for host in front back; do
        in_host "$host" tc qdisc delete dev wire0 root
        in_host "$host" nft delete table netdev harm
        in_host "$host" ip link delete late0
    done 2>/dev/null
}

asks_udp() { # ADDRESS BYTES: an answer may be lost, several may not
    local try
    for try in 1 2 3 4 5 6; do
        in_front /usr/bin/python3 -B "$here/udp_echo.py" ask "$1" 5000 "$2" && return
    done
    return 1
}
serves_many() { # URL-HOST
    in_front wrk -t 1 -c 8 -d 1 --timeout 5 "http://$1/small" >"$scratch/wrk" && cat "$scratch/wrk" &&
        ! grep -Eq 'Non-2xx|connect [1-9]' "$scratch/wrk" && grep -Eq '^ +[0-9]{2,} requests' "$scratch/wrk"
}
streams() { # ADDRESS [OPTION...]
    start_process iperf "$scratch/iperf" ip netns exec "$topology_tag-back" iperf3 -s -1 -B "$1"
    wait_until 5 in_back sh -c 'ss -Hltn "sport = :5201" | grep -q .'
    in_front timeout 30 iperf3 -c "$1" -t 1 "${@:2}"
    local answer=$?
    end_process iperf
    return "$answer"
}
uploads_big() { # URL-HOST
    local answer
    answer=$(in_front curl -g -s -f --max-time 60 --data-binary "@$scratch/www/big" \
        -H 'Content-Type: application/octet-stream' "http://$1/upload")
    [ "$answer" = "$(sha256sum <"$scratch/www/big" | cut -d ' ' -f 1)" ]
}
# Was anything done to packets at all?
harm_was_done() { # none|loss|reorder
    case $1 in
    none) true ;;
    loss) [ -z "$harm_is_counted" ] || [ "$(harm_lost back)" -gt 20 ] ;;
    reorder) ! in_back ip link show late0 || [ "$(in_back cat /proc/net/dev | awk '$1 == "late0:" { print $11 }')" -gt 20 ] ;;
    esac
}
harm_lost() { # HOST: how many packets its hook took
    in_host "$1" nft -j list counter netdev harm lost 2>/dev/null |
        /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["nftables"][1]["counter"]["packets"])' 2>/dev/null || echo 0
}
# What one sealed the other was offered, less what the link has lost; of joined datagrams the hook counts only one.
add_up_over_link() { # FORM HARM
    sleep 0.5
    gate_status front >"$scratch/front.status" && gate_status back >"$scratch/back.status" &&
        /usr/bin/python3 - "$scratch/front.status" "$scratch/back.status" "$(harm_lost front)" "$(harm_lost back)" \
            "$([ -n "$harm_is_counted" ] && [ "$1 $2" != 'udp loss' ] && echo exact)" "$2" <<'PYTHON'
import json, sys
front, back = (json.load(open(file))["totals"] for file in sys.argv[1:3])
for sender, receiver, lost in ((front, back, int(sys.argv[4])), (back, front, int(sys.argv[3]))):
    sealed, into = sender["outbound"]["sealed_packets"], receiver["inbound"]
    drops = {reason: n for reason, n in into["drops"].items() if n}
    print(f"sealed {sealed}; offered {into['offered_packets']}, opened {into['opened_packets']}, {drops}; lost {lost}")
    assert into["offered_packets"] == into["opened_packets"] + sum(drops.values()) and into["opened_packets"] > 100
    assert drops.keys() <= {"host-socket-queue", "replay"} if sys.argv[6] == "reorder" else {"host-socket-queue"}
    if sys.argv[5]:
        assert sealed == into["offered_packets"] + lost
    else:
        assert sealed >= into["offered_packets"] + lost
PYTHON
}

impaired() { # FORM FAMILY MTU OFFLOADS HARM
    local name="$1, IPv$2, MTU $3, offloads $4, $5" address=$BACK_IPV4 url=$BACK_IPV4
    [ "$2" = 4 ] || { address=$BACK_IPV6 url="[$BACK_IPV6]"; }
    set_links "$3" "$4"
    write_both_policies impaired "$1" "tcp from any to any port $IMPAIRED_PORTS" "udp from any to any port 5000"
    rm -f "$scratch/keys"
    make_keys "$scratch/keys" $([ "$1" = raw ] || echo --encap)
    if ! harm_link "$5"; then
        skip "$name" "this kernel can't do that to a link: $(tail -n 1 "$scratch/harm-log")"
        heal_link
        return
    fi
    check "$name: both daemons start" start_gate front "$scratch/impaired-out.policy" "$scratch/keys"
    check "$name: the back-end's" start_gate back "$scratch/impaired-in.policy" "$scratch/keys"
    start_capture impaired front wire0 not esp and not udp port 4500
    check "$name: a file comes down" fetches front "$url" big
    check "$name: a file goes up" uploads_big "$url"
    check "$name: many requests" serves_many "$url"
    check "$name: a stream up" streams "$address"
    check "$name: a stream down" streams "$address" -R
    check "$name: datagrams" asks_udp "$address" $(($3 - 150))
    stop_capture impaired
    check "$name: nothing in clear" is_unseen impaired 'tcp or udp'
    check "$name: the link was as told" harm_was_done "$5"
    check "$name: counters add up" add_up_over_link "$1" "$5"
    end_gates
    heal_link
}

for row in "${ROWS[@]}"; do
    # shellcheck disable=SC2086 # a list of words
    impaired $row
done
set_links 1500 on
renew_keys
