# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: tunnels, between two hosts and between two gateways, IPv4 and IPv6 in each other.
#
#     inside1      net1 ------- net1  front-end  wire0 ------- wire0  back-end  net2 ------- net2      inside2
#     10.1.0.5/24         10.1.0.1/24    192.0.2.1      192.0.2.2       10.2.0.1/24        10.2.0.6/24
#     fd00:1::5/64        fd00:1::1/64   2001:db8::1    2001:db8::2     fd00:2::1/64       fd00:2::6/64
#
# Each gateway's second address, 10.9.0.1 and 10.9.0.2, is for the tunnel between the two themselves.

INSIDE1=10.1.0.5 INSIDE1_6=fd00:1::5 INSIDE2=10.2.0.6 INSIDE2_6=fd00:2::6
OWN1=10.9.0.1 OWN2=10.9.0.2 OWN1_6=fd00:9::1 OWN2_6=fd00:9::2

in_inside() { # 1|2 COMMAND...
    ip netns exec "$topology_tag-inside$1" "${@:2}"
}

# A network behind a gateway, with one host in it.
add_inside() { # 1|2 HOST
    local space=$topology_tag-inside$1
    topology_more_hosts+=("inside$1")
    ip netns add "$space"
    in_inside "$1" ip link set lo up
    ip link add "net$1" netns "$space" type veth peer name "net$1" netns "$topology_tag-$2"
    in_inside "$1" ip address add "10.$1.0.$((4 + $1))/24" dev "net$1"
    in_inside "$1" ip address add "fd00:$1::$((4 + $1))/64" dev "net$1" nodad
    in_inside "$1" ip link set "net$1" up
    in_host "$2" ip address add "10.$1.0.1/24" dev "net$1"
    in_host "$2" ip address add "fd00:$1::1/64" dev "net$1" nodad
    in_host "$2" ip link set "net$1" up
    in_host "$2" ip address add "10.9.0.$1/32" dev lo
    in_host "$2" ip address add "fd00:9::$1/128" dev lo nodad
    in_inside "$1" ip route add default via "10.$1.0.1"
    in_inside "$1" ip -6 route add default via "fd00:$1::1"
    in_host "$2" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

# Without the tunnel the networks reach each other in clear: so what isn't seen in clear was kept from it.
tunnel_up() {
    add_inside 1 front && add_inside 2 back
    in_front ip route add 10.2.0.0/24 via "$BACK_IPV4"
    in_front ip route add "$OWN2/32" via "$BACK_IPV4" src "$OWN1"
    in_front ip -6 route add fd00:2::/64 via "$BACK_IPV6"
    in_front ip -6 route add "$OWN2_6/128" via "$BACK_IPV6" src "$OWN1_6"
    in_back ip route add 10.1.0.0/24 via "$FRONT_IPV4"
    in_back ip route add "$OWN1/32" via "$FRONT_IPV4" src "$OWN2"
    in_back ip -6 route add fd00:1::/64 via "$FRONT_IPV6" src "$BACK_IPV6"
    in_back ip -6 route add "$OWN1_6/128" via "$FRONT_IPV6" src "$OWN2_6"
}

tunnel_down() {
    local side host
    for side in 1 2; do
        host=$([ "$side" = 1 ] && echo front || echo back)
        ip netns delete "$topology_tag-inside$side"
        in_host "$host" ip link delete "net$side" 2>/dev/null
        in_host "$host" ip address delete "10.9.0.$side/32" dev lo
        in_host "$host" ip address delete "fd00:9::$side/128" dev lo
        in_host "$host" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
    done
    in_front ip route flush "$OWN2/32"
    in_back ip route flush "$OWN1/32"
    in_front ip -6 route flush "$OWN2_6/128"
    in_back ip -6 route flush "$OWN1_6/128"
    in_front ip route flush 10.2.0.0/24
    in_back ip route flush 10.1.0.0/24
    in_front ip -6 route flush fd00:2::/64
    in_back ip -6 route flush fd00:1::/64
}

# The policy of one side: the networks and the gateways themselves, in tunnels over IPv4 or IPv6.
tunnel_policy() { # 1|2 DIRECTION FROM TO [LINE]
    local own=$1 other=$((3 - $1))
    cat <<EOF
action "gate" {
    esp 3des-cbc hmac-sha1-96
    mode tunnel from $3 to $4
    ${5-}
}
protect out any from 10.$own.0.0/24 to 10.$other.0.0/24 with "gate" as "networks"
protect out any from fd00:$own::/64 to fd00:$other::/64 with "gate" as "networks, IPv6"
protect out any from 10.9.0.$own to 10.9.0.$other with "gate" as "gateways"
protect out any from fd00:9::$own to fd00:9::$other with "gate" as "gateways, IPv6"
default ${tunnel_default-bypass}
EOF
}

start_tunnel() { # FRONT BACK [LINE OPTION]: the ends, and a line of the action with keygen's option for it
    rm -f "$scratch/keys"
    # shellcheck disable=SC2086 # there may be no option
    (umask 077 && "$SP_BUILD/tools/ipsecctl/ipsecctl" keygen --tunnel ${4-} --from "$1" --to "$2" >"$scratch/keys")
    tunnel_policy 1 out "$1" "$2" "${3-}" >"$scratch/tunnel-front.policy"
    tunnel_policy 2 out "$2" "$1" "${3-}" >"$scratch/tunnel-back.policy"
    start_gate front "$scratch/tunnel-front.policy" "$scratch/keys" &&
        start_gate back "$scratch/tunnel-back.policy" "$scratch/keys"
}

inside_fetches() { # ADDRESS FILE
    rm -f "$scratch/got"
    in_inside 1 curl -sf --max-time 20 -o "$scratch/got" "http://$1:80/$2" && cmp "$scratch/got" "$scratch/www/$2"
}
own_fetches() { # ADDRESS FILE
    rm -f "$scratch/got"
    in_front curl -sf --max-time 20 -o "$scratch/got" "http://$1:80/$2" && cmp "$scratch/got" "$scratch/www/$2"
}

# The filter of everything that belongs inside, if it were in clear.
INSIDE="net 10.0.0.0/8 or net fd00::/8"

# Later fragments behind whose fragment header stands an extension header: their protocol is in the first one.
FRAGMENTS="ip6 net fd00::/8 and ip6[6] == 44"
send_fragments() {
    in_inside 1 /usr/bin/python3 -B "$here/forge.py" fragments "$INSIDE1_6" "$INSIDE2_6"
}

tunnel_up
sed 's/nginx\.pid/inside.pid/' "$scratch/web/nginx.conf" >"$scratch/web/inside.conf"
start_process inside "$scratch/inside.log" ip netns exec "$topology_tag-inside2" \
    nginx -c "$scratch/web/inside.conf" -p "$scratch/web"
check "without daemons the networks reach each other in clear" \
    wait_until 10 in_inside 1 curl -sf --max-time 3 -o /dev/null "http://$INSIDE2:80/small"
check "and over IPv6" wait_until 10 in_inside 1 ping -c 1 -W 1 "$INSIDE2_6"
start_capture fragments front wire0
check "and later IPv6 fragments of which nobody can tell the protocol" send_fragments
stop_capture fragments
check "go through, too" test "$(captured fragments "$FRAGMENTS")" -eq 5

for outer in "$FRONT_IPV4 $BACK_IPV4" "$FRONT_IPV6 $BACK_IPV6"; do
    read -r near far <<<"$outer"
    check "gateways with a tunnel from $near to $far start" start_tunnel "$near" "$far"
    start_capture tunnel front wire0
    check "a small page comes through it" inside_fetches "$INSIDE2" small
    check "a large file comes through, byte for byte" inside_fetches "$INSIDE2" big
    check "and over IPv6 inside" inside_fetches "[$INSIDE2_6]" big
    check "from gateway to gateway too" own_fetches "$OWN2" big
    check "and over IPv6" own_fetches "[$OWN2_6]" big
    check "a datagram that is cut into fragments comes through" \
        in_inside 1 ping -c 2 -W 3 -s 4000 "$INSIDE2"
    check "the capture missed nothing" stop_capture tunnel
    check "on the wire is ESP between the tunnel's ends, and nothing of what is inside" is_hidden tunnel "$INSIDE"
    check "the front-end counts what it handed over for others" is_true front \
        'sum(g["packets"] for g in s["guard"] if g["chain"] == "forward") > 100'
    # the kernel tells of its multicast groups on every device, ours too; and a queue may overflow on a busy host
    check "the back-end dropped nothing that was to go through" is_true back \
        'not any(n for c in s["totals"].values() for d, n in c["drops"].items() if not d.startswith("host-"))'
    check "status tells the mode" is_true back '{sa["mode"] for sa in s["sas"]} == {"tunnel"}'
    end_gates
done

tunnel_default=block
check "gateways with a tunnel in UDP, and nothing else let through, start" start_tunnel "$FRONT_IPV4" "$BACK_IPV4" "encap udp" --encap
start_capture in-udp front wire0
check "a large file comes through in UDP" inside_fetches "$INSIDE2" big
check "and over IPv6 inside, in UDP" inside_fetches "[$INSIDE2_6]" big
stop_capture in-udp
check "it was in UDP" test "$(captured in-udp 'udp port 4500')" -gt 100
check "and nothing was in clear" is_unseen in-udp "$INSIDE"
check_fails "what no rule is about is not forwarded" in_inside 1 ping -c 1 -W 1 "$BACK_IPV4"
check "and counted" is_true front \
    'sum(g["packets"] for g in s["guard"] if g["chain"] == "guard_forward" and g["rule"] is None) > 0'
end_gates
tunnel_default=bypass

# ---- what the tunnel carries

check "gateways start once more" start_tunnel "$FRONT_IPV4" "$BACK_IPV4"
check "a file comes through before" inside_fetches "$INSIDE2" big
wide=$(gate_value front 's["device"]["mtu_bytes"]')
start_capture told inside1 net1
check "a host behind the gateway is told what the tunnel carries" \
    fails in_inside 1 ping -c 1 -W 2 -M do -s 1472 "$INSIDE2"
stop_capture told
check "by ICMP that says how much" test "$(captured told 'icmp[0] == 3 and icmp[1] == 4')" -gt 0
check "what fits goes through with DF" in_inside 1 ping -c 1 -W 2 -M do -s $((wide - 28)) "$INSIDE2"
check_fails "and one byte more does not" in_inside 1 ping -c 1 -W 2 -M do -s $((wide - 27)) "$INSIDE2"

# ---- what a gateway says of packets that came out of the tunnel

start_capture unreachable front wire0
check_fails "a host that isn't there doesn't answer" in_inside 1 ping -c 1 -W 4 -s 200 10.2.0.99
check_fails "what has come too far goes no further" in_inside 1 ping -c 1 -W 1 -s 200 -t 2 "$INSIDE2"
check_fails "nor over IPv6" in_inside 1 ping -c 1 -W 1 -s 200 -t 2 "$INSIDE2_6"
stop_capture unreachable
check "and the gateway's ICMP errors about them don't quote them in clear" is_hidden unreachable "$INSIDE"
for rule in 0 1; do
    check "the back-end counted those that it kept, rule $rule" wait_until 5 is_true back \
        "any(g['packets'] for g in s['guard'] if g['chain'] == 'guard_out' and g['rule'] == $rule)"
done

end_gates
sed -i 's/^protect out any/protect out icmp/' "$scratch"/tunnel-{front,back}.policy
check "gateways with tunnels of one protocol start" start_gate front "$scratch/tunnel-front.policy" "$scratch/keys"
in_inside 1 ip route flush cache
start_capture told-too inside1 net1
check "a host behind one is told of that tunnel, too, what it carries" \
    fails in_inside 1 ping -c 1 -W 2 -M do -s 1472 "$INSIDE2"
stop_capture told-too
check "in that host's own words" test "$(captured told-too 'icmp[0] == 3 and icmp[1] == 4')" -gt 0
start_capture fragments-kept front wire0
check "later IPv6 fragments of an unknown protocol are sent" send_fragments
check "the guard counts them as refused" wait_until 5 is_true front \
    'sum(g["packets"] for g in s["guard"] if g["chain"] == "guard_forward") == 5'
stop_capture fragments-kept
check "and none leaves in clear" is_unseen fragments-kept "$FRAGMENTS"
end_process front
check "gateways start a third time" start_tunnel "$FRONT_IPV4" "$BACK_IPV4"

# ---- dead, and still no clear text

start_capture dead front wire0
end_process front KILL
check_fails "with a killed daemon nothing gets through" \
    in_inside 1 curl -sf --max-time 2 -o /dev/null "http://$INSIDE2:80/small"
check_fails "nor from the other side" in_inside 2 ping -c 1 -W 1 "$INSIDE1"
check_fails "nor over IPv6" in_inside 1 ping -c 1 -W 1 "$INSIDE2_6"
check_fails "nor from the gateway itself" in_front ping -c 1 -W 1 -I "$OWN1" "$OWN2"
stop_capture dead
check "and nothing is seen in clear" is_unseen dead "$INSIDE"
start_capture forged back wire0
in_front "$SP_BUILD/tools/sallyportd/sallyportd" --undo
check_fails "what a gateway without a guard sends in clear is not forwarded" in_inside 1 ping -c 2 -W 1 "$INSIDE2"
stop_capture forged
check "although it came" test "$(captured forged "icmp and host $INSIDE2")" -gt 0
check "the back-end counts that it refused it" is_true back \
    'sum(g["packets"] for g in s["guard"] if g["chain"] == "guard_forward") >= 2'
end_gates

# ---- a router on the way has a narrow link

FAR_FRONT=198.51.100.129
join_hosts front bystander far0
for host in bystander back; do
    in_host "$host" ip address flush dev side0
done
give_address front far0 "$FAR_FRONT/25"
give_address bystander far0 198.51.100.130/25
give_address bystander side0 "$BYSTANDER_IPV4/25"
give_address back side0 "$BACK_SIDE_IPV4/25"
in_bystander sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
in_front ip route add 198.51.100.0/25 via 198.51.100.130
in_back ip route add 198.51.100.128/25 via "$BYSTANDER_IPV4"
check "gateways start with a router between them" start_tunnel "$FAR_FRONT" "$BACK_SIDE_IPV4"
check "a large file comes through the router" inside_fetches "$INSIDE2" big
# A download is on its way when the path narrows; the receiver's window is small, or all of it would be there by then.
in_inside 1 sh -c 'echo 4096 65536 131072 >/proc/sys/net/ipv4/tcp_rmem'
start_process download "$scratch/download.log" ip netns exec "$topology_tag-inside1" \
    curl -s --max-time 40 --limit-rate 1500k -o "$scratch/got" "http://$INSIDE2/big"
sleep 1
in_front ip link set far0 mtu 1400
in_bystander ip link set far0 mtu 1400
check "the back-end's gateway learns what the router says of the tunnel's path" \
    wait_until 5 is_true back "s['narrow_paths'] == [{'peer': '$FAR_FRONT', 'mtu_bytes': 1400}]"
download_arrives() {
    wait_until 30 fails is_running download && cmp "$scratch/got" "$scratch/www/big"
}
check "a connection between the networks goes on to its end" download_arrives
in_inside 2 ip route flush cache # which knows it from the download
start_capture after bystander far0
start_capture inside-after inside2 net2
check "a host behind the gateway gets no more than the narrow tunnel carries through" \
    fails in_inside 2 ping -c 1 -W 2 -M do -s 1372 "$INSIDE1"
check "and a new connection fits" inside_fetches "$INSIDE2" big
stop_capture inside-after
stop_capture after
check "the gateway tells the host, and how much" \
    test "$(captured inside-after 'icmp[0] == 3 and icmp[1] == 4 and icmp[6:2] > 1300 and icmp[6:2] < 1400')" -gt 0
check "the router has nothing to complain of any more" is_unseen after 'icmp'
check "and sees ESP alone" is_hidden after "$INSIDE"
end_gates
router_down

end_process download
end_process inside
tunnel_down
