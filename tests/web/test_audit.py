"""The audit page."""

from __future__ import annotations

import pytest
from flask import Flask

from app.services import audit
from tests.support.cast import Cast
from tests.support.furnished import furnish, scope_as
from tests.support.pages import Portal

PATH = "/o/acme-support/audit"


def test_it_says_who_did_what_from_where_before_and_after(dana: Portal) -> None:
    dana.get("/o/acme-support/settings").press("Save", name="Acme", country="IN")
    row = dana.get(PATH).rows()[0]
    assert "Name Acme Support Acme Country IN" in row
    assert "dana@acme.example 127.0.0.1" in row


def test_no_secret_is_in_it(app: Flask, cast: Cast, dana: Portal) -> None:
    furnish(app, cast)
    page = dana.get(PATH)
    assert len(page.rows()) > 10


def test_it_is_paged_newest_first(app: Flask, cast: Cast, dana: Portal) -> None:
    with scope_as(app, cast.dana) as scope, scope.transaction():
        for number in range(120):
            audit.note(scope, "test.happened", f"thing {number:03}")
    page, seen = dana.get(PATH), []
    while True:
        assert len(page.rows()) <= 50
        seen += [row.split(" Who")[0] for row in page.rows()]
        if not page.has_link("Older"):
            break
        page = page.follow("Older")
    things = [row.split()[3] for row in seen if row.startswith("Test happened")]
    assert things == [f"{number:03}" for number in reversed(range(120))]
    assert page.follow("Newest").path == PATH


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "1.5", "0"])
def test_a_strange_page_number_does_no_harm(dana: Portal, before: str) -> None:
    dana.get(f"{PATH}?before={before}")


def test_another_organizations_events_are_not_in_it(dana: Portal, gus: Portal) -> None:
    dana.get("/o/acme-support/settings").press("Save", name="Acme Renamed")
    assert "Renamed" in dana.get(PATH).text
    assert "Renamed" not in gus.get("/o/globex/audit").text


@pytest.mark.asvs("16.4.1")
def test_a_name_with_line_breaks_is_one_line(app: Flask, cast: Cast, dana: Portal) -> None:
    with scope_as(app, cast.dana) as scope, scope.transaction():
        audit.note(scope, "test.happened", "thing\r\n2026 signed-in eve\u2028x\u202ey")
    page = dana.get(PATH)
    assert "thing\ufffd\ufffd2026 signed-in eve\ufffdx\ufffdy" in page.text
