"""What the code has promised itself: layers, sizes, names, and what is documented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "app").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ASSETS = sorted(path for kind in ("css", "js") for path in (ROOT / "static" / kind).iterdir())
LONGEST_FUNCTION = 60
LONGEST_FILE = 450
LONGEST_LINE = 120
SETTING = re.compile(r"\b(?:PATCHBAY_[A-Z_]*[A-Z]|DATABASE_URL)\b")
DRAWING = frozenset({"app/web/access/account.py"})
"""Draws a QR code of an address that it has made itself."""
BARE = frozenset({"shell"})
SAFE_SHAPES = re.compile(r"\{\{- shapes\[name\]\|safe -\}\}")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_something_to_hold_to_them() -> None:
    assert len(SOURCES) > 50
    assert len(TEMPLATES) > 30


def test_imports_point_down_only() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout), done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_fit_a_screen_and_files_fit_a_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{name_of(path)}: {function.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    """One that is a declaration and nothing else says it by itself."""
    found = ast.parse(path.read_text())
    if path.parent.name in ("models", "providers") and path.name != "__init__.py":
        return
    assert not found.body or ast.get_docstring(found), name_of(path)


def settings_in(text: str) -> set[str]:
    return set(SETTING.findall(text))


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    used = {name for path in SOURCES for name in settings_in(path.read_text())}
    assert used
    documented = {name for name in settings_in(readme) if not name.endswith("_FILE")}
    in_table = {
        name
        for line in readme.splitlines()
        if line.startswith("|")
        for name in settings_in(line.split("|")[1])
    }
    assert used - in_table == set(), "not in the README's table"
    assert documented - used == set(), "in the README alone"


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_is_a_page_or_a_part_of_one(path: Path) -> None:
    text = path.read_text()
    is_part = path.parent.name in BARE or path.name.startswith("_") or path.name == "note.html"
    assert is_part or text.startswith('{% extends "shell/'), f"{name_of(path)} extends no layout"


@pytest.mark.parametrize("path", [*TEMPLATES, *ASSETS], ids=name_of)
def test_lines_of_templates_styles_and_scripts_fit_a_window(path: Path) -> None:
    long = [n for n, line in enumerate(path.read_text().splitlines(), 1) if len(line) > LONGEST_LINE]
    assert not long, f"{name_of(path)}: lines {long}"


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_escapes_everything(path: Path) -> None:
    text = SAFE_SHAPES.sub("", path.read_text())
    assert not re.search(r"\|\s*safe\b", text)
    assert "autoescape" not in text
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=", text)
    assert not re.search(r"(src|href|action)=\"(https?:)?//", text)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_page_is_made_of_text_in_code(path: Path) -> None:
    """`Markup` of anything but a constant is how a page comes to run what somebody typed."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Markup":
            assert isinstance(node.args[0], ast.Constant) or name_of(path) in DRAWING, name_of(path)
