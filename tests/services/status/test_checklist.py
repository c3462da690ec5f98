"""What the checklist says of an organization, from nothing to a provider that agrees."""

from __future__ import annotations

import pytest

from app.models import Check, WebhookSetup
from app.provider import Family
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.drift import queue
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.providers import active as providers_active
from app.services.providers import credentials
from app.services.status import checklist
from app.services.status.places import Place
from tests.support.scopes import NOBODY, statements

TWILIO = PROVIDERS["twilio"]
TWILIO_VALUES = {"account_sid": "AC" + "0" * 32, "auth_token": "made-up-token-of-twilio"}
BASE = "https://voice.example.com"
NUMBER = "+15551234567"
URL = f"{BASE}/telephony/twilio/inbound/support"


def _step(scope, key):
    return next(step for step in checklist.steps(scope) if step.key == key)


def _test(scope, code, reason="It said so.", *, ok):
    version = store.load(scope, TWILIO).version
    with scope.transaction():
        own = {"organization_id": scope.organization.id, "provider": "twilio", "actor_name": "dana"}
        scope.session.add(Check(**own, ok=ok, code=code, reason=reason, connection_version=version))


def _see(scope, sight):
    with scope.transaction():
        queue.save_results(scope, "twilio", {NUMBER: sight})


@pytest.fixture
def live(acme):
    directory.update(acme, NOBODY, {"public_base_url": BASE})
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    providers_active.make_active(acme, Family.TELEPHONY, "twilio")
    sent = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "support"}
    crud.create(acme, sent)
    return acme


def test_at_first_nothing_is_done_and_nothing_is_a_problem(acme):
    found = checklist.steps(acme)
    assert {step.state for step in found} == {"idle"}
    needed = [step.key for step in found if not step.optional]
    assert needed == ["base-url", "telephony", "tested", "number", "ready", "answered"]


def test_a_connection_that_was_not_tested_leads_to_the_test(live):
    step = _step(live, "tested")
    assert (step.state, step.place, step.provider) == ("idle", Place.PROVIDER, "twilio")
    assert "not tested" in step.text


@pytest.mark.parametrize(
    ("ok", "code", "state", "said"),
    [
        (True, "ok", "ok", "Twilio accepts the credentials."),
        (True, "not_proven", "warn", "It said so."),
        (False, "bad_credentials", "bad", "It said so."),
    ],
)
def test_what_the_test_showed(live, ok, code, state, said):
    _test(live, code, ok=ok)
    step = _step(live, "tested")
    assert (step.state, step.text) == (state, said)
    assert step.since is not None


def test_an_active_provider_that_lost_a_secret_is_a_problem(live):
    with live.transaction():
        store.apply(live, TWILIO, {"auth_token": None})
    step = _step(live, "telephony")
    assert (step.state, step.text) == ("bad", "Twilio is active and cannot be used. It needs Auth token.")


def test_one_that_is_connected_and_not_active_is_to_be_made_active(acme):
    credentials.save(acme, TWILIO, TWILIO_VALUES)
    step = _step(acme, "telephony")
    assert (step.state, step.text) == ("idle", "Twilio is connected. Make it active.")


def test_a_number_is_answered_once_its_provider_agrees(live):
    step = _step(live, "answered")
    assert (step.state, step.place) == ("idle", Place.AT_PROVIDER)
    assert step.endpoint_id
    _see(live, ProbeResult(ProviderNumber(NUMBER, webhook_url=URL, method="POST")))
    step = _step(live, "answered")
    assert step.state == "ok"
    assert step.text == "+1 555-123-4567 is answered by support, and Twilio agrees."


def test_drift_is_a_problem_with_a_link_to_the_drifted(live):
    _see(live, ProbeResult(ProviderNumber(NUMBER, webhook_url="https://old.example/x", method="POST")))
    step = _step(live, "answered")
    assert (step.state, step.place) == ("bad", Place.DRIFTED)
    assert (step.title, step.text) == (
        "1 number not answered",
        "The provider does not call the webhook URL.",
    )
    assert step.since is not None


def test_a_number_whose_provider_agrees_says_more_than_one_whose_does_not_tell(live):
    """And of those that agree, the first one that an agent answers."""
    for number in ("+15550000001", "+15559999999"):
        crud.create(live, {"phone_number": number, "provider": "twilio", "inbound_agent_name": "support"})
    lower = ProbeResult(trouble=Reason.NOT_SHOWN)
    lines = [
        ProbeResult(ProviderNumber(each, webhook_url=URL, method="POST")) for each in (NUMBER, "+15559999999")
    ]
    with live.transaction():
        queue.save_results(
            live, "twilio", {"+15550000001": lower, NUMBER: lines[0], "+15559999999": lines[1]}
        )
    assert _step(live, "answered").text.startswith("+1 555-123-4567 is answered by support, and Twilio")


def test_where_the_provider_does_not_tell_it_is_said(live):
    _see(live, ProbeResult(trouble=Reason.NOT_SHOWN))
    step = _step(live, "answered")
    assert step.state == "warn"
    assert "as far as can be seen" in step.text


@pytest.mark.parametrize(
    ("stored", "state"), [(None, "idle"), ("failed", "bad"), ("asks", "bad"), ("waiting", "idle")]
)
def test_the_voice_ai_webhook_has_its_state(live, stored, state):
    assert "webhook" not in [step.key for step in checklist.steps(live)]
    credentials.save(live, PROVIDERS["elevenlabs"], {"api_key": "made-up-key-of-elevenlabs"})
    if stored:
        with live.transaction():
            live.session.scalar(live.select(WebhookSetup)).state = stored
    assert _step(live, "webhook").state == state


def _add(scope, number, provider):
    crud.create(scope, {"phone_number": number, "provider": provider, "inbound_agent_name": "a"})


def test_numbers_that_are_not_answered_any_more_are_named_with_what_keeps_them(live):
    values = {"auth_id": "MA_EXAMPLE1", "auth_token": "made-up-token-of-vobiz"}
    credentials.save(live, PROVIDERS["vobiz"], values)
    for number in ("+15551230001", "+15551230002"):
        _add(live, number, "vobiz")
    assert _step(live, "ready").state == "ok"
    credentials.save(live, PROVIDERS["vobiz"], {}, enabled=False)
    step = _step(live, "ready")
    assert (step.state, step.done, step.place) == ("warn", False, Place.BLOCKED)
    assert step.text == "1 number is ready. 2 are not: Vobiz is disabled."
    _add(live, "+15551230003", "exotel")
    said = "1 number is ready. 3 are not: Exotel is not connected, and Vobiz is disabled."
    assert _step(live, "ready").text == said


def test_a_number_before_its_provider_is_still_to_do(acme):
    directory.update(acme, NOBODY, {"public_base_url": BASE})
    _add(acme, NUMBER, "twilio")
    step = _step(acme, "ready")
    assert (step.state, step.text) == ("idle", "1 number is not ready: Twilio is not connected.")


def test_the_queries_do_not_grow_with_the_numbers(live, engine):
    with statements(engine) as few:
        checklist.steps(live)
    for place in range(30):
        sent = {"phone_number": f"+155512340{place:02}", "provider": "twilio", "inbound_agent_name": "a"}
        crud.create(live, sent)
    with statements(engine) as many:
        checklist.steps(live)
    assert len(many) == len(few)
