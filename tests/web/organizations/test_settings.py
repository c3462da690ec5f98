"""An organization's name, base URL and country."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.providers import PROVIDERS
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.providers import credentials
from app.services.status.setup import StepKey
from app.web.organizations import messages
from app.web.organizations.settings import GROUPS
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged
from tests.support.scopes import OFFLINE

PATH = "/o/acme-support/settings"
BASE = "https://voice.acme.example"


@pytest.fixture
def form(dana: Portal) -> Page:
    return dana.get(PATH)


def test_save_stores_the_settings_or_shows_each_error(app: Flask, form: Page, *, thorough: bool) -> None:
    """It needs a version, clears blanks, adds https:// and offers the next step."""
    for field, typed in (
        ("public_base_url", "javascript:alert(1)"),
        ("public_base_url", "voice"),
        ("public_base_url", "https://10.0.0.1"),
        ("name", ""),
        ("country", "XX"),
    ):
        with unchanged(app):
            page = form.press("Save", 422, **{field: typed})
        assert page.error(field), field
        if field != "country":
            assert page.value(field) == typed
    odd = ("x", "-1", "1.0", "\u0661") if thorough else ()
    for version in ("", "9" * 5000, *odd):
        with unchanged(app):
            page = form.press("Save", 412, version=version, name="Forced")
        assert page.value("name") == "Forced"

    page = form.press("Save", name="Acme")
    assert page.notes == f"Done: {messages.SETTINGS_SAVED}"
    saved = [len(page.root.by_id(group).all("span", **{"data-saved": ""})) for group in GROUPS]
    assert dict(zip(GROUPS, saved, strict=True)) == {"webhooks": 0, "organization": 1, "calls": 0}
    page = page.press("Save", public_base_url=BASE, country="IN", reads_last_calls="yes")
    assert page.path == PATH
    assert page.notes == f"Done: {messages.SETTINGS_SAVED} {StepKey.PROVIDER.label}"
    assert [page.value(name) for name in ("name", "public_base_url", "country")] == ["Acme", BASE, "IN"]
    assert page.value("reads_last_calls") == "yes"
    reported = {name: pair for event in audit(app) for name, pair in event.changes.items()}
    assert reported == {
        "public_base_url": [None, BASE],
        "name": ["Acme Support", "Acme"],
        "country": [None, "IN"],
        "reads_last_calls": [False, True],
    }

    page = page.press("Save", public_base_url="", country="")
    assert (page.value("public_base_url"), page.value("country")) == ("", "")
    page = page.press("Save", public_base_url="voice.acme.example")
    assert page.value("public_base_url") == BASE
    assert messages.https_added(BASE) in page.notes
    assert page.follow(StepKey.PROVIDER.label).path == "/o/acme-support/"


OTHER = "https://calls.acme.example"
FIELDS = ("name", "public_base_url", "country")


@pytest.fixture
def felt(app: Flask, cast: Cast, dana: Portal) -> Page:
    """The settings of an organization with two numbers that have a webhook URL."""
    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"public_base_url": BASE})
        for number, key in (("+15551234567", "twilio"), ("+918047112345", "exotel")):
            crud.create(scope, {"phone_number": number, "provider": key, "inbound_agent_name": "support"})
    return dana.get(PATH)


def test_base_url_is_changed_and_restored_after_confirmation(app: Flask, felt: Page) -> None:
    with unchanged(app):
        page = felt.press("Save", name="Acme", public_base_url=OTHER, country="IN").press("Back")
        assert [page.value(name) for name in FIELDS] == ["Acme", OTHER, "IN"]
        page = page.press("Save", public_base_url=f"{OTHER}/")
    assert page.data("changes") == ["2"]
    assert page.data("call-webhooks") == []
    assert [word in page.text for word in ("Exotel", "Twilio", "support")] == [True] * 3
    page = page.press("Change the base URL", reason="New machine")
    assert messages.SETTINGS_SAVED in page.notes
    assert messages.WEBHOOKS_CHANGED in page.notes
    assert [page.value(name) for name in FIELDS] == ["Acme", OTHER, "IN"]
    saved = [event for event in audit(app) if event.changes.get("public_base_url") == [BASE, OTHER]]
    assert [event.changes["reason"] for event in saved] == [[None, "New machine"]]
    assert "New machine" in page.text

    page = page.follow(f"Restore… {BASE}")
    assert page.data("changes") == ["2"]
    assert page.value("reason") == messages.undo_of(OTHER)
    page = page.press("Change the base URL")
    assert page.value("public_base_url") == BASE
    assert messages.undo_of(OTHER) in page.text
    assert page.has_link(f"Restore… {OTHER}")


def test_base_url_confirmation_needs_another_valid_url(
    app: Flask, cast: Cast, dana: Portal, felt: Page
) -> None:
    """It names the webhook at the provider of voice AI too."""
    for url in ["http://x.example", "javascript:alert(1)", "x"]:
        with unchanged(app):
            page = dana.get(f"{PATH}/base-url?url={url}", 422)
        assert page.error("public_base_url"), url
    for query in ["", "?url=", f"?url={BASE}"]:
        assert dana.get(f"{PATH}/base-url{query}").title == "Settings", query
    changes: list[dict[str, Any]] = [{"name": "Acme"}, {"public_base_url": f"{BASE}/"}]
    for typed in changes:
        felt = felt.press("Save", **typed)
        assert felt.notes == f"Done: {messages.SETTINGS_SAVED} {StepKey.PROVIDER.label}", typed

    with scope_as(app, cast.dana) as scope:
        credentials.save(scope, PROVIDERS["elevenlabs"], {"webhook_id": "wh-1"})
    page = felt.press("Save", public_base_url=OTHER)
    assert (page.data("call-webhooks"), page.data("changes")) == (["1"], ["2"])
    assert "ElevenLabs" in page.text
    dana.get(PATH).send("Save", name="Theirs")
    page = page.press("Change the base URL", 412)
    assert ("Public base URL", BASE, OTHER) in page.compared
