#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The handful of figures that tell how fast ESP is: cells of bench-esp beside its peers, each with what it is to reach.

Features of the processor are hidden from whole processes, so each kind of processor that stands in for another is a
run of bench-esp. It is the one that measures; this picks cells, compares repeat by repeat, and writes tables.
"""

import argparse
import csv
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

REPEATS = 15
MARKDOWN_FILES = {"README.md": ["headline"], "docs/bench.md": ["headline", "bursts"]}
BEGIN, END = "<!-- {}: bench/run esp --headline --markdown -->", "<!-- end of {} -->"

# What bench-esp is run with, and what stands in for the processor in a row's name.
FULL = {"mask": "", "says": "", "options": ["--repeats", str(REPEATS)]}
# IPsec-MB takes seconds a megabyte there: a burst a turn.
AVX2 = {"mask": "avx512", "says": "AVX2 only: ", "options": ["--repeats", "7", "--bytes", "180000", "--slow-peers"]}
PORTABLE = {"mask": "all", "says": "portable C: ", "options": ["--repeats", "11"]}
THREADS = {"mask": "", "says": "two threads: ", "options": ["--repeats", str(REPEATS), "--threads", "2"]}

BEST, LIBCRYPTO, IPSEC_MB, ONE_THREAD = "the best peer", "libcrypto", "IPsec-MB", "one thread"

# Run, work, payload (0: the mix), burst, SAs, then (against whom, at least, stretch) for each goal.
ROWS = [
    (FULL, "seal", 1424, 128, 1, [(BEST, 16, 20)]),
    (FULL, "seal", 1424, 32, 1, [(BEST, 7, 8)]),
    (FULL, "seal", 1424, 128, 1024, [(BEST, 13, 16)]),
    (FULL, "open", 1424, 32, 1, [(BEST, 18, 22)]),
    (FULL, "open", 1424, 1, 1, [(BEST, 10, 14)]),
    (FULL, "seal", 0, 256, 1, [(BEST, 14, 18)]),
    (FULL, "seal", 64, 256, 1, [(BEST, 10, 14)]),
    (FULL, "open", 64, 256, 1, [(BEST, 10, 14)]),
    (AVX2, "seal", 1424, 128, 1, [(LIBCRYPTO, 3, None), (IPSEC_MB, 1, None)]),
    (AVX2, "open", 1424, 128, 1, [(LIBCRYPTO, 3, None), (IPSEC_MB, 1, None)]),
    (PORTABLE, "seal", 1424, 256, 1, [(LIBCRYPTO, 2, None)]),
    (PORTABLE, "open", 1424, 256, 1, [(LIBCRYPTO, 2, None)]),
    (THREADS, "seal", 1424, 128, 1, [(ONE_THREAD, 1.9, None)]),
    (THREADS, "open", 1424, 128, 1, [(ONE_THREAD, 1.9, None)]),
]
# What else the table by burst takes.
BURSTS = (1, 8, 16, 32, 64, 128, 256)
ROWS_BY_BURST = [(FULL, work, 1424, burst, 1, []) for work in ("seal", "open") for burst in BURSTS]


def is_ours(cell):
    return cell["engine"].startswith("sallyport/")


def is_peer(cell):
    """In brackets stands the other cipher, which is nobody's peer."""
    return not is_ours(cell) and not cell["engine"].startswith("(")


def run_bench(program, run):
    """The cells that this run's rows are made of."""
    shapes = dict.fromkeys(f"{payload or 'mix'}:{burst}:{sas}" for of, _, payload, burst, sas, _ in ROWS + ROWS_BY_BURST
                           if of is run)
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        command = [program, *run["options"], "--json", answer.name]
        for shape in shapes:
            command += ["--cell", shape]
        with subprocess.Popen(command, env=dict(os.environ, SALLYPORT_CPUMASK=run["mask"]), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            for line in process.stdout:
                print(line.rstrip(), file=sys.stderr, flush=True)
        if process.returncode != 0:
            sys.exit(f"bench/headline: {' '.join(command)} ended with {process.returncode}")
        return json.load(answer)


def best_rates(cells, repeat_count):
    """Of each repeat, the fastest one's rate."""
    return [max(cell["mb_s_repeats"][i] for cell in cells) for i in range(repeat_count)]


def ratio_of(ours, others):
    """Median, least and most over the repeats; None without others."""
    if not others:
        return None
    best = best_rates(others, len(ours["mb_s_repeats"]))
    ratios = [mine / theirs for mine, theirs in zip(ours["mb_s_repeats"], best)]
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def goals_of(goals, ours, peers, alone):
    """What of a row's goals is reached: a goal against whom this build doesn't have stays open."""
    against = {BEST: peers, ONE_THREAD: alone,
               LIBCRYPTO: [peer for peer in peers if peer["engine"].startswith(LIBCRYPTO)],
               IPSEC_MB: [peer for peer in peers if peer["engine"].startswith(IPSEC_MB)]}
    answers = []
    for whom, least, stretch in goals:
        ratio = ratio_of(ours, against[whom])
        reached = "not measured" if ratio is None else "no"
        if ratio and ratio["median"] >= least:
            reached = "stretch" if stretch and ratio["median"] >= stretch else "yes"
        answers.append({"against": whom, "at_least": least, "stretch": stretch, "ratio": ratio, "reached": reached})
    return answers


def row_of(spec, cells):
    run, work, payload, burst, sas, goals = spec
    here = [cell for cell in cells if (cell["work"], cell["payload_bytes"], cell["burst"], cell["sas"]) ==
            (work, payload, burst, sas)]
    alone = [cell for cell in here if cell["ratio_to"] == "one thread" and cell["threads"] == 1]
    ours = next(cell for cell in here if is_ours(cell) and cell not in alone)
    peers = sorted(filter(is_peer, here), key=lambda cell: -cell["mb_s"])
    beside = (peers or alone)[0]
    aead = next((cell for cell in here if cell["engine"].startswith("(")), None)
    size = f"{payload:,} B" if payload else "internet mix"
    return {"name": f"{run['says']}{work} {size}, burst {burst}, {sas:,} SA{'s' if sas > 1 else ''}",
            "mask": run["mask"], "work": work, "payload_bytes": payload, "burst": burst, "sas": sas,
            "threads": ours["threads"], "engine": ours["engine"], "mb_s": ours["mb_s"],
            "cycles_byte": ours["cycles_byte"], "beside": beside["engine"] if peers else ONE_THREAD,
            "beside_mb_s": beside["mb_s"], "aes_128_gcm_mb_s": aead and aead["mb_s"],
            "ratio": ratio_of(ours, peers or alone), "repeats": len(ours["mb_s_repeats"]),
            "goals": goals_of(goals, ours, peers, alone)}


def rows_of(run, cells):
    """Those of the headline and, after the first run, those by burst."""
    rows = [dict(row_of(spec, cells), table="headline") for spec in ROWS if spec[0] is run]
    return rows + [dict(row_of(spec, cells), table="bursts") for spec in ROWS_BY_BURST if spec[0] is run]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as stream:
        text = stream.read()
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    flags = set((re.search(r"^flags\s*: (.*)$", text, re.MULTILINE) or ["", ""])[1].split())
    return {"model": model[1] if model else os.uname().machine, "is_virtual": "hypervisor" in flags,
            "has_vbmi": {"avx512_vbmi", "avx512vbmi"} & flags != set() and "gfni" in flags}


def measure(program):
    """All rows. The first goals are for processors with VBMI and GFNI; elsewhere they are nobody's."""
    machine = processor()
    report = {"command": "bench/run esp --headline", "date": datetime.date.today().isoformat(),
              "processor": machine["model"], "is_virtual": machine["is_virtual"],
              "processors": len(os.sched_getaffinity(0)), "load_before": round(os.getloadavg()[0], 1), "rows": []}
    for run in (FULL, AVX2, PORTABLE, THREADS):
        if run is THREADS and report["processors"] < 2:
            continue
        cells = run_bench(program, run)
        report["rows"] += rows_of(run, cells)
    for row in report["rows"]:
        if not machine["has_vbmi"] and row["mask"] == "" and row["threads"] == 1:
            row["goals"] = []
    report["ghz"] = round(report["rows"][0]["mb_s"] * report["rows"][0]["cycles_byte"] / 1000, 1)
    return report


def goal_text(goal):
    stretch = f", stretch {goal['stretch']}" if goal["stretch"] else ""
    found = f" ({goal['ratio']['median']:.2f})" if goal["ratio"] else ""
    return f"{goal['at_least']}x {goal['against']}{stretch}: {goal['reached']}{found}"


def print_table(report):
    print(f"{'work':46} {'MB/s':>8} {'cycles/B':>8}  {'beside':14} {'MB/s':>7} {'times':>7} {'min..max':>15}  "
          "to reach: reached")
    for row in sorted(report["rows"], key=lambda row: row["table"] != "headline"):
        ratio = row["ratio"]
        print(f"{row['name']:46} {row['mb_s']:8.1f} {row['cycles_byte']:8.2f}  {row['beside']:14} "
              f"{row['beside_mb_s']:7.1f} {ratio['median']:7.2f} {ratio['min']:7.2f}..{ratio['max']:<6.2f}  "
              f"{'; '.join(map(goal_text, row['goals'])) or '-'}")


def write_json(report, path):
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(report, stream, indent=2)
        stream.write("\n")


def write_csv(report, path):
    keys = ["work", "payload_bytes", "burst", "sas", "threads", "mask", "engine", "mb_s", "cycles_byte", "beside",
            "beside_mb_s", "aes_128_gcm_mb_s", "table"]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(keys + ["ratio", "ratio_min", "ratio_max", "to_reach"])
        for row in report["rows"]:
            ratio = row["ratio"]
            writer.writerow([row[key] for key in keys] + [ratio["median"], ratio["min"], ratio["max"],
                                                          "; ".join(map(goal_text, row["goals"]))])


def times(row):
    ratio = row["ratio"]
    return f"**{ratio['median']:.1f}** ({ratio['min']:.1f} to {ratio['max']:.1f})"


def headline_markdown(report):
    lines = ["| work | times the best peer | Sallyport MB/s | cycles a byte | best peer, MB/s | AES-128-GCM MB/s |",
             "| --- | --- | --- | --- | --- | --- |"]
    scaling = []
    for row in (row for row in report["rows"] if row["table"] == "headline"):
        if row["threads"] > 1:
            ratio = row["ratio"]
            scaling.append(f"{row['work']} {ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})")
            continue
        aead = f"{row['aes_128_gcm_mb_s']:,.0f}" if row["aes_128_gcm_mb_s"] else ""
        lines.append(f"| {row['name']} | {times(row)} | {row['mb_s']:,.0f} | {row['cycles_byte']:.1f} | "
                     f"{row['beside']} {row['beside_mb_s']:,.0f} | {aead} |")
    where = f"{'virtual ' if report['is_virtual'] else ''}{report['processor']} at about {report['ghz']} GHz"
    lines += ["", f"`{report['command']}` on one core of a {where}, {report['date']}; load average before it "
              f"{report['load_before']} on {report['processors']} processors. Medians of "
              f"{report['rows'][0]['repeats']} repeats, in brackets least and most."]
    if scaling:
        lines.append(f"Two threads do this many times what one does: {', '.join(scaling)}.")
    return lines


def bursts_markdown(report):
    rows = {(row["work"], row["burst"]): row for row in report["rows"] if row["table"] == "bursts"}
    lines = ["| burst of 1,424 B | seal: times the best peer | MB/s | best peer | open: times the best peer | MB/s | best peer |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for burst in BURSTS:
        cells = [f"{times(row)} | {row['mb_s']:,.0f} | {row['beside']} {row['beside_mb_s']:,.0f}"
                 for row in (rows["seal", burst], rows["open", burst])]
        lines.append(f"| {burst} | {' | '.join(cells)} |")
    return lines


def replace_block(path, name, lines):
    """Replaces what stands between the marks of this name."""
    begin, end = BEGIN.format(name), END.format(name)
    with open(path, encoding="utf-8") as stream:
        before, found, rest = stream.read().partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        sys.exit(f"bench/headline: {path} lacks the lines {begin} and {end}")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("\n".join([before + begin, *lines, end + after]))


def write_markdown(report, folder):
    blocks = {"headline": headline_markdown(report), "bursts": bursts_markdown(report)}
    for path, names in MARKDOWN_FILES.items():
        for name in names:
            replace_block(os.path.join(folder, path), name, blocks[name])


def main():
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    parser = argparse.ArgumentParser(prog="bench/run esp --headline", allow_abbrev=False, description=
                                     "The figures that tell how fast ESP is, beside the peers, in a few minutes.",
                                     epilog="example: bench/run esp --headline --markdown")
    parser.add_argument("--json", metavar="FILE", help="also write the rows to FILE")
    parser.add_argument("--csv", metavar="FILE", help="the same, comma-separated")
    parser.add_argument("--markdown", action="store_true", help="put the table into README.md and docs/bench.md")
    parser.add_argument("--from", dest="earlier", metavar="FILE", help="measure nothing: rows that --json wrote")
    parser.add_argument("--program", default=os.path.join(source, "build", "bench", "bench", "bench-esp"),
                        help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.earlier:
        with open(options.earlier, encoding="utf-8") as stream:
            report = json.load(stream)
    else:
        report = measure(options.program)
    print_table(report)
    if options.json:
        write_json(report, options.json)
    if options.csv:
        write_csv(report, options.csv)
    if options.markdown:
        write_markdown(report, source)
    return 0


if __name__ == "__main__":
    sys.exit(main())
