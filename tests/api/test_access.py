"""Who may do what: made from the operations as they are declared."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from app.api.operations import OPERATIONS, TOKEN_HOLDERS, Operation
from app.core import clock
from app.extensions import db
from app.models import AuditEvent, Throttle
from app.services import rate_limits
from tests.support.caller import Caller, fields, sentence
from tests.support.cast import Cast
from tests.support.rows import audit, commits, unchanged

PATH = "/api/calls/providers"
GUARDED = [operation for operation in OPERATIONS if operation.who in TOKEN_HOLDERS]
ELSEWHERE = [operation for operation in GUARDED if "<organization_id>" not in operation.path]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """A guard's questions are those of every test of the API: on one database they are the same."""
    return sqlite_url


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _path(operation: Operation, cast: Cast, **ids: str) -> str:
    values = {
        "organization_id": cast.acme,
        "endpoint_id": "no-such-endpoint",
        "user_id": cast.mo.id,
        "token_id": "no-such-token",
        "destination_id": "no-such-destination",
        "delivery_id": "no-such-delivery",
        "problem_id": "no-such-problem",
        "period_id": "no-such-period",
        "job_id": "no-such-job",
        "provider": "sinch",
        "phone_number": "+15551234567",
    } | ids
    path = operation.path
    for name, value in values.items():
        path = path.replace(f"<{name}>", value)
    assert "<" not in path, f"say what {path} means here"
    return path


def _delete_records(app: Flask) -> None:
    """As if the hour of every recorded crossing was over."""
    with app.app_context():
        db.session.execute(delete(Throttle))
        db.session.commit()


def _entered(app: Flask) -> list[AuditEvent]:
    return [event for event in audit(app) if event.action == "organization.entered"]


def _call(caller: Caller, operation: Operation, path: str, **request: Any) -> Any:
    if operation.body is not None:
        request.setdefault("json", {})
    return caller.call(operation.method, path, **request)


HEADERS = [
    "",
    "Bearer",
    "Bearer ",
    "Basic {}",
    "Token {}",
    "{}",
    "Bearer{}",
    "Bearer Bearer {}",
    "Bearer {} x",
]


class TestOrganizationId:
    """Superadmins only, at most once, and recorded."""

    def test_unknown_or_empty_organization_id_is_refused(
        self, app: Flask, dana: Caller, cast: Cast, *, thorough: bool
    ) -> None:
        """By every third; thorough, by every one."""
        wrong = []
        with unchanged(app):
            for operation in ELSEWHERE if thorough else ELSEWHERE[1::3]:
                path = _path(operation, cast)
                unknown = _call(dana, operation, f"{path}?organizationId=unknown").status_code
                named = fields(_call(dana, operation, f"{path}?organizationId="))
                if (unknown, named) != (404, {"organizationId"}):
                    wrong.append((_name(operation), unknown, named))
            of_path = "/api/organizations/{}/phone-numbers"
            for name in ("nowhere", "%00", "🐘", "x" * 500, "."):
                if dana.get(of_path.format(name)).status_code != 404:
                    wrong.append((name, 0, set()))
            assert fields(dana.get(f"{of_path.format(cast.acme)}?organizationId={cast.globex}")) == {
                "organizationId"
            }
        assert wrong == []

    def test_every_operation_records_entering_once_an_hour(
        self, app: Flask, gus: Caller, cast: Cast, *, thorough: bool
    ) -> None:
        """Every third; thorough, every one."""

        def entered() -> int:
            with commits(app) as written:
                for _ in range(3):
                    gus.get(f"/api/settings/endpoints?organizationId={cast.acme}")
            assert len(written) == 1
            return len(_entered(app))

        assert entered() == 1
        with app.app_context():
            earlier = clock.now() - rate_limits.RECORDED_EVERY
            db.session.execute(update(Throttle).values(window_started_at=earlier))
            db.session.commit()
        assert entered() == 2

        wrong = []
        for operation in ELSEWHERE if thorough else ELSEWHERE[::3]:
            _delete_records(app)
            before = _entered(app)
            for organization_id in (cast.globex, cast.acme):
                _call(gus, operation, f"{_path(operation, cast)}?organizationId={organization_id}")
            events = [
                (event.organization_id, event.actor_name, event.actor_id, event.changes)
                for event in _entered(app)[len(before) :]
            ]
            if events != [(cast.acme, cast.gus.email, cast.gus.id, {"from": [None, "Globex"]})]:
                wrong.append((_name(operation), events))
        assert wrong == []

    def test_save_changes_the_organization_of_the_query_and_of_no_body(
        self, dana: Caller, gus: Caller, cast: Cast
    ) -> None:
        path = "/api/settings/telephony"
        base = {"public_base_url": "https://voice.example.com"}
        assert gus.put(f"{path}?organizationId={cast.acme}", base).status_code == 200
        assert gus.get(path).get_json()["public_base_url"] is None
        assert dana.get(path).get_json()["public_base_url"] == base["public_base_url"]
        body = {"provider": "sinch", "organizationId": cast.globex}
        answer = dana.post("/api/calls/providers/config", body)
        assert "organizationId" in answer.get_json()["warnings"][0]
        assert gus.get("/api/calls/providers/config").get_json()["providers"][1]["isEnabled"] is False


UNKNOWN_PATHS = [
    "/api",
    "/api/",
    "/api/nothing",
    "/api/calls",
    "/api/calls/providers/",
    "/api/calls/providers/config/twilio/more",
    "/api/settings/endpoints/",
    "/api/settings/endpoints/a/b",
    "/api/settings/providers/twilio/numbers/all",
    "/api/settings/endpoints/some-id/point/more",
    "/api/%00",
    "/api/../api/calls/providers/none",
]


def test_tokens_in_another_form_and_unknown_paths_are_refused(anonymous: Caller, dana: Caller) -> None:
    accepted = [
        header
        for header in HEADERS
        if anonymous.get(PATH, headers={"Authorization": header.format(dana.token)}).status_code != 401
    ]
    assert accepted == []
    elsewhere = f"{PATH}?access_token={dana.token}&token={dana.token}"
    assert anonymous.get(elsewhere, headers={"X-Auth-Token": str(dana.token)}).status_code == 401

    refusals = {}
    for path in UNKNOWN_PATHS:
        got, posted = dana.get(path), dana.call("POST", path)
        refusals[path] = (got.status_code, "/api/docs" in sentence(got), posted.status_code in (404, 405))
    assert refusals == dict.fromkeys(UNKNOWN_PATHS, (404, True, True))
    answer = dana.call("PATCH", "/api/settings/endpoints")
    assert (answer.status_code, "GET or HEAD or POST" in sentence(answer)) == (405, True)
