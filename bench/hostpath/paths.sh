# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The ways from the front-end to the back-end that are compared. path_up NAME makes one; then $path_server and
# $path_client are the addresses to talk between and $path_daemons the names of the processes that carry packets.
#
# strongSwan's kernel-libipsec knows only tunnels in UDP, and wireguard-go only tunnels: their hosts talk between
# addresses of their own inside them.

FRONT_INNER=198.51.100.129
BACK_INNER=198.51.100.130

path_server='' path_client='' path_daemons=()

prepare_paths() {
    make_keys "$scratch/keys" || fail "can't make keys"
    # A byte limit for a single DES key pair (lifetime w2k) would end a measurement of gigabytes in its middle.
    cat >"$scratch/bench.policy" <<EOF
action "encrypt" {
    esp 3des-cbc hmac-sha1-96
    lifetime nist-r1
    require
}
protect out tcp from any to $BACK_IPV4 port { 80, 5201 } with "encrypt"
protect out icmp from any to $BACK_IPV4 with "encrypt"
default bypass
EOF
    sed 's/^    esp .*/&\n    encap udp/' "$scratch/bench.policy" >"$scratch/bench-udp.policy"
    local policy
    for policy in bench bench-udp; do
        sed 's/protect out/protect in/' "$scratch/$policy.policy" >"$scratch/$policy-back.policy"
    done
    ip -n "$topology_tag-front" address add "$FRONT_INNER/32" dev lo
    ip -n "$topology_tag-back" address add "$BACK_INNER/32" dev lo
}

path_up() {
    path_server=$BACK_IPV4 path_client=$FRONT_IPV4 path_daemons=()
    path_end=:
    case $1 in
    plain) ;;
    plain-no-tso)
        set_tso off
        path_end='set_tso on'
        ;;
    sallyport-3des) sallyport_up '' ;;
    sallyport-3des-avx2) sallyport_up avx512 ;;
    sallyport-3des-udp) sallyport_up '' bench-udp --encap ;;
    strongswan-3des) strongswan_up 3des-sha1 ;;
    strongswan-aes-gcm) strongswan_up aes128gcm16 ;;
    wireguard-go) wireguard_up ;;
    *) fail "no path is called $1" ;;
    esac
}

path_down() {
    local name
    for name in "${path_daemons[@]}"; do
        end_process "$name"
    done
    $path_end
}

set_tso() { # on|off
    in_front ethtool -K wire0 tso "$1" gso "$1" >/dev/null
    in_back ethtool -K wire0 tso "$1" gso "$1" >/dev/null
}

reaches() {
    in_front ping -q -c 1 -W 1 -I "$path_client" "$path_server"
}

# ---- sallyportd

sallyport_up() { # CPUMASK [POLICY [KEYGEN-OPTION...]]
    local policy=${2-bench}
    # Manual keys start at sequence number 1, so a new pair of daemons takes new ones.
    rm -f "$scratch/keys"
    make_keys "$scratch/keys" "${@:3}" || return 1
    export SALLYPORT_CPUMASK=$1
    start_gate front "$scratch/$policy.policy" "$scratch/keys" &&
        start_gate back "$scratch/$policy-back.policy" "$scratch/keys"
    local answer=$?
    unset SALLYPORT_CPUMASK
    path_daemons=(front back)
    [ "$answer" -eq 0 ] && wait_until 5 reaches
}

# ---- strongSwan

strongswan_up() { # ESP-PROPOSAL
    path_server=$BACK_INNER path_client=$FRONT_INNER path_daemons=(charon-front charon-back)
    charon_up front "$FRONT_IPV4" "$BACK_IPV4" "$FRONT_INNER" "$BACK_INNER" "$1" &&
        charon_up back "$BACK_IPV4" "$FRONT_IPV4" "$BACK_INNER" "$FRONT_INNER" "$1" &&
        swan front --initiate --child bench --timeout 10 >"$scratch/charon-front/initiate" 2>&1 &&
        wait_until 5 reaches && return
    tail -n 20 "$scratch"/charon-*/log "$scratch/charon-front/initiate" >&2
    return 1
}

swan() { # HOST ARGUMENT...
    local home=$scratch/charon-$1
    in_host "$1" env STRONGSWAN_CONF="$home/strongswan.conf" SWANCTL_DIR="$home/swanctl" \
        swanctl "${@:2}" --uri "unix://$home/vici"
}

charon_up() { # HOST OWN-ADDRESS PEER OWN-INNER PEER-INNER ESP-PROPOSAL
    local home=$scratch/charon-$1
    rm -rf "$home" && mkdir -p "$home/swanctl"
    cat >"$home/strongswan.conf" <<EOF
charon {
    load_modular = no
    load = random nonce aesni openssl hmac kdf gcm aes sha1 sha2 pem pubkey kernel-libipsec kernel-netlink socket-default vici
    plugins {
        vici { socket = unix://$home/vici }
        kernel-libipsec { load = yes }
    }
    filelog { log { path = $home/log } }
}
charon-systemd { journal { default = -1 } }
EOF
    cat >"$home/swanctl/swanctl.conf" <<EOF
connections {
    bench {
        version = 2
        local_addrs = $2
        remote_addrs = $3
        proposals = aes128-sha256-modp2048
        local { auth = psk
                id = $2 }
        remote { auth = psk
                 id = $3 }
        children {
            bench {
                local_ts = $4/32
                remote_ts = $5/32
                esp_proposals = $6
            }
        }
    }
}
secrets { ike-bench { secret = "for a bench between two namespaces" } }
EOF
    start_process "charon-$1" "$home/out" ip netns exec "$topology_tag-$1" \
        env STRONGSWAN_CONF="$home/strongswan.conf" /usr/sbin/charon-systemd
    wait_until 5 test -S "$home/vici" && swan "$1" --load-all >"$home/load" 2>&1
}

# ---- wireguard-go

wireguard_up() {
    path_server=$BACK_INNER path_client=$FRONT_INNER path_daemons=(wg-front wg-back)
    wireguard_start front && wireguard_start back || return 1
    wireguard_join front "$BACK_IPV4" back "$BACK_INNER" && wireguard_join back "$FRONT_IPV4" front "$FRONT_INNER" &&
        wait_until 5 reaches
}

# Its socket's name is that of the device, so the two devices have different ones.
wireguard_device() { echo "wg$$${1:0:1}"; }

wireguard_start() { # HOST
    (umask 077 && wg genkey >"$scratch/wg-$1.key") && wg pubkey <"$scratch/wg-$1.key" >"$scratch/wg-$1.pub" || return 1
    start_process "wg-$1" "$scratch/wg-$1.log" ip netns exec "$topology_tag-$1" \
        env LOG_LEVEL=error wireguard-go -f "$(wireguard_device "$1")"
    wait_until 5 test -S "/run/wireguard/$(wireguard_device "$1").sock"
}

wireguard_join() { # HOST PEER PEER-HOST PEER-INNER
    local device
    device=$(wireguard_device "$1")
    in_host "$1" wg set "$device" listen-port 51820 private-key "$scratch/wg-$1.key" \
        peer "$(cat "$scratch/wg-$3.pub")" endpoint "$2:51820" allowed-ips "$4/32" &&
        ip -n "$topology_tag-$1" link set "$device" up &&
        ip -n "$topology_tag-$1" route add "$4/32" dev "$device"
}
