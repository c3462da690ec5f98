"""Every `flask` command in the documentation exists, with the options that it is shown with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask
from flask.cli import AppGroup

from app import cli
from app.backup import cli as backup_cli
from devtools.server import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs/guides").glob("*.md"))]
COMMAND = re.compile(r"flask --app wsgi ((?:[^`\n>]|`(?=\S))+)")


@pytest.fixture(scope="module")
def commands() -> click.Group:
    app = Flask(__name__)
    cli.init_app(app)
    backup_cli.init_app(app)
    return app.cli


def shown_in(text: str) -> Iterator[list[str]]:
    """The words of each command."""
    for found in COMMAND.finditer(text):
        yield found.group(1).replace("[", " ").replace("]", " ").split()


def found(group: click.Group, words: list[str]) -> tuple[click.Command | None, list[str]]:
    command: click.Command | None = group.get_command(click.Context(group), words[0])
    if isinstance(command, AppGroup) and len(words) > 1:
        return found(command, words[1:])
    return command, words[1:]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_exist(commands: click.Group, document: Path) -> None:
    text = document.read_text()
    for words in shown_in(text):
        command, rest = found(commands, words)
        assert command, words
        known = {name for parameter in command.params for name in parameter.opts}
        used = {word for word in rest if word.startswith("--")}
        assert used <= known, words


def test_there_is_something_to_look_at() -> None:
    assert sum(len(list(shown_in(path.read_text()))) for path in DOCUMENTS) > 15


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target
