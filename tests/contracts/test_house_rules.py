"""Rules of the code base that no linter knows. Each test lists what breaks its rule."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import grimp

from app.providers import PROVIDERS
from devtools import wording

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "app").rglob("*.py"))
TOOLS = sorted(
    path for folder in ("bench", "devtools", "simulators") for path in (ROOT / folder).rglob("*.py")
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ASSETS = sorted(path for kind in ("css", "js") for path in (ROOT / "static" / kind).iterdir())
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEST = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)
MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 450
MAX_LINE_LENGTH = 120
MAX_TEST_NAME = 70
VAGUE_NAMES = re.compile(r"\b(?:found|wanted|seen|known|given|taken|kept|held|sent|ours|theirs)\b")
"""Of a local or a parameter: it is named after its thing."""
NOT_VERBS = frozenset({"as", "always", "is", "this"})
SETTING = re.compile(r"\b(?:PATCHBAY_[A-Z_]*[A-Z]|DATABASE_URL)\b")
VENDOR = re.compile(
    "|".join({name for one in PROVIDERS.values() for name in (one.key.split("_")[0], one.label)}),
    re.IGNORECASE,
)
"""The keys and labels of the providers."""
VENDOR_NEUTRAL = ("app/core", "app/provider", "app/models", "app/services", "app/web", "templates")
NAMED_BY_CONTRACT: frozenset[str] = frozenset()
"""Files in which a vendor's name stands because the API's contract fixes it."""
MARKUP_FROM_CODE = frozenset({"app/web/access/account.py", "app/web/shell/guides.py"})
"""Draw a QR code of an address that the server generated, and the project's own guides."""
UNSAFE_IN_TEMPLATES = re.compile(
    r"\|\s*safe\b|autoescape|\sstyle=|\son[a-z]+=|(?:src|href|action)=\"(?:https?:)?//"
)
SAFE_SHAPES = re.compile(r"\{\{- shapes\[name\]\|safe -\}\}")
"""The icons: SVG of our own, in one macro."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_import_contracts_are_kept_and_there_is_no_circle() -> None:
    """The contracts leave `TYPE_CHECKING` out, so that services may name the HTTP client in signatures."""
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

    imports = grimp.build_graph("app", cache_dir=None)
    packages = sorted(filter(imports.find_children, imports.modules))
    assert len(packages) > 30
    circles = {name: imports.nominate_cycle_breakers(name) for name in packages}
    assert not any(circles.values()), circles


def test_files_functions_lines_and_names_of_tests_are_short() -> None:
    assert len(SOURCES) > 50
    too_long = [name_of(path) for path in SOURCES if len(path.read_text().splitlines()) > MAX_FILE_LINES]
    too_long += [
        f"{name_of(path)}: {function.name}"
        for path in SOURCES
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= MAX_FUNCTION_LINES
    ]
    too_long += [
        f"{name_of(path)}:{number}"
        for path in [*TEMPLATES, *ASSETS]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_LINE_LENGTH
    ]
    too_long += [
        f"{name_of(path)}: {name}"
        for path in TESTS
        for name in TEST.findall(path.read_text())
        if len(name) > MAX_TEST_NAME
    ]
    assert too_long == []


def test_modules_have_a_docstring_and_functions_begin_theirs_with_a_verb() -> None:
    """Declarations (models, providers) say what they are without one. Those of operations are for users."""
    wrong = []
    for path in SOURCES:
        is_declaration = path.parent.name in ("models", "providers") and path.name != "__init__.py"
        if tree(path).body and not is_declaration and not ast.get_docstring(tree(path)):
            wrong.append(name_of(path))
    for path in [*SOURCES, *TOOLS]:
        wrong += [
            f"{name_of(path)}: {function.name}"
            for function in functions(path)
            if not says_what_it_does(function)
        ]
    assert wrong == []


def says_what_it_does(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether its docstring, if it has one, begins as in "Returns the row" or "Whether it is new"."""
    docstring = ast.get_docstring(function) or "Returns"
    first_word = docstring.split()[0].strip(".,:;")
    is_verb = first_word[0].isupper() and first_word.endswith("s") and first_word.lower() not in NOT_VERBS
    decorators = " ".join(map(ast.unparse, function.decorator_list))
    return is_verb or first_word == "Whether" or re.search(r"property|operation\(", decorators) is not None


def has_vague_word(path: Path) -> bool:
    return VAGUE_NAMES.search(path.read_text()) is not None


def test_locals_and_parameters_are_named_after_their_thing() -> None:
    assert [
        f"{name_of(path)}:{node.lineno} {name}"
        for path in filter(has_vague_word, [*SOURCES, *TOOLS, *TESTS])
        for node in itertools.chain.from_iterable(map(ast.walk, functions(path)))
        if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        if VAGUE_NAMES.fullmatch(name := node.arg if isinstance(node, ast.arg) else node.id)
    ] == []


def test_only_providers_name_a_vendor() -> None:
    naming = {
        name_of(path)
        for path in [*SOURCES, *TEMPLATES]
        if name_of(path).startswith(tuple(f"{folder}/" for folder in VENDOR_NEUTRAL))
        and VENDOR.search(path.read_text())
    }
    assert naming - NAMED_BY_CONTRACT == set()


def test_settings_and_the_readme_name_the_same() -> None:
    readme = (ROOT / "README.md").read_text()
    used = {name for path in SOURCES for name in SETTING.findall(path.read_text())}
    documented = {name for name in SETTING.findall(readme) if not name.endswith("_FILE")}
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("|")]
    assert used
    assert used - {name for row in rows for name in SETTING.findall(row)} == set(), (
        "not in the README's table"
    )
    assert documented - used == set(), "only in the README"


def test_templates_extend_a_layout_and_escape_everything() -> None:
    """No `|safe`, no inline style or handler (the content security policy blocks them), no foreign host."""
    parts = [path for path in TEMPLATES if path.parent.name == "shell" or path.name.startswith("_")]
    pages = [path for path in TEMPLATES if path not in parts and path.name != "note.html"]
    assert len(pages) > 30
    assert [name_of(path) for path in pages if not path.read_text().startswith('{% extends "shell/')] == []

    assert [
        f"{name_of(path)}: {match[0]}"
        for path in TEMPLATES
        for match in UNSAFE_IN_TEMPLATES.finditer(SAFE_SHAPES.sub("", path.read_text()))
    ] == []


def test_markup_is_made_of_constants() -> None:
    """`Markup` of submitted text would be a script injection."""
    assert [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        if name_of(path) not in MARKUP_FROM_CODE
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Markup"
        and not (node.args and isinstance(node.args[0], ast.Constant))
    ] == []


def test_forbidden_words_do_not_come_back() -> None:
    """`python -m devtools.wording app/services/endpoints` prints where they stand, and what to write."""

    assert list(wording.offenders()) == []


def test_thorough_tests_name_one_that_make_test_runs() -> None:
    """So that what `make test` leaves out is proven there too."""
    texts = {path: path.read_text() for path in TESTS}
    tests = {name for text in texts.values() for name in TEST.findall(text)}
    left_out: set[str] = set()
    names: set[str] = set()
    unnamed: list[str] = []
    for path in (path for path, text in texts.items() if "mark.thorough" in text):
        left_out |= {
            one.name
            for one in functions(path)
            if any(map(is_thorough, [*one.decorator_list, *of_module(path)]))
        }
        for mark in filter(is_thorough, nodes(path)):
            names |= {ast.literal_eval(name) for name in mark.args}
            unnamed += [] if mark.args else [f"{name_of(path)}:{mark.lineno}"]
    assert len(names) > 10
    assert unnamed == []
    assert sorted(names - tests) == []
    assert sorted(names & left_out) == []


def of_module(path: Path) -> Iterator[ast.AST]:
    """The nodes of its `pytestmark`."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            yield from ast.walk(node.value)


def is_thorough(node: ast.AST) -> TypeGuard[ast.Call]:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and ast.unparse(called) == "pytest.mark.thorough"
