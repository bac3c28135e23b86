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
