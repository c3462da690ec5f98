"""Whatever the code can put into the audit has words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from app.services import actions

FOLDER = Path(app.__file__).parent
CALLS = ("audit.record", "audit.note", "service.note", "note")
OWN = FOLDER / "services" / "audit.py"


def _strings(node: ast.expr) -> set[str]:
    """What it may be, of what is written there."""
    if isinstance(node, ast.IfExp):
        return _strings(node.body) | _strings(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _named(function: ast.FunctionDef, name: str) -> set[str]:
    """What a variable may be: what it is set to, or what a loop over a literal gives it."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            found |= _strings(node.value)
        if (
            isinstance(node, ast.For)
            and isinstance(node.target, ast.Tuple)
            and isinstance(node.iter, ast.Tuple)
        ):
            places = [place for place, part in enumerate(node.target.elts) if ast.unparse(part) == name]
            rows = [row for row in node.iter.elts if isinstance(row, ast.Tuple)]
            found |= {text for row in rows for place in places for text in _strings(row.elts[place])}
    return found


def _given(tree: ast.AST, function: ast.FunctionDef, name: str) -> set[str]:
    """What a parameter may be: what the function is called with in its file."""
    places = [place for place, known in enumerate(function.args.args) if known.arg == name]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = [
        call.args[place] for place in places for call in calls if ast.unparse(call.func) == function.name
    ]
    return {text for argument in found for text in _strings(argument)}


def _told(tree: ast.AST) -> Iterator[tuple[int, set[str]]]:
    """For each call of `audit.record` or `audit.note`: its line, and the actions that it may have."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in CALLS:
                action, name = call.args[1], ast.unparse(call.args[1])
                yield call.lineno, _strings(action) | _named(function, name) | _given(tree, function, name)


def test_every_action_of_the_code_has_words() -> None:
    found: set[str] = set()
    for file in sorted(FOLDER.rglob("*.py")):
        for line, told in _told(ast.parse(file.read_text())):
            if file == OWN and not told:
                continue
            assert told, f"{file.name}:{line}: which action is this?"
            found |= told
    assert len(found) > 25
    assert found - actions.WORDS.keys() == set(), "add words for these to app/services/actions.py"


def test_no_action_is_in_two_kinds_and_no_kind_is_called_as_an_action() -> None:
    every = [action for kind in actions.KINDS for action in kind.words]
    assert len(every) == len(set(every))
    assert not {kind.key for kind in actions.KINDS} & set(every)


@pytest.mark.parametrize(
    ("key", "found"),
    [("tokens", ("token.issued", "token.revoked")), ("signed-in", ("signed-in",)), ("x", ()), ("", ())],
)
def test_a_kind_means_its_actions(key: str, found: tuple[str, ...]) -> None:
    assert actions.chosen(key) == found


def test_an_action_that_is_told_of_no_more_is_still_readable() -> None:
    assert actions.happened("thing.was-done") == "Thing was done"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("is_active", "Active"),
        ("account_sid", "Account SID"),
        ("twiml_app_sid", "TwiML app SID"),
        ("api_key_id", "API key ID"),
        ("label", "Label"),
        ("sinch_est_key_id", "Key ID"),
        ("twilio_auth_token", "Auth token"),
    ],
)
def test_a_field_is_told_in_words(name: str, words: str) -> None:
    assert actions.field_words(name) == words


@pytest.mark.parametrize(
    ("value", "words"), [(None, "nothing"), ("", "nothing"), (True, "yes"), (False, "no"), (0, "0")]
)
def test_a_value_is_told_in_words(value: object, words: str) -> None:
    assert actions.value_words(value) == words


@pytest.mark.parametrize(
    ("value", "name", "words"),
    [
        ("sinch_est", "provider", "Sinch EST"),
        ("twilio", "active", "Twilio"),
        ("twilio", "label", "twilio"),
        ("gone", "provider", "gone"),
        ("+15551234567", "phone_number", "+1 555-123-4567"),
        ("+ more", "label", "+ more"),
        (None, "label", "nothing"),
    ],
)
def test_a_page_shows_labels_and_numbers_as_people_write_them(value: object, name: str, words: str) -> None:
    assert actions.shown(value, name) == words


def test_only_what_says_something_is_told() -> None:
    changes = {
        "reason": [None, None],
        "auth_token": ["not set", "set"],
        "label": ["Desk", None],
        "is_active": [None, False],
    }
    assert actions.told(changes) == [
        ("auth_token", None, "set"),
        ("label", "Desk", None),
        ("is_active", None, False),
    ]
