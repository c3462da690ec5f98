"""PUT …/phone-numbers/{user_id}/{provider}/{phone_number}/ai."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from app.providers import sinch_est
from simulators.base import Reply
from simulators.elevenlabs import ElevenLabs
from simulators.elevenlabs.numbers import NIGHT_SHIFT, NUMBERS, RECEPTION, Fault
from simulators.sinch_est import NUMBER, SinchEst
from tests.support.caller import Caller, fields
from tests.support.cast import Cast
from tests.support.rows import unchanged


@pytest.fixture
def est() -> Iterator[SinchEst]:
    sinch_est.tokens.clear()
    with SinchEst() as upstream:
        yield upstream


@pytest.fixture
def labs(app: Flask, est: SinchEst) -> Iterator[ElevenLabs]:
    with ElevenLabs() as upstream:
        both = {**est.upstreams, **upstream.upstreams}
        app.extensions["patchbay_outbound"] = Outbound(both, deadline=2.0)
        yield upstream


@pytest.fixture
def path(dana: Caller, cast: Cast, est: SinchEst, labs: ElevenLabs) -> str:
    """Of Mo's number, where everything is connected."""
    names = {"key_id": "KeyId", "key_secret": "KeySecret", "project_id": "ProjectId", "trunk_id": "TrunkId"}
    config = {f"sinchEst{word}": est.values[name] for name, word in names.items()}
    dana.post("/api/calls/voice-ai/config", config | {"elevenlabsApiKey": labs.values["api_key"]})
    numbers = f"/api/organizations/{cast.acme}/phone-numbers"
    for provider in ("sinch", "twilio"):
        dana.post(numbers, {"userId": cast.mo.id, "provider": provider, "phoneNumber": NUMBER})
    return f"{numbers}/{cast.mo.id}/sinch/{NUMBER}/ai"


def test_ai_on_to_another_agent_and_off_as_it_was_read_or_here_only(
    dana: Caller, cast: Cast, labs: ElevenLabs, path: str, app: Flask
) -> None:
    answer = dana.put(path, {"aiEnabled": True, "aiAgentId": RECEPTION})
    (imported_id,) = labs.convai.numbers
    assert answer.status_code == 200
    expected = {
        "provider": "sinch",
        "phoneNumber": NUMBER,
        "isDefault": True,
        "isInboundEnabled": True,
        "aiEnabled": True,
        "aiAgentId": RECEPTION,
        "elevenlabsPhoneNumberId": imported_id,
        "userId": cast.mo.id,
        "userName": "Mo",
    }
    assert answer.json is not None
    assert answer.json.items() >= expected.items()
    config = dana.get("/api/calls/voice-ai/config").json or {}
    assert config["phoneNumbers"] == [expected]
    answer = dana.put(path, {"aiEnabled": True, "aiAgentId": NIGHT_SHIFT})
    assert answer.get_json()["aiAgentId"] == NIGHT_SHIFT
    assert dana.put(path, {"aiEnabled": True}).get_json()["aiAgentId"] == NIGHT_SHIFT
    answer = dana.delete(path.removesuffix("/ai"))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "AI_IS_ON")
    answer = dana.put(path, {"aiEnabled": False})
    assert answer.get_json()["aiEnabled"] is False
    assert not {"aiAgentId", "elevenlabsPhoneNumberId"} & set(answer.get_json())
    assert labs.convai.numbers == {}

    on = dana.put(path, {"aiEnabled": True, "aiAgentId": RECEPTION}).get_json()
    changed = dana.put(path, on | {"aiAgentId": NIGHT_SHIFT})
    assert (changed.status_code, changed.get_json()["aiAgentId"]) == (200, NIGHT_SHIFT)
    with unchanged(app):
        for field, value in {"userName": "Moe", "isDefault": False, "label": "x"}.items():
            assert fields(dana.put(path, changed.get_json() | {field: value})) == {field}
        stale = dana.put(path, {"aiEnabled": False}, headers={"If-Match": f'"{on["version"]}"'})
        assert stale.get_json()["code"] == "STALE"
    labs.convai.faults = [Fault("DELETE", NUMBERS, Reply(500, {}))]
    assert dana.put(path, {"aiEnabled": False}).status_code == 409
    answer = dana.put(path, {"aiEnabled": False, "hereOnly": True})
    assert (answer.get_json()["aiEnabled"], len(labs.convai.numbers)) == (False, 1)


def test_switch_ai_refusals_name_the_field_or_have_codes(
    app: Flask, dana: Caller, gus: Caller, cast: Cast, path: str, *, est: SinchEst, labs: ElevenLabs
) -> None:
    on = {"aiEnabled": True, "aiAgentId": RECEPTION}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "aiEnabled"),
        ({"aiEnabled": None}, "aiEnabled"),
        ({"aiEnabled": True}, "aiAgentId"),
        ({"aiEnabled": True, "aiAgentId": ""}, "aiAgentId"),
        ({"aiEnabled": True, "aiAgentId": "../agents"}, "aiAgentId"),
        ({"aiEnabled": True, "aiAgentId": "x" * 101}, "aiAgentId"),
        ({"aiEnabled": False, "hereOnly": "yes"}, "hereOnly"),
        ({"aiEnabled": False, "elevenlabsPhoneNumberId": "x"}, "elevenlabsPhoneNumberId"),
    ]
    with unchanged(app):
        assert [(payload, fields(dana.put(path, payload))) for payload, _ in wrong] == [
            (payload, {field}) for payload, field in wrong
        ]
        assert dana.put(path.replace(cast.mo.id, cast.dana.id), on).status_code == 404
        assert gus.put(path.replace(cast.acme, cast.globex), on).status_code == 404
        assert fields(dana.put(path.replace(NUMBER, "junk"), on)) == {"phone_number"}

    def refusal(path: str = path) -> str:
        with unchanged(app, but=("audit_events", "provider_writes", "checks")):
            answer = dana.put(path, on)
        assert answer.status_code == 409
        return str(answer.get_json()["code"])

    assert refusal(path.replace("/sinch/", "/twilio/")) == "NOT_A_SINCH_NUMBER"
    est.numbers = {NUMBER: ""}
    assert refusal() == "NUMBER_NOT_ON_TRUNK"
    est.numbers = SinchEst().numbers
    labs.convai.faults = [Fault("PATCH", NUMBERS)]
    assert refusal() == "PROVIDER_REFUSED"
    assert labs.convai.numbers == {}
    labs.convai.faults.append(Fault("DELETE", NUMBERS))
    assert refusal() == "LEFT_AT_PROVIDER"
    app.extensions["patchbay_outbound"] = Outbound(
        dict.fromkeys(est.hosts, "http://127.0.0.1:9"), deadline=0.2
    )
    assert refusal() == "PROVIDER_UNREACHABLE"
    dana.post("/api/calls/voice-ai/config", {"elevenlabsApiKey": None})
    assert refusal() == "PROVIDER_NOT_CONFIGURED"
