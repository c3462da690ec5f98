"""/api/settings/endpoints: create, update, delete, resolve."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.services import messages as shared_messages
from app.services.endpoints import messages
from tests.support import contract
from tests.support.caller import Caller, fields, sentence
from tests.support.rows import unchanged

PATH = "/api/settings/endpoints"
BASE = {"public_base_url": "https://your-domain.com"}


def create(caller: Caller, **body: Any) -> dict[str, Any]:
    answer = caller.post(PATH, contract.ENDPOINT_EXAMPLE | body)
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    return answer.json


def test_create_returns_the_endpoint_as_it_is_stored(dana: Caller) -> None:
    """Its webhook URL needs a base and an agent; texts are unchanged."""
    spelled = create(dana, phone_number=" +91 98765-43211 ")
    assert (spelled["phone_number"], spelled["inbound_webhook_url"]) == ("+919876543211", None)
    dana.put("/api/settings/telephony", BASE)
    created = create(dana)
    assert {name: value for name, value in created.items() if name not in ("id", "created_at")} == {
        **contract.ENDPOINT_EXAMPLE,
        "is_active": True,
        "inbound_webhook_url": "https://your-domain.com/telephony/exotel/inbound/support-agent",
        "proven_at": None,
        "version": 1,
    }
    assert len(created["id"]) == 36
    assert dana.get(f"{PATH}?q=43210").json == [created]
    least = dana.post(PATH, {"phone_number": "+15551234567", "provider": "twilio"})
    assert least.status_code == 201
    names = ("inbound_agent_name", "outbound_agent_name", "label", "inbound_webhook_url")
    assert [least.get_json()[name] for name in names] == [None] * 4
    for n, label in enumerate(("{{7*7}}", "Línea ñ 電話 🐘", "<b>&amp;", 'quote " back\\slash')):
        created = create(dana, phone_number=f"+1555000000{n}", label=label)
        rows = dana.get(PATH, query_string={"q": label}).get_json()
        assert [row["label"] for row in rows] == [created["label"]] == [label]


def test_create_refuses_wrong_fields_and_taken_numbers(app: Flask, dana: Caller, gus: Caller) -> None:
    """The conflict names the caller's own endpoint, and nothing of another organization's."""
    created, foreign = create(dana), create(gus, phone_number="+919876543211")
    with unchanged(app):
        for field in ("phone_number", "provider"):
            answer = dana.post(PATH, {n: v for n, v in contract.ENDPOINT_EXAMPLE.items() if n != field})
            assert (fields(answer), sentence(answer)) == ({field}, shared_messages.REQUIRED)
        answer = dana.post(PATH, contract.ENDPOINT_EXAMPLE | {"inbound_agent": "x"})
        assert sentence(answer) == shared_messages.did_you_mean("inbound_agent_name")
        for number, own in (
            (created["phone_number"], {"existing_id": created["id"]}),
            (foreign["phone_number"], {}),
        ):
            answer = dana.post(PATH, contract.ENDPOINT_EXAMPLE | {"phone_number": number})
            refused = {"success": False, "error": messages.in_use(number), "code": "NUMBER_IN_USE"}
            assert (answer.status_code, answer.json) == (409, own | refused)


def test_update_keeps_omitted_fields_and_delete_frees_the_number(
    app: Flask, dana: Caller, gus: Caller
) -> None:
    """What is null is cleared. A URL that was read may be sent back with another agent, of which it is
    made."""
    dana.put("/api/settings/telephony", BASE)
    created = create(dana)
    path = f"{PATH}/{created['id']}"
    with unchanged(app):
        assert fields(dana.put(path, {"version": True, "label": "x"})) == {"version"}
    expected = created | {"label": "New", "outbound_agent_name": None, "version": 2}
    assert dana.put(path, {"label": " New ", "outbound_agent_name": None}).json == expected
    assert dana.put(path, {}).json == expected
    off = dana.put(path, expected | {"is_active": False, "inbound_agent_name": "other"})
    assert off.json == expected | {
        "is_active": False,
        "inbound_agent_name": "other",
        "inbound_webhook_url": "https://your-domain.com/telephony/exotel/inbound/other",
        "version": 3,
    }
    assert dana.get(PATH).json == [off.json]

    statuses = [dana.delete(path).status_code, dana.delete(path).status_code, dana.put(path, {}).status_code]
    assert (statuses, dana.get(PATH).json) == ([204, 404, 404], [])
    create(gus)


NUMBER = "+919876543210"


def resolve(caller: Caller, direction: str = "inbound") -> dict[str, Any]:
    answer = caller.get(f"{PATH}/resolve", query_string={"phone_number": NUMBER, "direction": direction})
    assert answer.status_code == 200, answer.text
    resolution: dict[str, Any] = answer.get_json()
    return resolution


def test_resolve_returns_the_agent_of_the_direction(dana: Caller, mo: Caller, gus: Caller) -> None:
    dana.put("/api/settings/telephony", contract.TELEPHONY_EXAMPLES["exotel"])
    created = create(dana)
    ready = {"ready": True, "blocked_reason": None, "health": "unknown", "health_reason": "not_checked"}
    expected = {
        "phone_number": NUMBER,
        "direction": "inbound",
        "endpoint_id": created["id"],
        "provider": "exotel",
        "agent_name": "support-agent",
        "inbound_webhook_url": created["inbound_webhook_url"],
        "health_detail": None,
        "proven": False,
        **ready,
    }
    outbound = {"direction": "outbound", "agent_name": "sales-agent", "inbound_webhook_url": None}
    assert (resolve(mo), resolve(mo, "outbound")) == (expected, expected | outbound)
    assert resolve(gus)["blocked_reason"] == "unknown_number", "another organization has it"
    for written in ("+919876543210", "%2B919876543210", "%2B91%2098765%2043210"):
        resolution = dana.get(f"{PATH}/resolve?phone_number={written}").get_json()
        assert resolution["endpoint_id"] == created["id"], written
    for query, field in (
        ("", "phone_number"),
        ("phone_number=hello", "phone_number"),
        ("phone_number=%2B12", "phone_number"),
        ("phone_number=%2B15551234567&direction=sideways", "direction"),
    ):
        assert fields(mo.get(f"{PATH}/resolve?{query}")) == {field}, query


def test_resolve_names_what_blocks(dana: Caller, mo: Caller) -> None:
    nothing = ("endpoint_id", "provider", "agent_name", "inbound_webhook_url", "health_detail")
    off = {"health": "off", "health_reason": "unknown_number", "blocked_reason": "unknown_number"}
    common = {"phone_number": NUMBER, "direction": "inbound", "ready": False, "proven": False}
    assert resolve(mo) == dict.fromkeys(nothing) | off | common
    created = create(dana, is_active=False, inbound_agent_name=None, outbound_agent_name=None)
    path = f"{PATH}/{created['id']}"
    assert resolve(mo)["blocked_reason"] == "endpoint_inactive"
    dana.put(path, {"is_active": True})
    assert resolve(mo)["blocked_reason"] == "no_inbound_agent"
    assert resolve(mo, "outbound")["blocked_reason"] == "no_outbound_agent"
    dana.put(path, {"inbound_agent_name": "support-agent"})
    assert resolve(mo)["blocked_reason"] == "no_public_base_url"
    dana.put("/api/settings/telephony", BASE)
    assert resolve(mo)["blocked_reason"] == "provider_not_configured"
    dana.put("/api/settings/telephony", contract.TELEPHONY_EXAMPLES["exotel"])
    assert resolve(mo)["ready"] is True
