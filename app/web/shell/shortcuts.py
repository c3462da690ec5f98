"""The keyboard shortcuts that the dialog lists, declared in this one place.

`static/js/keys.js` handles them. `g` and the `key` of a page's link open that page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, g
from flask_login import current_user

from app.web.shell import guard, registry
from app.web.shell.navigation import may_open
from app.web.shell.registry import Section


@dataclass(frozen=True)
class Shortcut:
    """One shortcut.

    Its `keys` are pressed one after the other, except those with `Ctrl` (⌘ on a Mac).
    """

    keys: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Group:
    heading: str
    shortcuts: Sequence[Shortcut]


FIND = Shortcut(("Ctrl K",), "Find anything, and run actions")
SWITCH = Shortcut(("g", "o"), "Switch organization")
ANYWHERE = (
    Shortcut(("/",), "Search on this page"),
    Shortcut(("n",), "Add something on this page"),
    Shortcut(("t",), "Toggle exact times; click a time to toggle one"),
    Shortcut(("?",), "Show keyboard shortcuts"),
    Shortcut(("Esc",), "Close an edit, a menu or a dialog; dismiss notifications"),
)
NUMBERS = (
    Shortcut(("j",), "Next number; in the table also ↓"),
    Shortcut(("k",), "Previous number; in the table also ↑"),
    Shortcut(("Enter",), "Open the number"),
    Shortcut(("x",), "Select the number"),
    Shortcut(("e",), "Edit the number"),
    Shortcut(("c",), "Copy the number's webhook URL"),
    Shortcut(("r",), "Repair the number's webhook"),
)
TABLES = (
    Shortcut(("Space",), "Select a row; with Shift, select a range"),
    Shortcut(("Enter",), "On a checkbox: jump to bulk actions"),
)


def init_app(app: Flask) -> None:
    app.jinja_env.globals["shortcuts"] = groups


def groups() -> list[Group]:
    """Returns the shortcuts of the request's page, by heading."""
    finding = [FIND] if current_user.is_superadmin else []
    return [
        Group("Anywhere", [*finding, *ANYWHERE]),
        Group("Go to", _pages()),
        Group("Tables", TABLES),
        Group("Numbers", NUMBERS if g.get("scope") else []),
    ]


def _pages() -> list[Shortcut]:
    inside = g.get("scope") is not None
    switch = [SWITCH] if current_user.is_superadmin else []
    return switch + [
        Shortcut(("g", link.key), link.label or page.title)
        for page, link in registry.in_order(guard.pages())
        if link.key and (link.section is not Section.GLOBAL) == inside and may_open(page)
    ]
