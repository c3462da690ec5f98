"""The calls that keep a workspace's webhook, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal
from app.provider.voice_ai import CallWebhookSetting
from app.providers import PROVIDERS
from simulators.base import CANARY, Reply, Trouble
from simulators.elevenlabs import ElevenLabs, error

URL = "https://voice.acme.example/api/webhook/elevenlabs/acme"
LABS: Any = PROVIDERS["elevenlabs"]
SETTING = {"post_call_webhook_id": None, "events": ["audio", 7], "transcript_format": "json"}

CALLS = {
    "list": LABS.webhooks,
    "create": lambda http, values: LABS.create_webhook(http, values, "Patchbay", URL),
    "enable": lambda http, values: LABS.enable_webhook(http, values, "some-id", "Patchbay"),
    "delete": lambda http, values: LABS.delete_webhook(http, values, "some-id"),
    "read setting": LABS.call_webhook,
    "set": lambda http, values: LABS.set_call_webhook(
        http, values, CallWebhookSetting(None, False, SETTING), "some-id"
    ),
}


@pytest.fixture
def upstream():
    with ElevenLabs() as running:
        yield running


def ask(upstream, name, **changes):
    return CALLS[name](Outbound(upstream.upstreams, deadline=5.0), upstream.values | changes)


def test_calls_report_refusals_without_provider_text(upstream, subtests):
    for name in CALLS:
        with subtests.test(name=name):
            upstream.reset()
            upstream.permissions.remove("workspace")
            refusals: list[tuple[dict[str, str], Reply | None, Outcome]] = [
                ({"api_key": "sample-and-wrong"}, None, Outcome.BAD_CREDENTIALS),
                ({}, None, Outcome.NO_PERMISSION),
                ({}, error(401, "quota_exceeded"), Outcome.NO_CREDIT),
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

    for name in ["list", "create", "read setting"]:
        for trouble in [Trouble.HTML, Trouble.ODD]:
            with subtests.test(name=name, trouble=trouble):
                upstream.reset()
                upstream.trouble = trouble
                with pytest.raises(Refusal) as refused:
                    ask(upstream, name)
                assert refused.value.result.code == Outcome.UNEXPECTED_ANSWER

    with pytest.raises(OutboundError):
        LABS.webhooks(Outbound({"api.elevenlabs.io": "http://127.0.0.1:9"}), upstream.values)


def test_webhook_calls_write_once_at_their_address_and_hide_the_secret(upstream, subtests):
    for name in ["create", "enable", "delete", "set"]:
        with subtests.test(name=name):
            upstream.reset()
            upstream.trouble = Trouble.FAULT
            with pytest.raises(Refusal):
                ask(upstream, name)
            assert len(upstream.requests) == 1

    upstream.reset()
    created = ask(upstream, "create")
    assert created.secret
    assert created.secret not in repr(created)

    ask(upstream, "delete")

    LABS.delete_webhook(Outbound(upstream.upstreams), upstream.values, "../../convai/agents?x=y")
    assert "/v1/convai/agents" not in [request.path for request in upstream.requests]


def test_odd_webhooks_are_read_and_the_rest_of_the_setting_is_kept(upstream):
    webhook_id = upstream.workspace.add(URL, is_auto_disabled=True)
    upstream.workspace.webhooks |= {
        "odd": {"webhook_id": 7},
        "bare": {"webhook_id": "bare"},
        "none": {"webhook_id": "none", "name": None, "webhook_url": []},
    }
    observed = ask(upstream, "list")
    assert [webhook.id for webhook in observed] == [webhook_id, "bare", "none"]
    assert [webhook.is_disabled for webhook in observed] == [True, False, False]
    assert observed[2].url == observed[2].name == ""
    assert not observed.is_whole

    upstream.reset()
    webhook_id = upstream.workspace.add(URL)
    http = Outbound(upstream.upstreams)
    needed = ["transcript", "call_initiation_failure"]
    wrong = []
    for events, expected in (
        (["audio", 7], ["audio", *needed]),
        (None, needed),
        (needed, needed),
    ):
        document = {"post_call_webhook_id": "", "events": events, "transcript_format": "json"}
        upstream.workspace.settings["webhooks"] = document
        setting = LABS.call_webhook(http, upstream.values)
        LABS.set_call_webhook(http, upstream.values, setting, webhook_id)
        now = document | {"post_call_webhook_id": webhook_id, "events": expected}
        observed = (setting.webhook_id, setting.has_all_events, upstream.workspace.settings["webhooks"])
        if observed != (None, events == needed, now):
            wrong.append(observed)
    assert wrong == []
