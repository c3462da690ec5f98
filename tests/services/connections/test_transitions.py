"""Every change of a verdict is a transition: whatever happens, the last one is the verdict."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.models import DriftCheck, Endpoint, HealthTransition, Verdict
from app.provider import Family, Outcome, Verified
from app.provider.numbers import Reason
from app.services.connections import gateway, health, proof, store, transitions
from app.services.connections.proof import Evidence
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud, listing
from app.services.endpoints.listing import Filter
from app.services.organizations import directory
from app.services.providers import active, credentials
from tests.support.scopes import OFFLINE
from tests.support.statuses import BASE, NUMBER, TWILIO, TWILIO_VALUES, drifted, go_live, in_sync, save_result

OTHER = "+15551234568"
REFUSED = Verified(False, Outcome.BAD_CREDENTIALS, "Look there.")
NO_CREDIT = Verified(False, Outcome.NO_CREDIT, "Top it up.")


@pytest.fixture
def live(acme):
    go_live(acme)
    return acme


def prove(scope, result=None):
    """As a call to the provider that was refused, or (None) was not."""
    with scope.transaction():
        gateway.record(scope, store.load(scope, TWILIO), Evidence.NUMBERS, result)


def edit(scope, **values):
    row = scope.session.scalar(scope.select(Endpoint).where(Endpoint.phone_number == OTHER))
    if row is None:
        crud.create(scope, {"phone_number": OTHER, "provider": "twilio", "inbound_agent_name": "a"})
    else:
        crud.update(scope, row.id, values)


def delete(scope):
    row = scope.session.scalar(scope.select(Endpoint).where(Endpoint.phone_number == OTHER))
    if row is not None:
        crud.delete(scope, row.id)


def disconnect(scope):
    active.make_active(scope, Family.TELEPHONY, None)
    credentials.disconnect(scope, TWILIO)


STEPS = [
    lambda it: save_result(it, in_sync()),
    lambda it: save_result(it, drifted()),
    lambda it: save_result(it, ProbeResult()),
    lambda it: save_result(it, ProbeResult(trouble=Reason.NOT_SHOWN)),
    lambda it: save_result(it, ProbeResult(trouble=Reason.PROVIDER_UNREACHABLE)),
    lambda it: save_result(it, ProbeResult(trouble=Reason.CREDENTIALS_REFUSED)),
    lambda it: save_result(it, drifted(OTHER), OTHER),
    lambda it: edit(it, inbound_agent_name="b"),
    lambda it: edit(it, inbound_agent_name=None),
    lambda it: edit(it, inbound_agent_name="a", is_active=True),
    lambda it: edit(it, is_active=False),
    delete,
    lambda it: directory.update(it, OFFLINE, {"public_base_url": None}),
    lambda it: directory.update(it, OFFLINE, {"public_base_url": BASE}),
    lambda it: prove(it, REFUSED),
    prove,
    lambda it: credentials.save(it, TWILIO, {}, enabled=False),
    lambda it: credentials.save(it, TWILIO, {}, enabled=True),
    lambda it: credentials.save(it, TWILIO, {"auth_token": "sample-and-new"}),
    lambda it: credentials.save(it, TWILIO, TWILIO_VALUES),
    disconnect,
]


def of_number(scope, number=NUMBER):
    start = clock.now() - timedelta(days=1)
    return transitions.of_subject(scope, "twilio", number, start=start)


def _contradictions(scope):
    """What differs between the verdicts now and the last transitions."""
    last = HealthTransition
    newest = scope.select(last).where(
        last.id.in_(select(func.max(last.id)).group_by(last.provider, last.phone_number))
    )
    last_transitions = {(row.provider, row.phone_number): row for row in scope.session.scalars(newest)}
    verdicts: dict[Any, Any] = {}
    for check in scope.session.scalars(scope.select(DriftCheck)):
        verdicts[check.provider, check.phone_number] = (check.verdict, check.cause, check.since)
    checks = proof.last_of_all(scope)
    for key, state in store.load_all(scope).items():
        now, row = health.of(state, checks.get(key)), last_transitions.get((key, ""))
        if row or now.verdict is not Verdict.OFF:
            since = row.since if row else None
            verdicts[key, ""] = (now.verdict, health.reason(now, checks.get(key)), since)
    last_known = {subject: (row.now, row.reason, row.since) for subject, row in last_transitions.items()}
    gone = {subject for subject, (verdict, _, _) in last_known.items() if verdict == Verdict.OFF}
    differing = {
        subject for subject in verdicts | last_known if verdicts.get(subject) != last_known.get(subject)
    }
    return [
        (subject, verdicts.get(subject), last_known.get(subject))
        for subject in differing
        if subject in verdicts or subject not in gone
    ]


def _gaps(scope):
    """Transitions that do not begin where the one before ended, or with a wrong `since` or `ended_since`."""
    wrong: list[Any] = []
    state: dict[Any, Any] = {}
    since: dict[Any, Any] = {}
    for row in scope.session.scalars(scope.select(HealthTransition).order_by(HealthTransition.id)):
        subject = row.provider, row.phone_number
        if row.was != state.get(subject, Verdict.OFF):
            wrong.append(("gap", row.id, subject))
        before = since.get(subject)
        if row.now == Verdict.UNHEALTHY:
            since.setdefault(subject, row.at)
        elif row.now != Verdict.UNKNOWN:
            since.pop(subject, None)
        if row.since != since.get(subject):
            wrong.append(("since", row.id, subject))
        if row.ended_since != (before if row.since is None else None):
            wrong.append(("ended_since", row.id, subject))
        state[subject] = row.now
    return wrong


@pytest.mark.both_databases
def test_last_transition_is_the_verdict_whatever_happens(live, thorough):
    """In an order of events that is chosen at random; thorough, in a longer one and in two more."""
    wrong = []
    for seed in range(3 if thorough else 1):
        steps = random.Random(seed).choices(range(len(STEPS)), k=25 if thorough else 16)
        for number in steps:
            STEPS[number](live)
            live.end_read()
            if contradictions := _contradictions(live):
                wrong.append((seed, number, contradictions))
    assert wrong == []
    assert _gaps(live) == []
    reasons = set(live.session.scalars(select(HealthTransition.reason)))
    assert len(reasons) > (8 if thorough else 5)


def test_since_survives_failures_of_another_kind_and_a_sweep(live):
    save_result(live, drifted())
    first = of_number(live)[-1]
    prove(live, REFUSED)
    save_result(live, ProbeResult())
    credentials.save(live, TWILIO, {}, enabled=False)
    rows = of_number(live)
    assert [(row.now, row.since) for row in rows[rows.index(first) :]] == [("unhealthy", first.at)] * 3
    assert [row.reason for row in rows[-2:]] == ["credentials_refused", "provider_disabled"]
    credentials.save(live, TWILIO, {}, enabled=True)
    prove(live)
    save_result(live, in_sync())
    assert of_number(live)[-1].since is None

    save_result(live, drifted())
    prove(live, REFUSED)
    since = transitions.of_connections(live)["twilio"].since, of_number(live)[-1].since
    _make_old(live, HealthTransition.id > 0)
    transitions.sweep(live)
    live.session.expire_all()
    prove(live, NO_CREDIT)
    connection, number = transitions.of_connections(live)["twilio"], of_number(live)[-1]
    assert (connection.reason, number.reason) == ("no_credit", "no_credit")
    assert (connection.since, number.since) == since


def test_proof_ends_every_refusal_and_queues_a_check(live):
    """Nothing is green that was not read: what was found before the refusal has its time."""
    for result, cause in ((REFUSED, "credentials_refused"), (NO_CREDIT, "no_credit")):
        save_result(live, in_sync())
        prove(live, result)
        refused = live.session.scalars(live.select(DriftCheck)).one()
        assert (refused.verdict, refused.cause, refused.due) == ("unhealthy", cause, False)
        prove(live)
        live.session.expire_all()
        assert (refused.verdict, refused.cause, refused.due) == ("healthy", None, True)
        assert transitions.of_connections(live)["twilio"].now == Verdict.HEALTHY


def test_after_returns_what_is_newer_in_its_organization_and_no_outage(live, globex):
    last = transitions.newest_id(live)
    for trouble in (Reason.PROVIDER_UNREACHABLE, Reason.BUSY):
        save_result(live, ProbeResult(trouble=trouble))
    assert transitions.after(live, last, limit=10) == []
    save_result(live, drifted())
    save_result(live, in_sync())
    first, second = transitions.after(live, last, limit=10)
    assert [first.now, second.now] == ["unhealthy", "healthy"]
    assert transitions.after(live, last, limit=1) == [first]
    assert transitions.after(globex, 0, limit=10) == []


@pytest.mark.both_databases
def test_sweep_keeps_the_state_at_the_beginning_and_deletes_the_removed(live, monkeypatch):
    """In several batches. What is off, and still there, keeps its last transition."""
    save_result(live, drifted())
    save_result(live, in_sync())
    save_result(live, drifted())
    rows = of_number(live)
    _make_old(live, HealthTransition.id.in_([row.id for row in rows[:-1]]))
    transitions.sweep(live)
    start = clock.now() - transitions.KEPT
    remaining_rows = transitions.of_subject(live, "twilio", NUMBER, start=start)
    assert [row.id for row in remaining_rows] == [row.id for row in rows[-2:]]

    edit(live, inbound_agent_name="b")
    delete(live)
    _make_old(live, HealthTransition.phone_number == OTHER)
    edit(live, inbound_agent_name="b")
    transitions.sweep(live)
    assert of_number(live, OTHER)[0].now == Verdict.OFF, "of a number that is there again"

    monkeypatch.setattr(transitions, "BATCH", 2)
    edit(live, inbound_agent_name="b")
    delete(live)
    credentials.save(live, TWILIO, {}, enabled=False)
    rows = list(live.session.scalars(live.select(HealthTransition)))
    last = {(row.provider, row.phone_number): row for row in sorted(rows, key=lambda row: row.id)}
    assert (last["twilio", OTHER].now, last["twilio", ""].now) == (Verdict.OFF, Verdict.OFF)
    expected = {row.id for subject, row in last.items() if subject[1] != OTHER}
    _make_old(live, HealthTransition.id > 0)
    assert transitions.sweep(live) == len(rows) - len(expected)
    assert set(live.session.scalars(select(HealthTransition.id))) == expected
    disconnect(live)
    _make_old(live, HealthTransition.id > 0)
    transitions.sweep(live)
    assert transitions.of_connections(live) == {}


def _make_old(scope, rows):
    """Moves the rows to before what is kept, in their order."""
    beginning = clock.now() - transitions.KEPT - timedelta(days=1)
    with scope.transaction():
        for row in scope.session.scalars(scope.select(HealthTransition).where(rows)):
            row.at = beginning + timedelta(milliseconds=row.id)


def test_health_filter_finds_each_endpoint_once(live):
    crud.create(live, {"phone_number": OTHER, "provider": "twilio", "inbound_agent_name": "a"})
    crud.create(live, {"phone_number": "+15551234569", "provider": "twilio"})

    def transitions_now():
        lists = {verdict: list(listing.stream(live, Filter(health=verdict))) for verdict in Verdict}
        assert [row["health"] for row in listing.stream(live, Filter(), with_health=True)] == [
            next(str(verdict) for verdict, rows in lists.items() if row in rows)
            for row in listing.stream(live, Filter())
        ]
        return {str(verdict): [row["phone_number"] for row in rows] for verdict, rows in lists.items()}

    off = ["+15551234569"]
    assert transitions_now() == {"healthy": [NUMBER], "unhealthy": [], "unknown": [OTHER], "off": off}
    credentials.save(live, TWILIO, {}, enabled=False)
    assert transitions_now() == {"healthy": [], "unhealthy": [NUMBER], "unknown": [OTHER], "off": off}


def test_number_that_was_never_read_is_unknown_with_what_it_lacks(acme):
    """Also while its provider is disabled; once it was read, the same makes it unhealthy."""

    def verdict():
        check = acme.session.scalars(acme.select(DriftCheck).where(DriftCheck.phone_number == OTHER)).one()
        return check.verdict, check.cause, check.since is not None

    crud.create(acme, {"phone_number": OTHER, "provider": "twilio", "inbound_agent_name": "support"})
    verdicts = [verdict()]
    directory.update(acme, OFFLINE, {"public_base_url": BASE})
    verdicts.append(verdict())
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    credentials.save(acme, TWILIO, {}, enabled=False)
    verdicts.append(verdict())
    assert verdicts == [
        ("unknown", "no_public_base_url", False),
        ("unknown", "provider_not_configured", False),
        ("unknown", "provider_disabled", False),
    ]
    credentials.save(acme, TWILIO, {}, enabled=True)
    save_result(acme, in_sync(OTHER), OTHER)
    credentials.save(acme, TWILIO, {}, enabled=False)
    assert verdict() == ("unhealthy", "provider_disabled", True)
