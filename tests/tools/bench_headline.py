# SPDX-License-Identifier: ISC
"""What bench/run esp --headline makes of cells: ratios, goals, and the README's table. No clock is looked at."""

import os
import shutil
import sys

from harness import equal, expect, test

SOURCE = os.environ["SP_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "bench"))
import headline  # noqa: E402


def cell(engine, rates, threads=1, ratio_to="best peer", work="seal"):
    return {"work": work, "payload_bytes": 1424, "burst": 128, "sas": 1, "threads": threads, "engine": engine,
            "mb_s": sorted(rates)[len(rates) // 2], "cycles_byte": 2.0, "ratio_to": ratio_to, "mb_s_repeats": rates}


# Ours keeps its lead over the two peers, who lead in turns, while the machine slows down to a third.
CELLS = [cell("sallyport/x", [1800, 900, 600]), cell("libcrypto EVP", [40, 20, 15]),
         cell("IPsec-MB jobs", [90, 50, 30]), cell("IPsec-MB burst", [100, 45, 20]),
         cell("(AES-128-GCM, EVP)", [3000, 2000, 1000])]


def row(goals):
    return headline.row_of((headline.FULL, "seal", 1424, 128, 1, goals), CELLS)


@test
def headline_compares_repeat_by_repeat(folder):
    """headline: a ratio is to the fastest peer of the same repeat, and the other cipher is nobody's peer"""
    found = row([])
    equal(found["ratio"], {"median": 18.0, "min": 18.0, "max": 20.0})
    equal((found["beside"], found["beside_mb_s"], found["aes_128_gcm_mb_s"]), ("IPsec-MB jobs", 50, 2000))


@test
def headline_says_which_goals_are_reached(folder):
    """headline: goals are reached, stretched, missed, or left open where the peer is missing"""
    goals = row([(headline.BEST, 16, 20), (headline.BEST, 16, 18), (headline.BEST, 18.5, 20), (headline.LIBCRYPTO, 3, None),
                 (headline.ONE_THREAD, 1.9, None)])["goals"]
    equal([goal["reached"] for goal in goals], ["yes", "stretch", "no", "yes", "not measured"])
    equal(goals[3]["ratio"]["median"], 45.0)


@test
def headline_compares_threads_with_one(folder):
    """headline: two threads are compared with one of them in the same repeat"""
    cells = [cell("sallyport/x", [100, 50], ratio_to="one thread"),
             cell("sallyport/x", [180, 100], threads=2, ratio_to="one thread")]
    found = headline.row_of((headline.THREADS, "seal", 1424, 128, 1, [(headline.ONE_THREAD, 1.95, None)]), cells)
    equal((found["threads"], found["ratio"]["median"], found["goals"][0]["reached"]), (2, 1.9, "no"))


@test
def headline_fills_only_its_blocks(folder):
    """headline: the README and docs/bench.md have its marks, and nothing else of them changes"""
    rows = [dict(row([]), table="headline")]
    rows += [dict(row([]), table="bursts", burst=burst, work=work) for burst in headline.BURSTS for work in ("seal", "open")]
    report = {"command": "bench/run esp --headline", "date": "2001-02-03", "processor": "X", "is_virtual": False,
              "processors": 2, "load_before": 0.5, "ghz": 3.0, "rows": rows}
    os.mkdir(folder.file("docs"))
    for path in headline.MARKDOWN_FILES:
        shutil.copyfile(os.path.join(SOURCE, path), folder.file(path))
    headline.write_markdown(report, folder.path)
    for path, names in headline.MARKDOWN_FILES.items():
        texts = []
        for root in (SOURCE, folder.path):
            with open(os.path.join(root, path), encoding="utf-8") as stream:
                texts.append(stream.read())
        expect("**18.0** (18.0 to 20.0)" in texts[1] and "2001-02-03" in texts[1], texts[1])
        for name in names:
            begin, end = headline.BEGIN.format(name), headline.END.format(name)
            texts = [text.partition(begin)[0] + text.partition(end)[2] for text in texts]
        equal(texts[0], texts[1])
