# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: HTTP through the gate, as the two policies of the design have it.

uploads() { # ADDRESS
    local answer
    answer=$(in_front curl -g -s -f --max-time 60 --data-binary "@$scratch/www/big" \
        -H 'Content-Type: application/octet-stream' "http://$1/upload")
    [ "$answer" = "$(sha256sum <"$scratch/www/big" | cut -d ' ' -f 1)" ]
}

# has_mss CAPTURE FILTER BYTES: each SYN in it that the filter takes has this MSS, and there is one.
has_mss() {
    local seen
    seen=$(tcpdump -n -v -r "$scratch/$1.pcap" "$2" 2>/dev/null | sed -n 's/.*\<mss \([0-9]*\).*/\1/p' | sort -u)
    echo "MSS seen:" $seen
    [ "$seen" = "$3" ]
}

longest_packet() { # CAPTURE: of its IP packets, in bytes, behind the Ethernet header
    /usr/bin/python3 - "$scratch/$1.pcap" <<'EOF'
import struct, sys
data = open(sys.argv[1], "rb").read()
at, longest = 24, 0
while at < len(data):
    _, _, captured, length = struct.unpack_from("<4I", data, at)
    longest = max(longest, length - 14)
    at += 16 + captured
print(longest)
EOF
}

is_within() { # LEAST VALUE MOST
    echo "$1 <= $2 <= $3 ?"
    [ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}

# ---- before: what the captures show when nothing protects

start_capture clear front wire0 || bail_out "tcpdump does not run"
check "without a daemon HTTP runs in clear" fetches front "$BACK_IPV4" small
stop_capture clear
check "and the capture shows that it does" test "$(captured clear 'tcp port 80')" -gt 0

# ---- the gate is up

check "both daemons start with the policies of the design" start_gates
start_capture wire front wire0
start_capture inside-back back sally0
start_capture inside-front front sally0
check "a small page arrives over IPv4" fetches front "$BACK_IPV4" small
check "a large file arrives over IPv4, byte for byte" fetches front "$BACK_IPV4" big
check "a small page arrives over IPv6" fetches front "[$BACK_IPV6]" small
check "a large file arrives over IPv6, byte for byte" fetches front "[$BACK_IPV6]" big
check "a large upload arrives over IPv4" uploads "$BACK_IPV4"
check "a large upload arrives over IPv6" uploads "[$BACK_IPV6]"
stop_capture inside-front
stop_capture inside-back
check "the capture missed nothing" stop_capture wire

check "on the wire is ESP and no clear-text TCP/80" is_hidden wire 'tcp port 80'
check "IPv6 was ESP too" test "$(captured wire 'ip6 proto 50')" -gt 1000
check_fails "the page's text is nowhere on the wire" grep -aq 'came under ESP' "$scratch/wire.pcap"
check "sealed packets use the MTU and no more" is_within 1490 "$(longest_packet wire)" 1500
# seen in the devices on the way in, after the gate has lowered them: 1500 less IP, TCP and the 37 bytes of ESP
check "the server sees IPv4 SYNs that leave room for ESP" has_mss inside-back 'ip and tcp dst port 80' 1423
check "the server sees IPv6 SYNs that do" has_mss inside-back 'ip6 and tcp dst port 80' 1403
check "the client sees IPv4 SYN-ACKs that do" has_mss inside-front 'ip and tcp src port 80' 1423
check "the client sees IPv6 SYN-ACKs that do" has_mss inside-front 'ip6 and tcp src port 80' 1403

check "the sums of the counters equal what was offered" is_true front \
    'all(c["offered_packets"] == c["bypassed_packets"] + c["sealed_packets"] + c["opened_packets"] + sum(c["drops"].values()) for c in s["totals"].values())'
check "what one side sealed the other opened" test \
    "$(gate_value front 's["totals"]["outbound"]["sealed_packets"]')" = \
    "$(gate_value back 's["totals"]["inbound"]["opened_packets"]')"
check "nothing was dropped at the back-end" is_true back \
    'not any(sum(c["drops"].values()) for c in s["totals"].values())'
check "status names rules, SAs and their numbers" is_true front \
    's["policy"]["rules"][1]["name"].startswith("Outbound TCP 80") and s["policy"]["rules"][1]["line"] > 0 and len(s["sas"]) == 4 and s["sas"][0]["packets"] > 0 and s["sas"][0]["direction"] == "out"'
check "ipsecctl status shows it to people" \
    bash -c '"$0" status --control "$1" | grep -q "Outbound TCP 80"' \
    "$SP_BUILD/tools/ipsecctl/ipsecctl" "$scratch/front.sock"
check "ipsecmon --once shows the associations" \
    bash -c '"$0" --once --control "$1" | grep -q "$2"' \
    "$SP_BUILD/tools/ipsecmon/ipsecmon" "$scratch/front.sock" "$BACK_IPV4"

has_no_key_digits() { # FILE...
    grep -o '0x[0-9a-f]\{40,\}' "$scratch/keys" | cut -c 3-26 >"$scratch/digits"
    [ -s "$scratch/digits" ] && ! grep -qF -f "$scratch/digits" "$@"
}
gate_status front >"$scratch/front.status"
check "no key is in the log or the status" has_no_key_digits "$scratch/front.log" "$scratch/front.status"
check "the control socket is its owner's only" test "$(stat -c %a "$scratch/front.sock")" = 600

check "diff finds the loaded policy to be the file's" \
    "$SP_BUILD/tools/ipsecctl/ipsecctl" diff --loaded --control "$scratch/front.sock" "$FRONT_POLICY"
check_fails "and another file's not" \
    "$SP_BUILD/tools/ipsecctl/ipsecctl" diff --loaded --control "$scratch/front.sock" "$BACK_POLICY"

# The segment is written every second, and there is no traffic now; so they agree at the latest then.
segment_agrees() {
    gate_status front >"$scratch/front.status" &&
        /usr/bin/python3 "$SP_SOURCE/docs/examples/stats.py" "$scratch/front.stats" >"$scratch/front.told" &&
        /usr/bin/python3 - "$scratch/front.status" "$scratch/front.told" <<'EOF'
import json, sys
status, told = (json.load(open(file)) for file in sys.argv[1:])
for direction, counters in told["totals"].items():
    for name, value in counters.items():
        if name != "drops":
            assert value == status["totals"][direction][name], (direction, name)
    assert counters["drops"] == {k: v for k, v in status["totals"][direction]["drops"].items() if v}
assert told["totals"]["outbound"]["sealed_packets"] > 1000
assert {sa["spi"]: sa["bytes"] for sa in told["sas"]} == {sa["spi"]: sa["bytes"] for sa in status["sas"]}
of_all = status["sa_totals"]
assert (told["key_additions"], told["key_deletions"]) == (of_all["key_additions"], of_all["key_deletions"]) == (4, 0)
for direction, done in (("outbound", "sent"), ("inbound", "received")):
    for name, value in told["carried"][direction].items():
        assert value == of_all[f"{name}_{done}"] > 1000, (direction, name)
    sas = [sa for sa in status["sas"] if (sa["direction"] == "out") == (direction == "outbound")]
    assert of_all[f"confidential_bytes_{done}"] == sum(sa["bytes"] for sa in sas)
EOF
}
check "the statistics segment says what the status does" wait_until 5 segment_agrees
check "the statistics segment is not for everybody" test "$(stat -c %a "$scratch/front.stats")" = 640

# ---- what the policies say nothing about

check "UDP is none of the policies' business" speaks_udp "$BACK_IPV4" 6000
check "nor is UDP over IPv6" speaks_udp "$BACK_IPV6" 6000
end_gates

# ---- a path narrower than the link

renew_keys
check "both start for a path of 1300 bytes" start_gates --mtu 1300
start_capture narrow front wire0
start_capture inside-narrow back sally0
check "a large file arrives over a narrow path" fetches front "$BACK_IPV4" big
check "a large upload arrives over a narrow path" uploads "$BACK_IPV4"
stop_capture inside-narrow
stop_capture narrow
check "the MSS fits the narrow path" has_mss inside-narrow 'tcp dst port 80' 1223
check "no packet is longer than the narrow path" is_within 1290 "$(longest_packet narrow)" 1300
