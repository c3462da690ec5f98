"""Reading the last calls on the schedule."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.core.outbound.client import Outbound
from app.models import CheckRun, LastCall, VoicePhoneNumber
from app.provider import Capability
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.drift import hooks, runs
from app.services.endpoints import crud
from app.services.last_calls import daily
from simulators import SIMULATORS
from simulators.elevenlabs import ElevenLabs
from tests.support.statuses import NUMBER

OTHER = "+15551234568"


@pytest.fixture
def twilio(twilio):
    hooks.register_watch(daily.read)
    twilio.calls.add(NUMBER)
    yield twilio
    del hooks.watches[daily.read]


def _choose(scope):
    with scope.transaction():
        scope.organization.reads_last_calls = True


def _wait(scope):
    """As if the calls had been read two days ago."""
    with scope.transaction():
        scope.session.get_one(CheckRun, (scope.organization.id, "twilio")).calls_read_at -= daily.EVERY * 2


def _check(scope, http):
    """Checks the whole connection; returns how many requests for calls there were."""
    report = runs.run_at(scope, http, "twilio", everything=True)
    assert not report.already_running
    return report


def _rows(scope):
    scope.session.rollback()
    rows = scope.session.scalars(scope.select(LastCall).execution_options(populate_existing=True))
    return {row.phone_number: row for row in rows}


def _reads(upstream):
    return [request for request in upstream.requests if request.path.endswith("/Calls.json")]


def test_check_reads_the_last_calls_once_a_day_if_chosen_and_if_it_can(acme, http, twilio):
    _check(acme, http)
    assert (_rows(acme), _reads(twilio)) == ({}, [])
    _choose(acme)
    crud.create(acme, {"phone_number": OTHER, "provider": "twilio", "inbound_agent_name": "sales"})
    crud.create(acme, {"phone_number": "+15551234569", "provider": "twilio", "outbound_agent_name": "sales"})
    assert _check(acme, http).failure is None
    rows = _rows(acme)
    assert {number: row.outcome for number, row in rows.items()} == {NUMBER: "answered", OTHER: None}
    assert rows[OTHER].since is not None
    count = len(_reads(twilio))
    _check(acme, http)
    assert len(_reads(twilio)) == count
    _wait(acme)
    _check(acme, http)
    assert len(_reads(twilio)) > count

    _wait(acme)
    twilio.hides_calls = True
    report = _check(acme, http)
    assert (report.failure, report.problems) == (None, ())
    assert _rows(acme)[NUMBER].problem


def test_each_voice_ai_provider_reads_the_numbers_of_its_agents(acme, cast, twilio):
    _choose(acme)
    number = "+14165550100"
    own = {"organization_id": acme.organization.id, "user_id": cast.mo.id, "provider": "sinch"}
    agents = {"ai_provider": "elevenlabs", "ai_agent_id": "x", "ai_enabled": True}
    with acme.transaction():
        acme.session.add(VoicePhoneNumber(**own, **agents, phone_number=number))
        acme.session.add(VoicePhoneNumber(**own, phone_number="+14165550101"))
    reading = {
        key: daily.numbers_of(acme, provider)
        for key, provider in PROVIDERS.items()
        if Capability.LAST_CALLS in provider.capabilities
    }
    voice = {"elevenlabs": [number], "sinch_est": [number]}
    assert reading == {"twilio": [NUMBER], "exotel": [], "vobiz": []} | voice
    for key in ("elevenlabs", "sinch_est"):
        with SIMULATORS[key]() as upstream:
            if isinstance(upstream, ElevenLabs):
                upstream.convai.add(number)
            upstream.calls.add(number)
            required = {field.name for field in PROVIDERS[key].required}
            with acme.transaction():
                values = {name: value for name, value in upstream.values.items() if name in required}
                store.apply(acme, PROVIDERS[key], values)
            daily.read(acme, Outbound(upstream.upstreams, deadline=10.0), PROVIDERS[key])
    query = acme.select(LastCall).where(LastCall.phone_number == number)
    outcomes = {row.provider: row.outcome for row in acme.session.scalars(query)}
    assert outcomes == {"elevenlabs": "answered", "sinch_est": "answered"}


def test_sweep_deletes_the_last_calls_of_numbers_that_are_gone(acme, http, twilio):
    now = clock.now()
    with acme.transaction():
        for number in (NUMBER, OTHER):
            own = {"organization_id": acme.organization.id, "provider": "twilio"}
            acme.session.add(LastCall(**own, phone_number=number, checked_at=now - timedelta(days=1)))
    assert daily.sweep(acme) == 1
    assert list(_rows(acme)) == [NUMBER]
