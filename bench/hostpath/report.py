# SPDX-License-Identifier: ISC
"""The table and the JSON of bench/run hostpath: medians with spread, and our ratio to each other path.

A ratio is taken within each repeat, where both had the same neighbours, and its median shown."""

import argparse
import json
import os
import statistics
import sys

FIGURES = [
    ("tcp_gbit_s", "iperf3, one flow, Gbit/s", "{:.2f}"),
    ("cpu_s_gb", "CPU s/GB in the daemons", "{:.2f}"),
    ("web_requests_s", "wrk, 16 connections, req/s", "{:.0f}"),
    ("ping_ms", "ping, ms", "{:.3f}"),
]
OURS = "sallyport-3des"


def read(file):
    """{figure: {path: {repeat: value}}}, paths in the order of their first line."""
    values = {}
    for line in open(file, encoding="ascii"):
        repeat, path, figure, value = line.split()
        values.setdefault(figure, {}).setdefault(path, {})[int(repeat)] = float(value)
    return values


def ratio_to(ours, others):
    return statistics.median(ours[r] / others[r] for r in ours if r in others)


def cells(values):
    for figure, title, form in FIGURES:
        for path, repeats in sorted(values.get(figure, {}).items()):
            ours = values[figure].get(OURS)
            yield {
                "figure": figure,
                "title": title,
                "form": form,
                "path": path,
                "median": statistics.median(repeats.values()),
                "min": min(repeats.values()),
                "max": max(repeats.values()),
                "repeats": len(repeats),
                "sallyport_to_this": ratio_to(ours, repeats) if ours else None,
            }


def print_table(rows):
    figure = None
    for row in rows:
        if row["figure"] != figure:
            figure = row["figure"]
            print(f"\n{row['title']:<34}{'median':>10}{'min':>10}{'max':>10}{'ours/this':>11}")
        numbers = "".join(f"{row['form'].format(row[key]):>10}" for key in ("median", "min", "max"))
        ratio = row["sallyport_to_this"]
        print(f"  {row['path']:<32}{numbers}{'' if ratio is None else f'{ratio:.2f}x':>11}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("--json")
    options = parser.parse_args()
    rows = list(cells(read(options.results)))
    if not rows:
        sys.exit("hostpath: nothing was measured")
    print_table(rows)
    if options.json:
        for row in rows:
            del row["title"], row["form"]
        with open(options.json, "w", encoding="ascii") as out:
            json.dump({"cpus": os.cpu_count(), "cells": rows}, out, indent=2)
            out.write("\n")


main()
