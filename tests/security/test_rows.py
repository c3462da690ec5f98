"""The list of promises and the tests are one: no row without a test, no mark without a row."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.security.rows import ROWS

TESTS = Path(__file__).parents[1]
PROVING = [TESTS / "security", TESTS / "resilience"]
"""Folders whose tests run against real servers."""


def marks(path: Path) -> Iterator[str]:
    """The numbers in a file's `asvs` marks."""
    text = path.read_text()
    for node in ast.walk(ast.parse(text)) if "asvs" in text else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "asvs":
            for argument in node.args:
                assert isinstance(argument, ast.Constant), f"{path}:{node.lineno}: write the number itself"
                yield str(argument.value)


def test_every_row_is_proven_against_a_real_server_and_nowhere_else() -> None:
    numbers = {number for folder in PROVING for path in folder.glob("test_*.py") for number in marks(path)}
    assert numbers - ROWS.keys() == set(), "marks without a row"
    assert ROWS.keys() - numbers == set(), "rows without a test"
    others = [path for path in TESTS.rglob("*.py") if path.parent not in PROVING]
    assert len(others) > 100
    assert {str(path) for path in others if next(marks(path), None)} == set()
