"""The calls that keep a workspace's webhook, one by one."""

from __future__ import annotations

import pytest

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal
from app.providers import elevenlabs
from simulators.base import CANARY, Reply, Trouble
from simulators.elevenlabs import ElevenLabs, error

URL = "https://voice.acme.example/api/webhook/elevenlabs/acme"
SETTING = {"post_call_webhook_id": None, "events": ["audio", 7], "transcript_format": "json"}

CALLS = {
    "list": elevenlabs.webhooks,
    "make": lambda http, values: elevenlabs.make_webhook(http, values, "Patchbay", URL),
    "switch on": lambda http, values: elevenlabs.switch_webhook_on(http, values, "some-id", "Patchbay"),
    "delete": lambda http, values: elevenlabs.delete_webhook(http, values, "some-id"),
    "read": elevenlabs.call_webhooks,
    "tell": lambda http, values: elevenlabs.tell_of_calls(http, values, SETTING, "some-id"),
}


@pytest.fixture
def upstream():
    with ElevenLabs() as running:
        yield running


def ask(upstream, name, **changes):
    return CALLS[name](Outbound(upstream.upstreams, deadline=5.0), upstream.values | changes)


@pytest.mark.parametrize("name", CALLS)
def test_a_refusal_says_why_and_repeats_nothing(upstream, name):
    upstream.permissions.remove("workspace")
    refusals: list[tuple[dict[str, str], Reply | None, Outcome]] = [
        ({"api_key": "made-up-and-wrong"}, None, Outcome.BAD_CREDENTIALS),
        ({}, None, Outcome.NO_PERMISSION),
        ({}, error(401, "quota_exceeded"), Outcome.RATE_LIMITED),
        ({}, error(429, "system_busy"), Outcome.RATE_LIMITED),
        ({}, Reply(429, CANARY), Outcome.RATE_LIMITED),
        ({}, Reply(422, {"detail": [{"loc": [], "msg": CANARY}]}), Outcome.UNEXPECTED_ANSWER),
        ({}, error(400, "something_new"), Outcome.UNEXPECTED_ANSWER),
        ({}, Reply(500, CANARY), Outcome.UNEXPECTED_ANSWER),
    ]
    for changes, reply, code in refusals:
        upstream.refusal = reply
        with pytest.raises(Refusal) as refused:
            ask(upstream, name, **changes)
        result = refused.value.result
        assert (result.ok, result.code) == (False, code)
        assert CANARY not in result.reason
        assert upstream.values["api_key"] not in result.reason
        assert result.reason.endswith(".")


@pytest.mark.parametrize("name", ["list", "make", "read"])
@pytest.mark.parametrize("trouble", [Trouble.HTML, Trouble.ODD])
def test_an_answer_that_is_something_else_is_no_answer(upstream, name, trouble):
    upstream.trouble = trouble
    with pytest.raises(Refusal) as refused:
        ask(upstream, name)
    assert refused.value.result.code == Outcome.UNEXPECTED_ANSWER


@pytest.mark.parametrize("name", ["make", "switch on", "delete", "tell"])
def test_a_write_is_sent_once(upstream, name):
    upstream.trouble = Trouble.FAULT
    with pytest.raises(Refusal):
        ask(upstream, name)
    assert len(upstream.requests) == 1


def test_a_provider_that_is_away_is_the_clients_to_tell(upstream):
    with pytest.raises(OutboundError):
        elevenlabs.webhooks(Outbound({"api.elevenlabs.io": "http://127.0.0.1:9"}), upstream.values)


def test_odd_entries_of_the_list_are_read_as_far_as_they_go(upstream):
    made = upstream.workspace.add(URL, is_auto_disabled=True)
    upstream.workspace.webhooks |= {
        "odd": {"webhook_id": 7},
        "bare": {"webhook_id": "bare"},
        "none": {"webhook_id": "none", "name": None, "webhook_url": []},
    }
    found = ask(upstream, "list")
    assert [webhook.id for webhook in found] == [made, "bare", "none"]
    assert [webhook.is_off for webhook in found] == [True, False, False]
    assert found[2].url == found[2].name == ""


def test_what_is_set_already_is_kept_and_what_is_needed_is_added():
    assert elevenlabs.call_events(SETTING) == ["audio", "transcript", "call_initiation_failure"]
    assert elevenlabs.call_events({"events": None}) == ["transcript", "call_initiation_failure"]
    assert elevenlabs.told_of_calls({"post_call_webhook_id": ""}) is None


def test_its_secret_is_in_no_repr(upstream):
    made = ask(upstream, "make")
    assert made.secret
    assert made.secret not in repr(made)


def test_one_that_is_gone_is_deleted(upstream):
    ask(upstream, "delete")


def test_an_id_leads_nowhere_else(upstream):
    elevenlabs.delete_webhook(Outbound(upstream.upstreams), upstream.values, "../../convai/agents?x=y")
    assert "/v1/convai/agents" not in [seen.path for seen in upstream.requests]
