# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: the audit log. Packets are forged, policies and keys change, the guard is damaged; each shows as a line with the
# fields that RFC 4303 asks for, a flood makes few lines and an exact count.

AUDIT=$scratch/audit.log
forge_from_back() {
    in_back /usr/bin/python3 -B "$here/forge.py" "$@"
}
tells() { # PATTERN: in a line, within 3 s
    wait_until 3 grep -Eq -- "$1" "$AUDIT" || { tail -n 30 "$AUDIT" && return 1; }
}
counts() { # COUNT PATTERN
    local count
    count=$(grep -Ec -- "$2" "$AUDIT")
    echo "$count lines with $2"
    [ "$count" -eq "$1" ]
}
TIME='time=20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z'
reloads_front() {
    "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
}

# ---- policies and SAs

cp "$FRONT_POLICY" "$scratch/audit.policy"
cp "$scratch/keys" "$scratch/audit.keys"
check "daemons start, one with an audit log" eval \
    'start_gate front "$scratch/audit.policy" "$scratch/audit.keys" --audit "$AUDIT" &&
     start_gate back "$BACK_POLICY" "$scratch/keys" --audit none'
check "each line begins with a time and the event, and the first tells of the start" \
    bash -c 'head -n 1 "$1" | grep -Eq "^$0 event=started version="' "$TIME" "$AUDIT"
hash=$("$SP_BUILD/tools/ipsecctl/ipsecctl" show "$FRONT_POLICY" | sha256sum | cut -d ' ' -f 1)
check "the policy is told with its hash, that anybody can make" \
    tells "^$TIME event=policy-loaded cause=start generation=1 sha256=$hash rules=2 default=bypass addresses=[0-9]+ file="
check "so is each SA" counts 4 "event=sa-added spi=0x[0-9a-f]{8} source=[^ ]+ destination=[^ ]+ fingerprint=[0-9a-f]{16} suite=\"3des-cbc hmac-sha1-96\" mode=transport"
check "the log is its owner's only" test "$(stat -c %a "$AUDIT")" = 600
is_quiet() {
    ! grep -q 'audit: ' "$scratch/back.log"
}
check "--audit none tells nothing" is_quiet

# ---- forged packets

start_capture audit front wire0
check "traffic flows" fetches front "$BACK_IPV4" small
stop_capture audit
check "(a packet under no SA)" forge_from_back spi "$BACK_IPV4" "$FRONT_IPV4" 0xdead0001 1
check "an invalid SPI: SPI, date, addresses, sequence number (RFC 4303 3.4.2)" \
    tells "^$TIME event=invalid-spi direction=inbound spi=0xdead0001 source=$BACK_IPV4 destination=$FRONT_IPV4 sequence=1 protocol=50$"
check "(the same over IPv6)" forge_from_back spi "$BACK_IPV6" "$FRONT_IPV6" 0xdead0002 1 0xabcde
check "an invalid SPI over IPv6: the flow ID, too" \
    tells "event=invalid-spi direction=inbound spi=0xdead0002 source=$BACK_IPV6 destination=$FRONT_IPV6 sequence=1 flow=0xabcde protocol=50$"
replayed=$(forge_from_back replay "$scratch/audit.pcap" "$BACK_IPV4")
check "a replay (3.4.3)" tells "event=replay direction=inbound ${replayed% *} source=$BACK_IPV4 destination=$FRONT_IPV4 ${replayed#* } "
forged=$(forge_from_back bad-icv "$scratch/audit.pcap" "$BACK_IPV4")
check "a failed ICV (3.4.4), with the number that was forged" \
    tells "event=failed-icv direction=inbound ${forged% *} source=$BACK_IPV4 destination=$FRONT_IPV4 sequence=$((${forged#*sequence=} + 1000)) "
forge_from_back clear wire0 "$BACK_IPV4" "$FRONT_IPV4"
in_front curl -s --max-time 1 -o /dev/null http://192.0.2.77/ # to nobody there is an SA with
check "no SA, with the rule that wants one" tells 'event=no-sa direction=outbound source=192.0.2.1 destination=192.0.2.77 .*destination_port=80 rule="protect out .* as \\"Outbound TCP 80 - front-end\\""$'
# (a frame to everybody's address is none of TCP's business, but the guard looks at it)
check "clear text that the guard refused, with its rule" \
    wait_until 8 grep -Eq 'event=clear-text-refused packets=1 rule="protect ' "$AUDIT"

# ---- a flood

FLOOD=20000
before=$(gate_value front 's["totals"]["inbound"]["drops"]["unknown-spi"]')
sleep 2
lines_before=$(grep -c event=invalid-spi "$AUDIT")
check "(a flood under unknown SPIs)" forge_from_back spi "$BACK_IPV4" "$FRONT_IPV4" 0xbad "$FLOOD"
dropped() {
    gate_value front 's["totals"]["inbound"]["drops"]["unknown-spi"]'
}
adds_up() { # as many were told of as were dropped, whether in a line of their own or not
    local told suppressed
    told=$(grep event=invalid-spi "$AUDIT" | grep -vc suppressed=)
    suppressed=$(sed -n 's/.*event=invalid-spi suppressed=\([0-9]*\) .*/\1/p' "$AUDIT" | awk '{ sum += $1 } END { print sum + 0 }')
    echo "told $told, suppressed $suppressed, dropped $(dropped)"
    [ $((told + suppressed)) -eq "$(dropped)" ]
}
check "the daemon saw many of it" test "$(($(dropped) - before))" -gt 1000
check "each packet is told of or counted, none twice" wait_until 6 adds_up
sleep 2
check "and that stays so" adds_up
check "in few lines" test "$(($(grep -c event=invalid-spi "$AUDIT") - lines_before))" -le 200
check "while traffic goes on" fetches front "$BACK_IPV4" small

# ---- damage and change

in_front nft flush chain inet sallyport steer
check "damage to the guard" tells 'event=guard-damaged part=nftables$'
check "and its repair" tells 'event=guard-repaired part=nftables$'
echo nonsense >"$scratch/audit.policy"
check_fails "a reload of nonsense" reloads_front
check "is told of" tells "event=policy-refused generation=1 file="
cp "$FRONT_POLICY" "$scratch/audit.policy"
mv "$AUDIT" "$AUDIT.1"
renew_keys
cp "$scratch/keys" "$scratch/audit.keys"
check "a reload with other keys, after the log was rotated" reloads_front
check "is the last of the old file" grep -q 'event=policy-loaded cause=reload generation=2 ' "$AUDIT.1"
check "with the SAs that came" test "$(grep -c event=sa-added "$AUDIT.1")" -eq 8
check "(an invalid SPI, once more)" forge_from_back spi "$BACK_IPV4" "$FRONT_IPV4" 0xdead0003 1
check "goes to the new file" tells 'event=invalid-spi .*spi=0xdead0003'
end_process front
check "the end is told, too" tells 'event=stopped'
has_no_keys() {
    grep -o '0x[0-9a-f]\{40,\}' "$scratch/keys" | cut -c 3-26 >"$scratch/digits"
    [ -s "$scratch/digits" ] && ! grep -qF -f "$scratch/digits" "$AUDIT" "$AUDIT.1"
}
check "no key is in it" has_no_keys
end_gates

# ---- lifetimes

renew_keys
sed 's/^sa .*{$/&\n    lifetime 20 KB/' "$scratch/keys" >"$scratch/audit.keys"
chmod 600 "$scratch/audit.keys"
start_gate front "$FRONT_POLICY" "$scratch/audit.keys" --audit "$AUDIT"
start_gate back "$BACK_POLICY" "$scratch/keys" --audit none
fetch front 3 "http://$BACK_IPV4/big" # ends on the way
check "a limit is told, with what was used" tells 'event=sa-hard-expired spi=0x[0-9a-f]{8} source=[^ ]+ destination=[^ ]+ limit=bytes bytes=[0-9]+ packets=[0-9]+ age_seconds=[0-9]+ '
end_gates

# ---- whoever keys reads it

# shellcheck source=stream.sh
. "$here/stream.sh"
write_policy audit-front.policy <<EOT
protect out udp from me to any port $STREAM_PORT with "encrypt"
default bypass
EOT
write_policy audit-back.policy <<EOT
protect in udp from any to me port $STREAM_PORT with "encrypt"
default bypass
EOT
LIVES_SECONDS=16 # of which the soft limit is seven eighths
short_lived_keys() {
    renew_keys
    sed "s/^sa .*{\$/&\n    lifetime $LIVES_SECONDS seconds 10 MB/" "$scratch/keys" >"$scratch/audit.keys"
    chmod 600 "$scratch/audit.keys"
}
rekeys() { # the receiver first, which has the former SAs for a while
    short_lived_keys && "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/back.sock" && reloads_front
}
short_lived_keys
rm -f "$AUDIT"
start_gate front "$scratch/audit-front.policy" "$scratch/audit.keys" --audit "$AUDIT"
start_gate back "$scratch/audit-back.policy" "$scratch/audit.keys" --audit none
start_stream rekeyed
check "a soft limit is told" wait_until $LIVES_SECONDS grep -q 'event=sa-soft-expired spi=0x[0-9a-f]* source=192.0.2.1 ' "$AUDIT"
check "when it is time for new keys" rekeys
sleep 4
check "the former ones have met their hard limit by now" tells 'event=sa-hard-expired spi=0x[0-9a-f]* source=192.0.2.1 '
stop_stream rekeyed
check "and no packet was lost meanwhile, but those that a host counts as too many for it" came_but_for_load rekeyed
end_gates

# ---- names that would like to be more than one line

odd="$scratch/odd \"name\"
event=forged.policy"
cp "$FRONT_POLICY" "$odd"
renew_keys
rm -f "$AUDIT"
start_gate front "$odd" "$scratch/keys" --audit "$AUDIT"
check "what could be taken for another event is escaped" tells 'file="/[^ ]*/odd \\"name\\"\\x0aevent=forged.policy"$'
check_fails "and is not a line of its own" grep -q '^event=' "$AUDIT"
end_process front

# ---- elsewhere

renew_keys
start_listener() { # PATH
    start_process listener "$scratch/listener.log" /usr/bin/python3 -B "$here/hear_log.py" "$1"
    wait_until 5 grep -q listening "$scratch/listener.log"
}
# As syslogd or journald would have it, in a mount namespace of the daemon's own.
start_logging_to() { # DESTINATION MOUNT-COMMANDS
    start_process front "$scratch/front.log" ip netns exec "$topology_tag-front" unshare -m bash -c \
        "$2"' && exec "$@"' logging "$SP_BUILD/tools/sallyportd/sallyportd" --policy "$FRONT_POLICY" --keys "$scratch/keys" \
        --control "$scratch/front.sock" --audit "$1"
    wait_until 5 gate_status front
}
hears() {
    wait_until 3 grep -Eq -- "$1" "$scratch/listener.log" || { cat "$scratch/listener.log" && return 1; }
}
mkdir -p "$scratch/journal"
start_listener "$scratch/journal/socket"
check "to the journal" start_logging_to journal \
    "mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir /run/systemd/journal && mount --bind $scratch/journal /run/systemd/journal"
check "it goes in the journal's own protocol, field by field" \
    hears "^PRIORITY=5\|SYSLOG_IDENTIFIER=sallyportd\|MESSAGE=$TIME event=policy-loaded .*\|SALLYPORT_TIME=.*\|SALLYPORT_EVENT=policy-loaded\|SALLYPORT_CAUSE=start\|.*SALLYPORT_SHA256=$hash\|"
end_process front
end_process listener
start_listener "$scratch/syslog"
check "to syslog" start_logging_to syslog "mount -t tmpfs none /dev -o mode=755 && mkdir /dev/net && mknod /dev/net/tun c 10 200 &&
    mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9 && ln -s $scratch/syslog /dev/log"
check "it goes as security messages" hears "^<85>.* sallyportd\[[0-9]+\]: $TIME event=policy-loaded "
end_process front
end_process listener
check_fails "a destination that is none is refused" in_front "$SP_BUILD/tools/sallyportd/sallyportd" --policy "$FRONT_POLICY" \
    --keys "$scratch/keys" --audit nowhere
check_fails "a file that can't be written as well" in_front timeout 5 "$SP_BUILD/tools/sallyportd/sallyportd" \
    --policy "$FRONT_POLICY" --keys "$scratch/keys" --control "$scratch/front.sock" --audit /nowhere/audit
