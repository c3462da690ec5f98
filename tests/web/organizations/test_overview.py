"""The overview of all organizations, and a new one."""

from __future__ import annotations

import pytest
from flask import Flask

from app.extensions import db
from app.models import Organization
from app.services.status import overview
from app.web.organizations import messages
from tests.support.cast import Cast
from tests.support.full_organization import furnish
from tests.support.pages import Page, Portal
from tests.support.rows import audit, commits, unchanged


def _slugs(page: Page) -> list[str]:
    return [row["data-slug"] for row in page.root.all("tr") if row.get("data-slug")]


def test_overview_shows_figures_and_findings_that_lead_to_their_fix(
    app: Flask, cast: Cast, dana: Portal
) -> None:
    page = dana.get("/")
    assert (page.root.all("div", css="pb-tile"), page.has_button("Check all numbers")) == ([], False)
    assert page.follow("Globex").path == page.follow("Start setup of Globex").path == "/o/globex/"
    page = dana.get("/?state=new")
    assert page.link("No base URL in Globex")["href"] == "/o/globex/settings"
    assert page.link("No provider for agent calls in Globex")["href"] == "/o/globex/"

    furnish(app, cast)
    page = dana.get("/")
    assert [tile.all("dd")[0].text for tile in page.root.all("div", css="pb-tile")][:2] == ["1", "0"]
    assert _slugs(page) == ["acme-support"]
    (acme,) = page.root.all("tr", **{"data-slug": "acme-support"})
    assert acme.one(css="pb-health-line").one(css="pb-figure").text.startswith("0/1 ")
    cells = {cell.get("data-label"): cell for cell in acme.all("td")}
    assert cells["Numbers"].all("a")[0].text.startswith("1/1 ")
    assert [cells[name].text for name in ("Agent calls", "Dialer", "Voice AI")] == [
        *("Twilio", "Twilio", "ElevenLabs")
    ]
    assert page.data("finding") == ["untested", "untested"]
    assert [item.all("time") != [] for item in acme.all("li")] == [True, True, False]
    assert page.follow("Twilio untested in Acme Support").title == "Twilio"
    assert page.follow("and 1 more in Acme Support").path == "/o/acme-support/"
    (new,) = page.root.one("details", css="pb-new").all("li")
    assert (new.one("b").text, new.all(css="pb-quiet")[0].text.split()[:3]) == ("Globex", ["0", "of", "4"])


def _many(app: Flask, count: int) -> None:
    with app.app_context():
        for place in range(count):
            db.session.add(Organization(name=f"Tenant {place:03}", slug=f"tenant-{place:03}"))
        db.session.commit()


def test_table_is_searched_filtered_sorted_and_paged(
    app: Flask, cast: Cast, dana: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "PAGE", 25)
    assert not dana.get("/").root.all("input", type="search")
    _many(app, 32)
    page = dana.get("/")
    assert (page.rows(), len(page.root.one("details", css="pb-new").all("li"))) == ([], 20)
    assert len(page.follow("Show all 34").rows()) == 25
    filtered = page.press("Search", q="tenant 01")
    assert (len(filtered.rows()), _found(filtered)) == (10, "10")
    assert len(dana.get("/?q=tenant+01", htmx="organizations").rows()) == 10
    none = page.press("Search", q="<unknown>")
    assert (none.rows(), none.link("Show all organizations")["href"]) == ([], "/")
    page = dana.get("/?q=tenant").follow("Next")
    assert len(page.rows()) == 7
    assert "page=1" in page.link("Previous")["href"]
    assert len(dana.get("/?q=tenant&page=x").rows()) == 25

    furnish(app, cast)
    assert _slugs(dana.get("/?state=new&sort=name&q=globex")) == ["globex"]
    assert _slugs(dana.get("/?state=unsure")) == ["acme-support"]
    assert _slugs(dana.get("/?state=fine&q=tenant")) == []
    sorted_, unknown = dana.get("/?sort=numbers"), dana.get("/?state=other&sort=other")
    assert (_slugs(sorted_)[0], sorted_.value("sort")) == ("acme-support", "numbers")
    assert (_slugs(unknown), unknown.value("sort")) == (["acme-support"], "")


def _found(page: Page) -> str:
    """How many organizations there are, as the foot of the table counts them."""
    return next(part.text for part in page.root.all("span") if "data-found" in part.attrs).split()[0]


def test_organization_is_created_opened_and_entering_audited_once(
    app: Flask, dana: Portal, cast: Cast
) -> None:
    switch = dana.get("/o/acme-support/endpoints").root.one("a", css="pb-org")
    assert "Acme Support" in switch.text
    assert dana.get(switch["href"]).has_link("All organizations")
    with commits(app) as written:
        for _ in range(2):
            page = dana.get("/o/globex/")
            dana.get("/o/globex/people")
    assert "Globex" in page.root.one("a", css="pb-org").text
    assert len(written) == 1
    entered = [event for event in audit(app) if event.action == "organization.entered"]
    assert [(event.organization_id, event.actor_name) for event in entered] == [
        (cast.globex, cast.dana.email)
    ]

    form = dana.get("/").follow("Add organization")
    for name in ("", "x" * 121):
        with unchanged(app):
            page = form.press("Add organization", 422, name=name)
        assert page.error("name")
        assert page.value("name") == name
    page = page.press("Add organization", name=" Blue Harbour ")
    assert page.path == "/o/blue-harbour/"
    assert messages.added("Blue Harbour") in page.notes
    assert [event.subject for event in audit(app) if event.action == "organization.created"] == [
        "Blue Harbour"
    ]
    assert dana.get("/").has_link("Blue Harbour")
