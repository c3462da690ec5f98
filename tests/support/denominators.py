"""A table at the end of a test run: how often each fault was tried, how often it was survived, what was lost.

A test calls the fixture `report`; with several workers of pytest the lines come to the one that prints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import pytest

PROPERTY = "denominator"


@dataclass(frozen=True)
class Line:
    fault: str
    tried: int
    survived: int
    lost: int = 0
    of: int = 0
    """How many acknowledged writes (or whatever `lost` counts) there were to lose."""

    @property
    def is_good(self) -> bool:
        return self.survived == self.tried and not self.lost


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Adds a line to the table; call it before the assertions, so that a failure is in it too.

    `report("SIGKILL of a worker", tried=100, survived=100, lost=0, of=4686)`
    """

    def add(fault: str, *, tried: int, survived: int, lost: int = 0, of: int = 0) -> None:
        line = Line(fault, tried, survived, lost, of)
        request.node.user_properties.append((PROPERTY, asdict(line)))

    return add


class Table:
    """A plugin of pytest that collects the lines and prints them."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._lines += [_line(value) for name, value in report.user_properties if name == PROPERTY]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._lines:
            return
        lines = sorted(self._lines, key=lambda line: line.fault)
        width = max(len(line.fault) for line in lines)
        terminalreporter.section("faults")
        terminalreporter.write_line(f"{'':{width}}  {'tried':>7}  {'survived':>8}  lost")
        for line in lines:
            terminalreporter.write_line(_text(line, width), red=not line.is_good)
        tried, survived = sum(line.tried for line in lines), sum(line.survived for line in lines)
        lost, of = sum(line.lost for line in lines), sum(line.of for line in lines)
        terminalreporter.write_line(_text(Line("Total", tried, survived, lost, of), width), bold=True)


def _line(value: Any) -> Line:
    return Line(**value)


def _text(line: Line, width: int) -> str:
    lost = f"{line.lost:,} of {line.of:,}" if line.of else f"{line.lost:,}"
    return f"{line.fault:{width}}  {line.tried:7,}  {line.survived:8,}  {lost}"
