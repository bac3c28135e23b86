# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Our engine and the kernel's ESP, transport mode: each opens what the other seals. A network for each suite.

ENGINE_SUITES=('3des-cbc hmac-sha1-96' '3des-cbc hmac-md5-96' '3des-cbc hmac-sha2-256-128' '3des-cbc hmac-sha1-96 esn'
    aes128-gcm16 aes256-gcm16)

write_engine_policy() {
    local number=0 suite
    for suite in "${ENGINE_SUITES[@]}"; do
        number=$((number + 1))
        printf 'action "%s" {\n    esp %s\n    require\n}\n' "$suite" "${suite/ esn/$'\n    esn'}"
        printf 'protect out any from 10.0.%d.1 to 10.0.%d.2 with "%s"\n' "$number" "$number" "$suite"
        printf 'protect out any from fd00:0:0:%d::1 to fd00:0:0:%d::2 with "%s"\n' "$number" "$number" "$suite"
    done
    echo 'default block'
}

# The pairs of all suites, on standard output.
make_engine_keys() {
    local number=0 suite
    for suite in "${ENGINE_SUITES[@]}"; do
        number=$((number + 1))
        suite=${suite/ esn/ --esn}
        # shellcheck disable=SC2086 # some words
        "$ipsecctl" keygen --from "10.0.$number.1" --to "10.0.$number.2" --esp $suite &&
            "$ipsecctl" keygen --from "fd00:0:0:$number::1" --to "fd00:0:0:$number::2" --esp $suite || return 1
    done
}

write_engine_policy >"$scratch/engine.policy"
(umask 077 && make_engine_keys >"$scratch/engine.keys")
play "engine and kernel" --seconds 240 "$here/inside/kernel_end.sh" "$scratch/engine.keys" 1 2 3 4 5 6 \
    --peer "$SP_BUILD/tests/guest/esp_peer" "$scratch/engine.policy" "$scratch/engine.keys" \
    "$([ -n "${SP_NIGHTLY-}" ] && echo all || echo some)"
