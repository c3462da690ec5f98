"""ElevenLabs' agents, and the phone numbers that they answer."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal
from app.provider.voice_ai import Agent, ImportedNumber, new_label
from app.providers import PROVIDERS
from app.providers.elevenlabs import agents, messages
from simulators.base import CANARY, Reply, Trouble
from simulators.elevenlabs import error
from simulators.elevenlabs.numbers import NIGHT_SHIFT, RECEPTION, Fault

KEY = "elevenlabs"
LABS = PROVIDERS[KEY]
NUMBER = "+14165550100"
DOMAIN = "sample.trunk.example"
ODD: list[Any] = [None, 7, CANARY, [], {}, {"phone_number_id": "a/../b", "phone_number": NUMBER}]


@pytest.fixture
def http(upstream):
    return Outbound(upstream.upstreams, deadline=5.0)


@pytest.fixture
def call(upstream, http):
    return lambda name, *args: getattr(LABS, name)(http, upstream.values, *args)


CALLS = {
    "agents": ((), "GET", messages.READ_AGENTS),
    "imported_numbers": ((), "GET", messages.READ_NUMBERS),
    "import_number": ((NUMBER, DOMAIN, "Patchbay 1"), "POST", messages.IMPORT_NUMBERS),
    "assign_agent": (("phnum_sample_1", RECEPTION), "PATCH", messages.CHANGE_NUMBERS),
    "remove_number": (("phnum_sample_1",), "DELETE", messages.DELETE_NUMBERS),
}


def refusal_of(call, name):
    with pytest.raises(Refusal) as refused:
        call(name, *CALLS[name][0])
    assert CANARY not in refused.value.result.reason
    assert not refused.value.result.ok
    return refused.value.result


def test_agents_are_sorted_and_cleaned_from_every_page(upstream, call, monkeypatch):
    assert call("agents") == [Agent(NIGHT_SHIFT, "Night shift"), Agent(RECEPTION, "Reception")]
    assert [request.query for request in upstream.requests] == [{"page_size": "100"}]

    upstream.reset()
    upstream.convai.agents = {"a1": "One\n\x1b[31m\u2028two" + "x" * 500, "a2": "", "a/3": "Odd id"}
    first, second = call("agents")
    assert (first.id, first.name) == ("a2", "a2")
    assert second.name.startswith("One [31m twox")
    assert len(second.name) == 100

    upstream.reset()
    upstream.convai.agents = {f"agent_{n}": f"Agent {n:03}" for n in range(25)}
    upstream.convai.page_size = 10
    assert len(call("agents")) == 25
    assert [request.query.get("cursor") for request in upstream.requests] == [None, "10", "20"]
    monkeypatch.setattr(agents, "MOST_PAGES", 2)
    assert len(call("agents")) == 20


def test_import_number_sends_the_trunk_domain_and_needs_an_id(upstream, call, subtests):
    label = new_label(NUMBER)
    assert label.startswith(f"Patchbay {NUMBER} ")
    assert label != new_label(NUMBER)
    number_id = call("import_number", NUMBER, DOMAIN, label)
    assert upstream.convai.numbers == {
        number_id: {
            "provider": "sip_trunk",
            "phone_number": NUMBER,
            "label": label,
            "inbound_trunk_config": {"media_encryption": "allowed"},
            "outbound_trunk_config": {
                "address": DOMAIN,
                "transport": "auto",
                "media_encryption": "allowed",
            },
            "agent_id": None,
        }
    }
    assert call("imported_numbers")[NUMBER] == [ImportedNumber(number_id, None, label)]

    for number_id in [None, 7, "", "a/../b", {"x": 1}]:
        with subtests.test(made=number_id):
            upstream.reset()
            upstream.convai.faults = [Fault("POST", "/v1/convai", Reply(200, {"phone_number_id": number_id}))]
            assert refusal_of(call, "import_number").code == Outcome.UNEXPECTED_ANSWER


def test_imported_number_is_found_given_agents_and_removed(upstream, call, subtests):
    assert call("imported_numbers") == {}
    convai = upstream.convai
    convai.odd = ODD
    convai.add("+14165550101", RECEPTION)
    convai.add(NUMBER, RECEPTION, provider="twilio")
    manual = convai.add(NUMBER, RECEPTION)
    own_id = convai.add(NUMBER, label=f"Patchbay {NUMBER}")
    imported_numbers = call("imported_numbers")[NUMBER]
    assert imported_numbers == [
        ImportedNumber(manual, RECEPTION, "Imported manually"),
        ImportedNumber(own_id, None, f"Patchbay {NUMBER}"),
    ]
    assert [one.is_ours for one in imported_numbers] == [False, True]

    upstream.reset()
    number = upstream.convai.add(NUMBER)
    call("remove_number", number)
    assert upstream.convai.numbers == {}
    call("remove_number", number)

    upstream.reset()
    number = upstream.convai.add(NUMBER)
    for agent in (RECEPTION, NIGHT_SHIFT, None):
        call("assign_agent", number, agent)
        assert upstream.convai.numbers[number]["agent_id"] == agent

    for number in ["phnum_sample_1", "phnum_sample_9"]:
        with subtests.test(number=number):
            upstream.reset()
            upstream.convai.add(NUMBER)
            with pytest.raises(Refusal) as refused:
                call("assign_agent", number, "agent_unknown")
            assert refused.value.result.code == Outcome.NOT_FOUND

    upstream.reset()
    with pytest.raises(Refusal):
        call("assign_agent", "a/../../b?c#d", RECEPTION)
    assert [request.path for request in upstream.requests] == [
        "/v1/convai/phone-numbers/a%2F..%2F..%2Fb%3Fc%23d"
    ]


def test_calls_refused_have_their_code_whatever_the_response(upstream, http, call, subtests):
    for name, (args, method, lacks) in CALLS.items():
        upstream.reset()
        upstream.convai.add(NUMBER)
        with pytest.raises(Refusal) as refused:
            getattr(LABS, name)(http, {"api_key": "sample-and-wrong"}, *args)
        assert refused.value.result.code == Outcome.BAD_CREDENTIALS
        for upstream.is_newer in (False, True):
            upstream.permissions = {"convai_read"} if method != "GET" else {"convai_write"}
            result = refusal_of(call, name)
            assert result.code == Outcome.NO_PERMISSION
            assert result.reason == messages.lacks_permission(lacks)

    upstream.reset()
    for name in CALLS:
        for reply, code in [
            (error(429, "too_many_concurrent_requests"), Outcome.RATE_LIMITED),
            (error(429, "system_busy"), Outcome.RATE_LIMITED),
            (Reply(422, {"detail": [{"loc": [], "msg": CANARY, "type": "x"}]}), Outcome.UNEXPECTED_ANSWER),
            (Reply(500, {"detail": CANARY}), Outcome.UNEXPECTED_ANSWER),
            (Reply(202, "<p>" + CANARY), Outcome.UNEXPECTED_ANSWER),
        ]:
            with subtests.test(reply=reply, code=code):
                upstream.reset()
                upstream.refusal = reply
                assert refusal_of(call, name).code == code

    for name in ["agents", "imported_numbers", "import_number"]:
        for trouble in [Trouble.HTML, Trouble.ODD]:
            with subtests.test(name=name, trouble=trouble):
                upstream.reset()
                upstream.trouble = trouble
                if (name, trouble) == ("imported_numbers", Trouble.ODD):
                    assert call("imported_numbers") == {}
                else:
                    assert refusal_of(call, name).code == Outcome.UNEXPECTED_ANSWER


def test_calls_send_a_write_once_and_pass_an_outage_through(upstream, call, subtests):
    for name in ["import_number", "assign_agent", "remove_number"]:
        with subtests.test(name=name):
            upstream.reset()
            upstream.trouble = Trouble.FAULT
            refusal_of(call, name)
            assert len(upstream.requests) == 1

    for name in CALLS:
        away = Outbound({"api.elevenlabs.io": "http://127.0.0.1:9"}, deadline=0.2)
        with pytest.raises(OutboundError):
            getattr(LABS, name)(away, upstream.values, *CALLS[name][0])
