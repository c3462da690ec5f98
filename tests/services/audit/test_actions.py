"""Actions, fields and values of the audit in words."""

from __future__ import annotations

import pytest

from app.services.audit import actions
from app.services.audit.actions import Action, Group


def test_no_group_is_called_as_an_action() -> None:
    assert not {group.value for group in Group} & {action.value for action in Action}


@pytest.mark.parametrize(
    ("key", "found"),
    [("tokens", ("token.issued", "token.revoked")), ("signed-in", ("signed-in",)), ("x", ()), ("", ())],
)
def test_a_group_means_its_actions(key: str, found: tuple[str, ...]) -> None:
    assert actions.chosen(key) == found


def test_an_action_of_a_former_version_is_readable() -> None:
    assert actions.happened("thing.was-done") == "Thing was done"


@pytest.mark.parametrize(
    ("name", "words"),
    [
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
