"""Exactly one webhook of ours at ElevenLabs, whatever happens on the way."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.errors import Conflict
from app.core.outbound.client import Outbound
from app.models import AuditEvent, Secret, WebhookSetup
from app.providers import PROVIDERS
from app.services.connections import store, verification
from app.services.organizations import directory
from app.services.providers import credentials, telephony
from app.services.scope import Scope
from app.services.voice_ai import config, messages, webhook
from app.services.voice_ai.webhook import State
from simulators.base import CANARY, Reply, Trouble
from simulators.elevenlabs import KEY, ElevenLabs
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


def wanted(scope, base=BASE):
    return f"{base}/api/webhook/elevenlabs/{scope.organization.id}"


def calls(upstream):
    return [f"{seen.method} {seen.path}" for seen in upstream.requests]


def check_it_is_one(scope, workspace, base=BASE):
    """One webhook of ours there, told about calls, and stored here with its secret."""
    (ours,) = [one for one in workspace.webhooks.values() if scope.organization.id in one["webhook_url"]]
    assert ours["webhook_url"] == wanted(scope, base)
    assert not ours["is_disabled"]
    assert not ours["is_auto_disabled"]
    assert workspace.told == ours["webhook_id"]
    scope.session.rollback()
    scope.session.expire_all()
    connection = store.load(scope, ELEVENLABS)
    assert connection.values["webhook_id"] == ours["webhook_id"]
    assert connection.secrets["webhook_secret"].value == workspace.secrets[ours["webhook_id"]]
    status = webhook.status(scope, ELEVENLABS)
    assert (status.state, status.url) == (State.ACTIVE, wanted(scope, base))


def test_it_is_made_stored_and_told_about_calls(ready, upstream, http):
    status = webhook.set_up(ready, http, ELEVENLABS)
    assert status.state is State.ACTIVE
    check_it_is_one(ready, upstream.workspace)
    assert calls(upstream) == [
        f"GET {WEBHOOKS}",
        f"POST {WEBHOOKS}",
        f"GET {SETTINGS}",
        f"PATCH {SETTINGS}",
    ]
    (made,) = upstream.workspace.webhooks.values()
    assert made["name"] == "Patchbay Acme Support"


def test_the_last_test_of_the_key_still_holds(ready, upstream, http):
    verification.verify(ready, http, ELEVENLABS, {})
    webhook.set_up(ready, http, ELEVENLABS)
    last = verification.last(ready, store.load(ready, ELEVENLABS))
    assert last is not None
    assert last.ok


def test_what_else_is_set_stays_as_it_was(ready, upstream, http):
    webhook.set_up(ready, http, ELEVENLABS)
    setting = dict(upstream.workspace.settings["webhooks"])
    assert setting.pop("post_call_webhook_id")
    assert setting == {
        "events": ["audio", "transcript", "call_initiation_failure"],
        "transcript_format": "opentelemetry",
    }
    assert upstream.workspace.settings["can_use_mcp_servers"] is True


def test_doing_it_again_changes_nothing(ready, upstream, http):
    first = webhook.set_up(ready, http, ELEVENLABS)
    for _ in range(4):
        del upstream.requests[:]
        assert webhook.set_up(ready, http, ELEVENLABS) == first
        assert calls(upstream) == [f"GET {WEBHOOKS}", f"GET {SETTINGS}"]
    check_it_is_one(ready, upstream.workspace)


@pytest.mark.parametrize(
    ("lack", "reason"),
    [
        (lambda scope: credentials.save(scope, ELEVENLABS, {"api_key": None}), "API key"),
        (lambda scope: credentials.save(scope, ELEVENLABS, {}, enabled=False), "disabled"),
        (lambda scope: setattr(scope.organization, "public_base_url", None), "base URL"),
        (lambda scope: setattr(scope.session.scalars(scope.select(Secret)).one(), "sealed", "x"), "API key"),
    ],
)
def test_follow_with_missing_settings_makes_no_call(ready, upstream, http, lack, reason):
    lack(ready)
    ready.session.commit()
    status = webhook.set_up(ready, http, ELEVENLABS)
    assert (status.state, status.can_start) == (State.WAITING, False)
    assert reason in str(status.reason)
    assert upstream.requests == []
    row = ready.session.scalars(ready.select(WebhookSetup)).one()
    ready.session.refresh(row)
    assert (row.state, row.reason, row.leased_until) == ("waiting", status.reason, None)


SAVES = {
    "voice AI": lambda scope, http: config.save(scope, http, {"aiVoiceProvider": "elevenlabs"}),
    "form": lambda scope, http: credentials.save_sent(scope, http, ELEVENLABS, {"elevenlabs_api_key": KEY}),
    "enabled": lambda scope, http: credentials.set_enabled(scope, http, ELEVENLABS, True),
    "tool secret": config.generate_tool_secret,
    "telephony": lambda scope, http: telephony.update(scope, http, {"public_base_url": "https://a.example"}),
    "settings": lambda scope, http: directory.update(scope, http, {"public_base_url": "https://a.example"}),
}
OTHERS = {
    "another provider": lambda scope, http: credentials.save_sent(scope, http, PROVIDERS["vobiz"], {}),
    "name": lambda scope, http: directory.update(scope, http, {"name": "Acme", "public_base_url": BASE}),
    "same base": lambda scope, http: telephony.update(scope, http, {"public_base_url": BASE}),
}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_it_follows_a_save(ready, upstream, http, save):
    save(ready, http)
    check_it_is_one(ready, upstream.workspace, str(ready.organization.public_base_url))


@pytest.mark.parametrize("save", OTHERS.values(), ids=OTHERS)
def test_it_does_not_follow_what_has_nothing_to_do_with_it(ready, upstream, http, save):
    save(ready, http)
    assert upstream.requests == []


def test_no_transaction_is_open_meanwhile_and_the_save_is_committed(
    ready, scopes, upstream, http, monkeypatch
):
    seen = []
    answer = upstream.answer

    def watched(asked):
        with scopes.of("dana") as other:
            seen.append((ready.session.in_transaction(), config.config(other)["aiVoiceProvider"]))
        return answer(asked)

    monkeypatch.setattr(upstream, "answer", watched)
    config.save(ready, http, {"aiVoiceProvider": "elevenlabs"})
    assert seen == [(False, "elevenlabs")] * 4


def test_a_new_base_url_takes_the_old_ones_place(ready, upstream, http):
    webhook.set_up(ready, http, ELEVENLABS)
    directory.update(ready, http, {"public_base_url": "https://new.acme.example"})
    check_it_is_one(ready, upstream.workspace, "https://new.acme.example")
    assert len(upstream.workspace.webhooks) == 1


def test_those_that_were_left_behind_are_found_by_their_address(ready, upstream, http):
    for base in (BASE, "https://old.acme.example", "https://old.acme.example:8443/sub"):
        upstream.workspace.add(wanted(ready, base))
    theirs = upstream.workspace.add(f"{BASE}/api/webhook/elevenlabs/another-organization")
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)
    assert len(upstream.workspace.webhooks) == 2
    assert theirs in upstream.workspace.webhooks


@pytest.mark.parametrize("why", ["is_disabled", "is_auto_disabled"])
def test_one_that_was_switched_off_is_switched_on(ready, upstream, http, why):
    webhook.set_up(ready, http, ELEVENLABS)
    (made,) = upstream.workspace.webhooks.values()
    made[why] = True
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)
    assert list(upstream.workspace.webhooks) == [made["webhook_id"]]


def test_a_secret_that_is_lost_here_makes_a_new_one(ready, upstream, http):
    webhook.set_up(ready, http, ELEVENLABS)
    with ready.transaction():
        for row in ready.session.scalars(ready.select(Secret).where(Secret.field == "webhook_secret")):
            row.sealed = "broken"
    ready.session.expire_all()
    status = webhook.status(ready, ELEVENLABS)
    assert (status.state, status.reason) == (State.FAILED, messages.WEBHOOK_OUTDATED)
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)


def test_without_a_secret_it_failed_and_none_is_left(ready, upstream, http):
    upstream.workspace.tells_secret = False
    status = webhook.set_up(ready, http, ELEVENLABS)
    assert (status.state, status.reason) == (State.FAILED, messages.webhook_without_secret("ElevenLabs"))
    assert upstream.workspace.webhooks == {}
    assert "webhook_id" not in store.load(ready, ELEVENLABS).values


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


def _afresh(scope, upstream, http, start):
    credentials.forget(scope, ELEVENLABS)
    credentials.save(scope, ELEVENLABS, {"api_key": KEY})
    upstream.workspace = Workspace()
    if start == "moved":
        with scope.transaction():
            scope.organization.public_base_url = "https://old.acme.example"
        webhook.set_up(scope, http, ELEVENLABS)
        with scope.transaction():
            scope.organization.public_base_url = BASE


@pytest.mark.parametrize(("start", "steps"), [("new", 8), ("moved", 9)])
@pytest.mark.usefixtures("no_lease")
def test_killed_after_any_step_it_ends_with_one_the_next_time(ready, upstream, http, start, steps):
    for number in range(1, steps + 1):
        _afresh(ready, upstream, http, start)
        assert _killed(ready, upstream, number), number
        webhook.set_up(ready, http, ELEVENLABS)
        check_it_is_one(ready, upstream.workspace)
        assert len(upstream.workspace.webhooks) == 1, number
    _afresh(ready, upstream, http, start)
    assert not _killed(ready, upstream, steps + 1)


@pytest.mark.parametrize("start", ["new", "moved"])
def test_an_answer_that_is_lost_is_not_asked_for_twice(ready, upstream, http, monkeypatch, start):
    """What was asked is done each time, and the answer is a fault."""
    answer = upstream.answer
    lost = []

    def losing(asked):
        reply = answer(asked)
        if asked.method != "GET" and asked.method not in lost:
            lost.append(asked.method)
            return Reply(500, {})
        return reply

    _afresh(ready, upstream, http, start)
    monkeypatch.setattr(upstream, "answer", losing)
    for method in ("POST", "PATCH", "DELETE"):
        status = webhook.set_up(ready, http, ELEVENLABS)
        assert (status.state, lost[-1]) == (State.FAILED, method)
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)
    assert len(upstream.workspace.webhooks) == 1


def test_two_at_once_make_one(ready, scopes, upstream, http):
    ready.session.commit()
    answers = scopes.at_once(*[("dana", lambda scope: webhook.set_up(scope, http, ELEVENLABS))] * 6)
    assert {status.state for status in winners(answers)} == {State.ACTIVE}
    assert {type(answer) for answer in answers if isinstance(answer, Exception)} <= {Conflict}
    check_it_is_one(ready, upstream.workspace)
    assert len(upstream.workspace.webhooks) == 1


def test_while_the_lease_lasts_a_second_one_is_told_so(ready, upstream, http, monkeypatch):
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
def test_one_that_came_back_too_late_leaves_the_others_work_alone(ready, scopes, upstream, http, monkeypatch):
    """Its lease ran out between making a webhook and storing it, and somebody else did all of it."""
    answer = upstream.answer
    turns: list[int] = []

    def slow(asked):
        reply = answer(asked)
        if asked.method == "POST" and not turns:
            turns.append(1)
            with scopes.of("dana") as other:
                webhook.set_up(other, http, ELEVENLABS)
        return reply

    monkeypatch.setattr(upstream, "answer", slow)
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)


def test_a_key_that_was_changed_meanwhile_is_told(ready, scopes, upstream, http, monkeypatch):
    answer = upstream.answer

    def changing(asked):
        if asked.method == "POST":
            with scopes.of("dana") as other:
                credentials.save(other, ELEVENLABS, {"api_key": "sample-and-newer"})
        return answer(asked)

    monkeypatch.setattr(upstream, "answer", changing)
    status = webhook.set_up(ready, http, ELEVENLABS)
    assert (status.state, status.reason) == (State.FAILED, messages.WEBHOOK_CHANGED)
    assert upstream.workspace.webhooks == {}
    assert "webhook_secret" not in store.load(ready, ELEVENLABS).secrets


class TestSomebodyElses:
    """In the place where ours should be."""

    @pytest.fixture
    def foreign(self, upstream):
        made = upstream.workspace.add("https://crm.example/calls", "CRM\n\u202e of \x07Acme")
        upstream.workspace.settings["webhooks"]["post_call_webhook_id"] = made
        return made

    def test_it_is_left_alone_and_asked_about(self, ready, upstream, http, foreign):
        before = dict(upstream.workspace.settings["webhooks"])
        for _ in range(2):
            status = webhook.set_up(ready, http, ELEVENLABS)
            assert (status.state, status.foreign_id) == (State.NEEDS_CONFIRMATION, foreign)
            assert f"CRM of Acme ({foreign})" in str(status.reason)
        assert upstream.workspace.settings["webhooks"] == before
        assert len(upstream.workspace.webhooks) == 2

    def test_it_is_replaced_when_it_is_named(self, ready, upstream, http, foreign):
        webhook.set_up(ready, http, ELEVENLABS)
        assert webhook.set_up(ready, http, ELEVENLABS, replace="another").state is State.NEEDS_CONFIRMATION
        webhook.set_up(ready, http, ELEVENLABS, replace=foreign)
        check_it_is_one(ready, upstream.workspace)
        assert foreign in upstream.workspace.webhooks
        noted = ready.select(AuditEvent).where(AuditEvent.action == "webhook.replaced")
        (event,) = ready.session.scalars(noted)
        assert event.changes == {"post_call_webhook": [foreign, upstream.workspace.told]}

    def test_another_organizations_is_somebody_elses(self, ready, globex, upstream, http):
        webhook.set_up(ready, http, ELEVENLABS)
        directory.update(globex, http, {"public_base_url": BASE})
        credentials.save(globex, ELEVENLABS, {"api_key": KEY})
        status = webhook.set_up(globex, http, ELEVENLABS)
        assert (status.state, status.foreign_id) == (State.NEEDS_CONFIRMATION, upstream.workspace.told)
        check_it_is_one(ready, upstream.workspace)


def test_one_that_cannot_be_deleted_is_told_and_tried_again(ready, upstream, http):
    older = upstream.workspace.add(wanted(ready, "https://old.acme.example"))
    upstream.workspace.keeps = {older}
    status = webhook.set_up(ready, http, ELEVENLABS)
    assert status.state is State.FAILED
    assert "could not be deleted" in str(status.reason)
    upstream.workspace.keeps = set()
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Trouble.FAULT, "status 500"),
        (Trouble.RATE_LIMITED, "status 429"),
        (Trouble.HTML, "status 200"),
        (Trouble.ODD, "status 200"),
    ],
)
def test_trouble_is_kept_as_a_sentence_that_repeats_nothing(ready, upstream, http, trouble, words):
    upstream.trouble = trouble
    config.save(ready, http, {"aiVoiceProvider": "elevenlabs"})
    status = webhook.status(ready, ELEVENLABS)
    assert status.state is State.FAILED
    assert words in str(status.reason)
    assert KEY not in str(status.reason)
    assert CANARY not in str(status.reason)
    upstream.trouble = None
    webhook.set_up(ready, http, ELEVENLABS)
    check_it_is_one(ready, upstream.workspace)


def test_a_provider_that_is_away_does_not_fail_the_save(ready):
    away = Outbound({"api.elevenlabs.io": "http://127.0.0.1:9"}, deadline=2.0)
    config.save(ready, away, {"aiVoiceProvider": "elevenlabs"})
    status = webhook.status(ready, ELEVENLABS)
    assert (status.state, status.reason) == (State.FAILED, "api.elevenlabs.io refused the connection.")


def test_a_fault_of_ours_does_not_fail_the_save_either(ready, http, monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(type(ELEVENLABS), "webhooks", broken)
    config.save(ready, http, {"aiVoiceProvider": "elevenlabs"})
    assert webhook.status(ready, ELEVENLABS).reason == messages.WEBHOOK_FAULT
    monkeypatch.setattr(webhook, "_begin", broken)
    config.save(ready, http, {"aiVoiceProvider": "sinch_est"})
    assert config.config(ready)["aiVoiceProvider"] == "sinch_est"


def test_it_is_audited_without_its_secret(ready, upstream, http):
    webhook.set_up(ready, http, ELEVENLABS)
    (secret,) = upstream.workspace.secrets.values()
    changes = [event.changes for event in ready.session.scalars(ready.select(AuditEvent))]
    assert {
        "elevenlabs_webhook_id": [None, upstream.workspace.told],
        "elevenlabs_webhook_secret": ["not set", "set"],
    } in changes
    assert secret not in str(changes)


def test_it_works_since_it_began_to(ready, http, monkeypatch):
    first = webhook.set_up(ready, http, ELEVENLABS).since
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert webhook.set_up(ready, http, ELEVENLABS).since == first
    directory.update(ready, http, {"public_base_url": "https://new.acme.example"})
    assert webhook.status(ready, ELEVENLABS).since == later


def test_whoever_forgets_the_connection_leaves_it_there(ready, upstream, http):
    assert not webhook.is_made(store.load(ready, ELEVENLABS))
    webhook.set_up(ready, http, ELEVENLABS)
    assert webhook.is_made(store.load(ready, ELEVENLABS))
    credentials.forget(ready, ELEVENLABS)
    assert webhook.status(ready, ELEVENLABS).state is State.WAITING
    assert len(upstream.workspace.webhooks) == 1
    credentials.save_sent(ready, http, ELEVENLABS, {"elevenlabs_api_key": KEY})
    check_it_is_one(ready, upstream.workspace)
