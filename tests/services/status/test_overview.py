"""What is live, missing, untested and drifted in every organization, worst first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core import clock
from app.models import Check, CheckRun, DriftCheck, Endpoint, Organization, Secret, WebhookSetup
from app.provider import Family
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.drift import queue
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud, readiness
from app.services.numbers import assignments
from app.services.organizations import directory
from app.services.providers import active, credentials, history
from app.services.status import overview
from app.services.status.overview import Level
from app.services.status.places import Place
from tests.support.scopes import NOBODY, statements

TWILIO, EXOTEL = PROVIDERS["twilio"], PROVIDERS["exotel"]
TWILIO_VALUES = {"account_sid": "AC" + "0" * 32, "auth_token": "made-up-token-of-twilio"}
EXOTEL_VALUES = {
    "account_sid": "example1",
    "api_key": "made-up-key-of-exotel",
    "api_token": "made-up-token-of-exotel",
}
BASE = "https://voice.example.com"
NUMBER = "+15551234567"


def _row(scope, text=""):
    """The standing of the scope's own organization."""
    rows = overview.page(scope, text).rows
    return next(row for row in rows if row.organization.id == scope.organization.id)


def _told(scope):
    return [(finding.level, finding.text) for finding in _row(scope).findings]


def _tested(scope, provider, *, ok=True):
    version = store.load(scope, provider).version
    with scope.transaction():
        scope.session.add(
            Check(
                organization_id=scope.organization.id,
                provider=provider.key,
                ok=ok,
                code="ok" if ok else "bad_credentials",
                reason="",
                connection_version=version,
                actor_name="dana",
            )
        )


def _seen(scope, sights, provider="twilio"):
    with scope.transaction():
        queue.save_results(scope, provider, sights)


def _line(url):
    return ProbeResult(ProviderNumber(NUMBER, webhook_url=url, method="POST"))


@pytest.fixture
def live(acme):
    """Twilio is active and tested, and one number is in sync."""
    directory.update(acme, NOBODY, {"public_base_url": BASE})
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    active.make_active(acme, Family.TELEPHONY, "twilio")
    crud.create(acme, {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "support"})
    _tested(acme, TWILIO)
    _seen(acme, {NUMBER: _line(f"{BASE}/telephony/twilio/inbound/support")})
    return acme


def test_where_everything_works_there_is_nothing_to_do(live):
    row = _row(live)
    assert (row.findings, row.level, row.numbers, row.facts.answered) == ([], Level.FINE, 1, 1)
    assert row.checked_at is not None
    assert not row.is_untouched


def test_an_empty_organization_is_untouched_and_says_what_is_missing(acme):
    row = _row(acme)
    assert row.is_untouched
    assert [(finding.text, finding.place) for finding in row.findings] == [
        ("No base URL", Place.SETTINGS),
        ("No provider for agent calls", Place.CHECKLIST),
    ]


def test_drifted_numbers_are_the_worst_and_since_when(live):
    directory.update(live, NOBODY, {"public_base_url": None})
    directory.update(live, NOBODY, {"public_base_url": BASE})
    _seen(live, {NUMBER: _line("https://old.example/x")})
    (finding,) = _row(live).findings
    assert (finding.level, finding.text, finding.place) == (Level.BROKEN, "1 drifted", Place.DRIFTED)
    assert finding.since is not None


def test_a_failing_active_provider_is_as_bad(live):
    with live.transaction():
        check = live.session.scalar(live.select(Check))
        check.ok = False
    (finding,) = _row(live).findings
    assert (finding.level, finding.text) == (Level.BROKEN, "Twilio does not work")
    assert (finding.place, finding.provider) == (Place.PROVIDER, "twilio")
    assert finding.since == check.checked_at


def test_what_was_never_tested_or_looked_at_is_not_sure(live):
    credentials.save(live, TWILIO, {"max_concurrent": 3})
    crud.create(live, {"phone_number": "+15551234568", "provider": "twilio", "inbound_agent_name": "a"})
    assert _told(live) == [(Level.UNSURE, "Twilio not tested"), (Level.UNSURE, "1 not checked")]


def test_a_check_that_broke_off_is_told(live):
    with live.transaction():
        now = clock.now()
        run = {"leased_until": now, "finished_at": now, "failure": "Twilio has trouble."}
        live.session.add(CheckRun(organization_id=live.organization.id, **run))
    assert _told(live) == [(Level.UNSURE, "The last check was not complete")]


def test_numbers_on_a_provider_that_is_not_connected_are_missing_it(live):
    for number in ("+918047112345", "+918047112346"):
        crud.create(live, {"phone_number": number, "provider": "exotel"})
    assert _told(live) == [(Level.MISSING, "Exotel not connected: 2 numbers")]
    assert _row(live).findings[0].provider == "exotel"


def test_numbers_on_a_provider_that_is_disabled_say_so(live):
    credentials.save(live, EXOTEL, EXOTEL_VALUES)
    crud.create(live, {"phone_number": "+918047112345", "provider": "exotel"})
    assert _told(live) == [(Level.UNSURE, "Exotel not tested")]
    _tested(live, EXOTEL, ok=False)
    assert _told(live) == [(Level.BROKEN, "Exotel does not work")]
    credentials.save(live, EXOTEL, {}, enabled=False)
    assert _told(live) == [(Level.MISSING, "Exotel disabled: 1 number")]


def test_what_changed_since_it_was_looked_at_is_not_checked(live):
    assert _row(live).facts.agrees
    row = readiness.by_number(live, NUMBER)
    assert row
    crud.update(live, row.id, {"inbound_agent_name": "another"})
    assert _told(live) == [(Level.UNSURE, "1 not checked")]
    assert not _row(live).facts.agrees


def test_an_active_provider_whose_secret_no_key_opens_is_not_complete(live):
    with live.transaction():
        live.session.scalar(live.select(Secret)).key_fingerprint = "of another key"
    assert (Level.MISSING, "Twilio is not complete") in _told(live)


def test_nobody_is_active_since_the_last_switch(live):
    active.make_active(live, Family.TELEPHONY, None)
    (finding,) = _row(live).findings
    assert finding.text == "No provider for agent calls"
    assert finding.since == history.history(live, TWILIO)[0].created_at


def test_a_call_webhook_that_failed_is_told_while_there_is_a_connection(live):
    with live.transaction():
        live.session.scalar(live.select(WebhookSetup)).state = "failed"
    assert _told(live) == []
    credentials.save(live, PROVIDERS["elevenlabs"], {"api_key": "made-up-key-of-elevenlabs"})
    assert _told(live) == [(Level.MISSING, "Call webhook not set up")]


def test_drift_of_people_s_numbers_leads_to_their_callback(live, cast):
    values = {"application_key": "made-up-key", "application_secret": "made-up-secret-of-sinch"}
    credentials.save(live, PROVIDERS["sinch"], values)
    with live.transaction():
        store.row_for(live, PROVIDERS["sinch"]).callback_url = "https://calls.example.com/sinch"
    assignments.assign(live, {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+15557654321"})
    _seen(
        live,
        {"+15557654321": ProbeResult(ProviderNumber("+15557654321", webhook_url="https://old.example/x"))},
        "sinch",
    )
    (finding,) = _row(live).findings
    assert (finding.text, finding.place, finding.provider) == (
        "1 of people's drifted",
        Place.CALLBACK,
        "sinch",
    )


def test_what_counts_as_connected_is_what_a_connection_says_of_itself(acme):
    def agree():
        states = store.load_all(acme)
        facts = _row(acme).facts
        for key, state in states.items():
            assert facts.works(key) == (state.exists and state.is_configured and state.enabled), key

    agree()
    credentials.save(acme, TWILIO, {"account_sid": TWILIO_VALUES["account_sid"]})
    agree()
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    assert _row(acme).facts.works("twilio")
    agree()
    credentials.save(acme, TWILIO, {}, enabled=False)
    agree()
    credentials.save(acme, TWILIO, {"auth_token": None}, enabled=True)
    agree()
    assert not _row(acme).facts.works("unknown")


def _make(scope, count):
    """So many more organizations, each with two numbers, a connection and people."""
    with scope.transaction():
        for place in range(count):
            made = Organization(name=f"Tenant {place:03}", slug=f"tenant-{place:03}")
            scope.session.add(made)
            scope.session.flush()
            for line in range(2):
                number = f"+1555{place:04}{line:03}"
                scope.session.add(Endpoint(organization_id=made.id, phone_number=number, provider="twilio"))


def test_worst_first_then_by_name(live, globex):
    _make(live, 2)
    _seen(live, {NUMBER: _line("https://old.example/x")})
    rows = overview.page(live).rows
    assert [row.organization.name for row in rows] == ["Acme Support", "Globex", "Tenant 000", "Tenant 001"]
    levels = [row.level for row in rows]
    assert levels == [Level.BROKEN, *[Level.MISSING] * 3]
    _seen(live, {NUMBER: _line(f"{BASE}/telephony/twilio/inbound/support")})
    assert overview.page(live).rows[-1].organization.id == live.organization.id


def test_they_are_found_by_level_and_sorted_otherwise(live, globex):
    _make(live, 2)
    _seen(live, {NUMBER: _line("https://old.example/x")})
    page = overview.page(live, level=Level.MISSING)
    assert [row.organization.name for row in page.rows] == ["Globex", "Tenant 000", "Tenant 001"]
    assert (page.found, page.total, page.levels) == (3, 4, {Level.BROKEN: 1, Level.MISSING: 3})
    assert overview.page(live, level=Level.FINE).rows == []

    def names(order):
        return [row.organization.name for row in overview.page(live, order=order).rows]

    assert names("numbers") == ["Tenant 000", "Tenant 001", "Acme Support", "Globex"]
    assert names("drifted")[0] == names("name")[0] == "Acme Support"


def test_numbers_are_counted_by_provider_also_by_one_that_is_no_more(live):
    own = {"organization_id": live.organization.id}
    rows = [
        Endpoint(**own, phone_number="+15550000001", provider="twilio"),
        Endpoint(**own, phone_number="+15550000002", provider="twilio", is_active=False),
        Endpoint(**own, phone_number="+15550000003", provider="gone", inbound_agent_name="a"),
        Endpoint(**own, phone_number="+15550000004", provider="exotel", is_active=False),
    ]
    with live.transaction():
        live.session.add_all(rows)
    facts = _row(live).facts
    assert (facts.numbers, facts.answered) == ({"twilio": 2, "gone": 1}, 2)
    assert (Level.MISSING, "gone not connected: 1 number") in _told(live)


def test_since_is_of_the_first_that_drifted_and_seen_of_the_last_look(live):
    first, last = clock.now() - timedelta(days=3), clock.now() - timedelta(days=1)
    crud.create(live, {"phone_number": "+15551234568", "provider": "twilio", "inbound_agent_name": "a"})
    with live.transaction():
        one, other = live.session.scalars(live.select(DriftCheck).order_by(DriftCheck.phone_number))
        one.in_sync, one.since, one.checked_at = False, last, last
        other.in_sync, other.since, other.checked_at = False, first, first
    row = _row(live)
    assert (row.findings[0].text, row.findings[0].since) == ("2 drifted", first)
    assert (row.drifted, row.checked_at, row.facts.unseen) == (2, last, 0)


def test_the_queries_are_as_many_for_forty_organizations_as_for_two(live, engine):
    with statements(engine) as few:
        overview.page(live)
    _make(live, 38)
    with statements(engine) as many:
        page = overview.page(live)
    assert (len(page.rows), page.total) == (40, 40)
    assert len(many) == len(few) <= 12


def test_a_text_finds_by_name_or_address(live):
    _make(live, 12)
    page = overview.page(live, " tenant-01 ")
    assert [row.organization.slug for row in page.rows] == ["tenant-010", "tenant-011"]
    assert (page.found, page.total) == (2, 14)
    assert overview.page(live, "ENANT 003").found == 1
    for nothing in ("%", "_", "x" * 500, "nobody"):
        assert overview.page(live, nothing).rows == []


def test_many_are_shown_in_pages(live, monkeypatch):
    _make(live, 8)
    monkeypatch.setattr(overview, "PAGE", 4)
    pages = [overview.page(live, number=number) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [4, 4, 2]
    assert len({row.organization.id for page in pages for row in page.rows}) == 10
    assert overview.page(live, number=99).number == 3
    assert overview.page(live, number=0).number == 1


def test_another_organization_s_facts_stay_apart(live, globex):
    there = replace(live, organization_or_none=globex.organization)
    assert _row(there).numbers == 0
    assert (Level.MISSING, "No base URL") in _told(there)


def test_drift_of_a_reason_that_is_none_is_not_drift(live):
    _seen(live, {NUMBER: ProbeResult(trouble=Reason.NOT_SHOWN)})
    assert _row(live).findings == []
