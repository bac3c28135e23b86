# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The hosts that the demo and the network tests play with: network namespaces of their own, gone afterwards, also
# when interrupted. Needs root, $SP_SOURCE and $SP_BUILD.
#
#        front-end                                     back-end                          bystander
#      192.0.2.1/24    wire0 ---------------- wire0  192.0.2.2/24
#      2001:db8::1/64                                2001:db8::2/64
#                                                    198.51.100.2/24  side0 ---- side0  198.51.100.7/24
#                                                    nginx on port 80
#
#   . tools/lib/topology.sh
#   topology_up                 # cleans up at the end of the script, however it ends
#   make_keys "$scratch/keys"
#   start_gate front "$SP_SOURCE/docs/examples/front-end.policy" "$scratch/keys"
#   in_front curl ...

FRONT_IPV4=192.0.2.1
BACK_IPV4=192.0.2.2
FRONT_IPV6=2001:db8::1
BACK_IPV6=2001:db8::2
BACK_SIDE_IPV4=198.51.100.2
BYSTANDER_IPV4=198.51.100.7

topology_tag=sp$$
topology_more_hosts=() # that a scene has made
declare -A topology_pids=() # by name: front, back, web, capture-NAME, ...
scratch=''

in_front() { ip netns exec "$topology_tag-front" "$@"; }
in_back() { ip netns exec "$topology_tag-back" "$@"; }
in_bystander() { ip netns exec "$topology_tag-bystander" "$@"; }
in_host() { ip netns exec "$topology_tag-$1" "${@:2}"; }

# ---- processes

# start_process NAME LOG COMMAND...: in the background, ended at the latest by topology_down.
start_process() {
    local name=$1 log=$2
    shift 2
    "$@" >"$log" 2>&1 </dev/null &
    topology_pids[$name]=$!
}

is_running() {
    [ -n "${topology_pids[$1]-}" ] && kill -0 "${topology_pids[$1]}" 2>/dev/null
}

# end_process NAME [SIGNAL]: its exit status is left in $ended_status.
end_process() {
    local pid=${topology_pids[$1]-} tries=50
    [ -n "$pid" ] || return 0
    {
        kill "-${2-TERM}" "$pid"
        while kill -0 "$pid" && [ $((tries -= 1)) -gt 0 ]; do
            sleep 0.1
        done
        kill -KILL "$pid"
        wait "$pid"
    } 2>/dev/null # bash would also tell there of every process that was killed
    ended_status=$?
    unset "topology_pids[$1]"
}

# wait_until SECONDS COMMAND...: false when it still fails after that long.
wait_until() {
    local tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.1
    done
}

# ---- namespaces

join_hosts() { # HOST HOST DEVICE
    ip link add "$3" netns "$topology_tag-$1" type veth peer name "$3" netns "$topology_tag-$2"
}

give_address() { # HOST DEVICE ADDRESS
    local options=()
    [[ $3 == *:* ]] && options=(nodad)
    ip -n "$topology_tag-$1" address add "$3" dev "$2" "${options[@]}"
    ip -n "$topology_tag-$1" link set "$2" up
}

topology_up() {
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/sallyport.XXXXXX") || return 1
    trap topology_down EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    chmod 711 "$scratch"
    local host
    for host in front back bystander; do
        ip netns add "$topology_tag-$host" || return 1
        ip -n "$topology_tag-$host" link set lo up
    done
    join_hosts front back wire0 && join_hosts back bystander side0 || return 1
    give_address front wire0 "$FRONT_IPV4/24" && give_address back wire0 "$BACK_IPV4/24" || return 1
    give_address front wire0 "$FRONT_IPV6/64" && give_address back wire0 "$BACK_IPV6/64" || return 1
    give_address back side0 "$BACK_SIDE_IPV4/24" && give_address bystander side0 "$BYSTANDER_IPV4/24"
}

topology_down() {
    trap '' INT TERM HUP
    trap - EXIT
    local name host space
    for name in "${!topology_pids[@]}"; do
        end_process "$name"
    done
    for host in front back bystander "${topology_more_hosts[@]}"; do
        space=$(in_host "$host" stat -Lc %i /proc/self/ns/net 2>/dev/null) || continue
        rm -f "/run/sallyport/netns-$space.lock" # left by daemons that were killed
        ip netns delete "$topology_tag-$host"
    done
    rmdir /run/sallyport 2>/dev/null
    [ -z "$scratch" ] || rm -rf "$scratch"
}

# ---- sallyportd

# One file of keys that both hosts use: a pair of SAs over IPv4, a pair over IPv6. Options are keygen's.
make_keys() { # FILE [OPTION...]
    local ipsecctl=$SP_BUILD/tools/ipsecctl/ipsecctl
    (
        umask 077
        "$ipsecctl" keygen --from "$FRONT_IPV4" --to "$BACK_IPV4" "${@:2}" >"$1" &&
            "$ipsecctl" keygen --from "$FRONT_IPV6" --to "$BACK_IPV6" "${@:2}" >>"$1"
    )
}

gate_status() { # HOST
    "$SP_BUILD/tools/ipsecctl/ipsecctl" status --json --control "$scratch/$1.sock"
}

# gate_value HOST EXPRESSION: of the status as Python sees it, s["totals"]["inbound"]["drops"]["bad-icv"] say.
gate_value() {
    gate_status "$1" | /usr/bin/python3 -c 'import json, sys; s = json.load(sys.stdin); print(eval(sys.argv[1]))' "$2"
}

# start_gate HOST POLICY KEYS [OPTION...]: it is up when this returns 0; else its log is on stderr.
start_gate() {
    local host=$1 policy=$2 keys=$3 tries=100
    shift 3
    start_process "$host" "$scratch/$host.log" ip netns exec "$topology_tag-$host" \
        "$SP_BUILD/tools/sallyportd/sallyportd" --policy "$policy" --keys "$keys" \
        --control "$scratch/$host.sock" "$@"
    while is_running "$host" && [ $((tries -= 1)) -gt 0 ]; do
        gate_status "$host" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    cat "$scratch/$host.log" >&2
    end_process "$host"
    return 1
}

# ---- a web server, and clients

# Serves $scratch/www on the back-end; /upload answers what upload_sink does.
start_web() {
    mkdir -p "$scratch/www" "$scratch/web"
    chmod 755 "$scratch/www" "$scratch/web"
    printf 'The gate is open: this page came under ESP.\n' >"$scratch/www/small"
    cat >"$scratch/web/nginx.conf" <<EOF
daemon off;
pid $scratch/web/nginx.pid;
error_log $scratch/web/error.log;
worker_processes 1;
user nobody nogroup;
events { worker_connections 256; }
http {
    access_log off;
    default_type application/octet-stream;
    client_max_body_size 0;
    client_body_temp_path $scratch/web/body;
    proxy_temp_path $scratch/web/proxy;
    fastcgi_temp_path $scratch/web/fastcgi;
    uwsgi_temp_path $scratch/web/uwsgi;
    scgi_temp_path $scratch/web/scgi;
    server {
        listen 80;
        listen [::]:80;
        root $scratch/www;
        location /upload { proxy_pass http://127.0.0.1:8080; }
    }
}
EOF
    start_process web "$scratch/web/log" ip netns exec "$topology_tag-back" nginx -c "$scratch/web/nginx.conf" -p "$scratch/web"
    wait_until 5 in_back curl -s --max-time 1 http://127.0.0.1/small
}

# fetch HOST SECONDS URL [FILE]
fetch() {
    in_host "$1" curl -g -s -f --max-time "$2" -o "${4:-/dev/null}" "$3"
}

# fetches HOST ADDRESS FILE: and it is the same, byte for byte.
fetches() {
    rm -f "$scratch/got"
    fetch "$1" 60 "http://$2/$3" "$scratch/got" && cmp -s "$scratch/got" "$scratch/www/$3"
}

# Refused in silence: no answer at all until curl gives up (its status 28), rather than a reset (7).
is_ignored() { # HOST ADDRESS
    in_host "$1" curl -g -s --max-time 2 -o /dev/null "http://$2/small"
    [ $? -eq 28 ]
}

stays_shut() { # HOST ADDRESS
    ! fetch "$1" 3 "http://$2/small"
}

# Nothing of a sallyportd is left in the host.
is_cleaned_up() { # HOST
    [ -z "$(in_host "$1" nft list ruleset)" ] &&
        ! in_host "$1" ip rule | grep -q fwmark && ! in_host "$1" ip -6 rule | grep -q fwmark &&
        ! in_host "$1" ip route show table all | grep -Eq 'sally|blackhole' &&
        ! in_host "$1" ip -6 route show table all | grep -Eq 'sally|blackhole' &&
        [ -z "$(in_host "$1" ip xfrm policy 2>/dev/null)" ] &&
        ! in_host "$1" ip link show sally0 >/dev/null 2>&1 && [ ! -e "$scratch/$1.sock" ] && [ ! -e "$scratch/$1.stats" ]
}

# ---- captures

# start_capture NAME HOST DEVICE [FILTER...]
start_capture() {
    start_process "capture-$1" "$scratch/$1.capture-log" ip netns exec "$topology_tag-$2" \
        tcpdump -n -p --immediate-mode -B 131072 -U -s 0 -i "$3" -w "$scratch/$1.pcap" "${@:4}"
    wait_until 5 grep -q '^tcpdump: listening' "$scratch/$1.capture-log" ||
        wait_until 1 grep -q 'listening on' "$scratch/$1.capture-log"
}

stop_capture() { # NAME
    sleep 0.3 # for what is on its way
    end_process "capture-$1"
    ! grep -Eq '^[1-9][0-9]* packets dropped by kernel' "$scratch/$1.capture-log"
}

captured() { # NAME FILTER
    tcpdump -n -r "$scratch/$1.pcap" "$2" 2>/dev/null | wc -l
}
