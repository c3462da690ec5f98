"""Files, links, commands, make targets and modules that the documentation names exist."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from app import cli
from app.backup import cli as backup_cli

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "bench/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
COMMAND = re.compile(r"flask --app wsgi ((?:[^`\n>]|`(?=\S))+)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
INDENTED = re.compile(r"^(?: {4}|\t)(.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FOLDERS = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
MODULE = re.compile(r"python3? -m ((?:devtools|bench|simulators|app)[\w.]*)")
NOT_MADE_YET = ("instance/", "instance-demo/")
"""Folders that the server creates."""


def code_in(text: str) -> list[str]:
    """Code spans and code blocks, without the drawings between fences."""
    without = FENCE.sub("", text)
    return CODE.findall(without) + INDENTED.findall(without)


def is_there(name: str) -> bool:
    return name.startswith(NOT_MADE_YET) or any(ROOT.glob(name.rstrip("/")))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands_in(text: str) -> Iterator[list[str]]:
    for match in COMMAND.finditer(text):
        yield match.group(1).replace("[", " ").replace("]", " ").split()


def find(group: click.Group, words: list[str]) -> tuple[click.Command | None, list[str]]:
    command = group.get_command(click.Context(group), words[0])
    if isinstance(command, AppGroup) and len(words) > 1:
        return find(command, words[1:])
    return command, words[1:]


def test_commands_exist_with_their_options() -> None:
    app = Flask(__name__)
    cli.init_app(app)
    backup_cli.init_app(app)
    shown = [(path, words) for path in DOCUMENTS for words in commands_in(path.read_text())]
    assert len(shown) > 15
    wrong = []
    for path, words in shown:
        command, rest = find(app.cli, words)
        options = {name for parameter in command.params for name in parameter.opts} if command else set()
        unknown = {word for word in rest if word.startswith("--")} - options
        if command is None or unknown:
            wrong.append(f"{name_of(path)}: flask {' '.join(words)}")
    assert wrong == []


def anchors_of(path: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = HEADING.findall(FENCE.sub("", path.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads(path: Path, target: str) -> bool:
    """Whether the target of a link on a page is elsewhere, or a file and a heading of this repository."""
    name, _, anchor = target.partition("#")
    file = path.parent / name if name else path
    return "://" in target or (file.exists() and (not anchor or anchor in anchors_of(file)))


def test_files_links_targets_and_modules_exist() -> None:
    """Files are names in code that begin with one of this repository's folders; links name headings too."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    broken = []
    for path in DOCUMENTS:
        text = path.read_text()
        code = code_in(text)
        files = [name for name in code if PATH.fullmatch(name) and name.startswith(FOLDERS)]
        broken += [f"{name_of(path)}: {name}" for name in files if not is_there(name)]
        make_targets = [target for each in code for target in MAKE.findall(each)]
        broken += [f"{name_of(path)}: make {target}" for target in make_targets if target not in targets]
        broken += [f"{name_of(path)}: {name}" for name in MODULE.findall(text) if find_spec(name) is None]
        broken += [f"{name_of(path)}: {target}" for target in LINK.findall(text) if not leads(path, target)]
    assert broken == []


def test_architecture_shows_the_layers_of_services() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each.get("containers") == ["app.services"])
    assert "```text\n" + "\n".join(layers) + "\n```" in (ROOT / "docs/architecture.md").read_text()
