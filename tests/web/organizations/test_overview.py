"""The overview of all organizations, and a new one."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import delete

from app.extensions import db
from app.models import Organization, User
from tests.support.cast import Cast
from tests.support.full_organization import furnish
from tests.support.pages import Portal
from tests.support.rows import audit, commits, unchanged


def test_table_has_a_row_for_each_organization(app: Flask, cast: Cast, dana: Portal) -> None:
    furnish(app, cast)
    globex, acme = sorted(dana.get("/").rows(), reverse=True)
    assert acme.startswith("Acme Support added ")
    assert "agents Twilio dialer Twilio voice AI ElevenLabs 1 numbers of Acme Support 1 with an agent" in acme
    assert "ElevenLabs untested in Acme Support since " in acme
    assert "Twilio untested in Acme Support since " in acme
    assert "1 not checked in Acme Support" in acme
    assert "— 0 numbers of Globex 0 with an agent —" in globex


def test_findings_link_to_their_fix(app: Flask, dana: Portal, cast: Cast) -> None:
    page = dana.get("/")
    assert page.follow("Globex").path == "/o/globex/"
    assert page.link("No base URL in Globex")["href"] == "/o/globex/settings"
    assert page.follow("No provider for agent calls in Globex").title == "Checklist"
    furnish(app, cast)
    page = dana.get("/")
    assert page.follow("Twilio untested in Acme Support").title == "Twilio"
    assert page.follow("1 not checked in Acme Support").title == "Endpoints"


def _many(app: Flask, count: int) -> None:
    with app.app_context():
        for place in range(count):
            db.session.add(Organization(name=f"Tenant {place:03}", slug=f"tenant-{place:03}"))
        db.session.commit()


def test_overview_is_searched(app: Flask, dana: Portal) -> None:
    assert not dana.get("/").root.all("input", type="search")
    _many(app, 38)
    page = dana.get("/")
    assert len(page.rows()) == 40
    assert "40 organizations: 40 incomplete" in page.text
    page = page.press("Search", q="tenant 01")
    assert len(page.rows()) == 10
    assert "10 organizations found" in page.text
    assert "No organizations found" in page.press("Search", q="<unknown>").text
    part = dana.get("/?q=tenant+01", htmx="organizations")
    assert len(part.rows()) == 10


def test_table_pages_more_than_a_hundred(app: Flask, dana: Portal) -> None:
    _many(app, 120)
    page = dana.get("/?q=tenant")
    assert len(page.rows()) == 100
    page = page.follow("Next")
    assert len(page.rows()) == 20
    assert "page=1" in page.link("Previous")["href"]
    assert len(dana.get("/?page=x").rows()) == 100


def test_table_with_one_empty_organization_links_to_its_checklist(app: Flask, dana: Portal) -> None:
    assert "Set up your first number" not in dana.get("/").text
    with app.app_context():
        db.session.execute(delete(User).where(User.email == "gus@globex.example"))
        db.session.execute(delete(Organization).where(Organization.slug == "globex"))
        db.session.commit()
    page = dana.get("/")
    assert "Set up your first number" in page.text
    assert page.follow("Open the checklist").path == "/o/acme-support/"
    dana.get("/o/acme-support/settings").press("Save", public_base_url="https://voice.acme.example")
    assert "Set up your first number" not in dana.get("/").text


def test_create_opens_the_new_organization(app: Flask, dana: Portal) -> None:
    page = dana.get("/").follow("Add organization").press("Add organization", name=" Blue Harbour ")
    assert page.path == "/o/blue-harbour/"
    assert "Blue Harbour added." in page.notes
    assert [event.subject for event in audit(app) if event.action == "organization.created"] == [
        "Blue Harbour"
    ]
    assert dana.get("/").has_link("Blue Harbour")


def test_table_filters_and_sorts_by_its_query(app: Flask, cast: Cast, dana: Portal) -> None:
    furnish(app, cast)
    _many(app, 8)
    assert len(dana.get("/?state=missing&sort=name").rows()) == 9
    assert [row[:12] for row in dana.get("/?state=unsure").rows()] == ["Acme Support"]
    assert "No organizations found" in dana.get("/?state=fine&q=tenant").text
    assert dana.get("/?sort=numbers").rows()[0].startswith("Acme Support")
    assert len(dana.get("/?state=other&sort=other").rows()) == 10


def test_create_with_an_invalid_name_keeps_it_in_the_form(app: Flask, dana: Portal) -> None:
    form = dana.get("/organizations/new")
    for name in ("", "x" * 121):
        with unchanged(app):
            page = form.press("Add organization", 422, name=name)
        assert page.error("name")
        assert page.value("name") == name


def test_every_page_links_to_the_table(dana: Portal) -> None:
    page = dana.get("/o/acme-support/endpoints")
    switch = page.root.one("a", css="pb-org")
    assert switch["href"] == "/"
    assert "Acme Support" in switch.text
    assert "Globex" in dana.get("/").follow("Globex").root.one("a", css="pb-org").text


def test_entering_another_organization_is_audited_once(app: Flask, dana: Portal, cast: Cast) -> None:
    dana.get("/o/acme-support/")
    with commits(app) as written:
        for _ in range(2):
            dana.get("/o/globex/")
            dana.get("/o/globex/people")
    assert len(written) == 1
    entered = [event for event in audit(app) if event.action == "organization.entered"]
    assert [(event.organization_id, event.actor_name) for event in entered] == [
        (cast.globex, cast.dana.email)
    ]


def test_an_unknown_organization_or_page_is_not_found_and_links_on(dana: Portal) -> None:
    for slug in ("nowhere", "ACME-SUPPORT", "acme-support%00"):
        assert dana.get(f"/o/{slug}/people", 404).title == "Not found"
    for path, place in (
        ("/no/such/page", "Organizations"),
        ("/o/acme-support/endpoints/no-such", "Endpoints"),
    ):
        page = dana.get(path, 404)
        assert page.has_link(place)
        assert page.has_link("Find")
