"""A pytest plugin that prints the table of security rows: `pytest -p tests.support.trust tests/security`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.security.rows import ROWS

ORDER = ("failed", "not tested", "in process", "real server")
"""Results of a row, worst first."""


@dataclass
class Outcome:
    """What the tests of one row came to."""

    passed: int = 0
    is_real: bool = False
    failed: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)

    @property
    def result(self) -> str:
        if self.failed:
            return "failed"
        if not self.passed:
            return "not tested"
        return "real server" if self.is_real else "in process"


outcomes: dict[str, Outcome] = defaultdict(Outcome)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Notes a test's rows where they travel with its report, from another process too."""
    for item in items:
        for mark in item.iter_markers("asvs"):
            item.user_properties.append(("asvs", [list(mark.args), mark.kwargs.get("in_process", "")]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call" and report.passed:
        return
    marks: list[Any] = [value for name, value in report.user_properties if name == "asvs"]
    for rows, in_process in marks:
        for row in rows:
            _count(outcomes[row], report, in_process)


def _count(outcome: Outcome, report: pytest.TestReport, in_process: str) -> None:
    outcome.tests.add(report.nodeid.partition("[")[0].removeprefix("tests/security/"))
    if report.failed:
        outcome.failed.append(report.nodeid)
    elif report.skipped:
        outcome.reasons.add(str(report.longrepr[2] if isinstance(report.longrepr, tuple) else ""))
    else:
        outcome.passed += 1
        outcome.is_real = outcome.is_real or not in_process
        outcome.reasons |= {in_process} - {""}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    write = terminalreporter.write_line
    terminalreporter.section("what Patchbay promises about safety")
    counts = dict.fromkeys(ORDER, 0)
    for number, row in ROWS.items():
        outcome = outcomes[number]
        counts[outcome.result] += 1
        write(f"{number + '*' * row.advanced:8} {outcome.result:11} {outcome.passed:4}  {row.promise}")
        for line in [*sorted(outcome.tests), *sorted(outcome.failed), *sorted(outcome.reasons)]:
            write(f"{'':27}{line}")
    write("")
    write(
        f"{len(ROWS)} rows: {counts['real server']} proven against a real server, "
        f"{counts['in process']} in process, {counts['failed']} failed, {counts['not tested']} not tested. "
        "* is a requirement of ASVS level 3."
    )
