"""The overview of all organizations, and a new one."""

from __future__ import annotations

from flask import Flask

from app.extensions import db
from app.models import Organization
from app.web.organizations import messages
from tests.support.cast import Cast
from tests.support.full_organization import furnish
from tests.support.pages import Page, Portal
from tests.support.rows import audit, commits, unchanged


def _slugs(page: Page) -> list[str]:
    return [row["data-slug"] for row in page.root.all("tr") if row.get("data-slug")]


def test_table_has_a_row_for_each_organization(app: Flask, cast: Cast, dana: Portal) -> None:
    furnish(app, cast)
    page = dana.get("/")
    (acme,) = page.rows()
    assert acme.startswith("Acme Support ")
    assert "0/1 healthy" in acme
    assert "ElevenLabs untested in Acme Support since " in acme
    assert "and 1 more in Acme Support" in acme
    assert "1/1 active numbers of Acme Support with an agent Twilio Twilio ElevenLabs" in acme
    (new,) = page.root.all("details", css="pb-new")
    assert "Globex 0 of 4 steps" in new.text


def test_figures_say_nothing_of_no_numbers(app: Flask, cast: Cast, dana: Portal) -> None:
    page = dana.get("/")
    assert (page.root.all("div", css="pb-tile"), page.has_button("Check all numbers")) == ([], False)
    furnish(app, cast)
    tiles = [tile.all("dd")[0].text for tile in dana.get("/").root.all("div", css="pb-tile")]
    assert tiles[:2] == ["1", "0"]


def test_findings_link_to_their_fix(app: Flask, dana: Portal, cast: Cast) -> None:
    page = dana.get("/")
    assert page.follow("Globex").path == page.follow("Start setup of Globex").path == "/o/globex/"
    page = dana.get("/?state=new")
    assert page.link("No base URL in Globex")["href"] == "/o/globex/settings"
    assert page.link("No provider for agent calls in Globex")["href"] == "/o/globex/"
    furnish(app, cast)
    page = dana.get("/")
    assert page.follow("Twilio untested in Acme Support").title == "Twilio"
    assert page.follow("and 1 more in Acme Support").path == "/o/acme-support/"


def _many(app: Flask, count: int) -> None:
    with app.app_context():
        for place in range(count):
            db.session.add(Organization(name=f"Tenant {place:03}", slug=f"tenant-{place:03}"))
        db.session.commit()


def test_overview_is_searched(app: Flask, dana: Portal) -> None:
    assert not dana.get("/").root.all("input", type="search")
    _many(app, 38)
    page = dana.get("/")
    assert (page.rows(), len(page.root.one("details", css="pb-new").all("li"))) == ([], 20)
    assert len(page.follow("Show all 40").rows()) == 40
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
    assert len(dana.get("/?q=tenant&page=x").rows()) == 100


def test_create_opens_the_new_organization(app: Flask, dana: Portal) -> None:
    page = dana.get("/").follow("Add organization").press("Add organization", name=" Blue Harbour ")
    assert page.path == "/o/blue-harbour/"
    assert messages.added("Blue Harbour") in page.notes
    assert [event.subject for event in audit(app) if event.action == "organization.created"] == [
        "Blue Harbour"
    ]
    assert dana.get("/").has_link("Blue Harbour")


def test_table_filters_and_sorts_by_its_query(app: Flask, cast: Cast, dana: Portal) -> None:
    furnish(app, cast)
    _many(app, 8)
    assert len(dana.get("/?state=new&sort=name").rows()) == 9
    assert _slugs(dana.get("/?state=unsure")) == ["acme-support"]
    assert "No organizations found" in dana.get("/?state=fine&q=tenant").text
    assert _slugs(dana.get("/?sort=numbers"))[0] == "acme-support"
    assert _slugs(dana.get("/?state=other&sort=other")) == ["acme-support"]


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
    assert page.portal.get(switch["href"]).has_link("All organizations")
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
