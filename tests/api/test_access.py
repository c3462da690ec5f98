"""Who may do what: made from the operations as they are declared."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.api.operations import OPERATIONS, TOKEN_HOLDERS, Operation, Who
from tests.support import contract
from tests.support.caller import Caller, fields, operation_at
from tests.support.cast import Cast
from tests.support.rows import audit, unchanged

GUARDED = [operation for operation in OPERATIONS if operation.who in TOKEN_HOLDERS]
SUPERADMINS = [operation for operation in GUARDED if operation.who is Who.SUPERADMIN]
ELSEWHERE = [operation for operation in GUARDED if "<organization_id>" not in operation.path]

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


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
        "provider": "sinch",
        "phone_number": "+15551234567",
    } | ids
    path = operation.path
    for name, value in known.items():
        path = path.replace(f"<{name}>", value)
    assert "<" not in path, f"say what {path} means here"
    return path


def _call(caller: Caller, operation: Operation, path: str, **request: Any) -> Any:
    if operation.body is not None:
        request.setdefault("json", {})
    return caller.call(operation.method, path, **request)


def _role_missing(operation: Operation) -> int:
    return 401 if operation.path.startswith("/api/calls/") else 403


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("operation", GUARDED, ids=_name)
def test_nobody_without_a_token(app: Flask, nobody: Caller, cast: Cast, operation: Operation) -> None:
    with unchanged(app):
        answer = _call(nobody, operation, _path(operation, cast))
    assert answer.status_code == 401
    assert answer.json["code"] == "NO_TOKEN"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("operation", GUARDED, ids=_name)
def test_a_member_reaches_what_is_open_to_any_user_only(
    app: Flask, mo: Caller, cast: Cast, operation: Operation
) -> None:
    with unchanged(app):
        answer = _call(mo, operation, _path(operation, cast))
    if operation.who is Who.USER:
        assert answer.status_code in (200, 422)
    else:
        assert answer.status_code == _role_missing(operation)
        assert answer.json["code"] == "NOT_SUPERADMIN"


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("operation", GUARDED, ids=_name)
def test_a_superadmin_reaches_everything(dana: Caller, cast: Cast, operation: Operation) -> None:
    assert _call(dana, operation, _path(operation, cast)).status_code not in (401, 403)


@pytest.mark.parametrize("operation", GUARDED, ids=_name)
def test_the_guard_comes_before_the_body(
    nobody: Caller, mo: Caller, cast: Cast, operation: Operation
) -> None:
    broken = {"data": b"{", "content_type": "application/json"}
    path = _path(operation, cast)
    assert nobody.call(operation.method, path, **broken).status_code == 401
    if operation.who is Who.SUPERADMIN:
        assert mo.call(operation.method, path, **broken).status_code == _role_missing(operation)


@pytest.mark.asvs("3.5.2")
@pytest.mark.parametrize("operation", GUARDED, ids=_name)
def test_cookies_mean_nothing(nobody: Caller, dana: Caller, cast: Cast, operation: Operation) -> None:
    cookies = "; ".join(
        f"{name}={dana.token}"
        for name in ("__Host-patchbay", "session", "token", "jwt", "access_token", "Authorization")
    )
    answer = _call(nobody, operation, _path(operation, cast), headers={"Cookie": cookies})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic {}",
        "Token {}",
        "{}",
        "Bearer{}",
        "Bearer Bearer {}",
        "Bearer {} x",
    ],
)
def test_the_header_has_one_form(nobody: Caller, dana: Caller, header: str) -> None:
    headers = {"Authorization": header.format(dana.token)}
    assert nobody.get("/api/calls/providers", headers=headers).status_code == 401


def test_a_token_counts_nowhere_else(nobody: Caller, dana: Caller) -> None:
    path = f"/api/calls/providers?access_token={dana.token}&token={dana.token}"
    assert nobody.get(path, headers={"X-Auth-Token": str(dana.token)}).status_code == 401


class TestOrganizationId:
    """Superadmins only, at most once, and recorded."""

    @pytest.mark.asvs("15.3.7")
    @pytest.mark.parametrize("operation", ELSEWHERE, ids=_name)
    def test_it_is_sent_at_most_once(
        self, app: Flask, dana: Caller, cast: Cast, operation: Operation
    ) -> None:
        query = f"?organizationId={cast.acme}&organizationId={cast.globex}"
        with unchanged(app):
            answer = _call(dana, operation, _path(operation, cast) + query)
        assert answer.status_code == 400
        assert answer.json["code"] == "REPEATED_PARAMETER"

    @pytest.mark.parametrize("operation", ELSEWHERE, ids=_name)
    def test_a_member_may_not_send_it(self, app: Flask, mo: Caller, cast: Cast, operation: Operation) -> None:
        for organization in (cast.acme, cast.globex, "unknown", ""):
            with unchanged(app):
                answer = _call(mo, operation, f"{_path(operation, cast)}?organizationId={organization}")
            assert answer.status_code == _role_missing(operation)

    @pytest.mark.parametrize("operation", ELSEWHERE, ids=_name)
    def test_an_unknown_one_is_not_found(
        self, app: Flask, dana: Caller, cast: Cast, operation: Operation
    ) -> None:
        with unchanged(app):
            path = _path(operation, cast)
            assert _call(dana, operation, f"{path}?organizationId=unknown").status_code == 404
            assert fields(_call(dana, operation, f"{path}?organizationId=")) == {"organizationId"}

    @pytest.mark.parametrize("operation", ELSEWHERE, ids=_name)
    def test_crossing_is_recorded_and_staying_is_not(
        self, app: Flask, gus: Caller, cast: Cast, operation: Operation
    ) -> None:
        path = _path(operation, cast)
        _call(gus, operation, f"{path}?organizationId={cast.globex}")
        assert "organization.entered" not in [event.action for event in audit(app)]
        _call(gus, operation, f"{path}?organizationId={cast.acme}")
        event = next(event for event in audit(app) if event.action == "organization.entered")
        assert event.organization_id == cast.acme
        assert event.actor_name == cast.gus.email
        assert event.actor_id == cast.gus.id
        assert event.changes == {"from": ["Globex", None]}

    def test_the_path_and_the_query_must_agree(self, app: Flask, dana: Caller, cast: Cast) -> None:
        path = f"/api/organizations/{cast.acme}/phone-numbers?organizationId={cast.globex}"
        with unchanged(app):
            assert fields(dana.get(path)) == {"organizationId"}

    def test_a_save_lands_there_and_nowhere_else(self, dana: Caller, gus: Caller, cast: Cast) -> None:
        path = "/api/settings/telephony"
        base = {"public_base_url": "https://voice.example.com"}
        assert gus.put(f"{path}?organizationId={cast.acme}", base).status_code == 200
        assert gus.get(path).json["public_base_url"] is None  # type: ignore[index]
        assert dana.get(path).json["public_base_url"] == base["public_base_url"]  # type: ignore[index]

    def test_one_in_a_body_means_nothing(self, app: Flask, dana: Caller, gus: Caller, cast: Cast) -> None:
        body = {"provider": "sinch", "organizationId": cast.globex}
        answer = dana.post("/api/calls/providers/config", body)
        assert "organizationId" in answer.json["warnings"][0]  # type: ignore[index]
        assert gus.get("/api/calls/providers/config").json["providers"][1]["isEnabled"] is False  # type: ignore[index]


@pytest.mark.asvs("8.4.1")
class TestAnotherOrganizationsRows:
    """They answer exactly what rows that do not exist answer, and stay as they are."""

    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    @pytest.mark.parametrize("headers", [{}, {"If-Match": '"1"'}])
    def test_endpoints(
        self, app: Flask, dana: Caller, gus: Caller, method: str, headers: dict[str, str]
    ) -> None:
        made = dana.post("/api/settings/endpoints", contract.ENDPOINT_EXAMPLE).json
        assert made is not None
        with unchanged(app):
            theirs, none = (
                gus.call(
                    method,
                    f"/api/settings/endpoints/{found}",
                    json={"label": "mine now"},
                    headers=headers,
                )
                for found in (made["id"], "3d7f5f0e-0000-4000-8000-000000000000")
            )
        assert theirs.status_code == none.status_code == 404
        assert theirs.data == none.data

    def test_people(self, app: Flask, dana: Caller, gus: Caller, cast: Cast) -> None:
        body = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+14165550100"}
        dana.post(f"/api/organizations/{cast.acme}/phone-numbers", body)
        path = f"/api/organizations/{cast.globex}/phone-numbers"
        with unchanged(app):
            theirs = gus.delete(f"{path}/{cast.mo.id}/sinch/+14165550100")
            none = gus.delete(f"{path}/nobody/sinch/+14165550100")
        assert theirs.status_code == none.status_code == 404
        assert theirs.data == none.data

    def test_organizations_that_do_not_exist(self, app: Flask, dana: Caller) -> None:
        with unchanged(app):
            for name in ("nowhere", "%00", "🐘", "x" * 500, "."):
                answer = dana.get(f"/api/organizations/{name}/phone-numbers")
                assert answer.status_code == 404

    def test_lists_have_ones_own_rows_only(self, dana: Caller, gus: Caller, cast: Cast) -> None:
        dana.post("/api/settings/endpoints", contract.ENDPOINT_EXAMPLE)
        dana.put("/api/settings/telephony", contract.TELEPHONY_EXAMPLES["twilio"])
        dana.post("/api/calls/voice-ai/config", contract.VOICE_AI_EXAMPLE)
        assert gus.get("/api/settings/endpoints").json == []
        assert gus.get("/api/settings/endpoints?limit=5&q=support").json == []
        for path in (
            "/api/settings/telephony",
            "/api/calls/voice-ai/config",
            "/api/calls/providers/config",
            f"/api/organizations/{cast.globex}/phone-numbers",
        ):
            text = gus.get(path).text
            for marker in ("AC", "your", "sinch-est-project", "+1555", 'elevenlabs"'):
                assert marker not in text, path


@pytest.mark.asvs("4.1.4")
@pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS}))
def test_other_verbs_are_refused(app: Flask, dana: Caller, cast: Cast, path: str) -> None:
    operation = next(operation for operation in OPERATIONS if operation.path == path)
    path = _path(operation, cast)
    allowed = {verb for verb in VERBS if operation_at(app, verb, path) is not None}
    assert operation.method in allowed
    with unchanged(app):
        for verb in set(VERBS) - allowed:
            answer = dana.call(verb, path)
            assert answer.status_code == 405, verb
            assert allowed <= set(answer.headers["Allow"].replace(" ", "").split(",")), verb


@pytest.mark.parametrize(
    "path",
    [
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
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_json_too(dana: Caller, method: str, path: str) -> None:
    assert dana.call(method, path).status_code in (404, 405)
