"""The Voice AI page, and the tool secret that is shown once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from app.core.errors import Conflict
from app.core.outbound.client import Outbound
from app.extensions import db
from app.models import Secret
from app.services.access import messages as access_messages
from app.services.connections.health import Health
from app.services.organizations import directory
from app.services.voice_ai import messages as service_messages
from app.services.voice_ai import webhook
from app.web.providers import messages as provider_messages
from app.web.voice_ai import messages
from devtools.scopes import PASSWORD
from simulators.elevenlabs import KEY, ElevenLabs
from tests.support.canary import found_in, found_in_files
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged
from tests.support.scopes import OFFLINE

PATH = "/o/acme-support/voice-ai"
TRUNK = f"{PATH}?tab=sinch_est"
TOOL_SECRET = f"{PATH}?tab=tool-secret"
SECRET = re.compile(r"\b[0-9a-f]{64}\b")


def generate(portal: Portal) -> Page:
    confirmation = portal.get(TOOL_SECRET).follow("Generate tool secret")
    return confirmation.press("Generate tool secret", your_password=PASSWORD)


def test_each_tab_has_an_address_and_a_form_that_tests_as_it_saves(
    dana: Portal, cast: Cast, app: Flask
) -> None:
    """An unknown one has none."""
    for address, tab in (
        (PATH, "elevenlabs"),
        (f"{PATH}?tab=elevenlabs", "elevenlabs"),
        (TRUNK, "sinch_est"),
    ):
        page = dana.get(address)
        assert [section["id"] for section in page.root.all("section", css="pb-first-section")] == [tab]
        (current,) = page.root.one("nav", **{"aria-label": "Voice AI"}).all("a", **{"aria-current": "page"})
        assert current["href"] == f"{PATH}?tab={tab}"
    assert dana.get(TOOL_SECRET).link("Generate tool secret")["href"] == f"{PATH}/tool-secret"
    dana.get(f"{PATH}?tab=twilio", 404)
    links = dana.get("/find?q=sinch+est&in=acme-support").root.one("main").all("a")
    assert [link["href"] for link in links if link["href"].startswith("/o/")] == [TRUNK]
    page = dana.get(f"/o/acme-support/people/{cast.mo.id}")
    page.send("Assign number", phone_number="+15557654321", provider="sinch")
    listed = dana.get(TRUNK).root.one(id="numbers").one("tbody")
    assert [cell.text for cell in listed.all("th", "td")][:2] == ["+1 555-765-4321", "Mo"]

    with ElevenLabs() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        page = dana.get(PATH).press("Save", elevenlabs_api_key=KEY)
        assert page.path == f"{PATH}?tab=elevenlabs"
        assert provider_messages.saved("ElevenLabs") in page.notes
        assert page.health == "works", "tested as it was saved"
        assert provider_messages.WORKS in page.press("Test connection of ElevenLabs").notes
    page = dana.get(TRUNK).press(
        "Save",
        sinch_est_key_id="key",
        sinch_est_key_secret="sample-key-secret",
        sinch_est_project_id="project",
        sinch_est_trunk_id="trunk",
    )
    assert page.path == TRUNK
    assert page.health == "untested"
    assert page.navigation.one("a", href=PATH).text == f"Voice AI, {Health.UNTESTED.label}"


def test_choice_or_form_is_saved_and_refused_if_invalid_or_stale(app: Flask, dana: Portal) -> None:
    """Without scripts, as the form goes by itself: on its tab."""
    page = dana.get(PATH)
    for provider in ("twilio", "unknown"):
        with unchanged(app):
            refused = page.press("Save choice", 422, provider=provider)
        (problem,) = refused.root.one("main").all("li")
        assert problem.text.startswith("aiVoiceProvider: ")
        submitted = {"provider": provider, "version": "1", "csrf_token": dana.token()}
        assert problem.text in dana.post(f"{PATH}/choice", submitted, 422, htmx="main").text
    page = page.press("Save choice", provider="elevenlabs", reason="Better voices")
    assert page.value("provider") == "elevenlabs"
    assert "Better voices" in page.root.by_id("history").text
    dana.get("/o/acme-support/active/voice_ai?provider=elevenlabs", 404)
    page = page.press("Save choice", provider="")
    assert page.value("provider") == ""

    wrong = []
    for button in ("Save", "Test connection of Sinch EST"):
        with unchanged(app):
            page = dana.get(TRUNK).press(
                button, 422, sinch_est_key_secret="two words", sinch_est_project_id="Typed"
            )
        is_tab = page.path.startswith(PATH) and page.title == "Voice AI"
        is_unchanged = page.value("sinch_est_project_id") == "Typed"
        if not (is_tab and is_unchanged and page.error("sinch_est_key_secret")):
            wrong.append((button, page.path))
    assert wrong == []
    dana.post(f"{PATH}?tab=tool-secret", {"csrf_token": dana.token()}, 404)
    page, other = dana.get(TRUNK), dana.get(TRUNK)
    other.send("Save", sinch_est_trunk_id="first")
    page = page.press("Save", 412, sinch_est_trunk_id="second")
    assert page.path.startswith(PATH)
    assert page.value("sinch_est_trunk_id") == "second"
    assert [sides[1:] for sides in page.compared] == [("first", "second")]


def test_tool_secret_is_shown_once_and_nowhere_else(app: Flask, dana: Portal) -> None:
    with unchanged(app, but=("throttles", "audit_events")):
        page = dana.get(f"{PATH}/tool-secret").press(
            "Generate tool secret", 422, your_password="not it at all"
        )
    assert page.error("your_password") == access_messages.WRONG_PASSWORD
    page = page.press("Generate tool secret", your_password=PASSWORD)
    (secret,) = set(SECRET.findall(page.source))
    assert page.answer.headers["Cache-Control"] == "no-store"
    shown = dana.get(TOOL_SECRET)
    assert stored(shown) == secret[-4:]
    for path in (PATH, TOOL_SECRET, "/o/acme-support/audit", "/o/acme-support/providers/elevenlabs", "/"):
        assert secret not in dana.get(path).source
    confirmation = shown.follow("Generate tool secret")
    assert secret[-4:] in [code.text for code in confirmation.root.all("code")]
    again = confirmation.press("Generate tool secret", your_password=PASSWORD)
    assert secret not in again.source
    with app.app_context():
        db.session.execute(update(Secret).values(sealed="gAAAA-broken"))
        db.session.commit()
    assert dana.get(TOOL_SECRET).data("tool-secret") == ["broken"]
    (newest,) = set(SECRET.findall(generate(dana).source))
    assert stored(dana.get(TOOL_SECRET)) == newest[-4:]


def stored(page: Page) -> str:
    """The end of the tool secret that the page says is stored."""
    return page.root.one("p", **{"data-tool-secret": "stored"}).one("code").text


class TestCallWebhook:
    """The webhook that receives call reports."""

    @pytest.fixture
    def upstream(self, app: Flask) -> Iterator[ElevenLabs]:
        with ElevenLabs() as running:
            app.extensions["patchbay_outbound"] = Outbound(running.upstreams, deadline=2.0)
            yield running

    @pytest.fixture
    def page(self, dana: Portal, cast: Cast, upstream: ElevenLabs) -> Page:
        """With a base URL and a key that works."""
        with scope_as(dana.app, cast.dana) as scope:
            directory.update(scope, OFFLINE, {"public_base_url": "https://voice.acme.example"})
        return dana.get(PATH).press("Save", elevenlabs_api_key=upstream.values["api_key"])

    def test_webhook_is_set_up_by_a_save_and_follows_its_settings(
        self, dana: Portal, upstream: ElevenLabs, cast: Cast
    ) -> None:
        card = dana.get(PATH).root.one(id="webhook")
        assert (card["data-state"], card.all("button")) == ("waiting", [])
        assert service_messages.webhook_needs("ElevenLabs", ["API key"]) in card.text
        page = dana.get(PATH).press("Save", elevenlabs_api_key=upstream.values["api_key"])
        assert service_messages.BASE_URL_MISSING in page.root.one(id="webhook").text
        assert len(upstream.workspace.webhooks) == 0
        dana.get("/o/acme-support/settings").send("Save", public_base_url="https://voice.acme.example")
        page = dana.get(PATH)
        card = page.root.one(id="webhook")
        assert card["data-state"] == "working"
        url = f"https://voice.acme.example/api/webhook/elevenlabs/{cast.acme}"
        assert [code.text for code in card.all("code")] == [url]
        assert page.press("Check again").path == f"{PATH}?tab=elevenlabs#webhook"
        (created,) = upstream.workspace.webhooks.values()
        confirmation = dana.get("/o/acme-support/settings").press(
            "Save", public_base_url="https://new.acme.example"
        )
        confirmation.send("Change the base URL")
        (created,) = upstream.workspace.webhooks.values()
        assert created["webhook_url"].startswith("https://new.acme.example/")
        created["is_disabled"] = True
        generate(dana)
        assert created["is_disabled"] is False

    def test_webhook_failure_is_shown_and_retried(self, dana: Portal, upstream: ElevenLabs) -> None:
        upstream.permissions.remove("workspace")
        dana.get("/o/acme-support/settings").send("Save", public_base_url="https://voice.acme.example")
        page = dana.get(PATH).press("Save", elevenlabs_api_key=upstream.values["api_key"])
        assert provider_messages.saved("ElevenLabs") in page.notes
        assert page.root.one(id="webhook")["data-state"] == "failed"
        page = page.press("Retry")
        assert page.root.one(id="webhook")["data-state"] == "failed"
        upstream.permissions.add("workspace")
        page = page.press("Retry")
        assert messages.WEBHOOK_WORKS in page.notes

    def test_webhook_foreign_or_in_another_setup_is_replaced_by_its_button(
        self, page: Page, upstream: ElevenLabs, dana: Portal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        foreign_id = upstream.workspace.add("https://crm.example/calls", '"><b>CRM</b>')
        upstream.workspace.settings["webhooks"]["post_call_webhook_id"] = foreign_id
        page = page.press("Check again")
        card = page.root.one(id="webhook")
        assert (card["data-state"], f'"><b>CRM</b> ({foreign_id})' in card.one("bdi").text) == ("asks", True)
        assert not page.has_button("Repair")
        assert upstream.workspace.selected == foreign_id
        page = page.press("Replace webhook")
        assert messages.WEBHOOK_WORKS in page.notes
        assert upstream.workspace.selected != foreign_id
        assert foreign_id in upstream.workspace.webhooks

        def busy(*_: object, **__: object) -> None:
            raise Conflict(service_messages.WEBHOOK_RUNNING)

        monkeypatch.setattr(webhook, "perform", busy)
        assert service_messages.WEBHOOK_RUNNING in page.press("Check again").notes
        for key, expected in (("elevenlabs", [""]), ("twilio", [])):
            assert dana.get(f"/o/acme-support/providers/{key}/disconnect").data("kept-webhook") == expected

    def test_webhook_secret_is_nowhere(
        self, page: Page, dana: Portal, upstream: ElevenLabs, logged: StringIO, data_folder: Path
    ) -> None:
        page.press("Check again")
        webhook_id = upstream.workspace.selected
        assert webhook_id is not None
        secrets = {"webhook": upstream.workspace.secrets[webhook_id], "key": upstream.values["api_key"]}
        for path in (PATH, "/o/acme-support/audit", "/o/acme-support/calls"):
            assert found_in(dana.get(path).source.encode(), secrets) == []
        assert found_in(logged.getvalue().encode(), secrets) == []
        files = [path for path in data_folder.iterdir() if path.is_file()]
        assert files
        assert found_in_files(files, secrets) == []
