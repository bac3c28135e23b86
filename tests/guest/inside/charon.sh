# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Two hosts in the guest, west and east, whose SAs come from an IKE daemon: strongSwan's charon on each, with a shared
# secret, 3DES with HMAC-SHA1 in transport mode, for TCP to port 80 of east. The kernel runs them; who mirrors SAs
# watches there.
#
#        west 10.9.0.1    wire0 ------------ wire0    east 10.9.0.2
#
#   . "$SP_SOURCE/tests/guest/inside/lib.sh"
#   . "$SP_SOURCE/tests/guest/inside/charon.sh"
#   need_esp veth; charon_up 2       # IKE version 1 or 2; policies are there, SAs come with the first packet
#   ip netns exec west curl http://10.9.0.2/
#   charon_do west --rekey --child web
#   charon_down

WEST=10.9.0.1
EAST=10.9.0.2
charon_folder=/dev/shm/charon # not in /run, see charon_start
charon_pids=()

charon_hosts() {
    ip netns add west && ip netns add east || return 1
    ip link add wire0 netns west type veth peer name wire0 netns east || return 1
    local host address
    for host in west east; do
        address=$WEST
        [ "$host" = west ] || address=$EAST
        ip -n "$host" address add "$address/24" dev wire0 &&
            ip -n "$host" link set lo up && ip -n "$host" link set wire0 up || return 1
    done
}

# charon_configure HOST LOCAL PEER LOCAL-SELECTOR PEER-SELECTOR START-ACTION VERSION
charon_configure() {
    local folder=$charon_folder/$1
    mkdir -p "$folder/swanctl"
    cat >"$folder/strongswan.conf" <<END
charon {
    load_modular = no
    load = random nonce openssl sha1 sha2 md5 hmac kdf gmp aes pem pkcs1 x509 pubkey kernel-netlink socket-default vici drbg
    install_routes = no
    delete_rekeyed = yes # IKEv1 keeps replaced SAs otherwise, until they expire
    delete_rekeyed_delay = 1
    filelog {
        log {
            path = $folder/log
            default = 1
            knl = 2
        }
    }
    plugins {
        vici {
            socket = unix://$folder/vici
        }
    }
}
END
    cat >"$folder/swanctl/swanctl.conf" <<END
connections {
    web {
        version = $7
        local_addrs = $2
        remote_addrs = $3
        proposals = 3des-sha1-modp1024
        local {
            auth = psk
            id = $2
        }
        remote {
            auth = psk
            id = $3
        }
        children {
            web {
                mode = transport
                esp_proposals = 3des-sha1
                local_ts = dynamic[$4]
                remote_ts = dynamic[$5]
                start_action = $6
            }
        }
    }
}
secrets {
    ike-web {
        secret = "of a test"
    }
}
END
}

# charon_do HOST SWANCTL-ARGUMENT...
charon_do() {
    local folder=$charon_folder/$1
    shift
    SWANCTL_DIR=$folder/swanctl STRONGSWAN_CONF=$folder/strongswan.conf swanctl "$@" --uri "unix://$folder/vici"
}

charon_start() { # HOST
    local folder=$charon_folder/$1
    # Two charons would fight over one charon.pid: each has a /run of its own.
    STRONGSWAN_CONF=$folder/strongswan.conf ip netns exec "$1" unshare -m sh -c \
        'mount -t tmpfs run /run && exec /usr/lib/ipsec/charon' >"$folder/output" 2>&1 &
    charon_pids+=($!)
    wait_until 20 [ -S "$folder/vici" ] && charon_do "$1" --load-all
}

charon_up() { # IKE-VERSION
    charon_hosts || return 1
    charon_configure west "$WEST" "$EAST" tcp tcp/80 trap "$1"
    charon_configure east "$EAST" "$WEST" tcp/80 tcp none "$1"
    charon_start west && charon_start east && return 0
    cat "$charon_folder"/*/output "$charon_folder"/*/log
    return 1
}

charon_down() {
    kill "${charon_pids[@]}"
    wait "${charon_pids[@]}"
    charon_pids=()
    ip netns delete west
    ip netns delete east
} 2>/dev/null
