"""Webhooks of many numbers: set, restored, cleared; against the simulators of Twilio and Vobiz."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.errors import Conflict
from app.core.outbound.client import Outbound
from app.models import AuditEvent, DriftCheck, Job, ProviderWrite
from app.services import jobs
from app.services.connections import provider_writes
from app.services.drift import lookup, runs, tallies
from app.services.endpoints import batch, crud
from app.services.endpoints.bulk import Selection
from app.services.endpoints.listing import Filter
from app.services.jobs import Kind, Running, State
from app.services.webhooks import endpoint, many, messages
from app.services.webhooks import jobs as webhook_jobs
from simulators.base import Reply, Trouble
from simulators.twilio import sample_id
from simulators.vobiz import Vobiz
from tests.support.accounts import connect
from tests.support.statuses import BASE, URL

OLD = "https://old.example.com/telephony/twilio/inbound/support"
ALL = Selection(filters=Filter())
FEW = 4
"""Up to so many numbers are read one by one, in these tests."""


@pytest.fixture
def twilio(twilio):
    twilio.numbers.clear()
    return twilio


@pytest.fixture(autouse=True)
def organization(connected, monkeypatch):
    monkeypatch.setattr(many, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(many, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(lookup, "FEW", FEW)


def number(place):
    return f"+1555200{place:04}"


def add(scope, *places, provider="twilio", **more):
    """Adds endpoints of these numbers."""
    own = {"provider": provider, "inbound_agent_name": "support"} | more
    batch.save(scope, {"endpoints": [{"phone_number": number(place)} | own for place in places]})


@pytest.fixture
def here(acme, twilio):
    """Adds endpoints of as many numbers, which call the old base URL."""

    def make(count):
        add(acme, *range(count))
        for place in range(count):
            twilio.add(number(place), voice_url=OLD)
        twilio.requests.clear()

    return make


def begin(scope, engine, kind=Kind.SET_WEBHOOKS):
    return Running(engine, jobs.start(scope, kind, "", "/").id)


def set_all(scope, engine, http, selection=ALL, *, replaces_services=False):
    job = begin(scope, engine)
    webhook_jobs.set_webhooks(scope, http, job, selection, replaces_services=replaces_services)
    job.finish()
    return job


def restore(scope, engine, http, undone):
    job = begin(scope, engine, Kind.RESTORE_WEBHOOKS)
    webhook_jobs.restore_webhooks(scope, http, job, undone.id)
    job.finish()
    return job


def results(scope, job):
    scope.session.rollback()
    rows = jobs.results(scope, jobs.get(scope, job.id))
    return {row.phone_number: (row.ok, row.code) for row in rows}


def listings(simulator):
    """How often the list of numbers was read."""
    lists = ("/IncomingPhoneNumbers.json", "/numbers")
    return sum(request.path.endswith(lists) for request in simulator.requests)


def unfinished(scope):
    scope.session.rollback()
    return [row.subject for row in scope.session.scalars(select(ProviderWrite))]


def urls(simulator):
    return {phone_number: row.voice_url for phone_number, row in simulator.numbers.items()}


KEPT_SETTINGS = "#rc=2&rt=5000"
AT_TWILIO: dict[str, Any] = {
    "in_sync": ({"voice_url": URL}, (True, "in_sync"), URL),
    "old": ({"voice_url": OLD}, (True, "in_sync"), URL),
    "overrides": ({"voice_url": OLD + KEPT_SETTINGS}, (True, "in_sync"), URL + KEPT_SETTINGS),
    "vapi": (
        {"voice_url": "https://api.vapi.ai/twilio/inbound_call"},
        (False, "known_taker"),
        "https://api.vapi.ai/twilio/inbound_call",
    ),
    "application of a service": (
        {"voice_application_sid": sample_id("AP", 7), "voice_url": OLD},
        (False, "known_taker"),
        OLD,
    ),
    "application": ({"voice_application_sid": sample_id("AP"), "voice_url": OLD}, (True, "in_sync"), URL),
    "trunk": ({"trunk_sid": sample_id("TK"), "voice_url": OLD}, (True, "in_sync"), URL),
    "no voice": ({"voice_url": URL, "capabilities": {"voice": False}}, (False, "no_voice"), URL),
    "gone": (None, (False, "number_gone"), None),
    "region": ({"voice_url": OLD}, (False, "other_region"), OLD),
    "inactive": ({"voice_url": OLD}, (False, "endpoint_inactive"), OLD),
}


def test_set_webhooks_follows_the_rules_of_one_endpoint(acme, engine, twilio, http):
    twilio.applications[sample_id("AP", 7)] = type(twilio.applications[sample_id("AP")])(
        "https://webhooks.twilio.com/v1/Accounts/x/Flows/y"
    )
    inactive = list(AT_TWILIO).index("inactive")
    add(acme, *(place for place in range(len(AT_TWILIO)) if place != inactive), 80)
    add(acme, inactive, is_active=False)
    for place, (case, (values, _, _)) in enumerate(AT_TWILIO.items()):
        if values is not None:
            twilio.add(number(place), **values)
        if case == "region":
            twilio.regions[number(place)] = "ie1"
    twilio.subaccounts = {sample_id("AC", 2): {}}
    twilio.subaccounts[sample_id("AC", 2)][number(80)] = subaccount_number = twilio.add(
        number(80), voice_url=OLD
    )
    del twilio.numbers[number(80)]
    add(acme, 90, provider="exotel")
    twilio.requests.clear()

    job = set_all(acme, engine, http)

    outcomes = results(acme, job)
    wrong = [
        (case, outcomes.get(number(place)), urls(twilio).get(number(place)))
        for place, (case, (_, result, url)) in enumerate(AT_TWILIO.items())
        if outcomes.get(number(place)) != result or urls(twilio).get(number(place)) != url
    ]
    assert wrong == []
    assert (outcomes[number(80)], subaccount_number.voice_url) == ((False, "of_subaccount"), OLD)
    assert outcomes[number(90)] == (False, "cannot_point")
    assert len(twilio.writes) == 4
    assert listings(twilio) == 1 + 2 + 4, "once; for two in the subaccount; each of a few afterwards"
    assert unfinished(acme) == []
    set_webhooks = select(AuditEvent.subject).where(AuditEvent.action == "number.pointed")
    assert len(acme.session.scalars(set_webhooks).all()) == 4

    again = set_all(acme, engine, http, replaces_services=True)
    assert results(acme, again)[number(3)] == (True, "in_sync")
    assert urls(twilio)[number(3)] == URL


def test_set_webhooks_reads_the_list_once_before_and_once_after(acme, engine, twilio, http, here):
    here(FEW + 2)
    job = set_all(acme, engine, http)
    assert set(results(acme, job).values()) == {(True, "in_sync")}
    assert (listings(twilio), len(twilio.writes)) == (2, FEW + 2)
    assert tallies.drifted_among(acme, ["twilio"]) == 0
    checks = acme.session.scalars(select(DriftCheck)).all()
    assert [(check.in_sync, check.due) for check in checks] == [(True, False)] * (FEW + 2)
    counts = jobs.counts(acme, jobs.get(acme, job.id))
    assert counts == jobs.Counts(done=FEW + 2, failed=0, unconfirmed=0, undoable=FEW + 2)


def test_restore_restores_what_was_there(acme, engine, twilio, http):
    before = [
        {"voice_url": OLD + KEPT_SETTINGS, "voice_method": "GET"},
        {"voice_url": "", "status_callback": "https://reports.example/x"},
        {"voice_url": OLD, "voice_fallback_url": "https://else.example/", "voice_fallback_method": "GET"},
        {"voice_application_sid": sample_id("AP")},
        {"trunk_sid": sample_id("TK")},
        {"voice_url": OLD},
        {"voice_url": "https://user:sample-password@old.example/"},
    ]
    add(acme, *range(len(before)))
    for place, values in enumerate(before):
        twilio.add(number(place), **values)
    done = set_all(acme, engine, http)
    assert set(results(acme, done).values()) == {(True, "in_sync")}
    twilio.numbers[number(5)].voice_url = "https://changed.example/"

    undone = results(acme, restore(acme, engine, http, done))

    assert undone == {number(place): (True, "restored") for place in range(5)} | {
        number(5): (False, "changed_since")
    }, "a URL with a password is not kept"
    for place, values in enumerate(before[:5]):
        attributes = vars(twilio.numbers[number(place)])
        assert {name: attributes[name] for name in values} == values
    assert tallies.drifted_among(acme, ["twilio"]) == 6
    assert unfinished(acme) == []
    events = select(AuditEvent.subject).where(AuditEvent.action == "number.restored")
    assert len(acme.session.scalars(events).all()) == 5


def test_stop_ends_before_the_next_number_and_confirms_the_rest(acme, engine, twilio, http, here):
    here(FEW + 1)
    job = begin(acme, engine)
    answer = twilio.answer

    def watched(requested):
        if requested.method == "POST" and len(twilio.writes) == 3:
            with engine.begin() as connection:
                connection.execute(update(Job).values(stop_requested=True))
        return answer(requested)

    twilio.answer = watched
    webhook_jobs.set_webhooks(acme, http, job, ALL, replaces_services=False)
    job.finish()
    assert results(acme, job) == {number(place): (True, "in_sync") for place in range(3)}
    assert jobs.state(jobs.get(acme, job.id)) is State.STOPPED
    assert len(twilio.writes) == 3


def test_two_changes_without_a_response_end_the_rest_but_not_one(acme, engine, twilio, http, here):
    here(8)
    answer = twilio.answer

    def lost_once(requested):
        if requested.method == "POST" and len(twilio.writes) == 3:
            answer(requested)
            raise ConnectionError
        return answer(requested)

    def lost(requested):
        if requested.method == "POST" and len(twilio.writes) >= 3:
            raise ConnectionError
        return answer(requested)

    twilio.answer = lost_once
    job = set_all(acme, engine, http)
    assert set(results(acme, job).values()) == {(True, "in_sync")}
    assert unfinished(acme) == []

    for row in twilio.numbers.values():
        row.voice_url = OLD
    twilio.requests.clear()
    twilio.answer = lost
    job = set_all(acme, engine, http)
    assert len(twilio.writes) == 4
    outcomes = results(acme, job)
    assert [outcomes[number(place)][0] for place in range(2)] == [True, True]
    assert {outcomes[number(place)] for place in range(4, 8)} == {(False, "provider_unreachable")}
    reasons = {row.phone_number: row.reason for row in jobs.results(acme, jobs.get(acme, job.id))}
    assert messages.not_tried("") in reasons[number(4)]
    assert messages.not_tried("") not in reasons[number(3)]


def test_provider_that_falls_silent_is_not_called_for_the_rest(acme, engine, twilio, http, here):
    here(FEW + 2)
    answer = twilio.answer

    def lost(requested):
        if requested.method == "POST" and len(twilio.writes) == 3:
            answer(requested)
            twilio.is_off = True
            raise ConnectionError
        return answer(requested)

    twilio.answer = lost
    job = set_all(acme, engine, http)
    outcomes = results(acme, job)
    assert [outcomes[number(place)] for place in range(2)] == [(None, "provider_unreachable")] * 2
    assert outcomes[number(2)] == (None, "unreachable"), "it is not known whether it was changed"
    assert [outcomes[number(place)] for place in range(3, FEW + 2)] == [(False, "provider_unreachable")] * (
        FEW - 1
    )
    assert len(twilio.writes) == 3
    assert unfinished(acme) == [number(2)]
    assert len(acme.session.scalars(select(DriftCheck).where(DriftCheck.due)).all()) == FEW + 2

    twilio.is_off, twilio.answer = False, answer
    _age(acme)
    runs.run(acme, http)
    assert unfinished(acme) == []
    in_sync = select(DriftCheck.phone_number).where(DriftCheck.in_sync.is_(True))
    assert sorted(acme.session.scalars(in_sync)) == [number(place) for place in range(3)]


def _age(scope):
    with scope.transaction(lock=False):
        old = clock.now() - provider_writes.LONGEST - timedelta(seconds=1)
        scope.session.execute(update(ProviderWrite).values(started_at=old))


def test_rate_limited_change_is_sent_again_and_a_refused_one_fails(acme, engine, twilio, http, here):
    here(3)
    answer = twilio.answer
    refused: list[object] = []

    def limited(requested):
        if requested.method == "POST" and len(refused) < 2:
            refused.append(requested)
            return Reply(429, {"code": 20429})
        return answer(requested)

    twilio.answer = limited
    twilio.instead = {("POST", twilio.numbers[number(1)].sid): Reply(403, {"code": 20003})}
    job = set_all(acme, engine, http)
    assert results(acme, job) == {
        number(0): (True, "in_sync"),
        number(1): (False, "no_permission"),
        number(2): (True, "in_sync"),
    }
    assert (len(twilio.writes), unfinished(acme)) == (5, [])


def test_run_waits_for_a_check_of_the_same_connection(acme, engine, twilio, here, monkeypatch):
    here(2)
    begun = runs.begin(acme, "twilio")
    assert begun
    waited = []

    def wait(_seconds):
        waited.append(len(twilio.writes))
        runs.end(acme, begun[0], None, is_whole=False)

    monkeypatch.setattr(time, "sleep", wait)
    job = set_all(acme, engine, Outbound(twilio.upstreams, deadline=2.0))
    assert waited == [0]
    assert set(results(acme, job).values()) == {(True, "in_sync")}


class Killed(BaseException):
    """As if the process ended here."""


class Mortal(Outbound):
    """Ends the process with the second write: before it is recorded, or before its response is read."""

    writes = 0
    sends_the_last = True

    def send(self, method: str, *arguments: Any, **more: Any) -> Any:
        Mortal.writes += method == "POST"
        is_last = method == "POST" and Mortal.writes == 2
        if is_last and not Mortal.sends_the_last:
            raise Killed
        answer = super().send(method, *arguments, **more)
        if is_last:
            raise Killed
        return answer


MADE = {
    Kind.SET_WEBHOOKS: ("in_sync", "different_url"),
    Kind.RESTORE_WEBHOOKS: ("restored", "not_restored"),
    Kind.CLEAR_WEBHOOKS: ("cleared", "not_cleared"),
}
"""The codes of a change that was made, and of one that was not."""


def run_one(scope, engine, http, kind):
    """Runs a job of this kind, after what it needs."""
    if kind is Kind.SET_WEBHOOKS:
        return set_all(scope, engine, http)
    Mortal.writes = -100
    done = set_all(scope, engine, http)
    Mortal.writes = 0
    return restore(scope, engine, http, done) if kind is Kind.RESTORE_WEBHOOKS else clear(scope, engine, http)


MORE = pytest.mark.thorough("test_next_reading_settles_what_a_killed_job_left")
"""The others kill each kind of job, and each of before and after its change is sent."""


@pytest.fixture
def mortal(twilio):
    return Mortal(twilio.upstreams, deadline=2.0)


@pytest.mark.parametrize(
    "killed",
    [
        (Kind.SET_WEBHOOKS, True),
        (Kind.SET_WEBHOOKS, False),
        pytest.param((Kind.RESTORE_WEBHOOKS, True), marks=MORE),
        pytest.param((Kind.RESTORE_WEBHOOKS, False), marks=MORE),
        pytest.param((Kind.CLEAR_WEBHOOKS, True), marks=MORE),
        (Kind.CLEAR_WEBHOOKS, False),
    ],
)
def test_next_reading_settles_what_a_killed_job_left(acme, http, mortal, here, killed):
    here(2)
    kind, is_sent = killed
    Mortal.writes, Mortal.sends_the_last = 0, is_sent
    with pytest.raises(Killed):
        run_one(acme, acme.session.get_bind(), mortal, kind)
    job = acme.session.scalars(select(Job).where(Job.kind == kind)).one()
    unconfirmed = dict.fromkeys([number(0), number(1)], (None, "unconfirmed"))
    assert results(acme, job) == unconfirmed
    runs.run(acme, http, everything=True)
    assert results(acme, job) == unconfirmed, "it may still be running"
    unfinished_numbers = [number(1)] if is_sent else []
    assert unfinished(acme) == unfinished_numbers

    jobs.interrupt_running(acme)
    _age(acme)
    runs.run(acme, http, everything=True)
    made_code, not_made = MADE[kind]
    assert results(acme, job) == {
        number(0): (True, made_code),
        number(1): (True, made_code) if is_sent else (False, not_made),
    }
    assert unfinished(acme) == []
    resolved = select(AuditEvent.subject).where(AuditEvent.action == "provider-change.resolved")
    assert acme.session.scalars(resolved).all() == unfinished_numbers
    counts = jobs.counts(acme, jobs.get(acme, job.id))
    undoable = 1 + is_sent if kind is Kind.SET_WEBHOOKS else 0
    assert (counts.unconfirmed, counts.failed, counts.undoable) == (0, 1 - is_sent, undoable)


def test_one_observed_number_settles_its_own_result(acme, http, mortal, here):
    here(2)
    Mortal.writes, Mortal.sends_the_last = 0, True
    with pytest.raises(Killed):
        run_one(acme, acme.session.get_bind(), mortal, Kind.SET_WEBHOOKS)
    job = acme.session.scalars(select(Job)).one()
    jobs.interrupt_running(acme)
    _age(acme)
    row = jobs.results(acme, job)[1]
    endpoint.observe(acme, http, row.endpoint_id)
    assert results(acme, job) == {number(0): (None, "unconfirmed"), number(1): (True, "in_sync")}


def test_organization_has_one_job_at_its_providers(acme, globex, engine):
    first = begin(acme, engine)
    with pytest.raises(Conflict) as refused:
        begin(acme, engine, Kind.CLEAR_WEBHOOKS)
    assert (refused.value.code, refused.value.existing_id) == ("JOB_RUNNING", first.id)
    begin(globex, engine)
    first.finish()
    begin(acme, engine)


@pytest.fixture
def vobiz():
    with Vobiz() as upstream:
        upstream.numbers.clear()
        upstream.applications.clear()
        yield upstream


def test_vobiz_moves_many_numbers_with_one_reading_of_applications(acme, engine, vobiz):
    """They share an application, which the one that stays keeps."""
    old = vobiz.make(answer_url="https://old.example.com/telephony/vobiz/inbound/support")
    connect(acme, "vobiz", vobiz.values)
    http = Outbound(vobiz.upstreams, deadline=2.0)
    add(acme, *range(FEW + 1), provider="vobiz")
    for place in range(FEW + 1):
        vobiz.add(number(place), application_id=old)
    stays = vobiz.add("+918055509999", application_id=old)
    vobiz.add(number(0)[:-4] + "9998", application_id=old, account_id="SA_OTHER")
    vobiz.requests.clear()
    done = set_all(acme, engine, http)
    assert set(results(acme, done).values()) == {(True, "in_sync")}
    reads = [request.path for request in vobiz.requests if request.method == "GET"]
    assert sum(path.endswith("/Application/") for path in reads) == 2
    assert sum(path.endswith("/numbers") for path in reads) == 2
    assert len(vobiz.applications) == 2
    assert stays.application_id == old

    assert set(results(acme, restore(acme, engine, http, done)).values()) == {(True, "restored")}
    assert {row.application_id for row in vobiz.numbers.values()} == {old}


def test_vobiz_restores_an_application_of_its_own_and_clear_detaches_one(acme, engine, vobiz):
    own = vobiz.make(answer_url="https://old.example.com/x", hangup_url="https://reports.example/hangup")
    connect(acme, "vobiz", vobiz.values)
    http = Outbound(vobiz.upstreams, deadline=2.0)
    add(acme, 0, provider="vobiz")
    vobiz.add(number(0), application_id=own)
    before = dict(vars(vobiz.applications[own]))
    done = set_all(acme, engine, http)
    assert vobiz.applications[own].answer_url.startswith(BASE)
    restore(acme, engine, http, done)
    assert vars(vobiz.applications[own]) == before

    shared = vobiz.make(answer_url=f"{BASE}/telephony/vobiz/inbound/support")
    vobiz.numbers[number(0)].application_id = shared
    other = vobiz.add(number(1), application_id=shared)
    job = clear(acme, engine, http)
    assert results(acme, job) == {number(0): (True, "cleared")}
    assert (vobiz.numbers[number(0)].application_id, other.application_id) == ("", shared)


def clear(scope, engine, http):
    items = webhook_jobs.clearable_items(scope, ALL)
    for item in items:
        crud.delete(scope, item.endpoint_id)
    job = begin(scope, engine, Kind.CLEAR_WEBHOOKS)
    webhook_jobs.clear_webhooks(scope, http, job, items)
    job.finish()
    return job


def test_clear_removes_our_webhook_and_nothing_else(acme, engine, twilio, http):
    others = {
        "voice_fallback_url": "https://else.example/",
        "status_callback": "https://reports.example/",
    }
    for place, values in enumerate(
        ({"voice_url": URL, **others}, {"voice_url": "https://other.example/"}, {"voice_url": URL + "#rc=2"})
    ):
        twilio.add(number(place), **values)
    add(acme, *range(4))
    job = clear(acme, engine, http)
    codes = {place: "left_alone" if place == 1 else "cleared" for place in range(4)}
    assert results(acme, job) == {number(place): (True, code) for place, code in codes.items()}
    assert urls(twilio) == {number(0): "", number(1): "https://other.example/", number(2): ""}
    attributes = vars(twilio.numbers[number(0)])
    assert {name: attributes[name] for name in others} == others
    assert len(twilio.writes) == 2


def test_clear_at_providers_that_cannot_or_do_not_respond(acme, engine, twilio, http):
    add(acme, 0)
    add(acme, 90, provider="exotel")
    twilio.add(number(0), voice_url=URL)
    twilio.instead = {("POST", "IncomingPhoneNumbers"): Reply(500, {})}
    twilio.trouble_at = "nothing yet"
    answer = twilio.answer

    def falling_silent(requested):
        twilio.trouble_at, twilio.trouble = ("", Trouble.FAULT) if len(twilio.requests) > 1 else ("", None)
        return answer(requested)

    twilio.answer = falling_silent
    job = clear(acme, engine, http)
    assert results(acme, job) == {number(0): (None, "unexpected_answer"), number(90): (False, "cannot_point")}
    assert unfinished(acme) == [number(0)]
    twilio.trouble, twilio.instead, twilio.answer = None, {}, answer
    _age(acme)
    runs.run(acme, http)
    assert unfinished(acme) == [], "its endpoint was deleted, and the check resolves it nevertheless"
