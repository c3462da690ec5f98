"""Requests that no page of ours sends: without a token, from another site, with a cookie only."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.api.operations import OPERATIONS, TOKEN_HOLDERS
from devtools.scopes import PASSWORD
from tests.security.conftest import Clients
from tests.support.cast import Cast
from tests.support.full_organization import Furnished
from tests.support.pages import COOKIE, Portal
from tests.support.routes import everything, operation_path, portal_rules
from tests.support.rows import unchanged

TRACES = ("sessions", "audit_events", "audit_chains", "throttles", "drift_checks")
"""Tables that no configuration is in: what was read, tried and observed."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
GUARDED = [operation for operation in OPERATIONS if operation.who in TOKEN_HOLDERS]
WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
OTHER_KINDS = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "application/jsonx",
    "application/xml",
    "; charset=utf-8",
    None,
)
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil",
    "javascript:alert(1)",
    "/%0d%0aX: y\r\n",
    "/\t/evil.example",
]


@pytest.mark.asvs("3.5.1")
def test_every_unsafe_route_is_among_those_that_are_tried(app: Flask) -> None:
    """The API takes no cookie: 3.5.2."""
    tried = {rule.endpoint for rule, _, _ in portal_rules(app, unsafe=True)}
    unsafe = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) - SAFE and not rule.rule.startswith("/api/")
    }
    assert unsafe == tried
    assert len(tried) > 40


@pytest.mark.asvs("3.5.1")
@pytest.mark.parametrize("forged", ["none", "nonsense", "another's", "in the address"])
def test_nothing_is_changed_without_a_csrf_token(
    app: Flask, here: Furnished, dana: Portal, gus: Portal, forged: str
) -> None:
    token = {"none": None, "nonsense": "nonsense", "another's": gus.token(), "in the address": None}[forged]
    query = {"csrf_token": dana.token()} if forged == "in the address" else None
    with unchanged(app):
        for rule, method, _ in portal_rules(app, unsafe=True):
            sent = everything(token)
            answer = dana.raw(method, here.address(rule), data=sent, query_string=query)
            assert answer.status_code == 400, f"{rule.rule}: {answer.status_code}"


@pytest.mark.asvs("3.5.1")
def test_a_token_from_before_the_sign_in_is_worth_nothing(anonymous: Portal, cast: Cast) -> None:
    """A session that an attacker prepared is emptied at sign-in."""
    before = anonymous.token()
    anonymous.sign_in(cast.dana.email)
    assert anonymous.raw("POST", "/sign-out", data={"csrf_token": before}).status_code == 400
    assert anonymous.is_signed_in()


@pytest.mark.asvs("3.5.2")
def test_the_api_ignores_cookies(app: Flask, here: Furnished, dana: Portal, api: Clients) -> None:
    names = (COOKIE, "session", "token", "jwt", "access_token", "Authorization")
    cookies = "; ".join([f"{COOKIE}={dana.cookie}", *(f"{name}={api.dana.token}" for name in names)])
    headers = {"Cookie": cookies, "X-CSRFToken": dana.token()}
    with unchanged(app):
        for operation in GUARDED:
            path = operation_path(operation, here)
            body: dict[str, Any] = {"json": {}} if operation.body else {}
            answer = api.anonymous.call(operation.method, path, headers=headers, **body)
            assert answer.status_code == 401, operation.path


@pytest.mark.asvs("3.5.2")
def test_json_sent_as_something_else_is_415(app: Flask, here: Furnished, api: Clients) -> None:
    """A form of another site can send text/plain, and three other kinds, without a preflight."""
    with unchanged(app):
        for operation in WITH_BODY:
            for kind in OTHER_KINDS:
                path = operation_path(operation, here)
                answer = api.dana.call(operation.method, path, data=b"{}", content_type=kind)
                assert answer.status_code == 415, f"{operation.path}: {kind}"


@pytest.mark.asvs("3.5.3")
def test_reading_a_page_changes_nothing(app: Flask, here: Furnished, dana: Portal) -> None:
    """Not even when the address or a header asks for it."""
    token = dana.token()
    override = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "DELETE", "X-CSRFToken": token}
    with unchanged(app, but=TRACES):
        for rule, method, _ in portal_rules(app, unsafe=False):
            path = here.address(rule)
            for query, headers in (
                (None, override),
                (everything(token), override),
                ({"edit": here.ids["endpoint_id"]}, {"HX-Request": "true", "HX-Target": "endpoints"}),
            ):
                answer = dana.raw(method, path, query_string=query, headers=headers)
                assert answer.status_code < 500, f"{path}: {answer.status_code}"


@pytest.mark.asvs("3.5.3")
def test_reading_by_the_api_changes_nothing(app: Flask, here: Furnished, cast: Cast, api: Clients) -> None:
    with unchanged(app, but=TRACES):
        for operation in OPERATIONS:
            if operation.method == "GET":
                for query in ("", f"organizationId={cast.globex}", "phone_number=%2B919876543210"):
                    api.dana.get(f"{operation_path(operation, here)}?{query}")
                    api.dana.call("HEAD", f"{operation_path(operation, here)}?{query}")


@pytest.mark.asvs("3.5.8")
def test_what_another_site_sends_is_refused(app: Flask, here: Furnished, dana: Portal) -> None:
    token = dana.token()
    with unchanged(app):
        for rule, method, _ in portal_rules(app, unsafe=True):
            for mode in ("navigate", "cors", "no-cors"):
                headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
                answer = dana.raw(method, here.address(rule), data=everything(token), headers=headers)
                assert answer.status_code == 403, rule.rule
        for rule, method, _ in portal_rules(app, unsafe=False):
            for mode in ("cors", "no-cors"):
                headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
                assert dana.raw(method, here.address(rule), headers=headers).status_code == 403, rule.rule
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert dana.raw("GET", "/account", headers=link).status_code == 200


@pytest.mark.asvs("3.7.2")
@pytest.mark.parametrize("after", ELSEWHERE)
def test_next_stays_here(anonymous: Portal, dana: Portal, cast: Cast, after: str) -> None:
    page = anonymous.get("/sign-in")
    sent = {"email": cast.dana.email, "password": PASSWORD, "next": after}
    answer = anonymous.raw("POST", "/sign-in", data=sent | {"csrf_token": page.value("csrf_token")})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert dana.raw("GET", "/sign-in", query_string={"next": after}).headers["Location"] == "/"
