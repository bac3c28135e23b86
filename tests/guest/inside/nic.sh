#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What a NIC answers to SAs with crypto offload: netdevsim as Linux has it, then as a NIC that takes 3DES. Full guest only.

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"

DES=(enc 'cbc(des3_ede)' 0x0123456789abcdef23456789abcdef01456789abcdef0123
    auth-trunc 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 96)
GCM=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213)
SWITCH=/sys/module/netdevsim/parameters/takes_3des
BOOKS=/sys/kernel/debug/netdevsim/netdevsim1/ports/0/ipsec

# add_sa SPI out|in ALGORITHM...: with crypto offload to the NIC
add_sa() {
    local spi=$1 direction=$2 ends=(src 192.0.2.1 dst 192.0.2.2)
    shift 2
    [ "$direction" = out ] || ends=(src 192.0.2.2 dst 192.0.2.1)
    ip xfrm state add "${ends[@]}" proto esp spi "$spi" reqid 1 mode transport "$@" offload dev "$nic" dir "$direction"
}

# refuses SENTENCE COMMAND...: with the driver's words, which came as the kernel's extended ack.
refuses() {
    local sentence=$1 said
    shift
    said=$("$@" 2>&1) && return 1
    echo "$said"
    [[ $said == *"$sentence"* ]]
}

is_offloaded() { # SPI
    ip xfrm state get src "$2" dst "$3" proto esp spi "$1" | grep -q "crypto offload parameters: dev $nic" &&
        grep -q "spi=$(printf '0x%08x' "$1")" "$BOOKS"
}

echo '1 1' >/sys/bus/netdevsim/new_device
wait_until 5 [ -e "$BOOKS" ] || exit 1
nic=$(ls /sys/bus/netdevsim/devices/netdevsim1/net)
ip link set "$nic" up && ip address add 192.0.2.1/24 dev "$nic" || exit 1

check "a NIC without 3DES refuses it, and says why" \
    refuses 'netdevsim: Failed to get key data for SA table' add_sa 0x1001 out "${DES[@]}"
check "and keeps no books of it" equals 'SA count=0 tx=0' cat "$BOOKS"
check "it takes AES-GCM with an ICV of 128 bits" add_sa 0x1002 out "${GCM[@]}" 128
check "which the kernel and the NIC both show" is_offloaded 0x1002 192.0.2.1 192.0.2.2
check "but not with one of 96 bits" \
    refuses 'netdevsim: Failed to get key data for SA table' add_sa 0x1003 out "${GCM[@]}" 96

echo 1 >"$SWITCH"
check "a NIC that takes 3DES takes it outbound" add_sa 0x1004 out "${DES[@]}"
check "and inbound" add_sa 0x1005 in "${DES[@]}"
check "outbound, the kernel and the NIC both show it" is_offloaded 0x1004 192.0.2.1 192.0.2.2
check "ipsecmon tells what the NIC was granted" says "nic $nic (crypto)" \
    "$SP_BUILD/tools/ipsecmon/ipsecmon" --once --csv --backend kernel --filter spi=0x1004
check "and inbound" is_offloaded 0x1005 192.0.2.2 192.0.2.1
echo 0 >"$SWITCH"
check "switched back it refuses 3DES again" \
    refuses 'netdevsim: Failed to get key data for SA table' add_sa 0x1006 out "${DES[@]}"
ip xfrm state flush
check "flushed, the NIC has none left" equals 'SA count=0 tx=0' cat "$BOOKS"

# A device without any offload is not an error to the kernel: it works in software, and only reading back tells.
ip link add plain0 type dummy && nic=plain0
check "a device without offload refuses nothing" add_sa 0x1007 out "${DES[@]}"
check "only reading back tells that it does not do it" fails grep -q offload <(ip xfrm state)
exit "$failures"
