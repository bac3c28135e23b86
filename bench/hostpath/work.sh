# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What is done over a path, each once a call. One line of $results a figure: repeat, path, figure, value.

record() { # REPEAT PATH FIGURE VALUE
    printf '%s %s %s %s\n' "$@" >>"$results"
}

# Processor seconds of the daemons until now, all their threads, user and system.
daemon_ticks() {
    local name sum=0 ticks
    for name in "${path_daemons[@]}"; do
        ticks=$(awk '{ sub(/^.*\) /, ""); print $12 + $13 }' "/proc/${topology_pids[$name]}/stat")
        sum=$((sum + ticks))
    done
    echo "$sum"
}

is_listening() {
    in_back ss -Hltn "sport = :$1" | grep -q .
}

work_tcp() { # REPEAT PATH
    local before after
    start_process iperf "$scratch/iperf-server" ip netns exec "$topology_tag-back" iperf3 -s -1 -B "$path_server"
    wait_until 5 is_listening 5201 || fail "iperf3 does not listen"
    before=$(daemon_ticks)
    in_front timeout $((seconds + 20)) iperf3 -c "$path_server" -B "$path_client" -t "$seconds" -J >"$scratch/iperf.json" ||
        fail "iperf3 over $2: $(tail -n 5 "$scratch/iperf.json")"
    after=$(daemon_ticks)
    end_process iperf
    /usr/bin/python3 - "$scratch/iperf.json" "$1" "$2" "$(((after - before)))" "$(getconf CLK_TCK)" >>"$results" <<'EOF'
import json, sys
file, repeat, path, ticks, ticks_second = sys.argv[1:]
received = json.load(open(file))["end"]["sum_received"]
print(repeat, path, "tcp_gbit_s", received["bits_per_second"] / 1e9)
if int(ticks):
    print(repeat, path, "cpu_s_gb", int(ticks) / int(ticks_second) / (received["bytes"] / 1e9))
EOF
}

work_web() { # REPEAT PATH
    in_front wrk -t 1 -c 16 -d "$seconds" "http://$path_server/small" >"$scratch/wrk" || fail "wrk over $2"
    ! grep -Eq 'Socket errors|Non-2xx' "$scratch/wrk" || fail "wrk over $2: $(cat "$scratch/wrk")"
    record "$1" "$2" web_requests_s "$(awk '/^Requests\/sec/ { print $2 }' "$scratch/wrk")"
}

work_ping() { # REPEAT PATH
    local line
    line=$(in_front ping -q -c 200 -i 0.01 -I "$path_client" "$path_server" | grep '^rtt') || fail "ping over $2"
    record "$1" "$2" ping_ms "$(cut -d/ -f5 <<<"$line")"
}
