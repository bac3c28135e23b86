#!/bin/bash
# SPDX-License-Identifier: ISC
#
# ipsecctl load --backend nic with a device that has no ESP: the kernel says yes and does it in software, which is found
# out and told.

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"
# shellcheck source=nic_lib.sh
. "$SP_SOURCE/tests/guest/inside/nic_lib.sh"

need_esp dummy esp4_offload esp6_offload
ip link add plain0 type dummy && ip link set plain0 up && ip address add 192.0.2.1/24 dev plain0 || exit 1
write_nic_keys aes128-gcm16
policy_of "$SP_SOURCE/docs/examples/front-end.policy" aes128-gcm16

check "the probe says what the kernel doesn't" \
    says 'no crypto: the kernel says yes and does it in software: plain0 does not offload ESP' "$ipsecctl" offload probe plain0
check "and leaves nothing behind" is_true - 'not s["sas"] and not s["policies"]'
check "a device that isn't there is told" refused 'there is no device "nosuch0"' --device nosuch0
check "crypto by name is refused, though the kernel says yes" \
    refused 'says yes and does it in software: plain0 does not offload ESP' --device plain0 --offload crypto
check "packet by name is refused" refused 'NIC' --device plain0 --offload packet
check "and nothing was changed" is_true - 'not s["sas"] and not s["policies"]'
check "auto takes what there is" says 'SAs: 2 added' load_nic --device plain0
check "status says that it is software, and why" is_true - \
    'all(a["offload"]["requested"] == "auto" and a["offload"]["granted"] == "software" and not a["offload"]["device"]
         and [r["mode"] for r in a["offload"]["refusals"]] == ["packet", "crypto"]
         and "plain0 does not offload ESP" in a["offload"]["refusals"][1]["why"] for a in s["sas"])'
check "in words too" says 'no crypto: the kernel says yes and does it in software' "$ipsecctl" status --backend nic
check "and what was to be protected is" is_true - 'any(p["action"] == "protect" and p["direction"] == "out" for p in s["policies"])'
check "loading again changes nothing" says '0 added, 0 changed, 0 deleted, 2 kept' load_nic --device plain0
check "the device that has the address is found" says 'plain0' load_nic
check "a dry run tells what would be granted" says 'software' load_nic -n
check "the kernel as backend takes them over as they are" says '0 added, 0 changed, 0 deleted, 2 kept' \
    "$ipsecctl" load --backend kernel --keys "$nic_keys" "$nic_policy"
check "and then no NIC is asked for any more" is_true - 'all(a["offload"]["requested"] is None for a in s["sas"])'
check "flush takes all away" "$ipsecctl" flush --backend nic
check "and leaves nothing" is_true - 'not s["sas"] and not s["policies"]'
exit "$failures"
