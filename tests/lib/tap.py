# SPDX-License-Identifier: ISC
"""Reads TAP (testanything.org) and doubts it: a suite that ends early or says nothing must not look like a success."""

import re

_PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*(.*))?$")
_RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*)$")
_DIRECTIVE = re.compile(r"^(.*?)\s*#\s*skip\S*\s*(.*)$", re.IGNORECASE)


class Result:
    """One test: its name, whether it passed, failed or was skipped, and what it said."""

    def __init__(self, name, outcome, reason=""):
        self.name = name
        self.outcome = outcome  # "passed", "failed" or "skipped"
        self.reason = reason
        self.diagnostics = []


def _result(match):
    failed, _, text = match.groups()
    directive = _DIRECTIVE.match(text)
    if directive and not failed:
        return Result(directive.group(1), "skipped", directive.group(2) or "no reason given")
    return Result(text or "(a test without a name)", "failed" if failed else "passed")


def parse(lines):
    """The results of a TAP stream, and the sentences that say what is wrong with the stream itself."""
    results, complaints = [], []
    planned = None
    for line in lines:
        line = line.rstrip("\n")
        plan, match = _PLAN.match(line), _RESULT.match(line)
        if plan:
            if planned is not None:
                complaints.append("printed two plans")
            planned = int(plan.group(1))
            if planned == 0:
                complaints.append("planned no tests: " + (plan.group(2) or "no reason given"))
        elif match:
            results.append(_result(match))
        elif line.startswith("Bail out!"):
            complaints.append(line)
        elif results and results[-1].outcome == "failed" and line.strip():
            results[-1].diagnostics.append(line)
    if planned is None:
        complaints.append("printed no plan")
    elif len(results) != planned:
        complaints.append(f"planned {planned} tests and ran {len(results)}")
    return results, complaints
