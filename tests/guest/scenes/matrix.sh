# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Our engine and the kernel's ESP, transport mode: each opens what the other seals, in IPv4 and IPv6. A row is a suite,
# and what else there is about its SAs; it has a network of its own. The kernel gets policies and SAs from iproute2, as
# an administrator would type them, or from ipsecctl.

MATRIX_IP=('3des-cbc hmac-sha1-96' '3des-cbc hmac-md5-96' '3des-cbc hmac-sha2-256-128' '3des-cbc hmac-sha1-96 esn'
    aes128-gcm16 aes256-gcm16)
MATRIX_IPSECCTL=('3des-cbc hmac-sha1-96 encap' '3des-cbc hmac-sha1-96 esn' 'null hmac-sha1-96' aes256-gcm16)
if [ -n "${SP_NIGHTLY-}" ]; then
    matrix=()
    for suite in '3des-cbc hmac-sha1-96' '3des-cbc hmac-md5-96' '3des-cbc hmac-sha2-256-128' 'null hmac-sha1-96' \
        'null hmac-md5-96' 'null hmac-sha2-256-128' aes128-gcm16 aes256-gcm16; do
        for words in '' ' esn' ' encap' ' esn encap'; do
            matrix+=("$suite$words")
        done
    done
    MATRIX_IP=("${matrix[@]}")
    MATRIX_IPSECCTL=("${matrix[@]}")
fi

# What a row says besides its suite: lines of an action, and options of keygen.
matrix_suite() { # ROW
    local row=$1
    row=${row% encap}
    echo "${row% esn}"
}

write_matrix_policy() { # DIRECTION DEFAULT ROW...
    local direction=$1 default=$2 number=0 row
    shift 2
    for row; do
        number=$((number + 1))
        printf 'action "%s" {\n    esp %s\n' "$row" "$(matrix_suite "$row")"
        [[ $row != *' esn'* ]] || echo '    esn'
        [[ $row != *' encap' ]] || echo '    encap udp'
        printf '    require\n}\n'
        printf 'protect %s any from 10.0.%d.1 to 10.0.%d.2 with "%s"\n' "$direction" "$number" "$number" "$row"
        printf 'protect %s any from fd00:0:0:%d::1 to fd00:0:0:%d::2 with "%s"\n' "$direction" "$number" "$number" "$row"
    done
    echo "default $default"
}

# The pairs of all rows, on standard output.
make_matrix_keys() { # ROW...
    local number=0 row options
    for row; do
        number=$((number + 1))
        options=()
        [[ $row != *' esn'* ]] || options+=(--esn)
        [[ $row != *' encap' ]] || options+=(--encap)
        # shellcheck disable=SC2207 # a word or two
        options+=(--esp $(matrix_suite "$row"))
        "$ipsecctl" keygen --from "10.0.$number.1" --to "10.0.$number.2" "${options[@]}" &&
            "$ipsecctl" keygen --from "fd00:0:0:$number::1" --to "fd00:0:0:$number::2" "${options[@]}" || return 1
    done
}

play_matrix() { # ip|ipsecctl ROW...
    local installer=$1 policy=$scratch/matrix.policy keys=$scratch/matrix.keys sizes=some
    shift
    [ -z "${SP_NIGHTLY-}" ] || sizes=all
    write_matrix_policy out block "$@" >"$policy"
    write_matrix_policy in bypass "$@" >"$policy.kernel" # bypass: not all that comes to the port of ESP in UDP is ESP
    (umask 077 && make_matrix_keys "$@" >"$keys")
    play "engine and kernel, by $installer" --seconds 600 "$here/inside/kernel_end.sh" "$installer" "$policy.kernel" \
        "$keys" "$#" --peer "$SP_BUILD/tests/guest/esp_peer" "$policy" "$keys" "$sizes"
}

play_matrix ip "${MATRIX_IP[@]}"
play_matrix ipsecctl "${MATRIX_IPSECCTL[@]}"
