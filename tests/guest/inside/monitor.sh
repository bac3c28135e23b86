#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Two hosts in the guest whose SAs and policies come from iproute2, so that nothing of ours had a hand in what is shown.
#
#        front 192.0.2.1    wire0 ------------ wire0    back 192.0.2.2

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"

ipsecmon=$SP_BUILD/tools/ipsecmon/ipsecmon
DES=(enc 'cbc(des3_ede)' 0x0123456789abcdef23456789abcdef01456789abcdef0123
    auth-trunc 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 96)
WRONG=(enc 'cbc(des3_ede)' 0x0123456789abcdef23456789abcdef01456789abcdef0123
    auth-trunc 'hmac(sha1)' 0xff0102030405060708090a0b0c0d0e0f10111213 96)

add_sa() { # HOST SPI FROM TO ALGORITHM...
    ip -n "$1" xfrm state add src "192.0.2.$3" dst "192.0.2.$4" proto esp spi "$2" reqid 1 mode transport \
        replay-window 32 "${@:5}"
}
add_policy() { # HOST DIRECTION FROM TO
    ip -n "$1" xfrm policy add src "192.0.2.$3" dst "192.0.2.$4" proto udp dir "$2" \
        tmpl proto esp reqid 1 mode transport
}
keys_up() { # both ways, on both hosts
    local host
    for host in front back; do
        add_sa "$host" 0x1001 1 2 "${DES[@]}" && add_sa "$host" 0x1002 2 1 "${DES[@]}" || return 1
    done
    add_policy front out 1 2 && add_policy front in 2 1 && add_policy back out 2 1 && add_policy back in 1 2
}
send() { # HOST ADDRESS COUNT
    on "$1" bash -c 'for ((i = 0; i < $1; i++)); do echo "packet $i" >"/dev/udp/$0/9"; sleep 0.01; done' "$2" "$3"
}
# told EXPRESSION: about ipsecmon's object m and iproute2's SAs i, by SPI, as Python
told() {
    on front "$ipsecmon" --once --json --backend kernel >"$TMPDIR/told" && on front ip -s xfrm state >"$TMPDIR/states" &&
        /usr/bin/python3 - "$TMPDIR/told" "$TMPDIR/states" "$1" <<'END'
import json, re, sys
m = json.load(open(sys.argv[1]))
i = {}
for state in re.split(r"\n(?=src )", open(sys.argv[2]).read()):
    spi = int(re.search(r"spi (0x[0-9a-f]+)", state)[1], 16)
    used = re.search(r"lifetime current:\s+(\d+)\(bytes\), (\d+)\(packets\)", state)
    failed = re.search(r"stats:\s+replay-window (\d+) replay (\d+) failed (\d+)", state)
    ends = re.match(r"src (\S+) dst (\S+)", state)
    i[spi] = {"bytes": int(used[1]), "packets": int(used[2]), "failed": int(failed[3]), "ends": ends.groups()}
a = {sa["spi"]: sa for sa in m["associations"]}
print(a, i, m["counters"], [drop for drop in m["dropped"] if drop["packets"]])
sys.exit(not eval(sys.argv[3]))
END
}
# While it looks, an SA is replaced: what the old one carried stays in the sum.
totals_go_on() {
    local watcher before
    ip netns exec front "$ipsecmon" --json --backend kernel -i 0.2 >"$TMPDIR/stream" 2>&1 &
    watcher=$!
    wait_until 10 [ -s "$TMPDIR/stream" ]
    send front 192.0.2.2 5
    sleep 1
    before=$(on front ip -s xfrm state get src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1001 | sed -n 's/ *\([0-9]*\)(bytes), .*/\1/p' | tail -n 1)
    ip -n front xfrm state delete src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1001
    add_sa front 0x1001 1 2 "${DES[@]}"
    sleep 1
    kill "$watcher"
    wait "$watcher"
    tail -n 1 "$TMPDIR/stream" | /usr/bin/python3 -c '
import json, sys
m = json.load(sys.stdin)
print(sys.argv, m["counters"], m["associations"])
new = [sa for sa in m["associations"] if sa["spi"] == 0x1001]
sent = m["counters"]["confidential_bytes_sent"]
sys.exit(not (new[0]["bytes"] == 0 and sent == int(sys.argv[1]) > 0))' "$before"
}

need_esp veth
two_hosts_up || exit 1
check "a kernel without policies: IP Security is not enabled" says '"enabled": false' \
    on front "$ipsecmon" --once --json --backend kernel
check "two hosts get SAs and policies from iproute2" keys_up
check "IP Security is enabled then" says '"enabled": true' on front "$ipsecmon" --once --json --backend kernel
send front 192.0.2.2 20
send back 192.0.2.1 10
check "each SA has the bytes and packets that iproute2 tells" told \
    'len(a) == 2 and all((sa["bytes"], sa["packets"]) == (i[spi]["bytes"], i[spi]["packets"]) and sa["packets"] >= 10 for spi, sa in a.items())'
check "and its ends, direction, security and backend" told \
    '[(a[s]["source"], a[s]["destination"]) == i[s]["ends"] and (a[s]["direction"], a[s]["security"], a[s]["backend_granted"]) for s in (0x1001, 0x1002)] == [("out", "ESP 3DES/HMAC SHA1", "kernel"), ("in", "ESP 3DES/HMAC SHA1", "kernel")]'
check "the sums are those of the SAs" told \
    '(m["counters"]["confidential_bytes_sent"], m["counters"]["confidential_bytes_received"]) == (i[0x1001]["bytes"], i[0x1002]["bytes"])'

ip -n back xfrm state delete src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x1002
add_sa back 0x1002 2 1 "${WRONG[@]}"
send back 192.0.2.1 14 # of which the first ten numbers were seen already
check "packets under other keys are counted as not authenticated, as iproute2 has them" told \
    'm["counters"]["packets_not_authenticated"] == i[0x1002]["failed"] == a[0x1002]["drops"].get("bad-icv") > 0 and m["counters"]["packets_not_decrypted"] == 0'
ip -n front xfrm state delete src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x1002
send back 192.0.2.1 3
check "and those of an SA that is gone as of a bad SPI" told 'm["counters"]["bad_spi_packets"] >= 3 and len(a) == 1'
check "when an SA is replaced, what it carried stays in the sum" totals_go_on
# With the rights that it keeps, it goes on seeing the kernel's SAs.
serves_metrics() {
    local server status
    ip netns exec front "$ipsecmon" --backend kernel --prometheus -i 0.2 >"$TMPDIR/server" 2>&1 &
    server=$!
    wait_until 10 grep -q http:// "$TMPDIR/server"
    sleep 1
    on front curl -s --max-time 10 http://127.0.0.1:9750/metrics >"$TMPDIR/metrics"
    grep CapEff "/proc/$server/status"
    kill "$server"
    wait "$server"
    status=$?
    grep -v '^#' "$TMPDIR/metrics" | head -n 30
    [ "$status" -eq 0 ] && grep -qx 'sallyport_up 1' "$TMPDIR/metrics" &&
        grep -q 'sallyport_association_bytes_total{spi="0x00001001",source="192.0.2.1"' "$TMPDIR/metrics"
}

check "--prometheus serves the kernel's SAs" serves_metrics
check "--expect-encrypted sees traffic" bash -c \
    '(sleep 0.3; ip netns exec front bash -c "for i in 1 2 3 4 5; do echo x >/dev/udp/192.0.2.2/9; sleep 0.1; done") & ip netns exec front "$0" --backend kernel -i 1.5 --expect-encrypted "spi=0x1001 dir=out"' "$ipsecmon"
check "and none where there is none" fails on front "$ipsecmon" --backend kernel -i 0.3 --expect-encrypted spi=0x1001
exit "$failures"
