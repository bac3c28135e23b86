# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# ipsecctl and a NIC: SAs between 192.0.2.1, which is this host, and others, and a policy of their suite.

nic_keys=$TMPDIR/nic.keys
nic_policy=$TMPDIR/nic.policy

write_nic_keys() { # "SUITE" [COUNT]: with so many peers, from 192.0.2.2 on
    local suite=$1 count=${2:-1} number
    : >"$nic_keys"
    chmod 600 "$nic_keys"
    for ((number = 2; number < 2 + count; number++)); do
        # shellcheck disable=SC2086 # one word or two
        "$ipsecctl" keygen --from 192.0.2.1 --to "192.0.2.$number" --esp $suite >>"$nic_keys" || return 1
    done
}

policy_of() { # FILE "SUITE"
    sed "s/esp 3des-cbc hmac-sha1-96/esp $2/" "$1" >"$nic_policy"
}

load_nic() { # [OPTION...]
    "$ipsecctl" load --backend nic --keys "$nic_keys" "$@" "$nic_policy"
}

refused() { # SENTENCE [OPTION...]: with exit code 2, and why
    local sentence=$1 said status
    shift
    said=$(load_nic "$@" 2>&1)
    status=$?
    echo "ended with $status: $said"
    [ "$status" -eq 2 ] && [[ $said == *"$sentence"* ]]
}
