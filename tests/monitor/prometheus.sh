# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: a Prometheus scrapes ipsecmon, and what it then knows is what ipsecctl says.

MONITOR=127.0.0.1:9750
PROMETHEUS=127.0.0.1:9090

ask() { # CURL ARGUMENT...
    in_front curl -s --max-time 10 "$@"
}
metrics() { # what prometheus.py does, on the front-end
    in_front /usr/bin/python3 -B "$here/prometheus.py" "$@"
}
has_status() { # STATUS CURL ARGUMENT...
    local status
    status=$(ask -o "$scratch/body" -w '%{http_code}' "${@:2}")
    echo "HTTP status $status" && head -c 500 "$scratch/body"
    [ "$status" = "$1" ]
}
has_header() { # HEADER CURL ARGUMENT...
    ask -D - -o /dev/null "${@:2}" | tr -d '\r' | tee /dev/stderr | grep -qixF "$1"
}
lints() {
    ask "http://$MONITOR/metrics" | promtool check metrics
}

OPENMETRICS='application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

check "ipsecmon serves metrics" start_monitor monitor --prometheus "$MONITOR" -i 0.5
check "promtool finds nothing to say about them" lints
check "who asks for OpenMetrics as Prometheus does gets OpenMetrics" \
    has_header 'content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' -H "Accept: $OPENMETRICS" \
    "http://$MONITOR/metrics"
check "others get the older text" has_header 'content-type: text/plain; version=0.0.4; charset=utf-8' "http://$MONITOR/metrics"
check "OpenMetrics is as its grammar wants it" metrics grammar "http://$MONITOR/metrics"
check "/healthz is 200 while the daemon answers" has_status 200 "http://$MONITOR/healthz"
check "what is not there is 404" has_status 404 "http://$MONITOR/metric"
check "nothing can be posted" has_status 405 -d x "http://$MONITOR/metrics"
check "another's name is refused, of a page that points it here" has_status 421 -H 'Host: evil.example:9750' "http://$MONITOR/metrics"
check "localhost is ours" has_status 200 -H 'Host: localhost:9750' "http://$MONITOR/metrics"

cat >"$scratch/prometheus.yml" <<YAML
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: sallyport
    static_configs:
      - targets: ['$MONITOR']
YAML
start_process prometheus "$scratch/prometheus.log" ip netns exec "$topology_tag-front" prometheus \
    --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/tsdb" --web.listen-address="$PROMETHEUS" \
    --log.level=warn
check "Prometheus finds its target up" eventually 30 metrics target_is_up "http://$PROMETHEUS"
start_traffic
check "it sees traffic under ESP" eventually 30 metrics has_rate "http://$PROMETHEUS" \
    'sum(rate(sallyport_packets_total{verdict="opened"}[5s])) > 10'
end_traffic
in_back curl -s --max-time 1 -o /dev/null "http://$FRONT_IPV4/" # which the policy blocks
check "its counters are then those of ipsecctl, each of them" eventually 20 metrics agrees \
    "http://$PROMETHEUS" "$SP_BUILD/tools/ipsecctl/ipsecctl" "$scratch/front.sock"
check "every panel of the dashboard has an answer, of names that ipsecmon(8) promises" metrics dashboard \
    "http://$PROMETHEUS" "$SP_SOURCE/docs/examples/grafana-sallyport.json" "$SP_SOURCE/docs/man/ipsecmon.8"
check "all names that are served are promised, and all that are promised are served" metrics promised \
    "http://$MONITOR/metrics" "$SP_SOURCE/docs/man/ipsecmon.8"

cat >"$scratch/again.keys" <"$scratch/keys"
(umask 077 && "$SP_BUILD/tools/ipsecctl/ipsecctl" keygen --from "$FRONT_IPV4" --to "$BACK_IPV4" >"$scratch/keys")
check "keys change" "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
check "and the totals go on" eventually 20 metrics agrees \
    "http://$PROMETHEUS" "$SP_BUILD/tools/ipsecctl/ipsecctl" "$scratch/front.sock"
check "no counter has fallen all the while" metrics never_fell "http://$PROMETHEUS"

end_process front
check "without the daemon /healthz is 503" eventually 10 has_status 503 "http://$MONITOR/healthz"
check "and sallyport_up is 0" eventually 10 metrics has_rate "http://$PROMETHEUS" 'sallyport_up == 0'
end_process monitor
check "SIGTERM ends it with status 0" test "$ended_status" -eq 0
end_process prometheus
cat >"$scratch/keys" <"$scratch/again.keys"
check "the daemon starts again" start_gate front "$SP_SOURCE/docs/examples/front-end.policy" "$scratch/keys"
check "--prometheus says why it can't listen, and ends with 2" bash -c \
    '"$0" --prometheus 192.0.2.99:1 --control "$1" 2>"$2"; [ $? -eq 2 ] && grep -q "can.t listen at 192.0.2.99:1" "$2"' \
    "$IPSECMON" "$scratch/front.sock" "$scratch/refused.log"
