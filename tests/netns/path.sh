# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: a router on the way has a narrower link than the hosts know of.
#
#     front-end  far0 ------- far0  bystander  side0 ------- side0  back-end
#     198.51.100.129/25      .130/25           .7/25                .2/25
#                      MTU 1400 here

FAR_FRONT=198.51.100.129
FAR_ROUTER=198.51.100.130

join_hosts front bystander far0
give_address front far0 "$FAR_FRONT/25"
give_address bystander far0 "$FAR_ROUTER/25"
for host in bystander back; do
    in_host "$host" ip address flush dev side0
done
give_address bystander side0 "$BYSTANDER_IPV4/25"
give_address back side0 "$BACK_SIDE_IPV4/25"
in_bystander sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
in_front ip route add 198.51.100.0/25 via "$FAR_ROUTER"
in_back ip route add 198.51.100.128/25 via "$BYSTANDER_IPV4"
(
    umask 077
    "$SP_BUILD/tools/ipsecctl/ipsecctl" keygen --from "$FAR_FRONT" --to "$BACK_SIDE_IPV4" >>"$scratch/keys"
)

# A download is on its way when the path narrows: its connection has the large segments still. The receiver's window
# is small, or all of the file would be in its buffers by then.
in_front sh -c 'echo 4096 65536 131072 >/proc/sys/net/ipv4/tcp_rmem'
arrives() {
    wait_until 30 fails is_running download && cmp "$scratch/got" "$scratch/www/big"
}
set_path_mtu() { # BYTES
    in_front ip link set far0 mtu "$1" && in_bystander ip link set far0 mtu "$1"
}
# Reports that nobody reads would keep the daemon awake.
is_idle() { # HOST
    local ticks=() i
    for i in 1 2; do
        ticks+=("$(awk '{ sub(/^.*\) /, ""); print $12 + $13 }' "/proc/${topology_pids[$1]}/stat")")
        sleep 1
    done
    echo "$((ticks[1] - ticks[0])) ticks in a second"
    [ $((ticks[1] - ticks[0])) -lt $(($(getconf CLK_TCK) / 4)) ]
}
# narrows FORM OVERHEAD POLICY-FRONT POLICY-BACK
narrows() {
    local form=$1
    check "both daemons start with a router between them, $form" start_gate front "$3" "$scratch/keys"
    check "the back-end's, $form" start_gate back "$4" "$scratch/keys"
    check "a large file arrives through a router, $form" fetches front "$BACK_SIDE_IPV4" big
    start_process download "$scratch/download.log" ip netns exec "$topology_tag-front" \
        curl -s --max-time 40 --limit-rate 1500k -o "$scratch/got" "http://$BACK_SIDE_IPV4/big"
    sleep 1
    set_path_mtu 1400
    check "the back-end learns what the router says of the path, $form" \
        wait_until 5 is_true back "s['narrow_paths'] == [{'peer': '$FAR_FRONT', 'mtu_bytes': 1400}]"
    check "a connection that was there when the path narrowed goes on to its end, $form" arrives
    start_capture "after-$form" bystander far0
    check "a new connection fits the narrow path, $form" fetches front "$BACK_SIDE_IPV4" big
    stop_capture "after-$form"
    check "the router has nothing to complain of any more, $form" is_unseen "after-$form" 'icmp'
    check "after which the back-end's daemon sleeps, $form" is_idle back
    check "and the front-end that its own link is narrower, $form" is_true front "s['device']['mtu_bytes'] == 1400 - $2"
    check "nothing was dropped for another reason than its length, $form" is_true back \
        'all(n == 0 for d, n in s["totals"]["outbound"]["drops"].items() if d != "host-mtu")'
    end_gates
    end_process download
    set_path_mtu 1500
}
narrows raw 37 "$FRONT_POLICY" "$BACK_POLICY"

for side in front back; do
    sed 's/^    esp .*/&\n    encap udp/' "$SP_SOURCE/docs/examples/$side-end.policy" >"$scratch/path-$side.policy"
done
rm -f "$scratch/keys"
(
    umask 077
    "$SP_BUILD/tools/ipsecctl/ipsecctl" keygen --encap --from "$FAR_FRONT" --to "$BACK_SIDE_IPV4" >"$scratch/keys"
)
narrows udp 45 "$scratch/path-front.policy" "$scratch/path-back.policy"

router_down
