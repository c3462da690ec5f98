"""POST /api/settings/endpoints/bulk: many endpoints, or none."""

from __future__ import annotations

from typing import Any

from flask import Flask

from tests.support import contract
from tests.support.caller import Caller, fields, sentence
from tests.support.cast import Cast
from tests.support.rows import unchanged

ENDPOINTS = "/api/settings/endpoints"
PATH = f"{ENDPOINTS}/bulk"
NEW = {"phone_number": "+15551234567", "provider": "twilio"}


def test_bulk_creates_updates_and_counts_in_the_organization(dana: Caller, cast: Cast, gus: Caller) -> None:
    read = dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE).get_json()
    answer = dana.post(PATH, {"endpoints": [read | {"label": "Night line"}, NEW]})
    assert answer.status_code == 200
    body = answer.get_json()
    assert [body[name] for name in ("created", "updated", "unchanged")] == [1, 1, 0]
    assert body["endpoints"][0] == read | {"label": "Night line", "version": 2}
    assert sorted(dana.get(ENDPOINTS).get_json(), key=str) == sorted(body["endpoints"], key=str)
    again = dana.post(PATH, {"endpoints": body["endpoints"]}).get_json()
    assert [again[name] for name in ("created", "updated", "unchanged")] == [0, 0, 2]
    other = NEW | {"phone_number": "+15551234568"}
    dana.post(f"{PATH}?organizationId={cast.globex}", {"endpoints": [other]})
    assert len(dana.get(ENDPOINTS).get_json()) == 2
    assert [row["phone_number"] for row in gus.get(ENDPOINTS).get_json()] == [other["phone_number"]]
    texts = {"inbound_agent_name": "a" * 100, "outbound_agent_name": "b" * 100, "label": "c" * 200}
    longest = [NEW | texts | {"phone_number": f"+1666{number:07}"} for number in range(1000)]
    answer = dana.post(PATH, {"endpoints": longest})
    assert answer.get_json()["created"] == 1000, "within the limit of a body"


def test_bulk_refusals_change_nothing(app: Flask, dana: Caller, gus: Caller, mo: Caller) -> None:
    own = dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE).get_json()
    foreign = gus.post(ENDPOINTS, NEW).get_json()
    other: dict[str, Any] = {"phone_number": "+15551234568", "provider": "twilio"}
    with unchanged(app):
        bad = dana.post(PATH, {"endpoints": [other, {"id": own["id"], "lable": "x"}, {"id": foreign["id"]}]})
        assert fields(bad) == {"endpoints.1.lable"}
        for unknown in (foreign["id"], "none"):
            missing = dana.post(PATH, {"endpoints": [other, {"id": unknown}]})
            assert (missing.status_code, "endpoints.1" in sentence(missing)) == (404, True)
        changed = {"id": own["id"], "phone_number": "+15550000000", "created_at": own["created_at"]}
        assert fields(dana.post(PATH, {"endpoints": [changed]})) == {"endpoints.0.phone_number"}
        assert fields(dana.post(PATH, {"endpoints": [other] * 1001})) == {"endpoints"}
        stale = dana.post(PATH, {"endpoints": [other, {"id": own["id"], "version": 7}]})
        assert (stale.status_code, stale.get_json()["code"]) == (412, "STALE")
        in_use = dana.post(PATH, {"endpoints": [other, NEW]})
        assert (in_use.status_code, in_use.get_json()["code"]) == (409, "NUMBER_IN_USE")
        assert "existing_id" not in in_use.get_json()
        duplicate = dana.post(PATH, {"endpoints": [other, contract.ENDPOINT_EXAMPLE]})
        assert duplicate.get_json()["existing_id"] == own["id"]
        assert mo.post(PATH, {"endpoints": [other]}).status_code == 403
