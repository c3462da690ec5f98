"""Exactly one call webhook at the voice AI provider, whatever fails."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.errors import Conflict, NotFound
from app.core.outbound.client import Outbound
from app.models import AuditEvent, Call, Secret, VoicePhoneNumber, WebhookSetup
from app.providers import PROVIDERS
from app.services.audit.actions import Action
from app.services.connections import proof, store
from app.services.drift.hooks import Watched
from app.services.organizations import directory
from app.services.providers import credentials, telephony
from app.services.scope import Scope
from app.services.status import overview
from app.services.status.findings import Kind
from app.services.voice_ai import config, messages, webhook, webhook_checks, webhook_documents
from app.services.voice_ai.webhook import State
from simulators.base import CANARY, Reply, Trouble
from simulators.elevenlabs import KEY, ElevenLabs
from simulators.elevenlabs.numbers import NIGHT_SHIFT, RECEPTION
from simulators.elevenlabs.workspace import SETTINGS, WEBHOOKS, Workspace
from tests.support.scopes import winners

ELEVENLABS = PROVIDERS["elevenlabs"]
BASE = "https://voice.acme.example"


@pytest.fixture
def upstream():
    with ElevenLabs() as running:
        yield running


@pytest.fixture
def http(upstream):
    return Outbound(upstream.upstreams, deadline=5.0)


@pytest.fixture
def no_lease(monkeypatch):
    monkeypatch.setattr(webhook, "LEASE", timedelta(0))


@pytest.fixture
def ready(acme, http):
    """Acme with a base URL and a key, and nothing set up yet."""
    directory.update(acme, http, {"public_base_url": BASE})
    credentials.save(acme, ELEVENLABS, {"api_key": KEY})
    return acme


def expected_url(scope, base=BASE):
    return f"{base}/api/webhook/elevenlabs/{scope.organization.id}"


def calls(upstream):
    return [f"{request.method} {request.path}" for request in upstream.requests]


def check_it_is_one(scope, workspace, base=BASE):
    """One webhook of ours is there, receives the reports, and is stored with its secret."""
    (own_webhook,) = [
        one for one in workspace.webhooks.values() if scope.organization.id in one["webhook_url"]
    ]
    assert own_webhook["webhook_url"] == expected_url(scope, base)
    assert not own_webhook["is_disabled"]
    assert not own_webhook["is_auto_disabled"]
    assert workspace.selected == own_webhook["webhook_id"]
    scope.session.rollback()
    scope.session.expire_all()
    connection = store.load(scope, ELEVENLABS)
    assert connection.values["webhook_id"] == own_webhook["webhook_id"]
    assert connection.secrets["webhook_secret"].value == workspace.secrets[own_webhook["webhook_id"]]
    status = webhook.status(scope, ELEVENLABS)
    assert (status.state, status.url) == (State.ACTIVE, expected_url(scope, base))


def test_set_up_creates_and_audits_one_webhook_and_again_changes_nothing(ready, upstream, http):
    first = webhook.set_up(ready, http, ELEVENLABS)
    assert first.state is State.ACTIVE
    check_it_is_one(ready, upstream.workspace)
    assert calls(upstream) == [
        f"GET {WEBHOOKS}",
        f"POST {WEBHOOKS}",
        f"PATCH {WEBHOOKS}/sample-webhook-1",
        f"GET {SETTINGS}",
        f"PATCH {SETTINGS}",
    ]
    (own_webhook,) = upstream.workspace.webhooks.values()
    assert own_webhook["name"] == "Patchbay Acme Support"

    (secret,) = upstream.workspace.secrets.values()
    changes = [event.changes for event in ready.session.scalars(ready.select(AuditEvent))]
    assert {
        "elevenlabs_webhook_id": [None, upstream.workspace.selected],
        "elevenlabs_webhook_secret": ["not set", "set"],
    } in changes
    assert secret not in str(changes)

    proven = proof.last(ready, ELEVENLABS)
    assert proven is not None
    assert (proven.ok, proven.evidence) == (True, "call-webhook")
    setting = dict(upstream.workspace.settings["webhooks"])
    assert setting.pop("post_call_webhook_id")
    assert setting == {
        "events": ["audio", "transcript", "call_initiation_failure"],
        "transcript_format": "json",
    }
    assert upstream.workspace.settings["can_use_mcp_servers"] is True

    for _ in range(4):
        del upstream.requests[:]
        again = webhook.set_up(ready, http, ELEVENLABS)
        assert replace(again, checked_at=first.checked_at) == first
        assert calls(upstream) == [f"GET {WEBHOOKS}", f"GET {SETTINGS}"]
    check_it_is_one(ready, upstream.workspace)


LACKS = {
    "API key": lambda scope: credentials.save(scope, ELEVENLABS, {"api_key": None}),
    "disabled": lambda scope: credentials.save(scope, ELEVENLABS, {}, enabled=False),
    "base URL": lambda scope: setattr(scope.organization, "public_base_url", None),
    "API key of": lambda scope: setattr(scope.session.scalars(scope.select(Secret)).one(), "sealed", "x"),
}


def test_set_up_with_something_missing_waits(ready, upstream, http, subtests):
    for reason, lack in LACKS.items():
        with subtests.test(reason):
            _reset(ready, upstream, http, "new")
            lack(ready)
            ready.session.commit()
            status = webhook.set_up(ready, http, ELEVENLABS)
            assert (status.state, status.can_start) == (State.WAITING, False)
            assert reason.removesuffix(" of") in str(status.reason)
            assert upstream.requests == []
            row = ready.session.scalars(ready.select(WebhookSetup)).one()
            ready.session.refresh(row)
            assert (row.state, row.reason, row.leased_until) == ("waiting", status.reason, None)


SAVES = {
    "voice AI": lambda scope, http: config.save(scope, http, {"aiVoiceProvider": "elevenlabs"}),
    "form": lambda scope, http: credentials.save_submitted(
        scope, http, ELEVENLABS, {"elevenlabs_api_key": KEY}
    ),
    "enabled": lambda scope, http: credentials.set_enabled(scope, http, ELEVENLABS, True),
    "tool secret": config.generate_tool_secret,
    "telephony": lambda scope, http: telephony.update(scope, http, {"public_base_url": "https://a.example"}),
    "settings": lambda scope, http: directory.update(scope, http, {"public_base_url": "https://a.example"}),
}
OTHERS = {
    "another provider": lambda scope, http: credentials.save_submitted(scope, http, PROVIDERS["vobiz"], {}),
    "name": lambda scope, http: directory.update(scope, http, {"name": "Acme", "public_base_url": BASE}),
    "same base": lambda scope, http: telephony.update(scope, http, {"public_base_url": BASE}),
}


def test_follow_sets_up_after_a_save_that_concerns_it_in_no_transaction(
    ready, scopes, upstream, http, monkeypatch
):
    states_meanwhile = []
    answer = upstream.answer

    def watched(request):
        with scopes.of("dana") as other:
            states_meanwhile.append((ready.session.in_transaction(), config.config(other)["aiVoiceProvider"]))
        return answer(request)

    with monkeypatch.context() as patch:
        patch.setattr(upstream, "answer", watched)
        config.save(ready, http, {"aiVoiceProvider": "elevenlabs"})
    assert states_meanwhile == [(False, "elevenlabs")] * 5

    _reset(ready, upstream, http, "new")
    upstream.requests.clear()
    for save in OTHERS.values():
        save(ready, http)
    assert upstream.requests == []
    for save in SAVES.values():
        _reset(ready, upstream, http, "new")
        save(ready, http)
        check_it_is_one(ready, upstream.workspace, str(ready.organization.public_base_url))


def test_set_up_mends_or_replaces_ours_and_deletes_older_ones(ready, upstream, http):
    webhook.set_up(ready, http, ELEVENLABS)
    (own_webhook,) = upstream.workspace.webhooks.values()
    for why in ("is_disabled", "is_auto_disabled"):
        own_webhook[why] = True
        webhook.set_up(ready, http, ELEVENLABS)
        check_it_is_one(ready, upstream.workspace)
        assert list(upstream.workspace.webhooks) == [own_webhook["webhook_id"]]

    with ready.transaction():
        for row in ready.session.scalars(ready.select(Secret).where(Secret.field == "webhook_secret")):
            row.sealed = "broken"
    ready.session.expire_all()
    status = webhook.status(ready, ELEVENLABS)
    assert (status.state, status.reason) == (State.FAILED, messages.WEBHOOK_OUTDATED)
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)

    olds = [
        upstream.workspace.add(expected_url(ready, base))
        for base in (BASE, "https://old.acme.example", "https://old.acme.example:8443/sub")
    ]
    foreign_id = upstream.workspace.add(f"{BASE}/api/webhook/elevenlabs/another-organization")
    upstream.workspace.keeps = {olds[-1]}
    status = webhook.set_up(ready, http, ELEVENLABS)
    assert status.state is State.FAILED
    assert str(status.reason).startswith(messages.webhook_left(""))
    upstream.workspace.keeps = set()
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)
    assert len(upstream.workspace.webhooks) == 2
    assert foreign_id in upstream.workspace.webhooks


class Killed(BaseException):
    pass


class Steps:
    """Of one setting up: each call and each commit. Kills it after the one of that number."""

    def __init__(self, kill_after):
        self.left = kill_after

    def take(self, *_):
        self.left -= 1
        if self.left == 0:
            raise Killed


class Mortal(Outbound):
    steps: Steps

    def send(self, *arguments, **named):
        answer = super().send(*arguments, **named)
        self.steps.take()
        return answer


@dataclass(frozen=True)
class MortalScope(Scope):
    steps: Any = None

    @contextmanager
    def transaction(self, *, lock=True, waits=True):
        with super().transaction(lock=lock, waits=waits):
            yield
        self.steps.take()


def _killed(scope, upstream, kill_after):
    http = Mortal(upstream.upstreams, deadline=5.0)
    http.steps = Steps(kill_after)
    own = {field.name: getattr(scope, field.name) for field in fields(scope)}
    try:
        webhook.set_up(MortalScope(**own, steps=http.steps), http, ELEVENLABS)
    except Killed:
        return True
    return False


def _reset(scope, upstream, http, start):
    """Removes the webhook on both sides; for "moved", one with an older base URL is there."""
    with scope.transaction():
        scope.organization.public_base_url = BASE
    credentials.disconnect(scope, ELEVENLABS)
    credentials.save(scope, ELEVENLABS, {"api_key": KEY})
    upstream.workspace = Workspace()
    if start == "moved":
        with scope.transaction():
            scope.organization.public_base_url = "https://old.acme.example"
        webhook.set_up(scope, http, ELEVENLABS)
        with scope.transaction():
            scope.organization.public_base_url = BASE


STEPS = 10
"""Calls and commits of one setting up."""


FIRST = pytest.param("new", marks=pytest.mark.thorough("test_set_up_after_a_kill_at_any_step_ends_with_one"))


@pytest.mark.usefixtures("no_lease")
@pytest.mark.parametrize("start", ["moved", FIRST])
def test_set_up_after_a_kill_at_any_step_ends_with_one(ready, upstream, http, start):
    """The first one, or one while that with an earlier base URL is there."""
    webhook.set_up(ready, http, ELEVENLABS)
    for number in range(1, STEPS + 2):
        base = BASE if start == "new" else f"https://{number}.acme.example"
        if start == "new":
            _reset(ready, upstream, http, start)
        with ready.transaction():
            ready.organization.public_base_url = base
        assert _killed(ready, upstream, number) is (number <= STEPS), number
        webhook.set_up(ready, http, ELEVENLABS)
        check_it_is_one(ready, upstream.workspace, base)
        assert len(upstream.workspace.webhooks) == 1, number


def test_set_up_after_lost_responses_ends_with_one(ready, upstream, http, monkeypatch):
    """Each request is carried out, and its response is an error."""
    answer = upstream.answer
    lost = []

    def losing(request):
        reply = answer(request)
        if request.method != "GET" and request.method not in lost:
            lost.append(request.method)
            return Reply(500, {})
        return reply

    for start in ("new", "moved"):
        _reset(ready, upstream, http, start)
        lost.clear()
        with monkeypatch.context() as patch:
            patch.setattr(upstream, "answer", losing)
            for method in ("POST", "PATCH", "DELETE"):
                status = webhook.set_up(ready, http, ELEVENLABS)
                assert (status.state, lost[-1]) == (State.FAILED, method), start
            webhook.set_up(ready, http, ELEVENLABS)
        check_it_is_one(ready, upstream.workspace)
        assert len(upstream.workspace.webhooks) == 1, start


@pytest.mark.both_databases
def test_set_up_concurrently_creates_one(ready, scopes, upstream, http):
    ready.session.commit()
    answers = scopes.in_parallel(*[("dana", lambda scope: webhook.set_up(scope, http, ELEVENLABS))] * 6)
    assert {status.state for status in winners(answers)} == {State.ACTIVE}
    assert {type(answer) for answer in answers if isinstance(answer, Exception)} <= {Conflict}
    check_it_is_one(ready, upstream.workspace)
    assert len(upstream.workspace.webhooks) == 1


def test_set_up_during_a_lease_raises_conflict(ready, upstream, http, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    assert _killed(ready, upstream, 2)
    with pytest.raises(Conflict) as running:
        webhook.set_up(ready, http, ELEVENLABS)
    assert running.value.code == "SETUP_RUNNING"
    config.save(ready, http, {"aiVoiceProvider": "elevenlabs"})
    later = now + webhook.LEASE
    monkeypatch.setattr(clock, "now", lambda: later)
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)


@pytest.mark.usefixtures("no_lease")
def test_set_up_after_its_lease_changes_nothing(ready, scopes, upstream, http, monkeypatch):
    """Its lease ends between creating a webhook and storing it, and another process completes the setup."""
    answer = upstream.answer
    turns: list[int] = []

    def slow(request):
        reply = answer(request)
        if request.method == "POST" and not turns:
            turns.append(1)
            with scopes.of("dana") as other:
                webhook.set_up(other, http, ELEVENLABS)
        return reply

    monkeypatch.setattr(upstream, "answer", slow)
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)


def test_set_up_without_a_secret_or_with_a_changed_key_leaves_none(
    ready, scopes, upstream, http, monkeypatch
):
    upstream.workspace.returns_secret = False
    status = webhook.set_up(ready, http, ELEVENLABS)
    assert (status.state, status.reason) == (State.FAILED, messages.webhook_without_secret("ElevenLabs"))
    assert upstream.workspace.webhooks == {}
    assert "webhook_id" not in store.load(ready, ELEVENLABS).values

    upstream.workspace.returns_secret = True
    answer = upstream.answer

    def changing(request):
        if request.method == "POST":
            with scopes.of("dana") as other:
                credentials.save(other, ELEVENLABS, {"api_key": "sample-and-newer"})
        return answer(request)

    monkeypatch.setattr(upstream, "answer", changing)
    status = webhook.set_up(ready, http, ELEVENLABS)
    assert (status.state, status.reason) == (State.FAILED, messages.WEBHOOK_CHANGED)
    assert upstream.workspace.webhooks == {}
    assert "webhook_secret" not in store.load(ready, ELEVENLABS).secrets


def test_set_up_keeps_a_foreign_webhook_unless_it_is_named(ready, globex, upstream, http):
    foreign = upstream.workspace.add("https://crm.example/calls", "CRM\n\u202e of \x07Acme")
    upstream.workspace.settings["webhooks"]["post_call_webhook_id"] = foreign
    before = dict(upstream.workspace.settings["webhooks"])
    for _ in range(2):
        status = webhook.set_up(ready, http, ELEVENLABS)
        assert (status.state, status.foreign_id) == (State.NEEDS_CONFIRMATION, foreign)
        assert f"CRM of Acme ({foreign})" in str(status.reason)
    assert upstream.workspace.settings["webhooks"] == before
    assert len(upstream.workspace.webhooks) == 2

    assert webhook.set_up(ready, http, ELEVENLABS, replace="another").state is State.NEEDS_CONFIRMATION
    webhook.set_up(ready, http, ELEVENLABS, replace=foreign)
    check_it_is_one(ready, upstream.workspace)
    assert foreign in upstream.workspace.webhooks
    noted = ready.select(AuditEvent).where(AuditEvent.action == "webhook.replaced")
    (event,) = ready.session.scalars(noted)
    assert event.changes == {"post_call_webhook": [foreign, upstream.workspace.selected]}

    directory.update(globex, http, {"public_base_url": BASE})
    credentials.save(globex, ELEVENLABS, {"api_key": KEY})
    status = webhook.set_up(globex, http, ELEVENLABS)
    assert (status.state, status.foreign_id) == (State.NEEDS_CONFIRMATION, upstream.workspace.selected)
    check_it_is_one(ready, upstream.workspace)


def test_failed_set_up_is_stored_and_keeps_the_save(ready, upstream, http, subtests, monkeypatch):
    for trouble in (Trouble.FAULT, Trouble.RATE_LIMITED, Trouble.HTML, Trouble.ODD):
        with subtests.test(trouble=trouble):
            upstream.trouble = trouble
            config.save(ready, http, {"aiVoiceProvider": "elevenlabs"})
            status = webhook.status(ready, ELEVENLABS)
            assert status.state is State.FAILED
            assert status.reason
            assert status.reason != messages.WEBHOOK_FAULT
            assert KEY not in status.reason
            assert CANARY not in status.reason
    upstream.trouble = None
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)

    away = Outbound({"api.elevenlabs.io": "http://127.0.0.1:9"}, deadline=2.0)
    config.save(ready, away, {"aiVoiceProvider": "elevenlabs"})
    status = webhook.status(ready, ELEVENLABS)
    assert (status.state, status.can_start) == (State.FAILED, True)

    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(type(ELEVENLABS), "webhooks", broken)
    config.save(ready, http, {"aiVoiceProvider": "elevenlabs"})
    assert webhook.status(ready, ELEVENLABS).reason == messages.WEBHOOK_FAULT
    monkeypatch.setattr(webhook, "_begin", broken)
    config.save(ready, http, {"aiVoiceProvider": None})
    assert config.config(ready)["aiVoiceProvider"] is None


def test_webhook_outlasts_a_disconnect_and_follows_a_new_base_url(ready, upstream, http, monkeypatch):
    assert not webhook.is_made(store.load(ready, ELEVENLABS))
    webhook.set_up(ready, http, ELEVENLABS)
    assert webhook.is_made(store.load(ready, ELEVENLABS))
    credentials.disconnect(ready, ELEVENLABS)
    assert webhook.status(ready, ELEVENLABS).state is State.WAITING
    assert len(upstream.workspace.webhooks) == 1
    credentials.save_submitted(ready, http, ELEVENLABS, {"elevenlabs_api_key": KEY})
    check_it_is_one(ready, upstream.workspace)

    first = webhook.set_up(ready, http, ELEVENLABS).since
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert webhook.set_up(ready, http, ELEVENLABS).since == first
    directory.update(ready, http, {"public_base_url": "https://new.acme.example"})
    assert webhook.status(ready, ELEVENLABS).since == later
    check_it_is_one(ready, upstream.workspace, "https://new.acme.example")
    assert len(upstream.workspace.webhooks) == 1


@pytest.fixture
def working(ready, http):
    webhook.set_up(ready, http, ELEVENLABS)
    return ready


def check_now(scope, http):
    """What a check found, and the state that it stored."""
    watched = webhook_checks.check(scope, http, ELEVENLABS)
    return bool(watched.problem), bool(watched.failure), webhook.status(scope, ELEVENLABS).state


WELL = (False, False, State.ACTIVE)


def test_check_only_reads_and_names_agents_with_a_webhook_of_their_own(ready, upstream, http, cast):
    assert webhook_checks.check(ready, http, ELEVENLABS) == Watched()
    assert webhook_checks.check(ready, http, PROVIDERS["twilio"]) == Watched()
    assert upstream.requests == []

    webhook.set_up(ready, http, ELEVENLABS)
    del upstream.requests[:]
    assert check_now(ready, http) == WELL
    assert calls(upstream) == [f"GET {WEBHOOKS}", f"GET {SETTINGS}"]
    assert webhook.status(ready, ELEVENLABS).checked_at

    with ready.transaction():
        own = {"organization_id": ready.organization.id, "user_id": cast.mo.id, "provider": "sinch"}
        for number, agent_id in (("+15550000001", RECEPTION), ("+15550000002", NIGHT_SHIFT)):
            ai = {"ai_enabled": True, "ai_provider": "elevenlabs", "ai_agent_id": agent_id}
            ready.session.add(VoicePhoneNumber(**own, **ai, phone_number=number))
    assert check_now(ready, http) == WELL
    upstream.convai.own_webhooks = {RECEPTION: "another", NIGHT_SHIFT: upstream.workspace.selected}
    assert check_now(ready, http) == (True, False, State.IMPAIRED)
    reason = str(webhook.status(ready, ELEVENLABS).reason)
    assert ("Reception" in reason, "Night shift" in reason) == (True, False)


def test_check_repairs_what_the_provider_switched_off_and_look_reports_it(working, upstream, http):
    (own_webhook,) = upstream.workspace.webhooks.values()
    assert upstream.workspace.retried == {own_webhook["webhook_id"]}
    own_webhook["is_auto_disabled"] = True
    assert check_now(working, http) == WELL
    assert not own_webhook["is_auto_disabled"]
    upstream.workspace.retried.clear()
    with working.transaction():
        working.session.scalars(working.select(WebhookSetup)).one().has_retries = False
    assert check_now(working, http) == WELL
    assert upstream.workspace.retried == {own_webhook["webhook_id"]}
    own_webhook["retry_enabled"] = False
    upstream.workspace.retried.clear()
    check_now(working, http)
    assert upstream.workspace.retried == {own_webhook["webhook_id"]}

    webhook.set_up(working, http, ELEVENLABS)
    del own_webhook["retry_enabled"]
    assert webhook_checks.inspect(working, http, ELEVENLABS).state is State.ACTIVE
    upstream.workspace.retried.clear()
    with working.transaction():
        working.session.scalars(working.select(WebhookSetup)).one().has_retries = False
    before = dict(own_webhook)
    del upstream.requests[:]
    assert webhook_checks.inspect(working, http, ELEVENLABS).state is State.IMPAIRED
    own_webhook["is_auto_disabled"] = True
    assert webhook_checks.inspect(working, http, ELEVENLABS).state is State.FAILED
    assert (upstream.writes, dict(own_webhook)) == ([], before | {"is_auto_disabled": True})
    webhook.set_up(working, http, ELEVENLABS)
    assert webhook_checks.inspect(working, http, ELEVENLABS).state is State.ACTIVE


def test_check_reports_and_audits_what_a_user_changed_and_writes_nothing(working, upstream, http):
    def news():
        actions = (Action.CALL_WEBHOOK_FAILED, Action.CALL_WEBHOOK_WORKS)
        events = select(AuditEvent).where(AuditEvent.action.in_(actions)).order_by(AuditEvent.id)
        return [event.action for event in working.session.scalars(events)]

    (own_webhook,) = upstream.workspace.webhooks.values()
    check_now(working, http)
    assert news() == []
    own_webhook["is_disabled"] = True
    for _ in range(2):
        check_now(working, http)
    assert news() == [Action.CALL_WEBHOOK_FAILED]
    own_webhook["is_disabled"] = False
    check_now(working, http)
    assert news() == [Action.CALL_WEBHOOK_FAILED, Action.CALL_WEBHOOK_WORKS]
    own_webhook["is_auto_disabled"] = True
    check_now(working, http)
    assert news()[2:] == [Action.CALL_WEBHOOK_FAILED, Action.CALL_WEBHOOK_WORKS]

    workspace = upstream.workspace
    (own_webhook,) = workspace.webhooks.values()
    other = workspace.add("https://elsewhere.example/calls")
    setting = workspace.settings["webhooks"]
    selected, events = dict(setting), setting["events"]
    wrong: list[Any] = []
    for place, name, value, state in (
        (own_webhook, "is_disabled", True, State.FAILED),
        (own_webhook, "webhook_url", "https://elsewhere.example/x", State.FAILED),
        (setting, "post_call_webhook_id", None, State.FAILED),
        (setting, "post_call_webhook_id", other, State.NEEDS_CONFIRMATION),
        (setting, "events", events[:1], State.FAILED),
        (setting, "transcript_format", "opentelemetry", State.FAILED),
    ):
        before = place[name]
        place[name] = value
        del upstream.requests[:]
        check_result = check_now(working, http)
        if check_result != (True, False, state) or upstream.writes:
            wrong.append((name, value, check_result, upstream.writes))
        place[name] = before
        if check_now(working, http) != WELL:
            wrong.append((name, "again"))
    assert wrong == []
    assert setting == selected


def test_check_reports_failed_deliveries_until_a_report_is_received(working, upstream, http):
    (own_webhook,) = upstream.workspace.webhooks.values()
    failed = clock.now().replace(microsecond=0)
    own_webhook |= {
        "most_recent_failure_error_code": 502,
        "most_recent_failure_timestamp": clock.seconds(failed),
    }
    assert check_now(working, http) == (True, False, State.IMPAIRED)
    status = webhook.status(working, ELEVENLABS)
    assert (status.url, status.disabled_at) == (expected_url(working), None)
    assert "502" in str(status.reason)

    own_webhook |= {"is_disabled": True, "is_auto_disabled": True, "most_recent_failure_error_code": 503}
    assert check_now(working, http) == (True, False, State.IMPAIRED)
    status = webhook.status(working, ELEVENLABS)
    assert (status.failed_at, status.failure_status) == (failed, 503)
    assert status.disabled_at
    assert not own_webhook["is_disabled"]
    findings = overview.page(working).new[0].findings
    assert [one.status for one in findings if one.kind is Kind.WEBHOOK_IMPAIRED] == [503]
    with working.transaction():
        own = {"organization_id": working.organization.id, "kind": "x", "agent_id": "x"}
        working.session.add(Call(**own, conversation_id="x", received_at=failed + timedelta(seconds=5)))
    assert check_now(working, http) == WELL
    document = webhook_documents.of_provider(working, ELEVENLABS)
    assert document["last_failure"] == {"at": clock.utc(failed), "status": 503}
    assert document["auto_disabled_at"]
    with pytest.raises(NotFound):
        webhook_documents.of_provider(working, PROVIDERS["twilio"])


def test_check_during_an_outage_or_of_what_cannot_be_read_keeps_the_state(working, upstream, http):
    """What cannot be read is not gone, and is not created again."""
    workspace, checked_at = upstream.workspace, webhook.status(working, ELEVENLABS).checked_at
    ((own_id, own_webhook),) = workspace.webhooks.items()
    upstream.trouble = Trouble.FAULT
    assert check_now(working, http) == (False, True, State.ACTIVE)
    upstream.trouble = None
    wrong: list[Any] = []
    for odd in ("text", {"webhook_id": 7}, {"webhook_id": "x", "webhook_url": []}):
        workspace.webhooks = {own_id: odd}
        check_result = check_now(working, http)
        unchanged_at = webhook.status(working, ELEVENLABS).checked_at
        del upstream.requests[:]
        webhook.set_up(working, http, ELEVENLABS)
        if check_result != (False, True, State.ACTIVE) or unchanged_at != checked_at or upstream.writes:
            wrong.append((odd, check_result, unchanged_at, upstream.writes))
        workspace.webhooks = {own_id: own_webhook, "odd": odd}
        if check_now(working, http) != WELL:
            wrong.append((odd, "beside ours"))
        checked_at = webhook.status(working, ELEVENLABS).checked_at
    assert wrong == []
    upstream.permissions.discard("workspace")
    assert check_now(working, http) == (True, False, State.FAILED)
