"""Runs of pending checks, against the Twilio simulator."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.outbound.client import Outbound
from app.models import AuditEvent, CheckRun, DriftCheck, Endpoint
from app.providers import PROVIDERS
from app.services.audit.actions import Action
from app.services.connections import proof, transitions
from app.services.drift import lookup, messages, queue, runs, standing, tallies
from app.services.drift.runs import Report
from app.services.endpoints import batch, crud, readiness
from app.services.numbers import assignments
from app.services.providers import credentials
from app.services.webhooks import application
from simulators.base import Reply, Trouble
from simulators.exotel import Exotel
from simulators.sinch import Sinch
from tests.support.accounts import connect
from tests.support.scopes import open_during_requests, statements, winners
from tests.support.statuses import TWILIO, URL

pytestmark = pytest.mark.usefixtures("connected", "few")

SINCH: Any = PROVIDERS["sinch"]


@pytest.fixture
def few(monkeypatch):
    """Up to so many numbers are read one by one."""
    monkeypatch.setattr(lookup, "FEW", 3)
    return 3


def _numbers(scope, twilio, count, *, start=0):
    """Endpoints of as many numbers, in sync at the provider and never checked."""
    numbers = [f"+1555200{place:04}" for place in range(start, start + count)]
    for number in numbers:
        twilio.add(number, voice_url=URL)
    if numbers:
        own = {"provider": "twilio", "inbound_agent_name": "support"}
        batch.save(scope, {"endpoints": [{"phone_number": number} | own for number in numbers]})
    return numbers


def _last_run(scope) -> CheckRun:
    scope.session.rollback()
    key = (scope.organization.id, "twilio")
    return scope.session.get_one(CheckRun, key, populate_existing=True)


@pytest.mark.both_databases
def test_run_checks_every_number(acme, twilio, http, monkeypatch, few):
    """One by one, and then by the account's list, of whose numbers several batches are saved."""
    monkeypatch.setattr(runs, "BATCH", 2 * few)
    twilio.page_size_cap = 2
    numbers = _numbers(acme, twilio, few)
    twilio.numbers[numbers[0]].voice_url = "https://old.example/x"
    del twilio.numbers[numbers[1]]
    twilio.numbers[numbers[2]].capabilities = {"voice": False, "sms": True}
    for more in (0, few + 2):
        numbers += _numbers(acme, twilio, more, start=few)
        count = len(numbers)
        assert runs.run(acme, http, everything=True) == Report(checked=count, drifted=3)
        checks = tallies.of_numbers(acme, numbers)
        reasons = [checks[("twilio", number)].reason for number in numbers]
        assert reasons == ["different_url", "number_gone", "no_voice"] + [None] * more
        assert not any(check.due for check in checks.values())
        run = _last_run(acme)
        assert (run.done, run.total, run.failure) == (count, count, None)
        assert run.finished_at is not None


def test_run_counts_time_in_sync_and_keeps_what_it_found_as_a_sentence(acme, twilio, http, monkeypatch):
    """A number that was moved along with its agent is in sync again, and was not so before."""
    (number,) = _numbers(acme, twilio, 1)

    def since():
        runs.run(acme, http, everything=True)
        return acme.session.scalars(select(DriftCheck.in_sync_since)).one()

    first = since()
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert since() == first
    row = acme.session.scalars(acme.select(Endpoint)).one()
    crud.update(acme, row.id, {"inbound_agent_name": "sales"})
    twilio.numbers[number].voice_url = URL.replace("support", "sales")
    assert since() == later

    twilio.numbers[number].voice_url = "https://api.vapi.ai/twilio/inbound_call"
    runs.run(acme, http, everything=True)
    verdict, cause, detail = readiness.health_of(acme, row)
    assert (verdict, cause, "Vapi" in str(detail)) == ("unhealthy", "known_taker", True)
    twilio.refuses_credentials = True
    runs.run(acme, http, everything=True)
    assert readiness.health_of(acme, row)[1:] == ("credentials_refused", None)


def _regions_read(twilio, run):
    """How often regions are read during a run."""
    twilio.requests.clear()
    run()
    return sum(request.host == "routes.twilio.com" for request in twilio.requests)


def test_run_reads_the_list_once_and_a_region_once_a_day(acme, twilio, http, monkeypatch, few):
    count = few + 2
    numbers = _numbers(acme, twilio, count)
    start = clock.now()

    def run():
        return runs.run(acme, http, everything=True)

    def wait(days):
        monkeypatch.setattr(clock, "now", lambda: start + days * queue.PLACE_KEPT)

    assert _regions_read(twilio, lambda: runs.run(acme, http)) == count
    assert len(twilio.requests) == 1 + count, "the list, once"
    twilio.numbers[numbers[1]].voice_url = "https://old.example/x"
    assert _regions_read(twilio, run) == 0
    twilio.regions[numbers[0]] = "ie1"
    wait(1)
    assert _regions_read(twilio, run) == count
    assert _regions_read(twilio, run) == 1, "the one that is answered elsewhere"
    twilio.regions.clear()
    assert _regions_read(twilio, run) == 1
    assert run().drifted == 1
    assert _regions_read(twilio, run) == 0
    wait(2)
    assert _regions_read(twilio, run) == count


def test_run_checks_what_is_pending_or_everything(acme, globex, twilio, http):
    numbers = _numbers(acme, twilio, 3)
    runs.run(acme, http)
    for number in numbers:
        twilio.numbers[number].voice_url = "https://old.example/x"
    assert runs.run(acme, http) == Report()
    assert tallies.tally(acme).drifted == 0
    assert runs.run(acme, http, everything=True) == Report(checked=3, drifted=3)
    assert tallies.tally(acme).since is not None
    by_organization = tallies.tallies(acme)
    assert (by_organization[acme.organization.id].drifted, globex.organization.id in by_organization) == (
        3,
        False,
    )

    credentials.save(acme, TWILIO, {"auth_token": twilio.values["auth_token"] + "-new"})
    assert queue.due(acme, "twilio", limit=10) == numbers, "new credentials may reach another account"
    credentials.save(acme, TWILIO, {"auth_token": twilio.values["auth_token"]})
    assert runs.run(acme, http).checked == 3
    queued: list[str] = []
    runs.check_all(type(acme)(**{**vars(acme), "queue_drift_check": queued.append}))
    assert (queued, tallies.tally(acme).due) == ([acme.organization.id], 3)

    with acme.transaction():
        row = acme.session.scalars(acme.select(Endpoint).where(Endpoint.phone_number == numbers[0])).one()
        acme.session.delete(row)
    runs.run(acme, http)
    assert [number for _, number in tallies.of_numbers(acme, numbers)] == numbers[1:]


def test_run_without_a_response_keeps_the_checks_pending(acme, twilio, http, few):
    numbers: list[str] = []
    for more in (2, few - 1):
        numbers += _numbers(acme, twilio, more, start=len(numbers))
        wrong = []
        for twilio.trouble in (Trouble.FAULT, Trouble.RATE_LIMITED, Trouble.HTML, Trouble.ODD):
            failure = runs.run(acme, http, everything=True).failure
            pending = queue.due(acme, "twilio", limit=100)
            if not failure or pending != numbers or _last_run(acme).failure != failure:
                wrong.append((twilio.trouble, failure, pending))
        assert wrong == []
        twilio.trouble = None
        assert runs.run(acme, http) == Report(checked=len(numbers), drifted=0)


def test_run_goes_on_after_an_unreadable_response_and_ends_at_a_limit(acme, twilio, http, monkeypatch, few):
    """It goes on with the next batch too, and after a connection test that proved nothing."""
    monkeypatch.setattr(runs, "BATCH", 2)
    numbers = _numbers(acme, twilio, 2 * few)
    unread = numbers[0].lstrip("+")
    twilio.instead["GET", unread] = Reply(500, {})
    twilio.instead["GET", "/Applications/"] = Reply(200, {"error": "x"})
    assert runs.run(acme, http, everything=True).failure
    checks = tallies.of_numbers(acme, numbers)
    assert [number for number in numbers if checks[("twilio", number)].due] == numbers[:1]

    with acme.transaction():
        queue.mark_due(acme, numbers, changed=True)
    twilio.instead = {("GET", "/PhoneNumbers/"): Reply(429, {}, {"Retry-After": "3600"})}
    twilio.requests.clear()
    assert runs.run(acme, http).failure
    assert len([request for request in twilio.requests if request.host == "routes.twilio.com"]) == 1
    assert queue.due_counts(acme) == {"twilio": len(numbers)}


def test_run_judges_every_number_by_a_problem_of_the_account(acme, twilio, http, few):
    """With a secondary token a webhook may be right, and no signature of it will verify."""
    numbers = _numbers(acme, twilio, few + 1)
    twilio.numbers[numbers[1]].voice_url = "https://old.example/x"

    def causes(**trouble):
        usual = {name: getattr(twilio, name) for name in trouble}
        vars(twilio).update(trouble)
        report = runs.run(acme, http, everything=True)
        vars(twilio).update(usual)
        checks = tallies.of_numbers(acme, numbers)
        assert [check.verdict for check in checks.values() if check.cause] == ["unhealthy"] * report.drifted
        return report.checked, [checks[("twilio", number)].cause for number in numbers]

    usual = (few + 1, [None, "different_url"] + [None] * (few - 1))
    assert causes() == usual
    no_credit = {("GET", "/IncomingPhoneNumbers.json"): Reply(402, {"code": 20000})}
    assert causes(instead=no_credit) == (0, ["no_credit"] * (few + 1)), "none of them was read"
    assert causes() == usual
    history = transitions.after(acme, 0, limit=100)
    assert [row.reason for row in history if row.phone_number == ""][-2:] == ["no_credit", None]
    suspended = causes(status="suspended", hides_status=True)
    assert suspended == (0, ["credentials_refused"] * (few + 1))
    secondary = causes(primary_token="sample-of-another")
    assert secondary == (few + 1, ["secondary_token", "different_url"] + ["secondary_token"] * (few - 1))
    assert causes() == usual


def test_run_finds_drift_of_a_users_number(acme, cast, twilio, http):
    with Sinch() as sinch:
        connect(acme, "sinch", sinch.values)
        number = next(
            line for line in SINCH.numbers(Outbound(sinch.upstreams), sinch.values) if line.application_id
        )
        payload = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": number.phone_number}
        assignments.assign(acme, payload)
        assert queue.due_counts(acme) == {}
        there = Outbound(twilio.upstreams | sinch.upstreams, deadline=2.0)
        digest = application.observe(acme, there, SINCH).digest
        application.point(acme, there, SINCH, "https://calls.example.com/sinch", digest=digest)
        assert runs.run(acme, there) == Report(checked=1, drifted=0)
        sinch.urls["primary"] = "https://old.example/x"
        assert runs.run(acme, there, everything=True) == Report(checked=1, drifted=1)
        assert standing.of(acme).voice == ["sinch"]
        assignments.unassign(acme, cast.mo.id, "sinch", number.phone_number)
        assert tallies.tally(acme).drifted == 0


@pytest.mark.both_databases
def test_run_concurrently_checks_once(acme, scopes, twilio, http, monkeypatch):
    monkeypatch.setattr(runs, "BATCH", 2 * lookup.FEW)
    _numbers(acme, twilio, 3 * lookup.FEW)
    acme.session.rollback()
    reports = scopes.in_parallel(*[("dana", lambda scope: runs.run(scope, http, everything=True))] * 4)
    assert winners(reports) == reports
    done = [report for report in reports if not report.already_running]
    assert done
    assert all(report == Report(checked=3 * lookup.FEW, drifted=0) for report in done)
    assert tallies.tally(acme).due == 0


def test_run_that_fails_ends_and_a_killed_one_is_continued(acme, twilio, http, monkeypatch):
    """The killed one had checked the first of three numbers."""
    numbers = _numbers(acme, twilio, 3)

    def broken(*_arguments):
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(type(TWILIO), "observe", broken)
        with pytest.raises(RuntimeError):
            runs.run(acme, http)
    check_standing = standing.of(acme)
    assert (check_standing.is_running, check_standing.tally.due) == (False, 3)
    assert _last_run(acme).failure == messages.CHECK_BROKEN
    assert runs.run(acme, http) == Report(checked=3)

    with acme.transaction():
        queue.mark_due(acme, numbers[1:], changed=False)
    now = clock.now()
    _request(acme, started_at=now, finished_at=None, leased_until=now + timedelta(minutes=1))
    assert runs.run(acme, http).already_running
    assert standing.of(acme).is_running
    _request(acme, leased_until=now)
    assert runs.run(acme, http).checked == 2
    _request(acme)
    assert runs.run(acme, http).checked == 3


def test_run_extends_its_lease_between_requests_and_holds_no_transaction(
    acme, twilio, http, monkeypatch, few
):
    monkeypatch.setattr(runs, "RENEW_AFTER", 0.0)
    twilio.page_size_cap = 2
    open_meanwhile = open_during_requests(acme, monkeypatch)
    for start, count in ((0, few), (few, 1)):
        _numbers(acme, twilio, count, start=start)
        twilio.requests.clear()
        with statements(acme.session.get_bind()) as sql_statements:
            assert runs.run(acme, http, everything=True).checked == start + count
        alone = [request for request in twilio.requests if "PhoneNumber" in request.query]
        assert len(alone) == (0 if start else few), "more are read from the list"
        renewed = re.compile(r"UPDATE check_runs SET leased_until=[^,]+ WHERE")
        assert len([line for line in sql_statements if renewed.match(line)]) == len(twilio.requests) > 2
    assert open_meanwhile
    assert not any(open_meanwhile)
    assert runs.LEASE.total_seconds() > 2 * Outbound()._deadline


@pytest.mark.both_databases
def test_run_stops_when_its_lease_is_taken(acme, scopes, twilio, http, monkeypatch):
    _numbers(acme, twilio, 3)
    monkeypatch.setattr(runs, "RENEW_AFTER", 0.0)
    answer, requests = twilio.answer, []

    def taken_over_meanwhile(request):
        requests.append(request)
        with scopes.of("dana") as other, other.transaction(lock=False):
            run = other.session.get(CheckRun, (other.organization.id, "twilio"))
            run.leased_until += timedelta(seconds=1)
        return answer(request)

    monkeypatch.setattr(twilio, "answer", taken_over_meanwhile)
    assert runs.run(acme, http) == Report(already_running=True)
    assert len(requests) == 1
    assert _last_run(acme).finished_at is None, "it belongs to the other run"


def _request(scope, **values):
    with scope.transaction():
        key = (scope.organization.id, "twilio")
        row = scope.session.get(CheckRun, key) or CheckRun(organization_id=key[0], provider=key[1])
        row.due = True
        for name, value in values.items():
            setattr(row, name, value)
        scope.session.add(row)


def _is_proven(scope):
    check = proof.last(scope, TWILIO)
    return check and check.ok


def test_run_tests_a_connection_without_numbers_until_it_responds(acme, twilio, http):
    queued: list[str] = []
    runs.check_all(type(acme)(**{**vars(acme), "queue_drift_check": queued.append}))
    assert queued == [acme.organization.id]
    assert runs.run(acme, http) == Report()
    assert _is_proven(acme)
    tested = acme.select(AuditEvent).where(AuditEvent.action == Action.CONNECTION_TESTED)
    before = len(acme.session.scalars(tested).all())
    _request(acme)
    runs.run(acme, http)
    assert len(acme.session.scalars(tested).all()) == before, "the same result"
    twilio.refuses_credentials = True
    _request(acme)
    report = runs.run(acme, http)
    assert (len(report.problems), report.failure, _is_proven(acme)) == (1, None, False)
    assert len(acme.session.scalars(tested).all()) == before + 1
    assert runs.run(acme, http) == Report(), "nothing is pending"

    twilio.refuses_credentials = False
    _numbers(acme, twilio, 2)
    runs.run(acme, http)
    twilio.is_off = True
    _request(acme)
    report = runs.run(acme, http)
    assert report.failure == _last_run(acme).failure
    assert (report.checked, _is_proven(acme), _last_run(acme).due) == (0, True, True), "without a response"
    twilio.is_off = False
    assert runs.run(acme, http) == Report(checked=2)
    assert not _last_run(acme).due


def test_run_reads_a_list_once_if_a_number_takes_the_whole_list(acme, http):
    """Ten numbers, one by one, would take ten times the pages."""
    with Exotel() as exotel:
        connect(acme, "exotel", exotel.values)
        exotel.page_size_cap = 2
        numbers = [f"+91804711{place:04}" for place in range(9)]
        for number in numbers:
            exotel.add(number)
        own = {"provider": "exotel", "inbound_agent_name": "support"}
        batch.save(acme, {"endpoints": [{"phone_number": number} | own for number in numbers]})
        there = Outbound(exotel.upstreams, deadline=2.0)
        assert runs.run(acme, there).checked == 9
        assert len(exotel.requests) == len(exotel.numbers) // 2
