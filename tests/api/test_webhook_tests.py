"""Testing an endpoint's webhook by the API, and reading the last result."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from app.providers import PROVIDERS
from app.services import rate_limits
from app.services.connections import store
from app.services.webhook_tests import many, runs
from simulators import SIMULATORS
from tests.support.api_jobs import JOBS, ended, job_path, paged
from tests.support.caller import Caller, fields
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.runtimes import Got, Runtime, Said

FIELDS = {"ok", "code", "reason", "latency_ms", "limit_ms", "tests", "tested_at"}
TEST_FIELDS = {"name", "ok", "code", "reason", "status", "latency_ms"}


@pytest.fixture
def runtime(app: Flask) -> Iterator[Runtime]:
    """Refuses everything."""
    with Runtime(Said(403, "")) as runtime:
        app.extensions["patchbay_outbound"] = Outbound({"voice.acme.example": runtime.base})
        yield runtime


@pytest.fixture
def path(dana: Caller, runtime: Runtime) -> str:
    values = SIMULATORS["twilio"].sample_values
    credentials = {f"twilio_{name}": values[name] for name in ("account_sid", "auth_token")}
    dana.put("/api/settings/telephony", {"public_base_url": "https://voice.acme.example", **credentials})
    endpoint = {"phone_number": "+15551234567", "provider": "twilio", "inbound_agent_name": "support"}
    created = dana.post("/api/settings/endpoints", endpoint).get_json()
    return f"/api/settings/endpoints/{created['id']}/webhook-test"


def test_webhook_test_is_made_by_superadmins_and_read_again(
    dana: Caller, mo: Caller, gus: Caller, runtime: Runtime, path: str, *, numbers: list[str]
) -> None:
    """Bad input is refused by field."""
    refusals = [
        (of_many, payload, fields(dana.post(MANY if of_many else path, payload)))
        for of_many, payload, _ in WRONG
    ]
    assert refusals == [(of_many, payload, {field}) for of_many, payload, field in WRONG]
    assert dana.get(f"{path}?signed=true").status_code == 422
    for caller, status in ((mo, 403), (gus, 404)):
        assert caller.get(path).status_code == status
        assert caller.post(path, {}).status_code == status
        assert caller.post(MANY, {"ids": numbers}).status_code == status
    assert runtime.got == []

    before = dana.get(path).get_json()
    assert set(before) == FIELDS
    assert (before["ok"], before["code"], before["tests"], before["limit_ms"]) == (
        None,
        "not_tested",
        [],
        15000,
    )
    for payload in (None, {}, {"signed": False}):
        answer = dana.post(path, payload)
        assert answer.status_code == 200
        assert [(test["name"], test["code"]) for test in answer.get_json()["tests"]] == [
            ("unsigned", "refused")
        ]
    done = dana.post(path, {"signed": True}).get_json()
    assert (done["ok"], done["code"]) == (False, "signature_refused")
    assert [test["name"] for test in done["tests"]] == ["unsigned", "wrongly_signed", "signed"]
    assert {frozenset(test) for test in done["tests"]} == {frozenset(TEST_FIELDS)}
    assert dana.get(path).get_json() == done


MANY = "/api/settings/endpoints/webhook-test"
WRONG: list[tuple[bool, Any, str]] = [
    (False, {"signed": "yes"}, "signed"),
    (False, {"signed": None}, "signed"),
    (False, {"signed": 1}, "signed"),
    (False, {"sign": True}, "sign"),
    (False, [], "body"),
    (True, {}, "body"),
    (True, {"ids": ["x"], "filter": {}}, "filter"),
    (True, {"filter": {}, "signed": "yes"}, "signed"),
    (True, {"filter": {}, "sign": True}, "sign"),
    (True, {"filter": {"agnet": "x"}}, "filter.agnet"),
]
"""Whether for many, and the field that is named."""


@pytest.fixture
def numbers(dana: Caller, path: str) -> list[str]:
    """Ids of three more endpoints: two of one agent, and one that only dials."""
    agents = [
        {"inbound_agent_name": "billing"},
        {"inbound_agent_name": "billing"},
        {"outbound_agent_name": "x"},
    ]
    rows = [
        {"phone_number": f"+1555300000{place}", "provider": "twilio", **agent}
        for place, agent in enumerate(agents)
    ]
    saved = dana.post("/api/settings/endpoints/bulk", {"endpoints": rows}).get_json()
    return [row["id"] for row in saved["endpoints"]]


def job(dana: Caller, payload: dict[str, Any]) -> dict[str, Any]:
    path = job_path(dana.post(MANY, payload))
    ended()
    document: dict[str, Any] = dana.get(path).get_json()
    return document | {"results": paged(dana, f"{path}/results")}


def test_webhooks_of_many_are_tested_unsigned(dana: Caller, runtime: Runtime, numbers: list[str]) -> None:
    done = job(dana, {"filter": {"agent": "billing"}})
    assert (done["state"], done["total"], done["done"], done["failed"]) == ("done", 2, 2, 0)
    assert {(row["ok"], row["code"]) for row in done["results"]} == {(True, "refused")}
    assert len(runtime.got) == 2
    assert not [got for got in runtime.got if "X-Twilio-Signature" in got.headers]
    everything = job(dana, {"filter": {}})
    assert (everything["total"], everything["done"]) == (3, 3)
    chosen = job(dana, {"ids": numbers, "signed": True})
    codes = [(row["endpoint_id"], row["code"]) for row in chosen["results"] if row["ok"] is False]
    assert codes == list(zip(numbers, [*["signature_refused"] * 2, "no_inbound_agent"], strict=True))


def test_a_runtime_is_requested_once_if_it_fails_or_the_job_is_stopped(
    app: Flask, dana: Caller, runtime: Runtime, numbers: list[str]
) -> None:
    """A second job cannot start meanwhile."""
    app.extensions["patchbay_outbound"] = Outbound({"voice.acme.example": "http://127.0.0.1:9"})
    done = job(dana, {"filter": {"agent": "billing"}})
    assert [row["code"] for row in done["results"]] == ["no_connection"] * 2
    tested = [dana.get(f"/api/settings/endpoints/{row_id}/webhook-test").get_json() for row_id in numbers[:2]]
    assert sorted(responses["code"] for responses in tested) == ["no_connection", "not_tested"]

    app.extensions["patchbay_outbound"] = Outbound({"voice.acme.example": runtime.base})
    responses: dict[str, Any] = {}

    def stop(_got: Got) -> Said:
        responses["second"] = dana.post(MANY, {"filter": {}})
        responses["stopped"] = dana.post(f"{JOBS}/{responses['second'].get_json()['existing_id']}/stop")
        return Said(403, "")

    runtime.said = stop
    done = job(dana, {"filter": {"agent": "billing"}})
    assert (responses["second"].status_code, responses["second"].get_json()["code"]) == (409, "JOB_RUNNING")
    assert responses["stopped"].get_json()["state"] == "running"
    assert (done["state"], done["done"]) == ("stopped", 1)


def test_webhooks_of_many_wait_for_the_rate_limit(
    app: Flask, dana: Caller, runtime: Runtime, numbers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that has to wait is tested after the others; its row is no failure."""
    waited: list[int] = []

    def end_window(_seconds: float) -> None:
        waited.append(len(runtime.got))
        monkeypatch.setattr(rate_limits, "WINDOW", timedelta(0))

    monkeypatch.setattr(rate_limits, "WINDOW", timedelta(seconds=30))
    monkeypatch.setattr(many, "time", SimpleNamespace(monotonic=lambda: 60.0 * len(waited), sleep=end_window))
    monkeypatch.setattr(runs, "MOST", 1)
    assert dana.post(f"/api/settings/endpoints/{numbers[0]}/webhook-test").status_code == 200
    done = job(dana, {"ids": numbers[:2]})
    assert (done["state"], done["done"], done["failed"]) == ("done", 2, 0)
    assert len(runtime.got) == 3
    assert waited == [2], "of the numbers, one is tested before the wait"


def test_callback_of_an_application_is_tested(
    app: Flask, dana: Caller, mo: Caller, cast: Cast, runtime: Runtime
) -> None:
    path = "/api/settings/providers/sinch/callback-test"
    assert dana.get(path).get_json()["code"] == "not_tested"
    assert dana.post(path).get_json()["code"] == "NO_CALLBACK"
    values = SIMULATORS["sinch"].sample_values
    settings = {"sinchApplicationKey": values["application_key"], "phoneNumber": "+15551234567"}
    dana.post(
        "/api/calls/providers/config", {"provider": "sinch", **settings, "sinchApplicationSecret": "c2VjcmV0"}
    )
    with scope_as(app, cast.dana) as scope, scope.transaction():
        row = store.row_for(scope, PROVIDERS["sinch"])
        row.callback_url = "https://voice.acme.example/calls"
    done = dana.post(path).get_json()
    assert (set(done), done["code"]) == (FIELDS, "refused")
    assert dana.get(path).get_json() == done
    assert mo.post(path).status_code == 403
    assert dana.post(path.replace("sinch", "twilio")).status_code == 404
