"""/api/settings/endpoints: create, update, delete, resolve."""

from __future__ import annotations

from typing import Any

import pytest
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


def test_create_accepts_the_contract_example(dana: Caller) -> None:
    dana.put("/api/settings/telephony", BASE)
    made = create(dana)
    assert {name: value for name, value in made.items() if name not in ("id", "created_at")} == {
        **contract.ENDPOINT_EXAMPLE,
        "is_active": True,
        "inbound_webhook_url": "https://your-domain.com/telephony/exotel/inbound/support-agent",
        "proven_at": None,
        "version": 1,
    }
    assert len(made["id"]) == 36
    assert dana.get(PATH).json == [made]


def test_create_requires_number_and_provider_only(dana: Caller) -> None:
    answer = dana.post(PATH, {"phone_number": "+15551234567", "provider": "twilio"})
    assert answer.status_code == 201
    made = answer.json
    assert made is not None
    for name in ("inbound_agent_name", "outbound_agent_name", "label", "inbound_webhook_url"):
        assert made[name] is None


def test_inbound_webhook_url_needs_a_base_and_an_agent(dana: Caller) -> None:
    assert create(dana)["inbound_webhook_url"] is None
    dana.put("/api/settings/telephony", BASE)
    made = create(dana, phone_number="+15551234567", inbound_agent_name=None)
    assert made["inbound_webhook_url"] is None


def test_create_missing_field_is_named(app: Flask, dana: Caller, subtests: pytest.Subtests) -> None:
    for field in ["phone_number", "provider"]:
        with subtests.test(field=field):
            body = {name: v for name, v in contract.ENDPOINT_EXAMPLE.items() if name != field}
            with unchanged(app):
                answer = dana.post(PATH, body)
            assert fields(answer) == {field}
            assert sentence(answer) == shared_messages.REQUIRED


def test_create_unknown_field_suggests_the_nearest(app: Flask, dana: Caller) -> None:
    with unchanged(app):
        answer = dana.post(PATH, contract.ENDPOINT_EXAMPLE | {"inbound_agent": "x"})
    assert sentence(answer) == shared_messages.did_you_mean("inbound_agent_name")


def test_create_normalizes_the_number(dana: Caller) -> None:
    assert create(dana, phone_number=" +91 98765-43210 ")["phone_number"] == "+919876543210"


@pytest.mark.parametrize("claimed_by", ["dana", "gus"])
def test_create_taken_number_conflicts_without_the_owner(
    app: Flask, dana: Caller, gus: Caller, claimed_by: str
) -> None:
    made = create({"dana": dana, "gus": gus}[claimed_by])
    with unchanged(app):
        answer = dana.post(PATH, contract.ENDPOINT_EXAMPLE)
    assert answer.status_code == 409
    own = {"existing_id": made["id"]} if claimed_by == "dana" else {}
    assert answer.json == own | {
        "success": False,
        "error": messages.in_use("+919876543210"),
        "code": "NUMBER_IN_USE",
    }


def test_update_keeps_omitted_and_clears_null_fields(dana: Caller) -> None:
    dana.put("/api/settings/telephony", BASE)
    made = create(dana)
    answer = dana.put(f"{PATH}/{made['id']}", {"label": " New ", "outbound_agent_name": None})
    expected = made | {"label": "New", "outbound_agent_name": None, "version": 2}
    assert answer.json == expected
    assert dana.put(f"{PATH}/{made['id']}", {}).json == expected
    off = dana.put(f"{PATH}/{made['id']}", {"is_active": False, "inbound_agent_name": "other"})
    assert off.json == expected | {
        "is_active": False,
        "inbound_agent_name": "other",
        "inbound_webhook_url": "https://your-domain.com/telephony/exotel/inbound/other",
        "version": 3,
    }
    assert dana.get(PATH).json == [off.json]


def test_update_rejects_changed_read_only_fields(app: Flask, dana: Caller, subtests: pytest.Subtests) -> None:
    made = create(dana)
    for field in ["phone_number", "provider", "id", "created_at", "inbound_webhook_url"]:
        for value in (f"{made[field]}0", None if made[field] else "", 5):
            with subtests.test(field=field, value=value), unchanged(app):
                sent = made | {"label": "x", field: value}
                assert fields(dana.put(f"{PATH}/{made['id']}", sent)) == {field}


def test_update_distinguishes_true_from_one(app: Flask, dana: Caller) -> None:
    made = create(dana)
    with unchanged(app):
        assert fields(dana.put(f"{PATH}/{made['id']}", {"version": True, "label": "x"})) == {"version"}


def test_update_accepts_an_endpoint_as_it_was_read(app: Flask, dana: Caller) -> None:
    dana.put("/api/settings/telephony", {"public_base_url": "https://voice.example.com"})
    made = create(dana)
    (row,) = dana.get(PATH).json or []
    with unchanged(app):
        assert dana.put(f"{PATH}/{made['id']}", row).json == row
    changed = dana.put(f"{PATH}/{made['id']}", row | {"inbound_agent_name": "another"}).json
    assert changed is not None
    assert changed["inbound_webhook_url"].endswith("/another")


def test_delete_frees_the_number(dana: Caller, gus: Caller) -> None:
    made = create(dana)
    assert dana.delete(f"{PATH}/{made['id']}").status_code == 204
    assert dana.delete(f"{PATH}/{made['id']}").status_code == 404
    assert dana.put(f"{PATH}/{made['id']}", {}).status_code == 404
    assert dana.get(PATH).json == []
    create(gus)


class TestResolve:
    """Which agent answers or dials, or why there is none."""

    def _ask(self, caller: Caller, number: str = "+919876543210", **more: str) -> dict[str, Any]:
        answer = caller.get(f"{PATH}/resolve", query_string={"phone_number": number} | more)
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        return answer.json

    def test_resolve_unknown_number_is_blocked(self, mo: Caller) -> None:
        assert self._ask(mo) == {
            "phone_number": "+919876543210",
            "direction": "inbound",
            "endpoint_id": None,
            "provider": None,
            "agent_name": None,
            "inbound_webhook_url": None,
            "ready": False,
            "blocked_reason": "unknown_number",
            "health": "off",
            "health_reason": "unknown_number",
            "health_detail": None,
            "proven": False,
        }

    def test_resolve_ready_endpoint(self, dana: Caller, mo: Caller) -> None:
        dana.put("/api/settings/telephony", contract.TELEPHONY_EXAMPLES["exotel"])
        made = create(dana)
        assert self._ask(mo) == {
            "phone_number": "+919876543210",
            "direction": "inbound",
            "endpoint_id": made["id"],
            "provider": "exotel",
            "agent_name": "support-agent",
            "inbound_webhook_url": made["inbound_webhook_url"],
            "ready": True,
            "blocked_reason": None,
            "health": "unknown",
            "health_reason": "not_checked",
            "health_detail": None,
            "proven": False,
        }
        assert self._ask(mo, direction="outbound") == {
            "phone_number": "+919876543210",
            "direction": "outbound",
            "endpoint_id": made["id"],
            "provider": "exotel",
            "agent_name": "sales-agent",
            "inbound_webhook_url": None,
            "ready": True,
            "blocked_reason": None,
            "health": "unknown",
            "health_reason": "not_checked",
            "health_detail": None,
            "proven": False,
        }

    def test_resolve_blocked_reasons(self, dana: Caller, mo: Caller) -> None:
        made = create(dana, is_active=False, inbound_agent_name=None, outbound_agent_name=None)
        assert self._ask(mo)["blocked_reason"] == "endpoint_inactive"
        dana.put(f"{PATH}/{made['id']}", {"is_active": True})
        assert self._ask(mo)["blocked_reason"] == "no_inbound_agent"
        assert self._ask(mo, direction="outbound")["blocked_reason"] == "no_outbound_agent"
        dana.put(f"{PATH}/{made['id']}", {"inbound_agent_name": "support-agent"})
        assert self._ask(mo)["blocked_reason"] == "no_public_base_url"
        dana.put("/api/settings/telephony", BASE)
        assert self._ask(mo)["blocked_reason"] == "provider_not_configured"
        dana.put("/api/settings/telephony", contract.TELEPHONY_EXAMPLES["exotel"])
        assert self._ask(mo)["ready"] is True

    def test_resolve_accepts_an_unescaped_plus(self, dana: Caller, subtests: pytest.Subtests) -> None:
        made = create(dana)
        for query in ["+919876543210", "%2B919876543210", "%2B91%2098765%2043210"]:
            with subtests.test(query=query):
                answer = dana.get(f"{PATH}/resolve?phone_number={query}")
                assert answer.status_code == 200, answer.text
                assert answer.json["endpoint_id"] == made["id"]  # type: ignore[index]

    def test_resolve_does_not_find_another_organizations_number(self, dana: Caller, gus: Caller) -> None:
        create(dana)
        assert self._ask(gus)["blocked_reason"] == "unknown_number"

    def test_resolve_invalid_parameter_is_422(self, mo: Caller, subtests: pytest.Subtests) -> None:
        for query, field in [
            ("", "phone_number"),
            ("phone_number=", "phone_number"),
            ("phone_number=hello", "phone_number"),
            ("phone_number=%2B12", "phone_number"),
            ("phone_number=%2B15551234567&direction=sideways", "direction"),
            ("phone_number=%2B15551234567&direction=", "direction"),
        ]:
            with subtests.test(query=query):
                assert fields(mo.get(f"{PATH}/resolve?{query}")) == {field}

    def test_resolve_repeated_parameter_is_400(self, mo: Caller, subtests: pytest.Subtests) -> None:
        for name in ["phone_number", "direction"]:
            with subtests.test(name=name):
                query = f"phone_number=%2B15551234567&direction=inbound&{name}=x"
                assert mo.get(f"{PATH}/resolve?{query}").status_code == 400
