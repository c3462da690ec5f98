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
from tests.support.caller import Caller, fields
from tests.support.cast import Cast
from tests.support.rows import audit, commits, unchanged

GUARDED = [operation for operation in OPERATIONS if operation.who in TOKEN_HOLDERS]
ELSEWHERE = [operation for operation in GUARDED if "<organization_id>" not in operation.path]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """A guard's questions are those of every test of the API: on one database they are the same."""
    return sqlite_url


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _path(operation: Operation, cast: Cast, **ids: str) -> str:
    known = {
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
    for name, value in known.items():
        path = path.replace(f"<{name}>", value)
    assert "<" not in path, f"say what {path} means here"
    return path


def _delete_records(app: Flask) -> None:
    """As if the hour of every recorded crossing was over."""
    with app.app_context():
        db.session.execute(delete(Throttle))
        db.session.commit()


def _call(caller: Caller, operation: Operation, path: str, **request: Any) -> Any:
    if operation.body is not None:
        request.setdefault("json", {})
    return caller.call(operation.method, path, **request)


def test_authenticate_accepts_one_form_of_the_header(
    anonymous: Caller, dana: Caller, subtests: pytest.Subtests
) -> None:
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic {}",
        "Token {}",
        "{}",
        "Bearer{}",
        "Bearer Bearer {}",
        "Bearer {} x",
    ]:
        with subtests.test(header=header):
            headers = {"Authorization": header.format(dana.token)}
            assert anonymous.get("/api/calls/providers", headers=headers).status_code == 401


def test_authenticate_ignores_a_token_outside_the_header(anonymous: Caller, dana: Caller) -> None:
    path = f"/api/calls/providers?access_token={dana.token}&token={dana.token}"
    assert anonymous.get(path, headers={"X-Auth-Token": str(dana.token)}).status_code == 401


class TestOrganizationId:
    """Superadmins only, at most once, and recorded."""

    def test_unknown_organization_id_is_404(
        self, app: Flask, dana: Caller, cast: Cast, subtests: pytest.Subtests
    ) -> None:
        for operation in ELSEWHERE:
            with subtests.test(_name(operation)), unchanged(app):
                path = _path(operation, cast)
                assert _call(dana, operation, f"{path}?organizationId=unknown").status_code == 404
                assert fields(_call(dana, operation, f"{path}?organizationId=")) == {"organizationId"}

    def test_every_operation_records_entering_another_organization(
        self, app: Flask, gus: Caller, cast: Cast, subtests: pytest.Subtests
    ) -> None:
        def entered() -> list[AuditEvent]:
            return [event for event in audit(app) if event.action == "organization.entered"]

        for operation in ELSEWHERE:
            with subtests.test(_name(operation)):
                _delete_records(app)
                path, before = _path(operation, cast), len(entered())
                _call(gus, operation, f"{path}?organizationId={cast.globex}")
                assert len(entered()) == before
                _call(gus, operation, f"{path}?organizationId={cast.acme}")
                (event,) = entered()[before:]
                assert event.organization_id == cast.acme
                assert (event.actor_name, event.actor_id) == (cast.gus.email, cast.gus.id)
                assert event.changes == {"from": ["Globex", None]}

    def test_entering_is_recorded_once_an_hour(self, app: Flask, gus: Caller, cast: Cast) -> None:
        def entered() -> int:
            with commits(app) as written:
                for _ in range(3):
                    gus.get(f"/api/settings/endpoints?organizationId={cast.acme}")
            assert len(written) == 1
            return [event.action for event in audit(app)].count("organization.entered")

        assert entered() == 1
        with app.app_context():
            earlier = clock.now() - rate_limits.RECORDED_EVERY
            db.session.execute(update(Throttle).values(window_started_at=earlier))
            db.session.commit()
        assert entered() == 2

    def test_organization_id_differing_from_the_path_is_422(
        self, app: Flask, dana: Caller, cast: Cast
    ) -> None:
        path = f"/api/organizations/{cast.acme}/phone-numbers?organizationId={cast.globex}"
        with unchanged(app):
            assert fields(dana.get(path)) == {"organizationId"}

    def test_save_changes_the_named_organization_only(self, dana: Caller, gus: Caller, cast: Cast) -> None:
        path = "/api/settings/telephony"
        base = {"public_base_url": "https://voice.example.com"}
        assert gus.put(f"{path}?organizationId={cast.acme}", base).status_code == 200
        assert gus.get(path).json["public_base_url"] is None  # type: ignore[index]
        assert dana.get(path).json["public_base_url"] == base["public_base_url"]  # type: ignore[index]

    def test_organization_id_in_a_body_is_ignored(
        self, app: Flask, dana: Caller, gus: Caller, cast: Cast
    ) -> None:
        body = {"provider": "sinch", "organizationId": cast.globex}
        answer = dana.post("/api/calls/providers/config", body)
        assert "organizationId" in answer.json["warnings"][0]  # type: ignore[index]
        assert gus.get("/api/calls/providers/config").json["providers"][1]["isEnabled"] is False  # type: ignore[index]


class TestAnotherOrganizationsRows:
    """They answer exactly what rows that do not exist answer, and stay as they are."""

    def test_unknown_organization_in_the_path_is_404(self, app: Flask, dana: Caller) -> None:
        with unchanged(app):
            for name in ("nowhere", "%00", "🐘", "x" * 500, "."):
                answer = dana.get(f"/api/organizations/{name}/phone-numbers")
                assert answer.status_code == 404


def test_unknown_path_gets_json(dana: Caller, subtests: pytest.Subtests) -> None:
    for path in [
        "/api/",
        "/api/nothing",
        "/api/calls",
        "/api/calls/providers/",
        "/api/calls/providers/config/twilio/more",
        "/api/settings/endpoints/a/b",
        "/api/settings/providers/twilio/numbers/all",
        "/api/settings/endpoints/some-id/point/more",
        "/api/%00",
        "/api/../api/calls/providers/none",
    ]:
        for method in ["GET", "POST"]:
            with subtests.test(path=path, method=method):
                assert dana.call(method, path).status_code in (404, 405)
