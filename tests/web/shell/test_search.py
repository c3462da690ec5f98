"""Finding things, as a page that needs no script."""

from __future__ import annotations

import pytest
from flask import Flask

from app.extensions import db
from app.models import Organization
from app.services.endpoints import crud
from app.services.organizations import directory
from tests.support.cast import Cast
from tests.support.full_organization import Furnished, scope_as
from tests.support.pages import Portal
from tests.support.scopes import OFFLINE


def search(portal: Portal, text: str, inside: str = "acme-support") -> list[str]:
    list_ = portal.get(f"/find?in={inside}&q={text}", htmx="found").root.one("div", id="found")
    return [item.text for item in list_.all("a", "button")]


def test_find_returns_numbers_by_digits_label_and_agents(
    app: Flask, cast: Cast, here: Furnished, dana: Portal
) -> None:
    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"country": "US"})
    own = f"/o/acme-support/endpoints/{here.ids['endpoint_id']}"
    for text in ["%2B1555123", "1555", "1 555 123-4567", "(555) 123", "555123", "4567", "123-4567", "23 45"]:
        listed = dana.get(f"/find?in=acme-support&q={text}", htmx="found").root.by_id("found").all("a")
        assert [link["href"] for link in listed if "+1 555" in link.text] == [own], text
    assert search(dana, "67") == []

    with scope_as(app, cast.dana) as scope:
        changed = {"label": "Front desk", "inbound_agent_name": "night-shift"}
        crud.update(scope, here.ids["endpoint_id"], changed)
    (number,) = search(dana, "front d")
    assert "Acme Support" in number
    assert dana.get("/find?in=acme-support&q=front d").follow(number).path == own
    assert search(dana, "front d", inside="globex") == [number]
    number, agent = search(dana, "night-sh")
    part = dana.get("/find?in=acme-support&q=night-sh", htmx="found")
    assert [link.text for link in part.root.all("a")] == [number, agent]
    page = dana.get("/find?in=acme-support&q=night-sh").follow(agent)
    assert page.path == "/o/acme-support/endpoints?agent=night-shift"
    assert len(page.rows()) == 1


@pytest.mark.usefixtures("here")
def test_find_returns_pages_organizations_people_settings_and_help(dana: Portal) -> None:
    assert "Add endpoint" in search(dana, "endp")
    assert "Twilio" in search(dana, "twil")
    assert search(dana, "trace a") == ["Trace a number"]
    assert search(dana, "audit") == ["Audit", "Audit of every organization"]
    assert search(dana, "audit", inside="") == ["Audit of every organization"]
    assert {"Exotel", "Vobiz", "Settings", "Your account"} <= set(search(dana, ""))
    assert search(dana, "globex")[0] == "Globex"
    assert any("Mo" in link for link in search(dana, "mo@"))
    (mo,) = [link for link in search(dana, "mo@", inside="") if "Mo" in link]
    assert "Acme Support" in mo
    assert search(dana, "nothing-like-it") == []
    for text, label in {
        "disconnect": "Twilio",
        "webhook": "Settings",
        "credentials": "Voice AI",
        "phone number": "Endpoints",
        "token": "Your account",
        "logout": "Sign out",
        "invite": "Add person",
    }.items():
        assert label in search(dana, text), text

    assert search(dana, "check all")[0] == "Check all numbers"
    assert search(dana, "check all", inside="") == ["Check all numbers of every organization"]
    page = dana.get("/find?in=acme-support&q=check all numbers").press("Check all numbers")
    assert page.path == "/o/acme-support/endpoints"
    assert "API reference" in search(dana, "api")
    root = dana.get("/find?in=acme-support").root
    parts = [link["href"] for link in root.one("div", id="found").all("a") if "#" in link["href"]]
    assert len(parts) > 5
    roots = {path: dana.get(path).root for path in {part.partition("#")[0] for part in parts}}
    for part in parts:
        path, _, anchor = part.partition("#")
        assert roots[path].all(id=anchor), part


def counted(portal: Portal, text: str) -> str:
    """The number in what is said of the results."""
    status = portal.get(f"/find?q={text}", htmx="found").root.one("div", id="found").one(role="status").text
    return "".join(letter for letter in status if letter.isdigit())


def test_find_shows_own_people_first_reports_a_cut_and_escapes_the_query(app: Flask, dana: Portal) -> None:
    assert "Gus" in search(dana, "@")[-1]
    assert "Gus" in search(dana, "@", inside="globex")[0]
    page = dana.get("/find?in=acme-support&q=gus").follow(search(dana, "gus")[0])
    assert page.path.startswith("/o/globex/people/")
    with app.app_context():
        for place in range(7):
            db.session.add(Organization(name=f"Tenant {place}", slug=f"tenant-{place}"))
        db.session.commit()
    assert [counted(dana, text) for text in ("tenant", "tenant 3")] == ["6", "1"]
    assert len(search(dana, "tenant", inside="")) == 6

    for text in ("%25", "_", "%00", "<b>", "'", '"><b hx-get=//x>', "9" * 5000, "+" * 90):
        answer = dana.raw("GET", "/find", query_string={"q": text, "in": "acme-support"})
        assert answer.status_code in (200, 400)
        assert "<b>" not in answer.text
        assert "<b hx-get" not in answer.text
    assert search(dana, "%25") == []
    assert dana.get("/find?in=unknown").title == "Find"
