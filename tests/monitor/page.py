# SPDX-License-Identifier: ISC
"""What a person sees who opens ipsecmon's page.

    page.py shows|outlives|pictures URL FOLDER      ends with 0 when it is so, and else says what isn't
"""

import pathlib
import signal
import sys
import time

from browser import Browser

ENABLED = "IP Security is enabled on this computer"
ROWS = "return [...document.querySelectorAll('#associations tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"
HEADS = "return [...document.querySelectorAll('#associations th')].map(cell => cell.innerText)"


def text(browser, element):
    return browser.run(f"return document.getElementById('{element}').innerText")


def table(browser):
    heads = browser.run(HEADS)
    return [dict(zip(heads, row)) for row in browser.run(ROWS)]


def rows_are_right(browser):
    rows = table(browser)
    assert len(rows) == 4, rows
    four = [row for row in rows if row["Source"].startswith("192.0.2")]
    assert sorted(row["Dir"] for row in four) == ["in", "out"], rows
    for row in rows:
        assert row["Security"] == "ESP 3DES/HMAC SHA1" and row["State"].split() == ["live", "user"], row
        assert row["Filter"].startswith("<img src=x onerror=alert(1)> &amp; TCP 80"), row["Filter"]
        assert row["Traffic"] in ("tcp any → 80", "tcp 80 → any"), row
        assert row["Used"].endswith("%") and "B" in row["Left"], row
    assert browser.run("return document.images.length") == 0, "markup came out of a name"


def can_be_sorted_and_filtered(browser):
    browser.run("[...document.querySelectorAll('#associations th button')].find(b => b.innerText === 'Source').click()")
    sources = [row["Source"] for row in table(browser)]
    assert sources == sorted(sources) and sources[0] != sources[-1], sources
    browser.run("const box = document.getElementById('filter'); box.value = '2001:db8::1 out';"
                "box.dispatchEvent(new Event('input'))")
    assert len(table(browser)) == 1, table(browser)
    assert text(browser, "associations-title") == "Associations (1 of 4)"
    browser.run("const box = document.getElementById('filter'); box.value = '';"
                "box.dispatchEvent(new Event('input'))")


def graphs_move(browser):
    browser.wait_for("return document.querySelectorAll('#throughput .trace').length === 2 && "
                     "document.querySelectorAll('.spark .trace').length === 4", "graphs")
    last = "return document.querySelector('#throughput .trace.in').getAttribute('d')"
    before = browser.run(last)
    browser.wait_for(f"return (() => {{ {last} }})() !== {before!r}", "a graph that moves")
    browser.wait_for("return /[1-9].*[MG]bit/.test(document.getElementById('in').innerText)", "a rate")


def colours_change(browser, folder):
    grounds = {}
    for scheme in ("dark", "light"):
        browser.be(scheme)
        grounds[scheme] = browser.run("return getComputedStyle(document.body).backgroundColor")
        browser.picture(f"{folder}/{scheme}.png")
    assert grounds["dark"] != grounds["light"], grounds


def shows(url, folder):
    with Browser(folder) as browser:
        browser.open(url)
        browser.wait_for("return document.getElementById('link').innerText === 'live'", "a live page")
        assert browser.run("return document.title") == text(browser, "title") == ENABLED
        assert "sallyportd" in text(browser, "headline") and "odd.policy" in text(browser, "headline")
        rows_are_right(browser)
        graphs_move(browser)
        browser.wait_for("return [...document.querySelectorAll('#drops .label')].some(e => e.innerText.includes('guard_in'))",
                         "drops by reason")
        assert text(browser, "active") == "4"
        assert "Confidential Bytes Received" in text(browser, "counters")
        can_be_sorted_and_filtered(browser)
        wide = browser.run("return document.documentElement.scrollWidth > innerWidth")
        assert not wide, "the page is wider than its window"
        colours_change(browser, folder)
        blocked = browser.run("const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
                              "document.head.append(script); return window.ran === undefined")
        assert blocked, "a script without the nonce ran"
        complaints = [text for text in browser.complaints() if "Content Security Policy" not in text]
        assert not complaints, complaints


def outlives(url, folder):
    """Opened once and never loaded again: what it says is written as files that are there."""
    folder = pathlib.Path(folder)
    with Browser(f"{folder}") as browser:
        browser.open(url)
        browser.run("window.isStillThisOne = true")
        for mark, script in (
                ("opened", f"return document.title === '{ENABLED}'"),
                ("seen-away", "return document.title === 'IP Security: unknown' && "
                              "document.getElementById('notice').innerText.includes('sallyportd')"),
                ("seen-back", f"return document.title === '{ENABLED}' && document.getElementById('notice').hidden"),
                ("seen-alone", "return document.getElementById('link').innerText === 'reconnecting'"),
                ("seen-again", "return document.getElementById('link').innerText === 'live'")):
            browser.wait_for(script, mark, 60)
            (folder / mark).touch()
        assert browser.run("return window.isStillThisOne"), "it was loaded anew"


def pictures(url, folder):
    with Browser(folder, 1300, 1000) as browser:
        browser.open(url)
        time.sleep(75)
        colours_change(browser, folder)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # not without the browser
    try:
        {"shows": shows, "outlives": outlives, "pictures": pictures}[sys.argv[1]](*sys.argv[2:])
    except (AssertionError, OSError) as fault:
        sys.exit(f"{type(fault).__name__}: {fault}")
