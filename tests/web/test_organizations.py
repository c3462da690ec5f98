"""The overview of all organizations, and a new one."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.cast import Cast
from tests.support.furnished import furnish
from tests.support.pages import Portal
from tests.support.rows import audit, unchanged


def test_the_overview_has_a_row_for_each(app: Flask, cast: Cast, dana: Portal) -> None:
    furnish(app, cast)
    acme, globex = dana.get("/").rows()
    assert acme.startswith("Acme Support since ")
    assert "Set Twilio Twilio ElevenLabs 1 1 with an agent Not checked 3" in acme
    assert "Missing None None None 0 0 with an agent nothing to check 1" in globex


def test_each_row_leads_to_the_place_that_fixes_it(dana: Portal, cast: Cast) -> None:
    page = dana.get("/")
    assert page.follow("Globex").path == "/o/globex/"
    missing = [link["href"] for link in page.root.all("a") if link.text == "Missing"]
    assert missing == ["/o/acme-support/settings", "/o/globex/settings"]


def test_a_new_one_is_created_and_opened(app: Flask, dana: Portal) -> None:
    page = dana.get("/").follow("Add organization").press("Add organization", name=" Blue Harbour ")
    assert page.path == "/o/blue-harbour/"
    assert "Blue Harbour is created." in page.notes
    assert [event.subject for event in audit(app) if event.action == "organization.created"] == [
        "Blue Harbour"
    ]
    assert dana.get("/").has_link("Blue Harbour")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Müller & Söhne", "muller-sohne"),
        ("日本電信", "organization"),
        ("Acme  Support", "acme-support-2"),
        ("../../etc", "etc"),
        ("x" * 120, "x" * 60),
    ],
)
def test_its_address_comes_from_its_name(dana: Portal, name: str, slug: str) -> None:
    page = dana.get("/organizations/new").press("Add organization", name=name)
    assert page.path == f"/o/{slug}/"


def test_two_of_one_name_have_two_addresses(dana: Portal) -> None:
    form = dana.get("/organizations/new")
    assert form.press("Add organization", name="Twin").path == "/o/twin/"
    assert form.press("Add organization", name="Twin").path == "/o/twin-2/"


@pytest.mark.parametrize(("name", "said"), [("", "required"), ("  ", "required"), ("x" * 121, "at most 120")])
def test_a_name_that_cannot_be_is_refused(app: Flask, dana: Portal, name: str, said: str) -> None:
    form = dana.get("/organizations/new")
    with unchanged(app):
        page = form.press("Add organization", 422, name=name)
    assert said in page.error("name")
    assert page.value("name") == name


def test_one_switches_by_the_overview(dana: Portal) -> None:
    page = dana.get("/o/acme-support/endpoints")
    switch = page.root.one("a", css="pb-org")
    assert switch["href"] == "/"
    assert "Acme Support" in switch.text
    assert "Globex" in dana.get("/").follow("Globex").root.one("a", css="pb-org").text


def test_entering_another_organization_is_audited_once(app: Flask, dana: Portal, cast: Cast) -> None:
    dana.get("/o/acme-support/")
    for _ in range(2):
        dana.get("/o/globex/")
        dana.get("/o/globex/people")
    entered = [event for event in audit(app) if event.action == "organization.entered"]
    assert [(event.organization_id, event.actor_name) for event in entered] == [
        (cast.globex, cast.dana.email)
    ]


@pytest.mark.parametrize("slug", ["nowhere", "ACME-SUPPORT", "acme-support%00"])
def test_an_organization_that_is_not_there(dana: Portal, slug: str) -> None:
    assert dana.get(f"/o/{slug}/people", 404).title == "Not found"


def test_the_checklist_leads_from_nothing_to_an_answered_call(dana: Portal) -> None:
    page = dana.get("/o/acme-support/")
    assert "0 of 4 done. Next: " in page.text
    page = page.follow("Set base URL").press("Save", public_base_url="https://voice.acme.example")
    page = dana.get("/o/acme-support/").follow("Connect")
    assert page.path == "/o/acme-support/providers/twilio"
    page = page.press("Save", twilio_account_sid="AC" + "0" * 32, twilio_auth_token="made-up-token")
    page.follow("Make active for telephony").press("Make Twilio active")
    page = dana.get("/o/acme-support/").follow("Add endpoint")
    page.press("Add endpoint", phone_number="+15551234567", inbound_agent_name="Reception")
    page = dana.get("/o/acme-support/")
    assert "4 of 4 done. Every step on this side of the line is done." in page.text
