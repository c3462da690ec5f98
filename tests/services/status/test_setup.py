"""The steps of the setup, from a new organization to a number that was healthy once."""

from __future__ import annotations

from app.provider.numbers import Reason
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.providers import credentials
from app.services.status import facts, setup
from app.services.status.places import Place
from tests.support.scopes import OFFLINE
from tests.support.statuses import (
    BASE,
    NUMBER,
    TWILIO,
    TWILIO_VALUES,
    drifted,
    in_sync,
    save_result,
    save_test,
)


def _next(scope):
    step = setup.next_step(scope)
    return (step.key, step.place, step.provider) if step else None


def _setup(scope):
    return setup.with_number(scope, facts.of(scope))


def test_next_step_follows_what_is_stored(acme):
    assert _next(acme) == ("base-url", Place.SETTINGS, None)
    directory.update(acme, OFFLINE, {"public_base_url": BASE})
    assert _next(acme) == ("provider", Place.HOME, None)
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    assert _next(acme) == ("provider", Place.PROVIDER, "twilio"), "untested"
    save_test(acme, ok=False, code="bad_credentials")
    assert _next(acme) == ("provider", Place.PROVIDER, "twilio")
    save_test(acme)
    assert _next(acme) == ("number", Place.NEW_ENDPOINT, None)
    row = crud.create(acme, {"phone_number": NUMBER, "provider": "twilio"})
    assert _next(acme) == ("number", Place.NEW_ENDPOINT, None), "without an agent it has no webhook"
    crud.update(acme, row.id, {"inbound_agent_name": "support"})
    step = setup.next_step(acme)
    assert step
    assert (step.key, step.place, step.endpoint_id) == ("webhook", Place.AT_PROVIDER, row.id)
    crud.create(acme, {"phone_number": "+15551234568", "provider": "twilio", "inbound_agent_name": "b"})
    assert _next(acme) == ("webhook", Place.SET_WEBHOOKS, None)
    assert (_setup(acme).done, _setup(acme).is_done) == (3, False)
    save_result(acme, in_sync())
    assert _next(acme) is None


def test_setup_stays_done_when_something_breaks(live, globex):
    assert _setup(live).is_done
    save_result(live, drifted())
    directory.update(live, OFFLINE, {"public_base_url": None})
    save_test(live, ok=False, code="bad_credentials")
    assert _next(live) is None
    assert _next(globex) == ("base-url", Place.SETTINGS, None), "that of another does not count"
    assert facts.of(globex).live == facts.of(globex).expected == 0


def test_setup_is_done_if_the_provider_shows_no_webhooks(acme):
    directory.update(acme, OFFLINE, {"public_base_url": BASE})
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    save_test(acme)
    crud.create(acme, {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "support"})
    save_result(acme, drifted())
    assert _next(acme) == ("webhook", Place.AT_PROVIDER, None)
    save_result(acme, ProbeResult(trouble=Reason.NOT_SHOWN))
    assert _next(acme) is None
