# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: ESP in UDP, through a router that is a NAT. The back-end knows the front-end by the NAT's address.
#
#     front-end  far0 ------- far0  bystander  side0 ------- side0  back-end
#     198.51.100.129/25      .130/25  (NAT)    .7/25                .2/25
#     2001:db8:1::1/64          ::2/64         2001:db8:2::7/64     ::2/64

FAR_FRONT=198.51.100.129 FAR_FRONT6=2001:db8:1::1
NAT_FAR=198.51.100.130 NAT_FAR6=2001:db8:1::2
NAT_SIDE6=2001:db8:2::7 BACK_SIDE_IPV6=2001:db8:2::2

nat_up() {
    local host
    join_hosts front bystander far0
    for host in bystander back; do
        in_host "$host" ip address flush dev side0
    done
    give_address front far0 "$FAR_FRONT/25" && give_address front far0 "$FAR_FRONT6/64"
    give_address bystander far0 "$NAT_FAR/25" && give_address bystander far0 "$NAT_FAR6/64"
    give_address bystander side0 "$BYSTANDER_IPV4/25" && give_address bystander side0 "$NAT_SIDE6/64"
    give_address back side0 "$BACK_SIDE_IPV4/25" && give_address back side0 "$BACK_SIDE_IPV6/64"
    in_bystander sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
    in_front ip route add 198.51.100.0/25 via "$NAT_FAR"
    in_front ip -6 route add 2001:db8:2::/64 via "$NAT_FAR6"
    in_bystander nft -f - <<'NFT'
table inet nat {
    chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "side0" masquerade
    }
}
NFT
}

nat_down() {
    in_bystander nft delete table inet nat
    in_front ip link delete far0
    in_bystander sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
    local host
    for host in bystander back; do
        in_host "$host" ip address flush dev side0
    done
    give_address back side0 "$BACK_SIDE_IPV4/24"
    give_address bystander side0 "$BYSTANDER_IPV4/24"
}

# The same keys on both hosts, each with the addresses that it sees.
make_nat_keys() {
    (
        umask 077
        rm -f "$scratch/keys" "$scratch/back.keys"
        local ipsecctl=$SP_BUILD/tools/ipsecctl/ipsecctl
        "$ipsecctl" keygen --encap --from "$FAR_FRONT" --to "$BACK_SIDE_IPV4" >"$scratch/keys" &&
            "$ipsecctl" keygen --encap --from "$FAR_FRONT6" --to "$BACK_SIDE_IPV6" >>"$scratch/keys" &&
            sed "s/$FAR_FRONT/$BYSTANDER_IPV4/g; s/$FAR_FRONT6/$NAT_SIDE6/g" "$scratch/keys" >"$scratch/back.keys"
    )
}

# The back-end is not behind the NAT, and a keepalive of its own that got there first would take the mapping.
start_nat_gates() { # [OPTION...], the front-end's
    start_gate front "$scratch/nat-front.policy" "$scratch/keys" "$@" &&
        start_gate back "$scratch/nat-back.policy" "$scratch/back.keys" --keepalive 0
}

send_udp() { # HOST SOURCE-PORT ADDRESS PORT HEX
    in_host "$1" /usr/bin/python3 -c '
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
    channel.bind(("", int(sys.argv[1])))
    channel.sendto(bytes.fromhex(sys.argv[4]), (sys.argv[2], int(sys.argv[3])))' "${@:2}"
}

for side in front back; do
    direction=$([ "$side" = front ] && echo out || echo in)
    ends=$([ "$side" = front ] && echo 'from me to any' || echo 'from any to me')
    cat >"$scratch/nat-$side.policy" <<EOF
action "in udp" {
    esp 3des-cbc hmac-sha1-96
    encap udp
    require
}
protect $direction tcp $ends port 80 with "in udp"
protect $direction udp $ends port 5000 with "in udp"
default bypass
EOF
done

nat_up
make_nat_keys
for address in "$BACK_SIDE_IPV4" "$BACK_SIDE_IPV6"; do
    start_process "echo-$address" "$scratch/echo.log" ip netns exec "$topology_tag-back" \
        /usr/bin/python3 -B "$here/udp_echo.py" serve "$address" 5000
done
check "both daemons start with a NAT between them" start_nat_gates --keepalive 1
start_capture nat back side0
start_capture before-nat front far0
check "a small page arrives through the NAT" fetches front "$BACK_SIDE_IPV4" small
check "a large file does, byte for byte" fetches front "$BACK_SIDE_IPV4" big
check "UDP does" speaks_udp "$BACK_SIDE_IPV4" 5000
check "a large file arrives through the NAT over IPv6" fetches front "[$BACK_SIDE_IPV6]" big
check "UDP does over IPv6" speaks_udp "$BACK_SIDE_IPV6" 5000
check "the back-end dropped nothing but keepalives" is_true back \
    'not any(n for c in s["totals"].values() for d, n in c["drops"].items() if d != "keepalive")'
check "keepalives reach it and are known for what they are" wait_until 5 is_true back \
    's["totals"]["inbound"]["drops"]["keepalive"] > 0'
stop_capture before-nat
check "the capture missed nothing" stop_capture nat
is_all_in_udp() { # CAPTURE
    [ "$(captured "$1" 'ip and udp port 4500')" -gt 50 ] && [ "$(captured "$1" 'ip6 and udp port 4500')" -gt 50 ] &&
        is_unseen "$1" 'esp or tcp or (udp and not port 4500)'
}
check "on the wire in front of the NAT is ESP in UDP alone" is_all_in_udp before-nat
check "and behind it, too" is_all_in_udp nat
check "where the back-end sees the NAT's addresses only" is_unseen nat "host $FAR_FRONT or host $FAR_FRONT6"
check_fails "the page's text is nowhere on the wire" grep -aq 'came under ESP' "$scratch/nat.pcap"
# pcap-filter(7) looks into UDP behind IPv4 only; whichever of the two came first ended the waiting
four='udp dst port 4500 and udp[4:2] = 9 and udp[8] = 0xff'
six='ip6[6] = 17 and ip6[42:2] = 4500 and ip6[44:2] = 9 and ip6[48] = 0xff'
check "keepalives are one byte of UDP" test "$(captured nat "($four) or ($six)")" -gt 0

check "a message to a key daemon is sent" \
    send_udp bystander 5555 "$BACK_SIDE_IPV4" 4500 00000000112233445566778899aabbcc
check "and counted as such" wait_until 3 is_true back 's["totals"]["inbound"]["drops"]["ike"] == 1'

# Without the device's help the kernel cuts the datagrams itself, before they reach the wire.
for host in front back bystander; do
    for device in far0 side0; do
        in_host "$host" ethtool -K "$device" tx-udp-segmentation off >/dev/null 2>&1
    done
done
start_capture cut bystander side0
check "a large file arrives where the device does not cut datagrams" fetches front "$BACK_SIDE_IPV4" big
stop_capture cut
check "no packet is longer than the link takes" is_unseen cut 'greater 1515'
check "and they use what it takes" test "$(captured cut 'udp port 4500 and greater 1490')" -gt 1000

refuses_other_port() {
    sed 's/encap udp/encap udp 4501 4501/; s/spi 0x......../spi 0x00001234/; s/sa "/&other /; /^}/q' "$scratch/keys" \
        >"$scratch/other" && cat "$scratch/other" >>"$scratch/keys" &&
        ! "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock" >"$scratch/told" 2>&1 &&
        cat "$scratch/told" && grep -q 'one port' "$scratch/told"
}
check "a reload with SAs on another port is refused" refuses_other_port

# The port of a daemon that is gone is anybody's, but what leaves from it is still held to the policy.
start_capture orphan front far0
end_process front KILL
check_fails "who takes the port of a killed daemon can't send from it" \
    send_udp front 4500 "$BACK_SIDE_IPV4" 5000 68656c6c6f
stop_capture orphan
check "and nothing is seen in clear" is_unseen orphan 'udp port 5000'

end_gates
in_front nft delete table inet sallyport
for address in "$BACK_SIDE_IPV4" "$BACK_SIDE_IPV6"; do
    end_process "echo-$address"
done
nat_down
