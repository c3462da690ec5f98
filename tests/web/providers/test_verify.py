"""Testing a connection from its form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.core import clock
from app.core.outbound.client import Outbound
from app.extensions import db
from app.models import WebSession
from app.services.access import messages as access_messages
from app.services.access import step_up
from app.services.connections.health import Health
from app.web.providers import messages
from devtools.scopes import PASSWORD
from simulators.base import Trouble
from simulators.vobiz import Vobiz
from tests.support.pages import Portal
from tests.support.rows import count_as, unchanged

PATH = "/o/acme-support/providers/vobiz"
OLD = access_messages.PASSWORD_NEEDED.partition(":")[0]
NOTED = ("checks", "throttles", "audit_events")


@pytest.fixture
def vobiz(app: Flask) -> Iterator[Vobiz]:
    with Vobiz() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        yield upstream


def test_verify_tests_typed_values_or_names_the_missing(app: Flask, dana: Portal, vobiz: Vobiz) -> None:
    """In place, it returns the result alone; else the values are kept in the form."""
    form = dana.get(PATH)
    with unchanged(app):
        part = form.press("Test connection", 422, htmx="vobiz-test")
        page = form.press("Test connection", 422)
        wrong = form.press("Test connection", 422, vobiz_phone_number="hello")
    assert part.data("problem-of") == ["vobiz-vobiz_auth_id", "vobiz-vobiz_auth_token"]
    assert page.error("vobiz_auth_id")
    assert page.error("vobiz_auth_token")
    assert wrong.error("vobiz_phone_number")
    assert vobiz.requests == []

    page = dana.get(PATH)
    typed = {"vobiz_auth_id": vobiz.values["auth_id"], "vobiz_auth_token": vobiz.values["auth_token"]}
    with unchanged(app, but=NOTED):
        part = page.press("Test connection", htmx="vobiz-test", **typed)
        wrong = page.press(
            "Test connection", htmx="vobiz-test", **typed | {"vobiz_auth_token": "sample-wrong"}
        )
    assert part.root.one("div", id="vobiz-test").one("div", css="pb-ok")["data-tested"] == "ok"
    assert part.root.all("input") == []
    assert typed["vobiz_auth_token"] not in part.source
    assert part.root.all("button") == []
    assert wrong.root.one("div", css="pb-bad")["data-tested"] == "bad_credentials"
    assert wrong.root.all("button") == []

    vobiz.account = {"name": "Meridian", "concurrent_calls_limit": 7}
    with unchanged(app, but=NOTED):
        tested = page.press("Test connection", **typed)
    (note,) = tested.root.all(css="pb-note")
    assert "pb-ok" in note["class"].split()
    assert "account Meridian" in note.text
    assert tested.value("vobiz_auth_id") == vobiz.values["auth_id"]
    assert vobiz.values["auth_token"] not in tested.source
    part = page.press("Test connection", htmx="vobiz-test", **typed)
    assert [fact.text for fact in part.root.all("bdi")] == ["account Meridian", "at most 7 concurrent calls"]
    vobiz.account = {"name": f"Meridian {vobiz.values['auth_token']}"}
    part = page.press("Test connection", htmx="vobiz-test", **typed)
    assert part.root.all("bdi") == []
    assert vobiz.values["auth_token"] not in part.source
    assert tested.path == f"{PATH}/verify", "without scripts it has another address than the form"
    tested.send("Save", vobiz_auth_token=typed["vobiz_auth_token"])
    assert dana.get(PATH).health == "works"


def test_the_last_test_of_the_stored_values_is_shown(dana: Portal, vobiz: Vobiz) -> None:
    """On every page; a test of other values is shown by its own page alone."""
    typed = {"vobiz_auth_id": vobiz.values["auth_id"], "vobiz_auth_token": vobiz.values["auth_token"]}
    page = dana.get(PATH).press("Save", **typed)
    assert messages.default_set("Vobiz", "agent calls") in page.notes
    page = dana.get(PATH)
    assert page.health == "works"
    assert page.root.one("div", css="pb-test-row")["data-last-test"] == "ok"
    assert page.press("Test connection").data("stored") == []
    assert page.navigation.one("a", href=PATH).text == f"Vobiz, {Health.WORKS.label}"
    failed = page.press("Test connection", vobiz_auth_token="sample-and-wrong")
    assert (messages.FAILED in failed.notes, failed.health) == (True, "works")
    part = page.press("Test connection", htmx="vobiz-test", vobiz_auth_token="sample-and-wrong")
    assert part.data("stored") == ["unchanged"]

    page = page.press("Save", vobiz_auth_token="sample-and-wrong")
    assert (page.path, page.health) == (PATH, "failed")
    assert page.navigation.one("a", href=PATH).text == f"Vobiz, {Health.FAILED.label}"
    assert messages.FAILED in page.press("Test connection").notes
    assert page.press("Test connection", htmx="vobiz-test").data("stored") == []
    assert dana.get("/").link("Vobiz connection failed in Acme Support")["href"] == PATH
    vobiz.trouble = Trouble.FAULT
    page = page.press("Save", vobiz_auth_token="sample-and-newest")
    assert (page.health, messages.NOT_TESTED in page.notes) == ("untested", True)


def _confirmed(app: Flask, moment: datetime | None) -> None:
    """As if the password of every session was last typed then."""
    with app.app_context():
        db.session.execute(update(WebSession).values(confirmed_at=moment))
        db.session.commit()


def test_verify_in_an_old_session_needs_the_password(app: Flask, dana: Portal, vobiz: Vobiz) -> None:
    page = dana.get(PATH)
    assert not page.root.all("input", name="your_password")
    typed = {"vobiz_auth_id": vobiz.values["auth_id"], "vobiz_auth_token": vobiz.values["auth_token"]}
    for confirmed_at in (None, clock.now() - step_up.RECENT):
        _confirmed(app, confirmed_at)
        with unchanged(app):
            refused = page.press("Test connection", 403, **typed)
        assert OLD in refused.error("your_password")
        assert refused.value("vobiz_auth_id") == typed["vobiz_auth_id"]
        assert messages.RETYPE in refused.notes
        assert typed["vobiz_auth_token"] not in refused.source
        assert vobiz.requests == []
    with unchanged(app, but=("throttles", "audit_events")):
        refused = refused.press("Test connection", 422, your_password="not it at all")
    assert refused.error("your_password") == access_messages.WRONG_PASSWORD
    assert messages.RETYPE not in refused.notes
    assert vobiz.requests == []
    tested = refused.press("Test connection", **typed, your_password=PASSWORD)
    assert messages.WORKS in tested.notes
    assert not tested.root.all("input", name="your_password")
    assert messages.WORKS in tested.press("Test connection", **typed).notes

    _confirmed(app, None)
    page = dana.get(PATH)
    page.press("Test connection", 422, htmx="vobiz-test", your_password="not it at all")
    count_as(app, 9)
    page.press("Test connection", 422, htmx="vobiz-test", your_password="not it at all")
    requested = len(vobiz.requests)
    page.press("Test connection", 429, your_password=PASSWORD)
    assert len(vobiz.requests) == requested
    page = page.press("Save", 422, vobiz_phone_number="hello")
    assert not page.error("your_password"), "saving needs none"
    assert messages.saved("Vobiz") in page.press("Save", vobiz_phone_number="+15551234567").notes


CONFIRMING: list[tuple[str, str, dict[str, Any]]] = [
    ("/account", "Create token", {"name": "Mine", "your_password": PASSWORD}),
    ("/account", "Set up two-step sign-in", {"your_password": PASSWORD}),
    ("/o/acme-support/voice-ai/tool-secret", "Generate tool secret", {"your_password": PASSWORD}),
    ("/account", "Change password", {"current_password": PASSWORD, "new_password": "a lamp in the window"}),
]


def test_verify_accepts_a_password_typed_on_another_page(app: Flask, dana: Portal) -> None:
    for path, button, typed in CONFIRMING:
        _confirmed(app, None)
        dana.get(path).press(button, **typed)
        assert not dana.get(PATH).root.all("input", name="your_password"), button
