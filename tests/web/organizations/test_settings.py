"""An organization's name, base URL and country."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.providers import PROVIDERS
from app.services.providers import credentials
from app.services.status.setup import StepKey
from app.web.organizations import messages
from app.web.organizations.settings import GROUPS
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged

PATH = "/o/acme-support/settings"
BASE = "https://voice.acme.example"


@pytest.fixture
def form(dana: Portal) -> Page:
    return dana.get(PATH)


def test_save_stores_and_audits_the_settings(app: Flask, form: Page) -> None:
    page = form.press("Save", name="Acme", public_base_url=BASE, country="IN", reads_last_calls="yes")
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


def test_group_shows_when_it_was_saved(form: Page) -> None:
    page = form.press("Save", name="Acme")
    saved = [len(page.root.by_id(group).all("span", **{"data-saved": ""})) for group in GROUPS]
    assert dict(zip(GROUPS, saved, strict=True)) == {"webhooks": 0, "organization": 1, "calls": 0}


def test_save_of_blank_fields_clears_them(form: Page) -> None:
    page = form.press("Save", public_base_url=BASE, country="IN")
    page = page.press("Save", public_base_url="", country="")
    assert page.value("public_base_url") == ""
    assert page.value("country") == ""


def test_save_shows_each_error_at_its_field(app: Flask, form: Page) -> None:
    for field, typed in (
        ("public_base_url", "javascript:alert(1)"),
        ("public_base_url", "https://10.0.0.1"),
        ("name", ""),
        ("country", "XX"),
    ):
        with unchanged(app):
            page = form.press("Save", 422, **{field: typed})
        assert page.error(field), field
        if field != "country":
            assert page.value(field) == typed


def test_save_offers_the_next_step_unless_it_is_on_the_same_page(form: Page) -> None:
    page = form.press("Save", country="IN")
    assert page.notes == f"Done: {messages.SETTINGS_SAVED}"
    page = page.press("Save", public_base_url=BASE)
    assert page.follow(StepKey.PROVIDER.label).path == "/o/acme-support/"


def test_save_adds_https_to_a_base_url_without_it(app: Flask, form: Page) -> None:
    page = form.press("Save", public_base_url="voice.acme.example")
    assert page.value("public_base_url") == BASE
    assert messages.https_added(BASE) in page.notes
    with unchanged(app):
        page = page.press("Save", 422, public_base_url="voice")
    assert (page.error("public_base_url") != "", page.value("public_base_url")) == (True, "voice")


def test_save_of_a_stale_form_shows_both_versions(app: Flask, form: Page) -> None:
    form.press("Save", name="Acme One", public_base_url=BASE)
    with unchanged(app):
        page = form.press("Save", 412, name="Acme Two", country="IN")
    assert "Someone else saved this while you were editing." in page.notes
    assert page.compared == [
        ("Name", "Acme One", "Acme Two"),
        ("Public base URL", BASE, "nothing"),
        ("Country", "None (require +country code)", "India"),
    ]
    assert page.value("name") == "Acme Two"
    assert page.value("public_base_url") == BASE
    page = page.press("Save")
    assert (page.value("name"), page.value("country")) == ("Acme Two", "IN")
    assert page.value("public_base_url") == BASE


def test_save_without_a_valid_version_is_refused(app: Flask, form: Page, dana: Portal) -> None:
    for version in ("", "x", "-1", "99999999999999999999", "\u0661"):
        with unchanged(app):
            page = form.press("Save", 412, version=version, name="Forced")
        assert page.value("name") == "Forced"


OTHER = "https://calls.acme.example"


@pytest.fixture
def felt(dana: Portal, form: Page) -> Page:
    """The settings of an organization with two numbers that have a webhook URL."""
    form.press("Save", public_base_url=BASE)
    for number, key in (("+15551234567", "twilio"), ("+918047112345", "exotel")):
        page = dana.get("/o/acme-support/endpoints/new")
        page.press("Add endpoint", phone_number=number, provider=key, inbound_agent_name="support")
    return dana.get(PATH)


def test_save_of_another_base_url_asks_for_confirmation(app: Flask, felt: Page) -> None:
    with unchanged(app):
        page = felt.press("Save", name="Acme", public_base_url=f"{OTHER}/", country="IN")
    assert page.title == "Change the base URL?"
    assert "2 webhook URLs change: 1 at Exotel, 1 at Twilio." in page.text
    assert "support" in page.text
    assert "ElevenLabs" not in page.text
    page = page.press("Change the base URL", reason="New machine")
    assert messages.SETTINGS_SAVED in page.notes
    assert messages.WEBHOOKS_CHANGED in page.notes
    assert [page.value(name) for name in ("name", "public_base_url", "country")] == ["Acme", OTHER, "IN"]
    saved = [event for event in audit(app) if event.changes.get("public_base_url") == [BASE, OTHER]]
    assert [event.changes["reason"] for event in saved] == [[None, "New machine"]]
    assert "New machine" in page.text


def test_back_to_the_form_keeps_what_was_typed(app: Flask, felt: Page) -> None:
    page = felt.press("Save", name="Acme", public_base_url=OTHER, country="IN")
    with unchanged(app):
        page = page.press("Back")
    assert [page.value(name) for name in ("name", "public_base_url", "country")] == ["Acme", OTHER, "IN"]
    assert page.press("Save").title == "Change the base URL?"


def test_save_without_a_changed_webhook_url_needs_no_confirmation(felt: Page) -> None:
    changes: list[dict[str, Any]] = [{"name": "Acme"}, {"public_base_url": f"{BASE}/"}]
    for typed in changes:
        felt = felt.press("Save", **typed)
        assert felt.notes == f"Done: {messages.SETTINGS_SAVED} {StepKey.PROVIDER.label}", typed


def test_base_url_confirmation_after_a_change_shows_both_sides(dana: Portal, felt: Page) -> None:
    page = felt.press("Save", public_base_url=OTHER)
    dana.get(PATH).press("Save", name="Theirs")
    page = page.press("Change the base URL", 412)
    assert ("Public base URL", BASE, OTHER) in page.compared


def test_the_webhook_at_elevenlabs_is_named_too(app: Flask, dana: Portal, cast: Cast, form: Page) -> None:
    page = form.press("Save", public_base_url=BASE)
    with scope_as(app, cast.dana) as scope:
        credentials.save(scope, PROVIDERS["elevenlabs"], {"webhook_id": "wh-1"})
    page = page.press("Save", public_base_url=OTHER)
    assert "The call webhook at ElevenLabs is updated" in page.text
    assert "webhook URL changes" not in page.text


def test_former_base_url_is_restored_after_confirmation(app: Flask, felt: Page) -> None:
    page = felt.press("Save", public_base_url=OTHER).press("Change the base URL")
    page = page.follow(f"Restore… {BASE}")
    assert "2 webhook URLs change" in page.text
    assert page.value("reason") == f"Undo of the change to {OTHER}"
    page = page.press("Change the base URL")
    assert page.value("public_base_url") == BASE
    assert f"Undo of the change to {OTHER}" in page.text
    assert page.has_link(f"Restore… {OTHER}")


def test_base_url_confirmation_needs_another_valid_url(app: Flask, dana: Portal, felt: Page) -> None:
    for url in ["http://x.example", "javascript:alert(1)", "x"]:
        with unchanged(app):
            page = dana.get(f"{PATH}/base-url?url={url}", 422)
        assert page.error("public_base_url"), url

    for query in ["", "?url=", f"?url={BASE}"]:
        assert dana.get(f"{PATH}/base-url{query}").title == "Settings", query
