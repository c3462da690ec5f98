"""Actions: what derives from the one line of each, and the labels of fields and values."""

from __future__ import annotations

from app.provider import Outcome
from app.services.audit import actions
from app.services.audit.actions import Action, Group
from app.services.webhook_tests.verdicts import WebhookVerdict


def test_for_filter_takes_a_group_or_an_action() -> None:
    assert not {group.value for group in Group} & {action.value for action in Action}
    actions_by_key = {key: actions.for_filter(key) for key in ("tokens", "signed-in", "x", "")}
    assert actions_by_key == {
        "tokens": (Action.TOKEN_ISSUED, Action.TOKEN_REVOKED, Action.DIALER_TOKEN_ISSUED),
        "signed-in": (Action.SIGNED_IN,),
        "x": (),
        "": (),
    }


def test_labels_and_values_have_words():
    assert actions.label_of("thing.was-done") == "Thing was done"

    labels = {
        "account_sid": "Account SID",
        "twiml_app_sid": "TwiML app SID",
        "api_key_id": "API key ID",
        "label": "Label",
        "sinch_est_key_id": "Key ID",
        "sinch_est": "Sinch EST",
        "sinch_est default": "Sinch EST default",
        "twilio_auth_token": "Auth token",
    }
    assert {name: actions.field_label(name) for name in labels} == labels

    texts = {None: "—", "": "—", True: "yes", False: "no", 7: "7"}
    assert {value: actions.value_text(value) for value in texts} == texts
    shown = {
        ("sinch_est", "provider"): "Sinch EST",
        ("twilio", "active"): "Twilio",
        ("twilio", "label"): "twilio",
        ("gone", "provider"): "gone",
        ("+15551234567", "phone_number"): "+1 555-123-4567",
        ("+15551234567, +15551234568 and 3 more", "numbers"): "+1 555-123-4567, +1 555-123-4568 and 3 more",
        ("+ more", "label"): "+ more",
        (None, "label"): "—",
    }
    assert {case: actions.value_display(*case) for case in shown} == shown

    cases = [
        ("result", "bad_credentials", "refused"),
        ("result", "one_that_an_earlier_version_had", "one that an earlier version had"),
        ("role", "superadmin", "Superadmin"),
        ("country", "US", "United States"),
        ("country", None, "—"),
        ("provider", "vobiz", "Vobiz"),
        ("label", "bad_credentials", "bad_credentials"),
    ]
    assert [case for case in cases if actions.value_display(case[1], case[0]) != case[2]] == []
    words = {**actions.OF_WEBHOOK_TESTS, **actions.RESULTS}
    assert [code for code in (*Outcome, *WebhookVerdict) if code not in words] == []
    assert actions.OF_WEBHOOK_TESTS.keys() & actions.RESULTS.keys() == set()


def test_changed_fields_leaves_out_what_is_empty_on_both_sides() -> None:
    changes = {
        "reason": [None, None],
        "auth_token": ["not set", "set"],
        "label": ["Desk", None],
        "is_active": [None, False],
    }
    assert actions.changed_fields(changes) == [
        ("auth_token", None, "set"),
        ("label", "Desk", None),
        ("is_active", None, False),
    ]
