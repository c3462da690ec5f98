"""Actions: what derives from the one line of each, and the labels of fields and values."""

from __future__ import annotations

from pathlib import Path

from app.provider import Outcome
from app.services.audit import actions
from app.services.audit.actions import Action, Group
from app.services.webhook_tests.verdicts import WebhookVerdict
from tests.support.project_copy import ProjectCopy

LINE = """
    ENDPOINT_ARCHIVED = (
        "endpoint.archived",
        "Endpoint archived",
        Group.ENDPOINTS,
        Trait.UNDOABLE | Trait.STALES_FORMS | Trait.IN_PROVIDER_HISTORY | Trait.SETS_PASSWORD,
    )
"""
SCRIPT = """
from dataclasses import replace

from app import context
from app.models import Organization, User
from app.providers import PROVIDERS
from app.services.access import users
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.endpoints import undo
from app.services.providers import history
from app.web.shell import conflicts
from devtools.scopes import scope_of
from tests.support.project_copy import install, report

there = install()
with there.app.app_context():
    session, twilio = context.session(), PROVIDERS["twilio"]
    user = session.get_one(User, there.cast.dana.id)
    acme = session.get_one(Organization, user.organization_id)
    scope = scope_of(session, acme, user, context.keys())
    with scope.transaction():
        event = log.record(scope, Action.ENDPOINT_ARCHIVED, twilio.label, {"label": ["Desk", None]})
        by_mo = replace(scope, actor=replace(scope.actor, user_id=there.cast.mo.id))
        log.record(by_mo, Action.ENDPOINT_ARCHIVED, user.email)
    found = {
        "undoable": undo.can(event),
        "conflict": [one.action for one, _ in conflicts._events(scope, [twilio.label])],
        "history": [change.words for change in history.changes(scope, twilio)],
        "password": users.password_given(scope, user).action,
    }
page = there.portal.get("/o/acme-support/audit?action=endpoint.archived")
options = page.root.one("select", name="action").all("option")
group = there.portal.get("/o/acme-support/audit?action=endpoints")
report(
    option=[option.text for option in options if option["value"] == "endpoint.archived"],
    rows=len(page.rows()),
    group=len(group.rows()),
    label="Endpoint archived" in page.rows()[0],
    **found,
)
"""


def test_a_new_action_is_one_line(tmp_path: Path) -> None:
    """The filter, the label, undo, conflicts and the histories derive from it."""
    copy = ProjectCopy.at(tmp_path / "patchbay")
    copy.insert_after("app/services/audit/actions.py", "ORGANIZATION_CREATED =", LINE)
    assert copy.run(SCRIPT) == {
        "option": ["Endpoint archived"],
        "rows": 2,
        "group": 2,
        "label": True,
        "undoable": True,
        "conflict": ["endpoint.archived"],
        "history": ["Endpoint archived"],
        "password": "endpoint.archived",
    }


def test_for_filter_takes_a_group_or_an_action() -> None:
    assert not {group.value for group in Group} & {action.value for action in Action}
    found = {key: actions.for_filter(key) for key in ("tokens", "signed-in", "x", "")}
    assert found == {
        "tokens": (Action.TOKEN_ISSUED, Action.TOKEN_REVOKED, Action.DIALER_TOKEN_ISSUED),
        "signed-in": (Action.SIGNED_IN,),
        "x": (),
        "": (),
    }


def test_labels_of_earlier_actions_fields_and_values():
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
        ("+ more", "label"): "+ more",
        (None, "label"): "—",
    }
    assert {case: actions.value_display(*case) for case in shown} == shown


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


def test_value_display_has_words_for_codes():
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


def test_every_result_of_a_test_has_words():
    words = {**actions.OF_WEBHOOK_TESTS, **actions.RESULTS}
    assert [code for code in (*Outcome, *WebhookVerdict) if code not in words] == []
    assert actions.OF_WEBHOOK_TESTS.keys() & actions.RESULTS.keys() == set()
