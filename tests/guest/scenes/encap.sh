# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# ESP in UDP (RFC 3948): our engine here, and in the guest the kernel, to which ipsecctl gave policy and SAs.

write_encap_policy() { # in|out
    cat <<EOF
action "in UDP" {
    esp 3des-cbc hmac-sha1-96
    encap udp
    require
}
protect $1 any from 10.0.1.1 to 10.0.1.2 with "in UDP"
protect $1 any from fd00:0:0:1::1 to fd00:0:0:1::2 with "in UDP"
default bypass
EOF
}

write_encap_policy out >"$scratch/encap.policy"
write_encap_policy in >"$scratch/encap-kernel.policy"
(
    umask 077
    "$ipsecctl" keygen --encap --from 10.0.1.1 --to 10.0.1.2 >"$scratch/encap.keys" &&
        "$ipsecctl" keygen --encap --from fd00:0:0:1::1 --to fd00:0:0:1::2 >>"$scratch/encap.keys"
)
play "engine and kernel in UDP" --seconds 240 "$here/inside/encap_end.sh" "$scratch/encap-kernel.policy" \
    "$scratch/encap.keys" --peer "$SP_BUILD/tests/guest/esp_peer" "$scratch/encap.policy" "$scratch/encap.keys" \
    "$([ -n "${SP_NIGHTLY-}" ] && echo all || echo some)" encap
