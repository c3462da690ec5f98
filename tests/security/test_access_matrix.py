"""Who may do what, for every route of the URL map: by role, by organization, by what a request adds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from app.api.operations import OPERATIONS, TOKEN_HOLDERS, Operation, Who
from app.models import Endpoint, User
from app.web.shell.guard import Who as PageWho
from devtools.html import parse
from devtools.scopes import PASSWORD
from tests.security.conftest import Clients
from tests.support.caller import Caller, fields
from tests.support.cast import Cast
from tests.support.full_organization import QUERIES, Furnished, scope_as
from tests.support.pages import COOKIE, Portal
from tests.support.routes import everything, operation_path, portal_rules
from tests.support.rows import dump, unchanged

MONITORS = {"static", "_healthz", "_readyz", "_metrics"}
TRACES = ("sessions", "audit_events", "audit_chains", "throttles", "drift_checks")
GUARDED = [operation for operation in OPERATIONS if operation.who in TOKEN_HOLDERS]
BY_QUERY = [operation for operation in GUARDED if "<organization_id>" not in operation.path]
IDS = {"endpoint_id", "import_id", "job_id", "user_id", "number_id", "token_id", "event_id", "switch_id"}
IDS_API = {"endpoint_id", "user_id", "token_id"}
PASSWORD_LINK = "/api/organizations/<organization_id>/users/<user_id>/password-link"
"""Needs the password again, whatever is sent."""
UNUSED_NUMBER = "+15550009998"
NUMBERED = {"event_id", "switch_id"}


BROKEN: dict[str, Any] = {"data": b"{", "content_type": "application/json"}
"""A body that cannot be read."""


def call(caller: Caller, operation: Operation, path: str, **request: Any) -> Any:
    if operation.body is not None and "data" not in request:
        request.setdefault("json", {})
    return caller.call(operation.method, path, **request)


def role_missing(operation: Operation) -> int:
    """The contract answers 401 under /api/calls."""
    return 401 if operation.path.startswith("/api/calls/") else 403


PERSONAL = {"table_views.show"}
"""Pages about what belongs to one user, which is Dana's here."""


def unguarded(app: Flask) -> set[str]:
    """Endpoints that do not declare who may use them."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "guard")
    }


@pytest.mark.asvs("8.2.1")
def test_every_route_declares_who_may_use_it(app: Flask) -> None:
    assert unguarded(app) == MONITORS
    other = create_app(app.extensions["patchbay_settings"])
    other.add_url_rule("/unguarded", "unguarded", lambda: "x")
    assert unguarded(other) == MONITORS | {"unguarded"}


@pytest.fixture
def others(anonymous: Portal, mo: Portal, gus: Portal) -> dict[str, Portal]:
    """All but Dana, by name."""
    return {"anonymous": anonymous, "mo": mo, "gus": gus}


@pytest.mark.asvs("8.2.1")
def test_a_user_opens_the_pages_of_their_role(
    app: Flask, here: Furnished, others: dict[str, Portal], visited: Mapping[str, TestResponse]
) -> None:
    """A member is tried with each; the others with those that are `visited`."""
    count = 0
    for rule, method, guard in portal_rules(app, unsafe=False):
        if guard is PageWho.ANYONE:
            continue
        opened = (404 if rule.endpoint in PERSONAL else 200, "")
        refused = (302, "/account") if rule.endpoint == "organizations.table" else (403, "")
        expected = {"mo": opened if guard is PageWho.USER else refused}
        if rule.rule in visited:
            assert _shown(visited[rule.rule]) == (200, ""), rule.rule
            expected |= {"gus": opened, "anonymous": (303, "/sign-in")}
        observed = {
            name: _shown(
                others[name].raw(method, here.address(rule), query_string=QUERIES.get(rule.endpoint))
            )
            for name in expected
        }
        assert observed == expected, rule.rule
        count += 1
    assert count > 40


def _shown(answer: TestResponse) -> tuple[int, str]:
    """Status, and the path to which it leads."""
    return answer.status_code, answer.headers.get("Location", "").split("?")[0]


@pytest.mark.asvs("8.2.1")
def test_a_user_changes_nothing_outside_their_role(
    app: Flask, here: Furnished, anonymous: Portal, mo: Portal, thorough: bool
) -> None:
    """With a valid CSRF token, and everything that could be sent. An anonymous user is tried with one in
    four; thorough, with each."""
    tokens = {anonymous: anonymous.token(), mo: mo.token()}
    count = 0
    with unchanged(app, but=TRACES):
        for place, (rule, method, guard) in enumerate(portal_rules(app, unsafe=True)):
            for portal, token in tokens.items() if thorough or place % 4 == 0 else [(mo, tokens[mo])]:
                if guard is PageWho.SUPERADMIN or (portal is anonymous and guard is PageWho.USER):
                    answer = portal.raw(method, here.address(rule), data=everything(token))
                    expected = (303, "/sign-in") if portal is anonymous else (403, "")
                    assert _shown(answer) == expected, rule.rule
                    count += 1
    assert count > 60


@pytest.mark.asvs("8.2.1", "3.5.2")
def test_an_operation_without_a_token_is_401(
    app: Flask, here: Furnished, dana: Portal, api: Clients, thorough: bool
) -> None:
    """Whatever cookies there are, and before the body is read: in turn; thorough, each way."""
    names = (COOKIE, "session", "token", "jwt", "access_token", "Authorization")
    cookies = "; ".join([f"{COOKIE}={dana.cookie}", *(f"{name}={api.dana.token}" for name in names)])
    headers = {"Cookie": cookies, "X-CSRFToken": dana.token()}
    ways: list[dict[str, Any]] = [{}, {"headers": headers}, BROKEN]
    with unchanged(app):
        for place, operation in enumerate(GUARDED):
            path = operation_path(operation, here)
            for request in ways if thorough else [ways[place % 3]]:
                answer = call(api.anonymous, operation, path, **request)
                assert (answer.status_code, answer.json["code"]) == (401, "NO_TOKEN"), path
                assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.asvs("8.2.1")
def test_an_operation_is_open_to_its_role(
    app: Flask, here: Furnished, cast: Cast, api: Clients, *, thorough: bool
) -> None:
    """A member is refused the rest before the body is read, in every organization, and changes nothing; a
    dialer token is counted and audited. A superadmin reads first: a deletion may delete what is read.
    The organizations are tried in turn, and a superadmin with each third operation; thorough, with all.
    """
    organizations = [cast.globex, cast.acme, "unknown", ""]
    with unchanged(app, but=("audit_events", "throttles")):
        for place, operation in enumerate(GUARDED):
            path = operation_path(operation, here)
            answer = call(api.mo, operation, path)
            if operation.who is Who.USER:
                assert answer.status_code in (200, 422), path
            else:
                got = (answer.status_code, answer.json["code"])
                assert got == (role_missing(operation), "NOT_SUPERADMIN"), path
            if operation.who is Who.SUPERADMIN:
                assert call(api.mo, operation, path, **BROKEN).status_code == role_missing(operation), path
            some = organizations if thorough else [organizations[place % 4]]
            for organization in some if operation in BY_QUERY else ():
                elsewhere = call(api.mo, operation, f"{path}?organizationId={organization}")
                assert elsewhere.status_code == role_missing(operation), path
    reads_first = sorted(GUARDED, key=lambda operation: operation.method != "GET")
    for operation in reads_first if thorough else reads_first[::3]:
        answer = call(api.dana, operation, operation_path(operation, here))
        if operation.path == PASSWORD_LINK:
            assert answer.json["code"] == "PASSWORD_NEEDED"
        else:
            assert answer.status_code not in (401, 403), f"{operation.method} {operation.path}: {answer.text}"


@pytest.mark.asvs("8.2.3")
def test_a_member_sees_flags_and_no_values(here: Furnished, mo: Portal, api: Clients) -> None:
    """Of the voice AI: whether there is a key, not the key, its hint, or where it belongs."""
    config = api.mo.get("/api/calls/voice-ai/config").json
    assert config is not None
    assert {name for name, value in config.items() if value is True} == {
        "hasApiKey",
        "hasToolSecret",
        "hasEstCredentials",
    }
    for text in (str(config), mo.get("/account").source, api.mo.get("/api/calls/providers").text):
        for name, secret in here.secrets.items():
            assert secret not in text, name
            assert f"…{secret[-4:]}" not in text, name
    assert mo.get("/").path == "/account"


@pytest.mark.asvs("8.4.1")
def test_another_organizations_rows_do_not_exist_on_any_page(
    app: Flask, here: Furnished, gus: Portal, dana: Portal, thorough: bool
) -> None:
    """Under the address of Globex, ids of Acme answer what ids that nothing has answer.

    So do they beside the id of a user who does belong to Globex, and for a superadmin of Acme. A token or a
    session of another user is as little there. Each is a 404; unless thorough, one in four is compared.
    """
    portals = (gus, dana) if thorough else (gus,)
    token, count = gus.token(), 0
    with unchanged(app, but=TRACES):
        for unsafe in (False, True):
            for rule, method, _ in portal_rules(app, unsafe=unsafe):
                for own_ids in ({}, {"user_id": here.cast.gus.id}):
                    foreign = IDS & rule.arguments - own_ids.keys()
                    is_same = bool(own_ids) and "user_id" not in rule.arguments
                    if "slug" not in rule.arguments or not foreign or is_same:
                        continue
                    compared = [{}, _unknown(foreign)][: 2 if thorough or count % 4 == 0 else 1]
                    for portal in portals:
                        answers = [
                            _answer(
                                portal, method, here.address(rule, slug="globex", **own_ids, **ids), token
                            )
                            for ids in compared
                        ]
                        assert len(set(map(_shown_text, answers))) == 1, rule.rule
                        status = answers[0].status_code
                        assert status == 404 or (portal is dana and method == "POST"), rule.rule
                    count += 1
        for path in (f"tokens/{here.ids['token_id']}/revoke", f"sessions/{here.ids['session_id']}/end"):
            gus.post(f"/account/{path}", {"csrf_token": token}, 404)
    assert count > 30


def _unknown(names: set[str]) -> dict[str, str]:
    """Ids of the right form that nothing has."""
    return {name: "999999" if name in NUMBERED else str(uuid.uuid4()) for name in names}


def _answer(portal: Portal, method: str, path: str, token: str) -> TestResponse:
    return portal.raw(method, path, data=everything(token) if method == "POST" else None)


def _shown_text(answer: TestResponse) -> tuple[int, str]:
    """Status, and the text of the page: its nonce and token differ each time."""
    return answer.status_code, parse(answer.text).text if answer.mimetype == "text/html" else answer.text


@pytest.mark.asvs("8.4.1")
def test_another_organizations_rows_are_in_no_list_and_no_operation(
    here: Furnished, gus: Portal, cast: Cast, api: Clients, *, app: Flask, thorough: bool
) -> None:
    assert api.gus.get("/api/settings/endpoints").json == []
    markers = ["Reception", "Front desk", "+1555", cast.mo.email, *here.secrets.values()]
    texts = [api.gus.get(f"/api/{path}").text for path in ("settings/telephony", "calls/providers/config")]
    texts += [api.gus.get(f"/api/organizations/{cast.globex}/phone-numbers").text]
    for page in ("endpoints", "people", "calls", "audit", "providers/twilio", "endpoints.csv", "voice-ai"):
        texts.append(gus.raw("GET", f"/o/globex/{page}").text)
    for text in texts:
        assert [marker for marker in markers if marker in text] == []

    count = 0
    payload = {"aiEnabled": False, "hereOnly": True}
    with unchanged(app):
        for operation in GUARDED:
            body = {"json": payload if operation.path.endswith("/ai") else {}} if operation.body else {}
            ids = {name for name in IDS_API if f"<{name}>" in operation.path}
            tags = [{}, {"If-Match": '"1"'}] if thorough else [{"If-Match": '"1"'} if count % 2 else {}]
            for tag in tags if ids else ():
                own = {"organization_id": cast.globex}
                unused = {"phone_number": UNUSED_NUMBER} | {name: str(uuid.uuid4()) for name in ids}
                foreign, none = (
                    api.gus.call(
                        operation.method,
                        operation_path(operation, here, **own, **other),
                        headers=tag,
                        **body,
                    )
                    for other in ({}, unused)
                )
                assert (foreign.status_code, foreign.data) == (404, none.data), operation.path
                count += 1
    assert count > (16 if thorough else 8)


@pytest.mark.asvs("15.3.3")
def test_a_form_or_an_operation_takes_no_field_that_it_does_not_name(
    app: Flask, here: Furnished, mo: Portal, dana: Portal, cast: Cast, *, api: Clients, thorough: bool
) -> None:
    """On a form, a member who makes themselves superadmin; an endpoint and a user that move to Globex. By
    the     API, refused by name under /api/settings; a warning under /api/calls, as the contract has
    it.      A read-only field is compared with the row once the others are valid. An operation is sent
    two of the     fields, in turn; thorough, all."""
    more = {"role": "superadmin", "organization_id": cast.globex, "id": "1", "disabled_at": ""}
    password = {"current_password": PASSWORD, "new_password": "a lamp in the north window"}
    mo.post("/account/password", everything(mo.token()) | more | password)
    endpoint = {"inbound_agent_name": "Ann", "phone_number": "+15550000000", "provider": "exotel"}
    path = f"/o/acme-support/endpoints/{here.ids['endpoint_id']}"
    dana.post(path, {"csrf_token": dana.token(), "version": "1"} | more | endpoint | {"confirmed": "yes"})
    with scope_as(app, cast.dana) as scope:
        user = scope.session.get_one(User, cast.mo.id)
        assert (user.role, user.organization_id) == ("member", cast.acme)
        row = scope.session.get_one(Endpoint, here.ids["endpoint_id"])
        got = (row.organization_id, row.phone_number, row.provider, row.inbound_agent_name)
        assert got == (cast.acme, "+15551234567", "twilio", "Ann")

    before = dump(app)
    fields_of_rows = {"id", "organization_id", "organizationId", "role", "created_at", "version"}
    for place, operation in enumerate(operation for operation in GUARDED if operation.body):
        names = sorted(fields_of_rows - operation.body.model_fields.keys() if operation.body else ())
        for field in names if thorough else names[place % 3 :: 3]:
            value = cast.globex if "rganization" in field else "superadmin"
            answer = call(api.dana, operation, operation_path(operation, here), json={field: value})
            if operation.path.startswith("/api/calls/"):
                is_named = answer.status_code == 422 or field in str(answer.get_json()["warnings"])
            else:
                is_named = field in fields(answer) | getattr(operation.body, "fixed", {}).keys()
            assert is_named, f"{operation.path} {field}"
    after = dump(app)
    for table in ("users", "endpoints", "connections", "organizations"):
        assert {row[0] for row in after[table]} == {row[0] for row in before[table]}, table
    assert [row[:2] for row in after["users"]] == [row[:2] for row in before["users"]]


@pytest.mark.asvs("15.3.7")
def test_a_repeated_organization_is_400(app: Flask, here: Furnished, cast: Cast, api: Clients) -> None:
    with unchanged(app):
        for operation in BY_QUERY:
            query = f"?organizationId={cast.acme}&organizationId={cast.globex}"
            answer = call(api.dana, operation, operation_path(operation, here) + query)
            assert (answer.status_code, answer.json["code"]) == (400, "REPEATED_PARAMETER"), operation.path
