"""A table at the end of a test run: how often each fault was tried, how often it was survived, what was lost.

A test calls the fixture `report`, which marks it `resilience`. With several workers of pytest the lines come
to the process that prints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

PROPERTY = "denominator"

Report = Callable[..., None]


@dataclass(frozen=True)
class Line:
    fault: str
    tried: int
    survived: int
    lost: int = 0
    of: int = 0
    """How many acknowledged writes (or whatever `lost` counts) there were to lose."""
    note: str = ""
    """What was measured, if that is more than a count."""

    def __add__(self, other: Line) -> Line:
        return Line(
            self.fault,
            self.tried + other.tried,
            self.survived + other.survived,
            self.lost + other.lost,
            self.of + other.of,
            other.note or self.note,
        )

    @property
    def is_good(self) -> bool:
        return self.survived == self.tried and not self.lost


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Adds a line to the table; call it before the assertions, so that a failure is in it too.

    Lines of one fault are summed: of the parameters of a test, of several tests.

    `report("SIGKILL of a worker", tried=100, survived=100, lost=0, of=4686)`
    """

    def add(fault: str, *, tried: int, survived: int, lost: int = 0, of: int = 0, note: str = "") -> None:
        line = Line(fault, tried, survived, lost, of, note)
        request.node.user_properties.append((PROPERTY, asdict(line)))

    return add


class Table:
    """A plugin of pytest that collects the lines and prints them."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties if report.when == "call" else ():
            if name == PROPERTY:
                line = _line(value)
                self._lines[line.fault] = self._lines.get(line.fault, _nothing(line.fault)) + line

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._lines:
            return
        lines = sorted(self._lines.values(), key=lambda line: line.fault)
        width = max(len(line.fault) for line in lines)
        terminalreporter.section("faults")
        terminalreporter.write_line(f"{'':{width}}  {'tried':>7}  {'survived':>8}  lost")
        for line in lines:
            terminalreporter.write_line(_text(line, width), red=not line.is_good)
        terminalreporter.write_line(_text(replace(sum(lines, _nothing("Total")), note=""), width), bold=True)


def _line(value: Any) -> Line:
    return Line(**value)


def _nothing(fault: str) -> Line:
    return Line(fault, 0, 0)


def _text(line: Line, width: int) -> str:
    lost = f"{line.lost:,} of {line.of:,}" if line.of else f"{line.lost:,}"
    return f"{line.fault:{width}}  {line.tried:7,}  {line.survived:8,}  {lost:16}{line.note}".rstrip()
