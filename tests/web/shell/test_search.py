"""Finding things, as a page that needs no script."""

from __future__ import annotations

import pytest
from flask import Flask

from app.extensions import db
from app.models import Organization
from tests.support.cast import Cast
from tests.support.full_organization import Furnished, furnish
from tests.support.pages import Portal


@pytest.fixture
def here(app: Flask, cast: Cast) -> Furnished:
    return furnish(app, cast)


def found(portal: Portal, text: str, inside: str = "acme-support") -> list[str]:
    list_ = portal.get(f"/find?in={inside}&q={text}").root.one("div", id="found")
    return [item.text for item in list_.all("a", "button")]


def test_find_returns_a_number_by_its_beginning(here: Furnished, dana: Portal) -> None:
    for text in ["%2B1555123", "1555", "1 555 123-4567", "(555) 123", "555123"]:
        dana.get("/o/acme-support/settings").press("Save", country="US")
        (number,) = [link for link in found(dana, text) if "+1 555" in link]
        assert "Acme Support" in number, text
        page = dana.get(f"/find?in=acme-support&q={text}").follow(number)
        assert page.path == f"/o/acme-support/endpoints/{here.ids['endpoint_id']}", text


def test_find_returns_a_number_by_some_of_its_digits(here: Furnished, dana: Portal) -> None:
    for text in ["4567", "123-4567", "23 45"]:
        (number,) = found(dana, text)
        page = dana.get(f"/find?in=acme-support&q={text}").follow(number)
        assert page.path.endswith(here.ids["endpoint_id"]), text
        assert found(dana, "67") == [], text


@pytest.mark.usefixtures("here")
def test_find_returns_pages_organizations_and_people_by_name(dana: Portal) -> None:
    assert "Add endpoint" in found(dana, "endp")
    assert "Twilio" in found(dana, "twil")
    assert found(dana, "trace a") == ["Trace a number"]
    assert found(dana, "audit") == ["Audit", "Audit of every organization"]
    assert found(dana, "audit", inside="") == ["Audit of every organization"]
    assert {"Exotel", "Vobiz", "Settings", "Your account"} <= set(found(dana, ""))
    assert found(dana, "globex")[0] == "Globex"
    assert any("Mo" in link for link in found(dana, "mo@"))
    (mo,) = [link for link in found(dana, "mo@", inside="") if "Mo" in link]
    assert "Acme Support" in mo
    assert found(dana, "nothing-like-it") == []


def test_find_returns_numbers_by_label_and_agents(here: Furnished, dana: Portal) -> None:
    dana.get(f"/o/acme-support/endpoints?edit={here.ids['endpoint_id']}").press(
        "Save", label="Front desk", inbound_agent_name="night-shift"
    )
    (number,) = found(dana, "front d")
    assert dana.get("/find?in=acme-support&q=front d").follow(number).path.endswith(here.ids["endpoint_id"])
    assert found(dana, "front d", inside="globex") == [number]
    number, agent = found(dana, "night-sh")
    part = dana.get("/find?in=acme-support&q=night-sh", htmx="found")
    assert [link.text for link in part.root.all("a")] == [number, agent]
    page = dana.get("/find?in=acme-support&q=night-sh").follow(agent)
    assert page.path == "/o/acme-support/endpoints?agent=night-shift"
    assert len(page.rows()) == 1


def test_find_returns_actions_settings_and_help(dana: Portal) -> None:
    assert found(dana, "check all")[0] == "Check all numbers"
    assert found(dana, "check all", inside="") == ["Check all numbers of every organization"]
    page = dana.get("/find?in=acme-support&q=check all numbers").press("Check all numbers")
    assert page.path == "/o/acme-support/endpoints"
    assert "API reference" in found(dana, "api")
    root = dana.get("/find?in=acme-support").root
    parts = [link["href"] for link in root.one("div", id="found").all("a") if "#" in link["href"]]
    assert len(parts) > 5
    for part in parts:
        path, _, anchor = part.partition("#")
        assert dana.get(path).root.all(id=anchor), part


def test_people_of_the_own_organization_come_first(dana: Portal, gus: Portal) -> None:
    assert "Gus" in found(dana, "@")[-1]
    assert "Gus" in found(dana, "@", inside="globex")[0]
    page = dana.get("/find?in=acme-support&q=gus").follow(found(dana, "gus")[0])
    assert page.path.startswith("/o/globex/people/")


def test_find_reports_when_results_are_cut(app: Flask, dana: Portal) -> None:
    with app.app_context():
        for place in range(7):
            db.session.add(Organization(name=f"Tenant {place}", slug=f"tenant-{place}"))
        db.session.commit()
    assert "First 6 results." in dana.get("/find?q=tenant").text
    assert len(found(dana, "tenant", inside="")) == 6
    assert "1 found" in dana.get("/find?q=tenant 3").text


def test_find_escapes_the_query(dana: Portal) -> None:
    for text in ("%25", "_", "%00", "<b>", "'", '"><b hx-get=//x>', "9" * 5000, "+" * 90):
        page = dana.raw("GET", "/find", query_string={"q": text, "in": "acme-support"})
        assert page.status_code in (200, 400)
        assert "<b>" not in page.text
        assert "<b hx-get" not in page.text
    assert found(dana, "%25") == []
    assert dana.get("/find?in=unknown").title == "Find"
