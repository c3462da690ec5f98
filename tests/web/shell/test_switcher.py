"""Switching the organization, as a page that needs no script."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import delete

from app.extensions import db
from app.models import Organization
from app.services.organizations import favorites
from tests.support.cast import Cast
from tests.support.pages import Page, Portal


def listed(page: Page) -> dict[str, list[str]]:
    """The names under each heading."""
    panel = page.root.one("div", id="found-list")
    groups = zip(panel.all("h2"), panel.all("ul"), strict=True)
    return {heading.text: [link.text for link in group.all("a")] for heading, group in groups}


def test_switcher_lists_favorites_and_leads_to_the_same_page(
    app: Flask, cast: Cast, dana: Portal, gus: Portal
) -> None:
    """Favorites are those of the user."""
    page = dana.get("/organizations/switch")
    assert listed(page) == {"Organizations": ["Acme Support", "Globex"]}
    page = page.press("Add to favorites: Globex")
    assert listed(page) == {"Favorites": ["Globex"], "Organizations": ["Acme Support"]}
    assert listed(gus.get("/organizations/switch")) == {"Organizations": ["Acme Support", "Globex"]}
    assert listed(dana.get("/organizations/switch?q=GLOB")) == {"Favorites": ["Globex"]}
    part = dana.get("/organizations/switch?q=acme", htmx="found")
    assert [link.text for link in part.root.all("a")] == ["Acme Support"]
    page = page.press("Remove favorite: Globex").press("Add to favorites: Globex")
    assert listed(page)["Favorites"] == ["Globex"]

    for path, leads_to in {
        "/o/acme-support/endpoints": "/o/globex/endpoints",
        "/o/acme-support/providers/twilio": "/o/globex/",
        "/notifications": "/o/globex/",
    }.items():
        (opener,) = [link for link in dana.get(path).root.all("a") if link.get("data-palette") == "switcher"]
        assert dana.get(opener["href"]).follow("Globex").path == leads_to, path
    assert dana.get("/organizations/switch?at=nothing").follow("Globex").path == "/o/globex/"
    with app.app_context():
        db.session.execute(delete(Organization).where(Organization.id == cast.globex))
        db.session.commit()
    assert listed(dana.get("/organizations/switch")) == {"Organizations": ["Acme Support"]}
    with app.app_context():
        rows = [Organization(name=f"Tenant {n:04}", slug=f"tenant-{n}") for n in range(500)]
        db.session.add_all(rows)
        db.session.commit()
    assert len(listed(dana.get("/organizations/switch"))["Organizations"]) == favorites.MOST
    assert listed(dana.get("/organizations/switch?q=tenant 0499")) == {"Organizations": ["Tenant 0499"]}
