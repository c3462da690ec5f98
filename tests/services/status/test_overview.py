"""Pages of organizations: their order, filters and counts."""

from __future__ import annotations

import pytest

from app.models import Endpoint, Organization
from app.services.status import overview
from app.services.status.findings import Level
from tests.support.statuses import drifted, in_sync, save_result


def _make(scope, count):
    """So many more organizations, each with two numbers."""
    with scope.transaction():
        for place in range(count):
            made = Organization(name=f"Tenant {place:03}", slug=f"tenant-{place:03}")
            scope.session.add(made)
            scope.session.flush()
            for line in range(2):
                number = f"+1555{place:04}{line:03}"
                scope.session.add(Endpoint(organization_id=made.id, phone_number=number, provider="twilio"))


def _names(scope, **how):
    return [row.organization.name for row in overview.page(scope, **how).rows]


def test_page_sorts_by_level_then_by_name(live, globex):
    _make(live, 2)
    save_result(live, drifted())
    page = overview.page(live)
    assert [row.organization.name for row in page.rows] == [
        "Acme Support",
        "Tenant 000",
        "Tenant 001",
        "Globex",
    ]
    assert [row.level for row in page.rows] == [*[Level.BROKEN] * 3, Level.MISSING]
    assert [row.is_untouched for row in page.rows] == [False, False, False, True]
    save_result(live, in_sync())
    assert overview.page(live).rows[-1].level is Level.FINE


def test_page_filters_by_level_and_takes_another_order(live, globex):
    _make(live, 2)
    save_result(live, drifted())
    page = overview.page(live, level=Level.MISSING)
    assert [row.organization.name for row in page.rows] == ["Globex"]
    assert (page.matching, page.total) == (1, 4)
    assert page.levels == {Level.BROKEN: 3, Level.MISSING: 1}
    assert overview.page(live, level=Level.FINE).rows == []
    assert _names(live, order="numbers") == ["Tenant 000", "Tenant 001", "Acme Support", "Globex"]
    assert _names(live, order="drifted")[0] == _names(live, order="name")[0] == "Acme Support"


@pytest.mark.both_databases
def test_page_finds_a_text_in_name_or_slug(live):
    _make(live, 12)
    page = overview.page(live, " tenant-01 ")
    assert [row.organization.slug for row in page.rows] == ["tenant-010", "tenant-011"]
    assert (page.matching, page.total) == (2, 14)
    assert overview.page(live, "ENANT 003").matching == 1
    assert [text for text in ("%", "_", "x" * 500, "unknown") if overview.page(live, text).rows] == []


def test_page_has_the_numbers_of_the_pages_beside_it(live, monkeypatch):
    _make(live, 8)
    monkeypatch.setattr(overview, "PAGE", 4)
    pages = [overview.page(live, number=number) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [4, 4, 2]
    assert len({row.organization.id for page in pages for row in page.rows}) == 10
    assert [(page.previous, page.next) for page in pages] == [(None, 2), (1, 3), (2, None)]
    assert (overview.page(live, number=99).number, overview.page(live, number=0).number) == (3, 1)
