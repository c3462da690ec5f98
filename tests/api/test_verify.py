"""POST /api/settings/providers/{provider}/verify."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from simulators.vobiz import Vobiz
from tests.support.caller import Caller
from tests.support.rows import unchanged

PATH = "/api/settings/providers/vobiz/verify"
NOTED = ("checks", "throttles", "audit_events")


@pytest.fixture
def vobiz(app: Flask) -> Iterator[Vobiz]:
    with Vobiz() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        yield upstream


def test_verify_tests_the_values_that_are_sent_or_stored(app: Flask, dana: Caller, vobiz: Vobiz) -> None:
    values = {f"vobiz_{name}": vobiz.values[name] for name in ("auth_id", "auth_token")}
    with unchanged(app, but=NOTED):
        answer = dana.post(PATH, values)
        assert answer.status_code == 200
        body = answer.get_json()
        assert set(body) == {"ok", "code", "reason", "checked_at"}
        assert (body["ok"], body["code"]) == (True, "ok")
        assert dana.post(PATH, {}).get_json()["code"] == "not_configured"
        assert dana.post("/api/settings/providers/unknown/verify", {}).status_code == 404
        assert dana.post(PATH, {"vobiz_auth_tokn": "sample"}).status_code == 422
    dana.put("/api/settings/telephony", {"public_base_url": "https://voice.acme.example", **values})
    assert dana.post(PATH, {}).get_json()["code"] == "ok"
