"""POST /api/settings/endpoints/point: the webhooks of many endpoints, as a job."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from simulators.base import Reply, Request
from simulators.twilio import Twilio
from tests.support.api_jobs import JOBS, SECONDS, ended, job_path, paged
from tests.support.caller import Caller, fields, sentence
from tests.support.cast import Cast
from tests.support.rows import unchanged

SETTINGS = "/api/settings"
PATH = f"{SETTINGS}/endpoints/point"
BASE = "https://voice.acme.example"
NEW_BASE = "https://new.acme.example"


def number(place: int) -> str:
    return f"+1555300{place:04}"


@pytest.fixture
def twilio(app: Flask, dana: Caller) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        upstream.numbers.clear()
        values = {f"twilio_{name}": upstream.values[name] for name in ("account_sid", "auth_token")}
        dana.put(f"{SETTINGS}/telephony", {"public_base_url": BASE, **values})
        yield upstream


@pytest.fixture
def ids(dana: Caller, twilio: Twilio) -> list[str]:
    """Of endpoints whose numbers call another URL."""
    rows = [
        {"phone_number": number(place), "provider": "twilio", "inbound_agent_name": "support"}
        for place in range(3)
    ]
    for row in rows:
        twilio.add(row["phone_number"], voice_url="https://old.example/x")
    saved = dana.post(f"{SETTINGS}/endpoints/bulk", {"endpoints": rows}).get_json()
    return [row["id"] for row in saved["endpoints"]]


def test_point_many_by_id_and_by_filter(dana: Caller, twilio: Twilio, ids: list[str]) -> None:
    started = dana.post(PATH, {"ids": ids[:2]})
    assert (started.status_code, set(started.get_json())) == (202, {"id", "url"})
    address = job_path(started)
    assert started.headers["Location"].endswith(address)
    assert started.get_json()["url"].endswith(address)
    ended()
    job = dana.get(address).get_json()
    assert {name: job[name] for name in ("kind", "state", "total", "done", "failed", "problem")} == {
        "kind": "set_webhooks",
        "state": "done",
        "total": 2,
        "done": 2,
        "failed": 0,
        "problem": None,
    }
    assert job["created_at"] <= job["finished_at"]
    rows = paged(dana, f"{address}/results?limit=1")
    assert [(row["endpoint_id"], row["ok"], row["code"]) for row in rows] == [
        (row_id, True, "in_sync") for row_id in ids[:2]
    ]
    assert twilio.numbers[number(2)].voice_url == "https://old.example/x"
    dana.put(f"{SETTINGS}/telephony", {"public_base_url": NEW_BASE})
    started = dana.post(PATH, {"filter": {"provider": "twilio"}})
    ended()
    assert dana.get(job_path(started)).get_json()["done"] == 3
    assert {settings.voice_url for settings in twilio.numbers.values()} == {
        f"{NEW_BASE}/telephony/twilio/inbound/support"
    }


WRONG: list[tuple[Any, set[str]]] = [
    ({}, {"body"}),
    ({"ids": ["x"], "filter": {}}, {"filter"}),
    ({"ids": []}, {"ids"}),
    ({"ids": None}, {"ids"}),
    ({"ids": "x"}, {"ids"}),
    ({"ids": [5]}, {"ids.0"}),
    ({"ids": ["x"] * 1001}, {"ids"}),
    ({"ids": ["x", "y", "x"]}, {"ids.2"}),
    ({"filter": None}, {"filter"}),
    ({"filter": []}, {"filter"}),
    ({"filter": {"q": ""}}, {"filter.q"}),
    ({"filter": {"q": "x" * 201}}, {"filter.q"}),
    ({"filter": {"provider": "sinch"}}, {"filter.provider"}),
    ({"filter": {"is_active": "true"}}, {"filter.is_active"}),
    ({"filter": {"health": "bad"}}, {"filter.health"}),
    ({"filter": {"agnet": "x"}}, {"filter.agnet"}),
    ({"filter": {}, "replace_known_services": 1}, {"replace_known_services"}),
    ({"filter": {}, "idz": []}, {"idz"}),
]


def test_point_many_refuses_what_is_wrong_or_of_another_organization(
    app: Flask, dana: Caller, mo: Caller, gus: Caller, ids: list[str], *, cast: Cast
) -> None:
    """A job is its organization's own."""
    with unchanged(app):
        refusals = [(body, fields(dana.post(PATH, body))) for body, _ in WRONG]
        assert [
            (body, got) for (body, got), (_, expected) in zip(refusals, WRONG, strict=True) if got != expected
        ] == []
        foreign = gus.post(PATH, {"ids": ids})
        assert (foreign.status_code, "ids.0, ids.1, ids.2" in sentence(foreign)) == (404, True)
        assert mo.post(PATH, {"filter": {}}).status_code == 403
        assert dana.get(f"{JOBS}/none").status_code == 404

    address = job_path(dana.post(PATH, {"ids": ids}))
    ended()
    for caller, status in ((gus, 404), (mo, 403)):
        refused = [caller.get(address), caller.get(f"{address}/results")]
        refused += [caller.post(f"{address}/{name}") for name in ("stop", "undo")]
        refused.append(caller.call("DELETE", address))
        assert {response.status_code for response in refused} == {status}
    assert dana.get(f"{address}/results?cursor=x").status_code == 400
    elsewhere = dana.post(f"{PATH}?organizationId={cast.globex}", {"filter": {}}).get_json()["url"]
    ended()
    assert elsewhere.endswith(f"?organizationId={cast.globex}")


def test_job_stops_on_request(dana: Caller, twilio: Twilio, ids: list[str]) -> None:
    """A second one cannot start meanwhile."""
    reached, go_on, answer = threading.Event(), threading.Event(), twilio.answer

    def hold_reply(request: Request) -> Reply:
        if request.method == "POST":
            reached.set()
            assert go_on.wait(SECONDS)
        return answer(request)

    twilio.answer = hold_reply  # type: ignore[method-assign]
    job_id = dana.post(PATH, {"ids": ids}).get_json()["id"]
    assert reached.wait(SECONDS)
    refused = dana.post(PATH, {"ids": ids})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "JOB_RUNNING")
    assert refused.get_json()["existing_id"] == job_id
    assert dana.call("DELETE", f"{JOBS}/{job_id}").get_json()["state"] == "running"
    assert dana.post(f"{JOBS}/{job_id}/undo").get_json()["code"] == "JOB_RUNNING"
    go_on.set()
    ended()
    job = dana.get(f"{JOBS}/{job_id}").get_json()
    assert (job["state"], job["total"], job["done"]) == ("stopped", 3, 1)
    assert [row["ok"] for row in dana.get(f"{JOBS}/{job_id}/results").get_json()] == [True]
    assert len(twilio.writes) == 1
    for method, address in (("POST", f"{JOBS}/{job_id}/stop"), ("DELETE", f"{JOBS}/{job_id}")):
        assert dana.call(method, address).get_json() == job


def test_undo_restores_what_the_job_replaced(dana: Caller, twilio: Twilio, ids: list[str]) -> None:
    """A job that restored webhooks, or changed none, cannot be undone."""
    address = job_path(dana.post(PATH, {"ids": ids[:1]}))
    ended()
    undo = dana.post(f"{address}/undo")
    assert (undo.status_code, set(undo.get_json())) == (202, {"id", "url"})
    ended()
    job = dana.get(job_path(undo)).get_json()
    assert (job["kind"], job["state"], job["done"], job["failed"]) == ("restore_webhooks", "done", 1, 0)
    assert twilio.numbers[number(0)].voice_url == "https://old.example/x"
    nothing = dana.post(PATH, {"filter": {"q": "nothing like it"}})
    ended()
    for path in (job_path(undo), job_path(nothing)):
        refused = dana.post(f"{path}/undo")
        assert (refused.status_code, refused.get_json()["code"]) == (409, "CANNOT_UNDO")


def test_delete_clears_the_webhook_if_that_is_requested(dana: Caller, twilio: Twilio, ids: list[str]) -> None:
    dana.post(PATH, {"ids": ids})
    ended()
    writes = len(twilio.writes)
    assert dana.call("DELETE", f"{SETTINGS}/endpoints/{ids[0]}").status_code == 204
    assert len(twilio.writes) == writes
    path = f"{SETTINGS}/endpoints/{ids[1]}?clear_webhook=true"
    assert dana.call("DELETE", path).status_code == 204
    assert twilio.numbers[number(1)].voice_url == ""
    twilio.instead = {("POST", "IncomingPhoneNumbers"): Reply(403, {"code": 20003})}
    failed = dana.call("DELETE", f"{SETTINGS}/endpoints/{ids[2]}?clear_webhook=true")
    assert (failed.status_code, failed.get_json()["code"]) == (409, "NOT_CLEARED")
    assert dana.get(f"{SETTINGS}/endpoints").get_json() == [], "it is deleted nevertheless"
    assert twilio.numbers[number(2)].voice_url.startswith(BASE)
