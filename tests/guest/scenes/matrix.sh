# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Our engine and the kernel's ESP: each opens what the other seals, in IPv4 and IPv6. A row is a suite, and what else
# there is about its SAs, tunnel4 and tunnel6 being tunnel mode over that family; it has a network of its own. The kernel
# gets policies and SAs from iproute2, as an administrator would type them, or from ipsecctl.

MATRIX_IP=('3des-cbc hmac-sha1-96' '3des-cbc hmac-md5-96' '3des-cbc hmac-sha2-256-128' '3des-cbc hmac-sha1-96 esn'
    aes128-gcm16 aes256-gcm16)
MATRIX_IPSECCTL=('3des-cbc hmac-sha1-96 encap' '3des-cbc hmac-sha1-96 esn' 'null hmac-sha1-96' aes256-gcm16
    '3des-cbc hmac-sha1-96 tunnel4' 'aes128-gcm16 esn tunnel6' '3des-cbc hmac-sha1-96 esn encap tunnel6')
# Everything with everything, but tunnels with some.
MATRIX_NIGHTLY=()
for suite in '3des-cbc hmac-sha1-96' '3des-cbc hmac-md5-96' '3des-cbc hmac-sha2-256-128' 'null hmac-sha1-96' \
    'null hmac-md5-96' 'null hmac-sha2-256-128' aes128-gcm16 aes256-gcm16; do
    for words in '' ' esn' ' encap' ' esn encap'; do
        MATRIX_NIGHTLY+=("$suite$words")
    done
done
MATRIX_NIGHTLY_TUNNELS=('3des-cbc hmac-sha2-256-128 tunnel4' 'aes256-gcm16 encap tunnel4'
    'null hmac-sha1-96 esn tunnel6' '3des-cbc hmac-sha1-96 esn encap tunnel6' 'aes128-gcm16 esn tunnel6')

# What a row says besides its suite: lines of an action, and options of keygen.
matrix_suite() { # ROW
    local row=$1
    row=${row% tunnel?}
    row=${row% encap}
    echo "${row% esn}"
}

# The ends of the network's hosts in a family: 1 is the engine's, 2 the kernel's.
matrix_address() { # FAMILY NUMBER HOST
    if [ "$1" = 4 ]; then echo "10.0.$2.$3"; else printf "fd00:0:0:%x::%d\n" "$2" "$3"; fi
}

# "mode tunnel ..." of a row that has it; the engine sends, the kernel is who it comes in to.
matrix_mode() { # DIRECTION ROW NUMBER
    local host=1
    [ "$1" = out ] || host=2
    [[ $2 == *' tunnel'? ]] || return 0
    echo "    mode tunnel from $(matrix_address "${2: -1}" "$3" $host) to $(matrix_address "${2: -1}" "$3" $((3 - host)))"
}

write_matrix_policy() { # DIRECTION DEFAULT ROW...
    local direction=$1 default=$2 number=0 row
    shift 2
    for row; do
        number=$((number + 1))
        printf 'action "%s" {\n    esp %s\n' "$row" "$(matrix_suite "$row")"
        [[ $row != *' esn'* ]] || echo '    esn'
        [[ $row != *' encap'* ]] || echo '    encap udp'
        matrix_mode "$direction" "$row" "$number"
        printf '    require\n}\n'
        printf 'protect %s any from 10.0.%d.1 to 10.0.%d.2 with "%s"\n' "$direction" "$number" "$number" "$row"
        printf 'protect %s any from fd00:0:0:%x::1 to fd00:0:0:%x::2 with "%s"\n' "$direction" "$number" "$number" "$row"
    done
    echo "default $default"
}

# The pairs of all rows, on standard output.
make_matrix_keys() { # ROW...
    local number=0 row options ipv6
    for row; do
        number=$((number + 1))
        ipv6=fd00:0:0:$(printf %x "$number")
        options=()
        [[ $row != *' esn'* ]] || options+=(--esn)
        [[ $row != *' encap'* ]] || options+=(--encap)
        # shellcheck disable=SC2207 # a word or two
        options+=(--esp $(matrix_suite "$row"))
        if [[ $row == *' tunnel'? ]]; then
            "$ipsecctl" keygen --tunnel --from "$(matrix_address "${row: -1}" "$number" 1)" \
                --to "$(matrix_address "${row: -1}" "$number" 2)" "${options[@]}" || return 1
            continue
        fi
        "$ipsecctl" keygen --from "10.0.$number.1" --to "10.0.$number.2" "${options[@]}" &&
            "$ipsecctl" keygen --from "$ipv6::1" --to "$ipv6::2" "${options[@]}" || return 1
    done
}

play_matrix() { # ip|ipsecctl some|all ROW...
    local installer=$1 sizes=$2 policy=$scratch/matrix.policy keys=$scratch/matrix.keys
    shift 2
    write_matrix_policy out block "$@" >"$policy"
    write_matrix_policy in bypass "$@" >"$policy.kernel" # bypass: not all that comes to the port of ESP in UDP is ESP
    (umask 077 && make_matrix_keys "$@" >"$keys")
    play "engine and kernel, by $installer" --seconds 600 "$here/inside/kernel_end.sh" "$installer" "$policy.kernel" \
        "$keys" "$#" --peer "$SP_BUILD/tests/guest/esp_peer" "$policy" "$keys" "$sizes"
}

if [ -n "${SP_NIGHTLY-}" ]; then
    play_matrix ip all "${MATRIX_IP[@]}"
    play_matrix ip some "${MATRIX_NIGHTLY[@]}"
    play_matrix ipsecctl some "${MATRIX_NIGHTLY[@]}" "${MATRIX_NIGHTLY_TUNNELS[@]}"
else
    play_matrix ip some "${MATRIX_IP[@]}"
    play_matrix ipsecctl some "${MATRIX_IPSECCTL[@]}"
fi
