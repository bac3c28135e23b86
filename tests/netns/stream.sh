# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# For scenes that change something amid traffic: numbered datagrams from the front-end to the back-end.

STREAM_PORT=5001
STREAM_RATE=400

start_stream() { # NAME
    start_process "receive-$1" "$scratch/$1.received" ip netns exec "$topology_tag-back" \
        /usr/bin/python3 -B "$here/udp_stream.py" receive "$BACK_IPV4" "$STREAM_PORT"
    sleep 0.3
    start_process "send-$1" "$scratch/$1.sent" ip netns exec "$topology_tag-front" \
        /usr/bin/python3 -B "$here/udp_stream.py" send "$BACK_IPV4" "$STREAM_PORT" "$STREAM_RATE"
}
stop_stream() { # NAME
    end_process "send-$1"
    sleep 0.5
    end_process "receive-$1"
}
came_whole() { # NAME: all that was sent came, once
    local sent received missing again
    read -r sent <"$scratch/$1.sent"
    read -r received missing again <"$scratch/$1.received"
    echo "sent $sent, received $received, missing before the last $missing, twice $again"
    [ "$sent" -gt 0 ] && [ "$received" -eq "$sent" ] && [ "$missing" -eq 0 ] && [ "$again" -eq 0 ]
}
came_in_part() { # NAME
    local received missing again
    read -r received missing again <"$scratch/$1.received"
    echo "received $received, missing before the last $missing, twice $again"
    [ "$received" -gt 0 ] && [ "$again" -eq 0 ]
}
# All that was sent came, or was dropped because the machine was too busy: none for want of a key.
came_but_for_load() { # NAME
    local sent received rest
    read -r sent <"$scratch/$1.sent"
    read -r received rest <"$scratch/$1.received"
    local drops='sum(n for d in s["totals"].values() for r, n in d["drops"].items() if r.startswith("host-"))'
    local busy=$(($(gate_value front "$drops") + $(gate_value back "$drops")))
    echo "sent $sent, received $received, too many for a host $busy"
    [ "$received" -gt 0 ] && [ "$sent" -eq $((received + busy)) ]
}

reloads() { # HOST [OPTION...]
    "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/$1.sock" "${@:2}"
}
# pair NAME: keys of their own for both directions between the hosts.
pair() {
    rm -f "$scratch/$1"
    (umask 077 && "$SP_BUILD/tools/ipsecctl/ipsecctl" keygen --from "$FRONT_IPV4" --to "$BACK_IPV4" |
        sed "s/^sa \"/&$1 /" >"$scratch/$1")
}
set_keys() { # HOST PAIR...
    (umask 077 && cd "$scratch" && cat "${@:2}" >"$1.new" && mv "$1.new" "$1.keys")
}
