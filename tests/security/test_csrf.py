"""Forged requests: without a CSRF token, from another site, with a cookie in place of a token."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.api.operations import OPERATIONS
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
OTHER_HOSTS = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil",
    "javascript:alert(1)",
    "/%0d%0aX: y\r\n",
    "/\t/evil.example",
]


@pytest.mark.asvs("3.5.1")
def test_an_unsafe_request_without_a_csrf_token_is_400(
    app: Flask, here: Furnished, dana: Portal, *, gus: Portal, anonymous: Portal, thorough: bool
) -> None:
    """On every third route but those of the API, which takes no cookie: 3.5.2; thorough, on each. Every wrong
    token is tried on one: of another user, in another place."""
    assert unsafe_endpoints(app) == {rule.endpoint for rule, _, _ in portal_rules(app, unsafe=True)}
    others, own = gus.token(), dana.token()
    wrong = []
    with unchanged(app):
        rules = [*portal_rules(app, unsafe=True)][:: 1 if thorough else 3]
        for place, (rule, method, _) in enumerate(rules):
            requests: list[dict[str, Any]] = [{"data": everything(None)}]
            if place == 0:
                requests.append({"data": everything(others)})
                requests.append({"data": everything("nonsense")})
                requests.append({"data": everything(None), "query_string": {"csrf_token": own}})
            for request in requests:
                answer = dana.raw(method, here.address(rule), **request)
                if answer.status_code != 400:
                    wrong.append(f"{rule.rule}: {answer.status_code}")
    assert wrong == []
    before = anonymous.token()
    anonymous.sign_in(here.cast.dana.email)
    assert anonymous.raw("POST", "/sign-out", data={"csrf_token": before}).status_code == 400
    assert anonymous.is_signed_in(), "a session that an attacker prepared is emptied at sign-in"


def unsafe_endpoints(app: Flask) -> set[str]:
    """Those that may change something."""
    endpoints = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) - SAFE and not rule.rule.startswith("/api/")
    }
    assert len(endpoints) > 40
    return endpoints


@pytest.mark.asvs("3.5.2")
def test_json_of_another_content_type_is_415(app: Flask, here: Furnished, api: Clients) -> None:
    """A form of another site can send text/plain, and three other kinds, without a preflight."""
    with unchanged(app):
        for place, operation in enumerate(WITH_BODY):
            for kind in OTHER_KINDS if place == 0 else ("text/plain", None):
                path = operation_path(operation, here)
                answer = api.dana.call(operation.method, path, data=b"{}", content_type=kind)
                assert answer.status_code == 415, f"{operation.path}: {kind}"


@pytest.mark.asvs("3.5.3")
def test_reading_changes_nothing(
    app: Flask, here: Furnished, dana: Portal, api: Clients, thorough: bool
) -> None:
    """Not even when the address or a header asks for it. A page in five is read; thorough, each."""
    token = dana.token()
    override = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "DELETE", "X-CSRFToken": token}
    parts = ({"edit": here.ids["endpoint_id"]}, {"HX-Request": "true", "HX-Target": "endpoints"})
    with unchanged(app, but=TRACES):
        for rule, method, _ in [*portal_rules(app, unsafe=False)][:: 1 if thorough else 5]:
            path = here.address(rule)
            has_parts = thorough or rule.endpoint == "endpoints.table"
            for query, headers in ((everything(token), override), *([parts] if has_parts else [])):
                answer = dana.raw(method, path, query_string=query, headers=headers)
                assert answer.status_code < 500, f"{path}: {answer.status_code}"
        added = ["", f"organizationId={here.cast.globex}", "phone_number=%2B919876543210"]
        for place, operation in enumerate(one for one in OPERATIONS if one.method == "GET"):
            for text in added if thorough else [added[place % 3]]:
                api.dana.get(f"{operation_path(operation, here)}?{text}")
            if thorough or place % 3 == 0:
                api.dana.call("HEAD", operation_path(operation, here))


@pytest.mark.asvs("3.5.8", "3.7.2")
def test_a_cross_site_request_is_403_and_a_sign_in_stays_here(
    app: Flask, here: Furnished, dana: Portal, anonymous: Portal, cast: Cast, *, thorough: bool
) -> None:
    """To one address in ten, from one other host in three; thorough, each."""
    token, step = dana.token(), 1 if thorough else 10
    with unchanged(app):
        for rule, method, _ in [*portal_rules(app, unsafe=True)][::step]:
            headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
            answer = dana.raw(method, here.address(rule), data=everything(token), headers=headers)
            assert answer.status_code == 403, rule.rule
        for rule, method, _ in [*portal_rules(app, unsafe=False)][::step]:
            headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
            assert dana.raw(method, here.address(rule), headers=headers).status_code == 403, rule.rule
        for mode in ("cors", "no-cors"):
            headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
            for method, data in (("GET", None), ("POST", everything(token))):
                assert dana.raw(method, "/account/password", data=data, headers=headers).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert dana.raw("GET", "/account", headers=link).status_code == 200

    for after in OTHER_HOSTS if thorough else OTHER_HOSTS[::3]:
        answer = dana.raw("GET", "/sign-in", query_string={"next": after})
        assert answer.headers["Location"] == "/", after
        page = anonymous.get("/sign-in")
        submitted = {"email": cast.dana.email, "password": PASSWORD, "next": after}
        answer = anonymous.raw("POST", "/sign-in", data=submitted | {"csrf_token": page.value("csrf_token")})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/"), after
        anonymous.client.delete_cookie(COOKIE)
