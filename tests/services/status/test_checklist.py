"""The checklist, from a new organization to a verified webhook: each step in each state."""

from __future__ import annotations

from app.models import WebhookSetup
from app.provider.numbers import Reason
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.providers import credentials
from app.services.status import checklist
from app.services.status.places import Place
from tests.support.scopes import OFFLINE
from tests.support.statuses import BASE, NUMBER, TWILIO, clear, drifted, edit, in_sync, save_result, save_test


def _step(scope, key):
    return next(step for step in checklist.steps(scope) if step.key == key)


def _add(scope, number, provider):
    crud.create(scope, {"phone_number": number, "provider": provider, "inbound_agent_name": "support"})


def test_steps_of_a_new_organization_are_all_to_do(acme):
    steps = checklist.steps(acme)
    assert {step.tone for step in steps} == {"idle"}
    assert [step.key for step in steps if not step.optional] == [
        "base-url",
        "telephony",
        "tested",
        "number",
        "ready",
        "answered",
    ]


def test_steps_of_a_live_organization_are_done(live):
    assert [step.key for step in checklist.steps(live) if not step.optional and step.tone != "ok"] == []


def test_tested_follows_the_last_test(live):
    credentials.save(live, TWILIO, {"auth_token": "sample-and-new"})
    step = _step(live, "tested")
    assert (step.tone, step.place, step.provider, step.since) == ("idle", Place.PROVIDER, "twilio", None)
    for ok, code, tone in ((True, "not_proven", "warn"), (False, "bad_credentials", "bad")):
        save_test(live, code=code, ok=ok)
        step = _step(live, "tested")
        assert (step.tone, step.text) == (tone, "Look there.")
        assert step.since


def test_telephony_follows_the_default_and_its_values(live, globex):
    credentials.save(globex, TWILIO, {"account_sid": "AC" + "0" * 32, "auth_token": "sample-token"})
    step = _step(globex, "telephony")
    assert (step.tone, step.provider) == ("idle", "twilio")
    clear(live, "auth_token")
    step = _step(live, "telephony")
    assert (step.tone, step.provider) == ("bad", "twilio")
    assert "Auth token" in step.text


def test_answered_follows_the_check_of_a_number(live):
    edit(live, inbound_agent_name="another")
    step = _step(live, "answered")
    assert (step.tone, step.place) == ("idle", Place.AT_PROVIDER)
    assert step.endpoint_id
    edit(live, inbound_agent_name="support")
    save_result(live, in_sync())
    assert _step(live, "answered").tone == "ok"
    save_result(live, drifted())
    step = _step(live, "answered")
    assert (step.tone, step.place) == ("bad", Place.DRIFTED)
    assert step.since
    save_result(live, ProbeResult(trouble=Reason.NOT_SHOWN))
    assert _step(live, "answered").tone == "warn"


def test_answered_prefers_a_number_in_sync_to_one_not_shown(live):
    for number in ("+15550000001", "+15559999999"):
        _add(live, number, "twilio")
    save_result(live, ProbeResult(trouble=Reason.NOT_SHOWN), "+15550000001")
    save_result(live, in_sync("+15559999999"), "+15559999999")
    step = _step(live, "answered")
    assert step.tone == "ok"
    assert "+1 555-123-4567" in step.text


def test_webhook_has_the_tone_of_its_state(live):
    assert "webhook" not in [step.key for step in checklist.steps(live)]
    credentials.save(live, PROVIDERS["elevenlabs"], {"api_key": "sample-key-of-elevenlabs"})
    tones: dict[str | None, str] = {None: _step(live, "webhook").tone}
    for state in ("failed", "asks", "waiting"):
        with live.transaction():
            live.session.scalar(live.select(WebhookSetup)).state = state
        tones[state] = _step(live, "webhook").tone
    assert tones == {None: "idle", "failed": "bad", "asks": "bad", "waiting": "idle"}


def test_ready_counts_what_each_provider_blocks(live):
    values = {"auth_id": "MA_EXAMPLE1", "auth_token": "sample-token-of-vobiz"}
    credentials.save(live, PROVIDERS["vobiz"], values)
    for number in ("+15551230001", "+15551230002"):
        _add(live, number, "vobiz")
    assert _step(live, "ready").tone == "ok"
    credentials.save(live, PROVIDERS["vobiz"], {}, enabled=False)
    _add(live, "+15551230003", "exotel")
    step = _step(live, "ready")
    assert (step.tone, step.done, step.place) == ("warn", False, Place.BLOCKED)
    assert checklist.counts(live, store.load_all(live)) == (1, {"exotel": 1, "vobiz": 2})


def test_ready_before_any_connection_is_to_do(acme):
    directory.update(acme, OFFLINE, {"public_base_url": BASE})
    _add(acme, NUMBER, "twilio")
    step = _step(acme, "ready")
    assert (step.tone, step.done) == ("idle", False)
    assert checklist.counts(acme, store.load_all(acme)) == (0, {"twilio": 1})
