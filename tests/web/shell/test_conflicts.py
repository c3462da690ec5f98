"""Two concurrent editors: both sides are shown, and neither is lost unseen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from flask import Flask

from app.providers import PROVIDERS
from app.services.audit.actions import Action
from app.services.endpoints import crud
from app.services.providers import credentials
from app.web.organizations import messages as organization_messages
from app.web.shell import messages
from devtools.html import Element, filled
from devtools.scopes import PASSWORD
from tests.support.cast import Cast
from tests.support.full_organization import good_values, scope_as
from tests.support.page_checks import MARK
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged

ACME = "/o/acme-support"
TWILIO = f"{ACME}/providers/twilio"
NUMBER = "+15551234567"
GUS = "by gus@globex.example"
FRESH = count(10)
"""Values that no form has had."""


@pytest.fixture
def ids(app: Flask, cast: Cast) -> dict[str, str]:
    """What there is to edit, as addresses have it."""
    payload = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "Ann", "label": "Desk"}
    with scope_as(app, cast.dana) as scope:
        for key in ("twilio", "vobiz"):
            credentials.save(scope, PROVIDERS[key], good_values(PROVIDERS[key]))
        return {"endpoint": crud.create(scope, payload).id, "mo": cast.mo.id}


@dataclass(frozen=True)
class Case:
    """A form, and a field that both change, one that only they change, and one that only I change.

    Each field is its name, its label, what is stored before, theirs, mine, and both in words.
    """

    path: str
    both: tuple[str, str, Any, Any]
    theirs: tuple[str, str, Any, Any]
    mine: tuple[str, str, Any, Any] | None = None
    words: tuple[tuple[str, str], ...] = ()

    def spoken(self, value: Any) -> str:
        text = "" if value is None else str(value)
        return dict(self.words).get(text, text or "nothing")


CASES = {
    "settings": Case(
        f"{ACME}/settings",
        ("name", "Name", "Theirs", "Mine"),
        ("country", "Country", "IN", ""),
        ("public_base_url", "Public base URL", "", "https://voice.acme.example"),
        (("IN", "India"), ("", organization_messages.NO_COUNTRY)),
    ),
    "endpoint": Case(
        f"{ACME}/endpoints?edit={{endpoint}}",
        ("inbound_agent_name", "Inbound agent", "Theirs", "Mine"),
        ("label", "Label", "Their label", "Desk"),
        ("outbound_agent_name", "Outbound agent", "", "Sales"),
    ),
    "provider": Case(
        TWILIO,
        ("twilio_max_concurrent", "Max concurrent calls", "4", "7"),
        ("twilio_phone_number", "Phone number", "+15557654321", NUMBER),
        ("twilio_twiml_app_sid", "TwiML app SID", f"AP{'0' * 32}", f"AP{'1' * 32}"),
    ),
    "person": Case(
        f"{ACME}/people/{{mo}}",
        ("name", "Name", "Theirs", "Mine"),
        ("role", "Role", "superadmin", "member"),
        None,
        (("superadmin", "Superadmin (all organizations)"), ("member", "Member (dialer only)")),
    ),
}


def rows(page: Page) -> dict[str, tuple[str, str, str]]:
    """By label: what is stored now, what was typed, and what the form has."""
    outcomes = [element.one("small").text for element in page.root.all(css="pb-compare-outcome")]
    return {
        label: (stored, typed, outcome)
        for (label, stored, typed), outcome in zip(page.compared, outcomes, strict=True)
    }


def test_conflict_shows_both_values_and_loses_neither(
    app: Flask, dana: Portal, gus: Portal, ids: dict[str, str], *, thorough: bool, subtests: pytest.Subtests
) -> None:
    """Thorough, in every form."""
    for name in CASES if thorough else ("settings", "provider"):
        with subtests.test(name):
            _conflict(app, dana, gus, CASES[name], CASES[name].path.format(**ids))


def _conflict(app: Flask, dana: Portal, gus: Portal, case: Case, path: str) -> None:
    form = dana.get(path)
    gus.get(path).send("Save", **{case.both[0]: case.both[2], case.theirs[0]: case.theirs[2]})
    mine = {case.both[0]: case.both[3]} | ({case.mine[0]: case.mine[3]} if case.mine else {})
    with unchanged(app):
        page = form.press("Save", 412, **mine)
    compared = rows(page)
    label = _label(page, case.both[0])
    assert compared.pop(label) == (str(case.both[2]), str(case.both[3]), messages.CHANGED_BY_BOTH)
    expected = {
        _label(page, case.theirs[0]): (
            case.spoken(case.theirs[2]),
            case.spoken(case.theirs[3]),
            messages.CHANGED_BY_THEM,
        )
    }
    if case.mine:
        sides = case.spoken(case.mine[2]) if case.mine[0] != "public_base_url" else "nothing"
        typed = str(case.mine[3])
        expected[_label(page, case.mine[0])] = (sides, typed, messages.CHANGED_BY_YOU)
    assert compared == expected
    assert page.notes.count(GUS) == 2
    assert page.data("take") == [_control(page, case.both[0])["id"]]
    assert page.root.one("button", **{"data-take": page.data("take")[0]})["value"] == case.both[2]
    merged = mine | {case.theirs[0]: case.theirs[2]}
    assert _values(page, merged) == merged
    page.send("Save")
    assert _values(dana.get(path), merged) == merged


def _label(page: Page, name: str) -> str:
    return page.root.one("label", **{"for": _control(page, name)["id"]}).text


def _control(page: Page, name: str) -> Element:
    form, _ = page.form_with("Save")
    return form.one("input", "select", name=name)


def _values(page: Page, names: Iterable[str]) -> dict[str, str]:
    submitted = filled(page.form_with("Save")[0], {})
    return {name: submitted[name] for name in names}


def test_conflict_keeps_the_typed_values_and_is_of_the_last_change(
    dana: Portal, gus: Portal, *, thorough: bool
) -> None:
    """Also without the values that were opened, and without differences."""
    form = dana.get(f"{ACME}/settings")
    gus.get(f"{ACME}/settings").send("Save", name="Theirs")
    odd = ["{", "[]", '{"name": 7}', json.dumps({"name": None})]
    for snapshot in ["", "[" * 100_000, *(odd if thorough else ())]:
        page = form.press("Save", 412, seen=snapshot)
        assert rows(page)["Name"] == ("Theirs", "Acme Support", messages.CHANGED_BY_UNKNOWN)
        assert page.value("name") == "Acme Support"

    form = dana.get(f"{ACME}/settings")
    gus.get(f"{ACME}/settings").send("Save", name="Second")
    page = form.press("Save", 412, country="IN")
    gus.get(f"{ACME}/settings").send("Save", name="Third")
    page = page.press("Save", 412)
    assert rows(page)["Name"] == ("Third", "Second", messages.CHANGED_BY_THEM)
    assert page.press("Save").value("name") == "Third"

    form = dana.get(f"{ACME}/settings")
    gus.get(f"{ACME}/settings").send("Save", name="Same")
    page = form.press("Save", 412, name="Same")
    assert page.compared == [], "nothing differs"
    assert page.root.one("div", role="alert").one("p")["data-action"] == Action.ORGANIZATION_SAVED
    assert GUS in page.notes


def test_conflict_reports_a_replaced_secret_and_never_shows_it(
    app: Flask, dana: Portal, gus: Portal, ids: dict[str, str]
) -> None:
    their_secret, own_secret = f"{MARK}TheirsSecret9", f"{MARK}MineSecret8"
    form = dana.get(TWILIO)
    gus.get(TWILIO).send("Save", twilio_auth_token=their_secret)
    with unchanged(app):
        page = form.press("Save", 412, twilio_auth_token=own_secret, twilio_api_key_secret=f"{MARK}Other7")
    compared = rows(page)
    assert compared["Auth token"] == ("replaced", "a new value", messages.SECRET_CHANGED_BY_BOTH)
    assert compared["API key secret"][:2] == ("as it was", "a new value")
    assert GUS in page.notes
    assert page.value("twilio_auth_token") == ""
    page.send("Save")
    form = dana.get(TWILIO)
    hint = form.root.by_id(f"{form.control('twilio_auth_token')['id']}-stored")
    assert hint.one("code").text == their_secret[-4:]
    gus.get(TWILIO).send("Save", clear_twilio_api_key_secret=True)
    page = form.press("Save", 412)
    assert rows(page)["API key secret"] == ("removed", "not changed", messages.CHANGED_BY_THEM)


Change = Callable[[Portal, dict[str, str]], object]


def _save_twilio(portal: Portal, _ids: dict[str, str]) -> None:
    portal.get(TWILIO).send("Save", twilio_max_concurrent=str(next(FRESH)))


def _save_settings(portal: Portal, _ids: dict[str, str]) -> None:
    portal.get(f"{ACME}/settings").send("Save", name=f"Acme {next(FRESH)}")


def _save_endpoint(portal: Portal, ids: dict[str, str]) -> None:
    form = portal.get(f"{ACME}/endpoints/{ids['endpoint']}?edit=1")
    form.send("Save", inbound_agent_name=f"Bob {next(FRESH)}")


def _save_person(portal: Portal, ids: dict[str, str]) -> None:
    portal.get(f"{ACME}/people/{ids['mo']}").send("Save", name="Moritz")


def _generate(portal: Portal, _ids: dict[str, str]) -> Page:
    return portal.get(f"{ACME}/voice-ai/tool-secret").press("Generate tool secret", your_password=PASSWORD)


CONFIRMATIONS: dict[str, tuple[str, str, dict[str, Any], Change, Action, Action]] = {
    "person": (
        f"{ACME}/people/{{mo}}",
        "Disable Mo",
        {},
        _save_person,
        Action.USER_SAVED,
        Action.USER_DISABLED,
    ),
    "voice AI": (
        f"{ACME}/voice-ai",
        "Save choice",
        {"provider": "elevenlabs"},
        _save_settings,
        Action.ORGANIZATION_SAVED,
        Action.PROVIDER_SWITCHED,
    ),
    "tool secret": (
        f"{ACME}/voice-ai/tool-secret",
        "Generate tool secret",
        {"your_password": PASSWORD},
        _generate,
        Action.CONNECTION_SAVED,
        Action.CONNECTION_SAVED,
    ),
    "make active": (
        f"{ACME}/active/telephony?provider=vobiz",
        "Make Vobiz the default",
        {"reason": "Twilio is down"},
        _save_settings,
        Action.ORGANIZATION_SAVED,
        Action.PROVIDER_SWITCHED,
    ),
    "switch": (
        f"{ACME}/endpoints",
        "Active: +1 555-123-4567",
        {},
        _save_endpoint,
        Action.ENDPOINT_SAVED,
        Action.ENDPOINT_SAVED,
    ),
    "delete": (
        f"{ACME}/endpoints/{{endpoint}}/delete",
        "Delete endpoint",
        {},
        _save_endpoint,
        Action.ENDPOINT_SAVED,
        Action.ENDPOINT_DELETED,
    ),
    "disable": (
        f"{TWILIO}/disable",
        "Disable Twilio",
        {},
        _save_twilio,
        Action.CONNECTION_SAVED,
        Action.CONNECTION_SAVED,
    ),
    "disconnect": (
        f"{TWILIO}/disconnect",
        "Delete credentials",
        {},
        _save_twilio,
        Action.CONNECTION_SAVED,
        Action.CONNECTION_DISCONNECTED,
    ),
}
"""Each leaves what the next ones need."""


def test_stale_confirmation_is_shown_again_with_the_changes(
    app: Flask, dana: Portal, gus: Portal, ids: dict[str, str], *, thorough: bool, subtests: pytest.Subtests
) -> None:
    """Thorough, every one."""
    for name in CONFIRMATIONS if thorough else ("person", "tool secret", "switch", "disconnect"):
        with subtests.test(name):
            path, button, typed, change, reported, done = CONFIRMATIONS[name]
            requested = dana.get(path.format(**ids))
            change(gus, ids)
            with unchanged(app, but=("sessions", "throttles")):
                page = requested.press(button, 412, **typed)
            events = [item for item in page.root.one("div", role="alert").all("li") if GUS in item.text]
            assert [event["data-action"] for event in events[:1]] == [reported]
            expected = {field: value for field, value in typed.items() if "password" not in field}
            assert {field: page.value(field) for field in expected} == expected
            before = len(audit(app))
            if "your_password" in typed:
                page.press(button, **typed)
            else:
                page.send(button.replace("Disable Mo", "Disable Moritz"))
            assert audit(app)[before].action == done
