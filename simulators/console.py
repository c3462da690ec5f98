"""The console of a simulator: a page that shows the account, with buttons that change or break it.

A simulator declares tables, from which the page and the actions of its forms are derived.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from app.core import phone

OTHER_URL = "https://old-agents.example/answer"
"""The webhook URL that the console sets to break a number."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}

STYLE = """\
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
p { margin: .25rem 0; }
[role=status] { position: sticky; top: 0; background: Canvas; border: 1px solid var(--line);
  border-left: 4px solid #2a8; padding: .5rem .75rem; margin: 1rem 0; }
article { border-top: 1px solid var(--line); padding: .75rem 0; scroll-margin-top: 4rem; }
article:target { background: color-mix(in srgb, #2a8 12%, transparent); }
h3 { font-size: 1rem; display: inline; margin: 0 .75rem 0 0; }
h3, code, dd { overflow-wrap: anywhere; }
form, .value { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .25rem 0 0; }
.value { flex: 1 1 100%; min-width: 0; margin: 0; }
input[type=text] { flex: 1 1 14rem; min-width: 0; } select { flex: 0 1 auto; min-width: 0; }
input, select, button { font: inherit; padding: .25rem .6rem; min-height: 2rem; max-width: 100%; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; } dd { margin: 0; }
"""

PAGE = string.Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$name simulator</title>
<style>
$style
</style>
<h1>$name simulator</h1>
<p>Simulates $name on this machine, with a sample account. Changes are lost when it stops.</p>
$notice
$tables
<h2>The account's credentials</h2>
<details><summary>Sample values: only this simulator accepts them</summary><dl>$values</dl></details>
</html>
""")


@dataclass(frozen=True)
class Action:
    """A button of a row. With a `value` it has a text field or, with `options`, a choice.

    `do` gets the submitted text, or "" if there is no field. It may return a notice.
    """

    label: str
    do: Callable[[str], str | None]
    value: str | None = None
    options: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Row:
    """A row of a table; `now` describes its present state."""

    name: str
    now: str
    actions: Sequence[Action] = ()
    label: str = ""

    @property
    def shown(self) -> str:
        """The name; a phone number in the format of the portal."""
        return phone.display(self.name)


@dataclass(frozen=True)
class Table:
    title: str
    rows: Sequence[Row]
    text: str = ""


TYPED = object()


def setting(thing: Any, **attributes: Any) -> Callable[[str], None]:
    """Returns an action that sets attributes of `thing`; TYPED stands for the submitted text."""

    def do(typed: str) -> None:
        for name, value in attributes.items():
            setattr(thing, name, typed if value is TYPED else value)

    return do


def moving(things: dict[str, Any], key: str, into: dict[str, Any]) -> Callable[[str], None]:
    """Returns an action that moves an entry from one dictionary to another."""

    def do(_typed: str) -> None:
        into[key] = things.pop(key)

    return do


def gone(things: dict[str, Any], released: dict[str, Any]) -> list[Row]:
    """Returns a row for each released number, with a button that restores it."""
    back = "Restore the number"
    return [
        Row(name, "Not in the account.", [Action(back, moving(released, name, things))]) for name in released
    ]


def apply(tables: Sequence[Table], form: Mapping[str, str]) -> str:
    """Runs the action that the form names, and returns a notice."""
    for table in tables:
        for row in table.rows:
            for action in row.actions:
                if (form.get("row"), form.get("do")) == (place(table, row), action.label):
                    notice = action.do(form.get(action.label, "").strip())
                    return notice or f"{row.shown}: {action.label}. Done."
    return "Not found. Nothing was changed."


def place(table: Table, row: Row) -> str:
    """Returns the id of a row, which is also its anchor."""
    written = f"{table.title} {row.name}".lower()
    return "".join(character if character.isalnum() else "-" for character in written)


def page(name: str, notice: str, tables: Sequence[Table], values: Mapping[str, Any]) -> str:
    return PAGE.substitute(
        style=STYLE,
        name=escape(name),
        notice=f'<p role="status">{escape(notice)}</p>' if notice else "",
        tables="\n".join(map(table_html, tables)),
        values="".join(
            f"<dt>{escape(key)}</dt><dd><code>{escape(value)}</code></dd>" for key, value in values.items()
        ),
    )


def table_html(table: Table) -> str:
    rows = "\n".join(_row(table, row) for row in table.rows) or "<p>Nothing yet.</p>"
    text = f"<p>{escape(table.text)}</p>\n" if table.text else ""
    return f"<h2>{escape(table.title)}</h2>\n{text}{rows}"


def _row(table: Table, row: Row) -> str:
    key = escape(place(table, row))
    fields = "".join(_action(row, action) for action in row.actions)
    form = f'<form method="post"><input type="hidden" name="row" value="{key}">{fields}</form>'
    heading = f'<h3 dir="auto">{escape(row.shown)}</h3> <bdi>{escape(row.label)}</bdi>'
    now = f"<p><code>{escape(row.now)}</code></p>"
    return f'<article id="{key}">{heading}{now}{form if fields else ""}</article>'


def _action(row: Row, action: Action) -> str:
    label = escape(action.label)
    button = f'<button name="do" value="{label}" aria-label="{label}: {escape(row.shown)}">{label}</button>'
    if action.value is None:
        return button
    named = f'name="{label}" aria-label="{label}, {escape(row.shown)}"'
    if action.options is None:
        field = f'<input type="text" {named} value="{escape(action.value)}">'
    else:
        field = f"<select {named}>{_options(action)}</select>"
    return f'<span class="value">{field}{button}</span>'


def _options(action: Action) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" * (value == action.value)}>{escape(text)}</option>'
        for value, text in (action.options or {}).items()
    )
