# SPDX-License-Identifier: ISC
"""What Prometheus was told by ipsecmon, held against ipsecctl, the dashboard and the man page.

    prometheus.py VERB ARGUMENT...      ends with 0 when it is so, and else says what isn't
"""

import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request

NAME = re.compile(r"\bsallyport_[a-z0-9_]+")
SAMPLE = re.compile(r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?P<labels>\{[^}]*\})? (?P<value>[0-9.e+-]+)$')
OPENMETRICS = "application/openmetrics-text;version=1.0.0"


def get(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def query(prometheus, expression):
    """[(labels, value)]"""
    url = f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    told = json.loads(get(url))
    assert told["status"] == "success", told
    return [(found["metric"], float(found["value"][1])) for found in told["data"]["result"]]


def one(prometheus, expression):
    found = query(prometheus, expression)
    assert len(found) == 1, (expression, found)
    return found[0][1]


def target_is_up(prometheus):
    assert one(prometheus, 'up{job="sallyport"}') == 1
    assert one(prometheus, "sallyport_up") == 1


def has_rate(prometheus, expression):
    assert query(prometheus, expression), "no answer"


def agrees(prometheus, ipsecctl, control):
    told = subprocess.run([ipsecctl, "status", "--json", "--control", control], stdout=subprocess.PIPE, check=True)
    status = json.loads(told.stdout)
    wanted = {"sallyport_policy_generation": status["policy"]["generation"]}
    for direction, counters in status["totals"].items():
        for verdict in ("bypassed", "sealed", "opened", "dropped"):
            wanted[f'sallyport_packets_total{{direction="{direction}",verdict="{verdict}"}}'] = counters[f"{verdict}_packets"]
        wanted[f'sallyport_offered_bytes_total{{direction="{direction}"}}'] = counters["offered_bytes"]
        for reason, packets in counters["drops"].items():
            wanted[f'sallyport_drops_total{{where="{direction}",reason="{reason}"}}'] = packets
    for chain in ("guard_in", "guard_out"):
        refused = [entry["packets"] for entry in status["guard"] if (entry["chain"], entry["action"]) == (chain, "refuse")]
        wanted[f'sum(sallyport_drops_total{{where="{chain}",reason="refused"}})'] = sum(refused)
    for name, value in status["sa_totals"].items():
        if not name.startswith("packets"):
            wanted[f"sallyport_{name}_total"] = value
    for sa in status["sas"]:
        labels = f'{{spi="{sa["spi"]:#010x}",source="{sa["source"]}",destination="{sa["destination"]}"}}'
        esp = sum(sa[flow][f"{done}_packets"] for flow in ("outbound", "inbound") for done in ("sealed", "opened"))
        wanted[f"sallyport_association_packets_total{labels}"] = esp
        wanted[f"sallyport_association_bytes_total{labels}"] = sa["bytes"]
    live = [sa for sa in status["sas"] if sa["state"] != "hard-expired"]
    wanted["sallyport_active_associations"] = len(live)
    differing = {name: (value, one(prometheus, name)) for name, value in wanted.items() if one(prometheus, name) != value}
    assert not differing, differing
    moved = [name for name, value in wanted.items() if value > 0]
    assert len(moved) > 8, moved


def families(text):
    """Each name of a sample, in its order."""
    return dict.fromkeys(SAMPLE.match(line)["name"] for line in text.splitlines() if not line.startswith("#"))


def grammar(url):
    """OpenMetrics 1.0: families don't interleave, TYPE and HELP come first, counters end in _total, EOF is the end."""
    text = get(url, OPENMETRICS)
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    types, units, helped, seen, current = {}, {}, set(), set(), None
    for line in text.splitlines()[:-1]:
        if line.startswith("# "):
            _, what, name, rest = line.split(" ", 3)
            if what == "TYPE":
                assert name not in types, f"{name} comes twice"
                types[name], current = rest, name
            assert name == current, line
            assert what in ("TYPE", "UNIT", "HELP") and rest, line
            units.update({name: rest} if what == "UNIT" else {})
            helped.update({name} if what == "HELP" else ())
            continue
        sample = SAMPLE.match(line)
        assert sample, line
        suffix = {"counter": "_total", "info": "_info", "gauge": ""}[types[current]]
        assert sample["name"] == current + suffix, (line, current)
        assert line.rsplit(" ", 1)[0] not in seen, f"{line} comes twice"
        seen.add(line.rsplit(" ", 1)[0])
    assert helped == set(types), set(types) ^ helped
    assert all(name.endswith(f"_{unit}") for name, unit in units.items()), units
    assert "sallyport_association_bytes" in units


def man_names(man):
    """The names that ipsecmon(8) promises: the words of its list of metrics."""
    with open(man, encoding="utf-8") as file:
        text = file.read()
    listed = text[text.index(".Sh METRICS"):]
    listed = listed[:listed.index(".Sh ", 4)]
    return {f"sallyport_{name}" for line in listed.splitlines() if line.startswith(".It Li ")
            for name in line[len(".It Li "):].replace(",", " ").split()}


def promised(url, man):
    served, names = set(families(get(url, OPENMETRICS))), man_names(man)
    assert served <= names, f"not in the man page: {served - names}"
    unknown = names - served - {"sallyport_uptime_seconds"}
    assert not unknown, f"promised, not served: {unknown}"


def dashboard(prometheus, path, man):
    with open(path, encoding="utf-8") as file:
        board = json.load(file)
    names, panels = man_names(man), [panel for panel in board["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(panels) >= 8 and len({panel["id"] for panel in panels}) == len(panels)
    for expression in expressions:
        used = set(NAME.findall(expression))
        assert used and used <= names, (expression, used - names)
        asked = expression.replace("$__rate_interval", "60s").replace("$instance", ".*")
        assert "$" not in asked, asked
        assert query(prometheus, asked), f"no answer to {asked}"


def never_fell(prometheus):
    for name in query(prometheus, 'count by (__name__) ({__name__=~"sallyport_.*_total",__name__!~".*association.*"})'):
        counter = name[0]["__name__"]
        for labels, value in query(prometheus, f"resets({counter}[10m])"):
            # nftables begins anew with each policy
            assert value == 0 or labels.get("where", "").startswith("guard"), (counter, labels, value)


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]](*sys.argv[2:])
    except (AssertionError, OSError) as fault:
        sys.exit(f"{type(fault).__name__}: {fault}")
