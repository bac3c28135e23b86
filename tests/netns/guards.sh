# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: every policy that the golden tests print becomes a guard that nftables takes, and that goes away again.

comes_and_goes() { # POLICY
    start_gate front "$1" "$scratch/keys" && end_process front && [ "$ended_status" -eq 0 ] && is_cleaned_up front
}
for policy in "$SP_SOURCE"/tests/golden/policy/*.conf "$SP_SOURCE"/docs/examples/*.policy; do
    "$SP_BUILD/tools/ipsecctl/ipsecctl" check "$policy" >/dev/null 2>&1 || continue
    check "nftables takes the guard of ${policy##*/}" comes_and_goes "$policy"
done

# ---- the guard and `ipsecctl explain` judge alike

twins() { # SEED POLICIES PACKETS
    /usr/bin/python3 -B "$here/twin.py" "$1" "$2" "$3" "$topology_tag-front" "$topology_tag-back" \
        "$SP_BUILD/tools/sallyportd/sallyportd" "$SP_BUILD/tools/ipsecctl/ipsecctl" "$scratch/keys" "$scratch"
}
check "under random policies nftables decides random packets as the policy explains them" twins 1 6 40
if [ -n "${SP_NIGHTLY-}" ]; then
    check "and many more of them" twins "$RANDOM" 40 100
fi
