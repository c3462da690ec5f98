"""Who speaks, and the tool secret that is shown once."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.support.cast import Cast
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged

PATH = "/o/acme-support/voice-ai"
SECRET = re.compile(r"\b[0-9a-f]{64}\b")


def generate(portal: Portal) -> Page:
    return portal.get(PATH).follow("Generate tool secret").press("Generate tool secret")


def test_both_providers_have_their_forms(dana: Portal) -> None:
    page = dana.get(PATH)
    page = page.press("Save ElevenLabs", elevenlabs_api_key="made-up-key-of-acme")
    assert page.path == f"{PATH}#elevenlabs"
    assert "ElevenLabs saved." in page.notes
    page = page.press(
        "Save Sinch EST",
        sinch_est_key_id="key",
        sinch_est_key_secret="made-up-key-secret",
        sinch_est_project_id="project",
        sinch_est_trunk_id="trunk",
    )
    assert page.path == f"{PATH}#sinch_est"
    assert page.text.count("Connected") == 2


def test_a_mistake_in_one_form_is_shown_on_its_own_page(app: Flask, dana: Portal) -> None:
    page = dana.get(PATH)
    with unchanged(app):
        page = page.press("Save ElevenLabs", 422, elevenlabs_api_key="two words")
    assert page.title == "ElevenLabs"
    assert "spaces" in page.error("elevenlabs_api_key")


def test_the_choice_is_kept_and_taken_back(dana: Portal) -> None:
    page = dana.get(PATH).press("Save choice", provider="elevenlabs")
    assert page.value("provider") == "elevenlabs"
    page = page.press("Save choice", provider="")
    assert page.value("provider") == ""


@pytest.mark.parametrize("provider", ["twilio", "nobody"])
def test_only_voice_ai_providers_can_be_chosen(app: Flask, dana: Portal, provider: str) -> None:
    page = dana.get(PATH)
    with unchanged(app):
        page.press("Save choice", 422, provider=provider)


def test_a_stale_choice_is_refused(app: Flask, dana: Portal) -> None:
    page = dana.get(PATH)
    dana.get("/o/acme-support/settings").press("Save", name="Acme")
    with unchanged(app):
        page.press("Save choice", 412, provider="elevenlabs")


def test_the_tool_secret_is_shown_once_and_nowhere_else(app: Flask, dana: Portal) -> None:
    page = generate(dana)
    (secret,) = set(SECRET.findall(page.source))
    assert page.answer.headers["Cache-Control"] == "no-store"
    shown = dana.get(PATH)
    assert f"ends in {secret[-4:]}, since " in shown.text
    for path in (PATH, "/o/acme-support/audit", "/o/acme-support/providers/elevenlabs", "/"):
        assert secret not in dana.get(path).source
    asked = shown.follow("Generate tool secret")
    assert f"It replaces the one that ends in {secret[-4:]}." in asked.text
    again = asked.press("Generate tool secret")
    assert secret not in again.source


def test_two_who_generate_at_once_do_not_replace_each_others(app: Flask, dana: Portal) -> None:
    first, second = (dana.get(f"{PATH}/tool-secret") for _ in range(2))
    first.press("Generate tool secret")
    with unchanged(app):
        second.press("Generate tool secret", 412)


def test_sinch_numbers_are_listed_with_whose_they_are(dana: Portal, cast: Cast) -> None:
    page = dana.get(f"/o/acme-support/people/{cast.mo.id}")
    page.press("Give number", phoneNumber="+15557654321", provider="sinch")
    assert "+1 555-765-4321 Mo" in dana.get(PATH).text
