# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: events by subscription. Whoever keys is told of a soft limit in time and renews the keys under a stream that loses
# nothing; a limit that nobody heeds is told twice; subscribers that don't read, or are too many, hold up nobody.

# shellcheck source=stream.sh
. "$here/stream.sh"
# shellcheck source=listen.sh
. "$here/listen.sh"
write_policy events-front.policy <<EOT
protect out udp from me to any port $STREAM_PORT with "encrypt" as "the stream"
default bypass
EOT
write_policy events-back.policy <<EOT
protect in udp from any to me port $STREAM_PORT with "encrypt"
default bypass
EOT
order_heard() { # NAME SPI: which events of this SA, in their order
    grep "\"spi\":$(($2))," "$scratch/$1.heard" | sed 's/.*"event":"\([a-z-]*\)".*/\1/' | tr '\n' ' '
}
spi_of_stream() { # the SPI from the front-end to the back-end over IPv4
    gate_value front '[a["spi"] for a in s["sas"] if a["source"] == "192.0.2.1" and a["state"] != "retired"][0]'
}

# ---- who keys

BYTES_LIMIT=1152000 # 24 s of the stream, of which the soft limit is seven eighths
limited_keys() {
    renew_keys && sed "s/^sa .*{\$/&\n    lifetime $BYTES_LIMIT bytes/" "$scratch/keys" >"$scratch/events.keys" &&
        chmod 600 "$scratch/events.keys"
}
# What the keying program runs: new keys, the receiver first, which has the former SAs for a while.
cat >"$scratch/renew" <<EOT
#!/bin/bash
[ "\$DIRECTION" = out ] || exit 0
echo "renewing SPI \$SPI, limit \$LIMIT"
"$SP_BUILD/tools/ipsecctl/ipsecctl" keygen --from $FRONT_IPV4 --to $BACK_IPV4 |
    sed 's/^sa .*{\$/&\n    lifetime $BYTES_LIMIT bytes/' >"$scratch/events.new" &&
    chmod 600 "$scratch/events.new" && mv "$scratch/events.new" "$scratch/events.keys" &&
    "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/back.sock" &&
    "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock" && echo renewed
EOT
chmod 755 "$scratch/renew"

limited_keys
check "daemons start" eval 'start_gate front "$scratch/events-front.policy" "$scratch/events.keys" --audit none --grace 2 &&
    start_gate back "$scratch/events-back.policy" "$scratch/events.keys" --audit none --grace 2'
check "ipsecctl monitor subscribes, twice" eval 'start_monitor json front --json && start_monitor text front'
start_process keying "$scratch/keying.log" /usr/bin/python3 -B "$SP_SOURCE/docs/examples/rekey.py" \
    --control "$scratch/front.sock" "$scratch/renew"
check "and so does whoever keys" wait_until 5 grep -q listening "$scratch/keying.log"
first=$(spi_of_stream)
start_stream keyed
SECONDS_TO_HEAR=40 check "a soft limit is told, which one, of which SA, and the rule that used it" hears json \
    "e['event'] == 'sa-soft-expired' and e['limit'] == 'bytes' and e['spi'] == $first and e['source'] == '$FRONT_IPV4' and
     e['destination'] == '$BACK_IPV4' and e['rule']['name'] == 'the stream' and $BYTES_LIMIT * 7 / 8 <= e['bytes'] < $BYTES_LIMIT"
check "whoever keys renews the keys" wait_until 10 grep -q '^renewed' "$scratch/keying.log"
check "the new policy is told" hears json "e['event'] == 'policy-loaded' and e['cause'] == 'reload' and e['generation'] == 2"
second=$(spi_of_stream)
check "and the new SA" hears json "e['event'] == 'sa-added' and e['spi'] == $second and e['encryption'] == '3des-cbc'"
check "and that the former one goes at the end of its grace" hears json "e['event'] == 'sa-deleted' and e['spi'] == $first"
stop_stream keyed
check "and no packet was lost, but those that a host counts as too many for it" came_but_for_load keyed
check_fails "no SA met its hard limit" grep -q sa-hard-expired "$scratch/json.heard"
check "to people the same is told in words" grep -Eq \
    '^20[0-9T:.-]+Z sa-soft-expired  SA [0-9]+ \(SPI 0x[0-9a-f]{8}, 192.0.2.1 to 192.0.2.2\) reached its soft limit of bytes: it needs new keys$' \
    "$scratch/text.heard"
check "the status knows the limit, too" eval \
    '[ "$(gate_value front "[a[\"limit\"] for a in s[\"sas\"] if a[\"spi\"] == $(spi_of_stream)]")" = "[None]" ]'
end_process keying
end_process json
end_process text
end_gates

# ---- nobody heeds it

renew_keys
sed 's/^sa .*{$/&\n    lifetime 20 packets 10 MB/' "$scratch/keys" >"$scratch/events.keys"
chmod 600 "$scratch/events.keys"
start_gate front "$scratch/events-front.policy" "$scratch/events.keys" --audit none
start_gate back "$scratch/events-back.policy" "$scratch/keys" --audit none
start_monitor json front --json
first=$(spi_of_stream)
start_stream unheeded
check "a hard limit is told, with what was used" hears json \
    "e['event'] == 'sa-hard-expired' and e['limit'] == 'packets' and e['spi'] == $first and e['packets'] == 20"
stop_stream unheeded
check "the soft one was told before" test "$(order_heard json "$first")" = "sa-soft-expired sa-hard-expired "
in_front /usr/bin/python3 -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.77', $STREAM_PORT))"
check "a packet without an SA is told of, with its rule" hears json \
    "e['event'] == 'acquire' and e['destination'] == '192.0.2.77' and e['rule']['name'] == 'the stream'"
end_process json

# ---- subscribers that are slow, or too many

SAS=4000
start_subscriber() { # VERB
    start_process "$1" "$scratch/$1.told" /usr/bin/python3 -B "$here/subscribe.py" "$1" "$scratch/front.sock"
    wait_until 5 grep -q listening "$scratch/$1.told"
}
many_keys() { # so many SAs to elsewhere, besides those that there are
    cat "$scratch/events.keys" && /usr/bin/python3 -c "import os
for i in range($SAS):
    print(f'sa \"{i}\" {{\n    spi {0x10000 + i}\n    from 192.0.2.1 to 198.51.{100 + i // 250}.{1 + i % 250}')
    print(f'    esp null hmac-sha1-96\n    integrity-key 0x{os.urandom(20).hex()}\n}}')"
}
adds_up() { # NAME: what it was told, and what it lost, are the SAs and the policy
    local told=0 lost=0
    read -r told lost < <(grep '^[0-9]' "$scratch/$1.told" | tail -n 1)
    echo "$1: told $told, lost $lost"
    [ "$((${told:-0} + ${lost:-0}))" -eq $((SAS + 1)) ]
}
check "two subscribe, one of whom doesn't read" eval 'start_subscriber quick && start_subscriber slow'
many_keys >"$scratch/many.keys"
chmod 600 "$scratch/many.keys"
mv "$scratch/many.keys" "$scratch/events.keys"
check "a reload brings $SAS SAs" "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
check "the daemon answers while one doesn't read" test "$(gate_value front 'len(s["sas"])')" -eq $((SAS + 4))
check "who reads is told of all, or how many it missed" wait_until 10 adds_up quick
kill -USR1 "${topology_pids[slow]}"
check "who didn't is told, once it reads, how many it lost: none without being counted" wait_until 10 adds_up slow
has_lost() {
    local told lost
    read -r told lost < <(tail -n 1 "$scratch/slow.told")
    [ "$told" -gt 500 ] && [ "$lost" -gt 0 ]
}
check "it did lose some, and got what waited for it" has_lost
end_process quick
end_process slow
start_process many "$scratch/many.told" /usr/bin/python3 -B "$here/subscribe.py" many "$scratch/front.sock" 9
check "there are 8 at a time, and the ninth is refused" wait_until 5 eval \
    '[ "$(tr "\n" " " <"$scratch/many.told")" = "True True True True True True True True False " ]'
check "while questions are answered" gate_status front
check_fails "ipsecctl says so" "$SP_BUILD/tools/ipsecctl/ipsecctl" monitor --backend user --control "$scratch/front.sock"
end_process many
start_monitor last front
end_process front
ends_with_2() {
    ! is_running last && end_process last && [ "$ended_status" -eq 2 ] && grep -q 'has hung up' "$scratch/last.heard"
}
check "when the daemon ends, so do subscribers" wait_until 5 ends_with_2
end_gates
