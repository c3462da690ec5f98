"""Pages of organizations: their order, filters and counts."""

from __future__ import annotations

import pytest

from app.models import Endpoint, Organization
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.status import overview
from app.services.status.findings import Level
from app.services.status.overview import OverviewFilter
from tests.support.scopes import OFFLINE
from tests.support.statuses import drifted, in_sync, save_result


def _make(scope, count):
    """So many more organizations, each with two numbers."""
    with scope.transaction():
        for place in range(count):
            organization = Organization(name=f"Tenant {place:03}", slug=f"tenant-{place:03}")
            scope.session.add(organization)
            scope.session.flush()
            for line in range(2):
                number = f"+1555{place:04}{line:03}"
                scope.session.add(
                    Endpoint(organization_id=organization.id, phone_number=number, provider="twilio")
                )


def _names(scope, **how):
    return [row.organization.name for row in overview.page(scope, OverviewFilter(**how)).rows]


def test_page_sorts_by_numbers_that_fail_then_by_level(live, globex):
    _make(live, 2)
    other = live.for_organization(directory.create(live, {"name": "Zebra"}))
    directory.update(other, OFFLINE, {"public_base_url": "https://voice.zebra.example"})
    for number in range(2):
        payload = {"phone_number": f"+1555777000{number}", "provider": "twilio", "inbound_agent_name": "a"}
        crud.create(other, payload)
        save_result(other, in_sync(payload["phone_number"]), payload["phone_number"])
    directory.update(other, OFFLINE, {"public_base_url": None})
    save_result(live, drifted())
    page = overview.page(live)
    names = [row.organization.name for row in page.rows]
    assert names == ["Zebra", "Acme Support", "Tenant 000", "Tenant 001"]
    assert [row.facts.unhealthy for row in page.rows] == [2, 1, 0, 0]
    assert [row.level for row in page.rows] == [Level.BROKEN] * 4
    assert [row.organization.name for row in page.new] == ["Globex"]
    save_result(live, in_sync())
    assert overview.page(live).rows[-1].level is Level.FINE


def _sums(scope):
    sums = overview.page(scope).sums
    assert sums
    return sums


def test_page_has_the_figures_of_all_filters_by_level_and_orders(live, globex):
    _make(live, 2)
    sums = _sums(live)
    assert (sums.live, sums.answered, sums.expected, sums.unhealthy) == (5, 1, 1, 0)
    save_result(live, drifted())
    sums = _sums(live)
    assert (sums.expected, sums.unhealthy, sums.all_drifted, sums.blocked) == (1, 1, 1, 0)
    assert sums.checked_at
    assert overview.page(live, OverviewFilter("acme")).sums is None

    page = overview.page(live, OverviewFilter(level=Level.BROKEN))
    assert (page.matching, page.total, page.levels) == (3, 4, {Level.BROKEN: 3})
    assert _names(live, level=Level.MISSING) == _names(live, level=Level.FINE) == []
    assert _names(live, order="numbers") == ["Tenant 000", "Tenant 001", "Acme Support", "Globex"]
    assert _names(live, order="drifted")[0] == _names(live, order="name")[0] == "Acme Support"


def test_page_has_new_organizations_apart_and_the_pages_beside_it(live, globex, monkeypatch):
    for number in range(3):
        directory.create(live, {"name": f"New {number}"})
    monkeypatch.setattr(overview, "MOST_NEW", 2)
    page = overview.page(live)
    assert [row.organization.name for row in page.rows] == ["Acme Support"]
    assert ([row.organization.name for row in page.new], page.all_new) == (["Globex", "New 0"], 4)
    assert {row.setup.done for row in page.new} == {0}
    assert _names(live, only_new=True) == ["Globex", "New 0", "New 1", "New 2"]
    page_of_new = overview.page(live, OverviewFilter("new"))
    assert (len(page_of_new.rows), page_of_new.new) == (3, [])

    _make(live, 8)
    monkeypatch.setattr(overview, "PAGE", 4)
    pages = [overview.page(live, number=number) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [4, 4, 1]
    assert [len(page.new) for page in pages] == [0, 0, 2]
    assert len({row.organization.id for page in pages for row in page.rows}) == 9
    assert [(page.previous, page.next) for page in pages] == [(None, 2), (1, 3), (2, None)]
    assert (overview.page(live, number=99).number, overview.page(live, number=0).number) == (3, 1)


@pytest.mark.both_databases
def test_page_finds_a_text_in_name_or_slug(live):
    _make(live, 12)
    page = overview.page(live, OverviewFilter("tenant-01"))
    assert [row.organization.slug for row in page.rows] == ["tenant-010", "tenant-011"]
    assert (page.matching, page.total) == (2, 14)
    assert overview.page(live, OverviewFilter("ENANT 003")).matching == 1
    assert [
        text for text in ("%", "_", "x" * 500, "unknown") if overview.page(live, OverviewFilter(text)).rows
    ] == []
