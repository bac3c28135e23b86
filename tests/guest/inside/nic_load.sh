#!/bin/bash
# SPDX-License-Identifier: ISC
#
# ipsecctl load --backend nic with netdevsim, as Linux has it, and then as a NIC that takes 3DES and whole packets.
# Full guest only.

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"
# shellcheck source=nic_lib.sh
. "$SP_SOURCE/tests/guest/inside/nic_lib.sh"

DES='3des-cbc hmac-sha1-96'
FRONT_END=$SP_SOURCE/docs/examples/front-end.policy
BACK_END=$SP_SOURCE/docs/examples/back-end.policy
SWITCH=/sys/module/netdevsim/parameters/takes_3des
BOOKS=/sys/kernel/debug/netdevsim/netdevsim1/ports/0/ipsec

on_nic() { # COUNT: SAs that the NIC itself says it has
    grep "^SA count=" "$BOOKS"
    [ "$(sed -n 's/^SA count=\([0-9]*\) .*/\1/p' "$BOOKS")" -eq "$1" ]
}

granted() { # MODE COUNT: by the kernel, and for the NIC
    is_true - "sum(a['offload']['granted'] == '$1' and a['offload']['device'] == '$nic' for a in s['sas']) == $2"
}

nic_goes_down() {
    ip link set "$nic" down && ip link set "$nic" up
}

listen() {
    "$ipsecctl" monitor --backend nic >"$TMPDIR/events" 2>"$TMPDIR/listening" &
    listener=$!
    wait_until 5 grep -q listening "$TMPDIR/listening"
}

heard() { # WORDS: of an SA that was added
    wait_until 5 grep -q "sa-added .*$1" "$TMPDIR/events"
    local status=$?
    cat "$TMPDIR/events"
    kill "$listener"
    return "$status"
}

echo '1 1' >/sys/bus/netdevsim/new_device
wait_until 5 [ -e "$BOOKS" ] || exit 1
nic=$(ls /sys/bus/netdevsim/devices/netdevsim1/net)
ip link set "$nic" up && ip address add 192.0.2.1/24 dev "$nic" || exit 1

probed() { # EXPRESSION: about ipsecctl's probe of the NIC, as Python
    "$ipsecctl" offload probe --json "$nic" |
        /usr/bin/python3 -c 'import json, sys; p = json.load(sys.stdin); print(p); sys.exit(not eval(sys.argv[1]))' "$1"
}

check "the probe knows its driver, and what that takes" probed 'p["driver"] == "netdevsim" and "AES-GCM" in p["driver_takes"]'
check "and what it advertises" probed 'p["features"]["esp-hw-offload"] == "on"'
check "asked, it takes AES-GCM for crypto" probed \
    '[s["granted"] for s in p["suites"] if "gcm" in s["encryption"]] == ["crypto", "crypto"]'
check "and nothing else, with its reason" probed \
    'all(s["granted"] == "software" and "Failed to get key data" in s["crypto_refusal"] for s in p["suites"] if "gcm" not in s["encryption"])'
check "and the probe leaves nothing behind" on_nic 0
check "neither in the kernel" is_true - 'not s["sas"] and not s["policies"]'

# ---- 3DES, which it doesn't take
write_nic_keys "$DES" && policy_of "$FRONT_END" "$DES"
check "3DES by name is refused, with the driver's reason" \
    refused 'netdevsim: Failed to get key data for SA table' --device "$nic" --offload crypto
check "and nothing was changed" is_true - 'not s["sas"] and not s["policies"]'
check "auto does it in software" says 'SAs: 2 added' load_nic
check "of which the NIC knows nothing" on_nic 0
check "and status has the driver's reason" is_true - \
    'all(a["offload"]["granted"] == "software" and "netdevsim: Failed to get key data" in a["offload"]["refusals"][1]["why"] for a in s["sas"])'

# ---- AES-GCM, which it takes
write_nic_keys aes128-gcm16 && policy_of "$FRONT_END" aes128-gcm16
check "whole packets by name are refused, with a reason" \
    refused "a NIC's policies are tried first" --device "$nic" --offload packet
policy_of "$BACK_END" aes128-gcm16
check "with a policy whose order a NIC keeps, the reason is the driver's" \
    refused 'netdevsim: Unsupported ipsec offload type' --device "$nic" --offload packet
listen
check "auto gives AES-GCM to the NIC that has the address" says 'SAs: 2 added' load_nic
check "monitor tells what is given to it" heard "crypto on $nic"
check "which the NIC itself shows" on_nic 2
check "and the kernel" granted crypto 2
check "with why not more" is_true - \
    'all("netdevsim: Unsupported ipsec offload type" in a["offload"]["refusals"][0]["why"] for a in s["sas"])'
check "status says it in words" says "no packet: $nic refuses it" "$ipsecctl" status --backend nic
check "loading again changes nothing" says '0 added, 0 changed, 0 deleted, 2 kept' load_nic
check "nor does asking for crypto by name" says '0 added, 0 changed, 0 deleted, 2 kept' load_nic --offload crypto
check "to the kernel alone they are moved" says 'SAs: 0 added, 2 changed, 0 deleted' \
    "$ipsecctl" load --backend kernel --keys "$nic_keys" "$nic_policy"
check "so that the NIC has none" on_nic 0
check "and back" says 'SAs: 0 added, 2 changed, 0 deleted' load_nic
check "so that it has them again" on_nic 2
check "a NIC that goes down loses its SAs" nic_goes_down
check "but the policy stays, so nothing goes in clear" is_true - \
    'not s["sas"] and {p["direction"] for p in s["policies"] if p["action"] == "protect"} >= {"in", "out"}'
check "loaded again, they are back" says 'SAs: 2 added' load_nic
check "on the NIC" on_nic 2

# ---- more than it has room for
"$ipsecctl" flush --backend nic
write_nic_keys aes128-gcm16 20
check "of forty SAs, the NIC has those for which there is room" says 'SAs: 40 added' load_nic
check "which are thirty-three" granted crypto 33
check "as it says itself" on_nic 33
check "and the others are in software, with the reason" is_true - \
    'sum(a["offload"]["granted"] == "software" and any("No space" in r["why"] for r in a["offload"]["refusals"]) for a in s["sas"]) == 7'
check "loading again changes nothing, full as it is" says '0 added, 0 changed, 0 deleted, 40 kept' load_nic

# ---- a NIC that takes 3DES, and whole packets
echo 1 >"$SWITCH"
"$ipsecctl" flush --backend nic
write_nic_keys "$DES" && policy_of "$FRONT_END" "$DES"
check "the probe of a NIC that takes 3DES for whole packets says so" probed \
    '[s["granted"] for s in p["suites"] if (s["encryption"], s["integrity"]) == ("3des-cbc", "hmac-sha1-96")] == ["packet"]'
check "a NIC that takes 3DES gets it" says 'SAs: 2 added' load_nic --offload crypto
check "as it shows" on_nic 2
check "whole packets are still refused where the order of rules matters" refused 'comes before' --offload packet
policy_of "$BACK_END" "$DES"
check "and granted where it doesn't" says 'packet' load_nic --offload packet
check "by the kernel" granted packet 2
check "and by the NIC" on_nic 2
check "which has the policies too, each with one of the kernel's own behind it" is_true - \
    "{(p['direction'], p['device']) for p in s['policies'] if p['action'] == 'protect' and p['direction'] != 'fwd'} == {(d, n) for d in ('in', 'out') for n in ('$nic', None)}"
check "loading again changes nothing" says '0 added, 0 changed, 0 deleted, 2 kept' load_nic
check "it goes down" nic_goes_down
check "and what it protected is not let through" is_true - \
    '(not s["sas"] and not any(p["device"] for p in s["policies"]) and
      {p["direction"] for p in s["policies"] if p["action"] == "protect"} >= {"in", "out"})'
check "loaded again, it is all back" says 'SAs: 2 added' load_nic
check "whole packets" granted packet 2
check "flush takes it from the NIC" "$ipsecctl" flush --backend nic
check "and leaves nothing" on_nic 0
exit "$failures"
