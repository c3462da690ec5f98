"""What is on every response: headers, cookies, content types."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from devtools.scopes import PASSWORD
from tests.security.conftest import Clients, Installation, received
from tests.support import contract
from tests.support.cast import Cast
from tests.support.page_checks import NONCE
from tests.support.pages import Portal

OTHER_HOST = re.compile(r"(url\(|@import)\s*[\"']?\s*(https?:)?//")
KINDS = [
    *["/sign-in", "/nowhere", "/account", "/o/x/people", "/setup", "/sign-out", "/%00"],
    *["/static/x/css/base.css", "/static/nothing", "/healthz", "/readyz"],
    *["/api/calls/providers", "/api/nothing", "/api/openapi.json", "/api/docs", "/api/auth/login"],
]
"""Kinds of answers: pages, redirects, refusals, files, JSON, and what monitors read."""


@pytest.mark.asvs("3.4.1", "3.4.2", "3.4.4", "3.4.5", "3.4.6", "3.4.8", "4.1.1")
def test_every_response_has_the_headers_and_allows_no_other_origin(
    anonymous: Portal, api: Clients, installation: Installation
) -> None:
    """Also those to requests that are too large. Bytes that are no request: the HTTP parser answers,
    without     our headers and without a body that could need them."""
    for path in KINDS:
        _check_headers(path, anonymous.raw("GET", path, headers={"Origin": "https://evil.example"}).headers)
    for origin in ("https://evil.example", "null", "http://localhost"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        for caller in (api.dana, api.anonymous):
            for path in ("/api/calls/providers", "/api/settings/telephony", "/api/nothing"):
                for method in ("OPTIONS", "GET"):
                    answer = caller.call(method, path, headers=headers)
                    assert "evil" not in str(answer.headers)
                    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]

    for path in ("/sign-in", "/api/calls/providers"):
        long = anonymous.raw("GET", f"{path}?{'x' * 20_000}")
        large = anonymous.raw("GET", path, headers={"X-A": "x" * 200_000})
        assert (long.status_code, large.status_code) == (414, 431)
        for answer in (long, large):
            assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    for request in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"):
        head, _, body = received(installation, request).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert body == b""


def _check_headers(path: str, headers: Headers) -> None:
    assert int(headers["Strict-Transport-Security"].split(";")[0].removeprefix("max-age=")) >= 31_536_000
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    if headers["Content-Type"].startswith("text/html"):
        assert {"camera=()", "microphone=()", "usb=()"} <= set(headers["Permissions-Policy"].split(", "))
    if "/static/" not in path:
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not [name for name, _ in headers if name.lower().startswith("access-control-")]
    assert "evil" not in str(headers)
    assert headers["Content-Type"].endswith("; charset=utf-8")
    for name in ("Strict-Transport-Security", "X-Content-Type-Options", "Cache-Control"):
        assert len(headers.getlist(name)) == 1, name


@pytest.mark.asvs("3.2.1")
def test_json_is_never_taken_for_a_page(api: Clients) -> None:
    markup = '"><img src=x onerror=alert(1)>'
    body = contract.ENDPOINT_EXAMPLE | {"label": markup, "phone_number": "+15550004444"}
    response = api.dana.post("/api/settings/endpoints", body)
    assert response.status_code == 201
    refused = api.dana.post("/api/settings/endpoints", body | {"provider": markup})
    for answer in (
        response,
        refused,
        api.dana.get("/api/settings/endpoints"),
        api.dana.get(f"/api/{markup}"),
    ):
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.asvs("3.3.1", "3.3.2", "3.3.3", "3.3.4")
def test_the_cookie_is_as_closed_as_it_can_be(anonymous: Portal, cast: Cast) -> None:
    first = anonymous.raw("GET", "/sign-in").headers.getlist("Set-Cookie")
    token = anonymous.token()
    submitted = {"csrf_token": token, "email": cast.dana.email, "password": PASSWORD}
    second = anonymous.raw("POST", "/sign-in", data=submitted).headers.getlist("Set-Cookie")
    assert len(first) == 1
    for cookie in [*first, *second]:
        name, *flags = [part.strip() for part in cookie.split(";")]
        lifetime = {flag for flag in flags if flag.startswith(("Expires=", "Max-Age="))}
        site = "Strict" if name.startswith("__Host-patchbay-browser=") else "Lax"
        assert name.startswith(("__Host-patchbay=", "__Host-patchbay-browser="))
        assert set(flags) - lifetime == {"Secure", "HttpOnly", "Path=/", f"SameSite={site}"}
        assert bool(lifetime) == (site == "Strict")
    assert anonymous.is_signed_in()


@pytest.mark.asvs("3.4.3", "14.3.2")
def test_the_policy_allows_nothing_unsafe_and_nothing_is_stored(
    anonymous: Portal, dana: Portal, api: Clients, visited: Mapping[str, TestResponse]
) -> None:
    nonces = set()
    for portal, path, status in (
        (anonymous, "/sign-in", 200),
        (dana, "/", 200),
        (dana, "/", 200),
        (dana, "/nowhere", 404),
    ):
        policy = portal.get(path, status).answer.headers["Content-Security-Policy"]
        rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
        for name in ("default-src", "object-src", "base-uri", "frame-ancestors"):
            assert rules[name] == ["'none'"]
        assert rules["form-action"] == ["'self'"]
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "http" not in policy
        assert rules["script-src"] == [f"'nonce-{nonce}'" for nonce in NONCE.findall(policy)[:1]]
        nonces.add(rules["script-src"][0])
    assert len(nonces) == 4

    for rule, answer in visited.items():
        assert answer.headers["Cache-Control"] == "no-store", rule
    htmx = json.loads(dana.get("/").root.one("meta", name="htmx-config")["content"])
    assert (htmx["historyCacheSize"], htmx["allowEval"], htmx["selfRequestsOnly"]) == (0, False, True)
    assert api.dana.get("/api/settings/telephony").headers["Cache-Control"] == "no-store"


@pytest.mark.asvs("3.6.1")
def test_files_are_ours_and_their_address_names_their_content(anonymous: Portal) -> None:
    page = anonymous.get("/sign-in")
    files = [e.get("src") or e.get("href") for e in page.root.all("script", "link")]
    assert len(files) >= 5
    for file in files:
        answer = anonymous.raw("GET", file)
        assert answer.status_code == 200, file
        assert "immutable" in answer.headers["Cache-Control"], file
        assert "Set-Cookie" not in answer.headers, file
        if answer.mimetype == "text/css":
            assert not OTHER_HOST.search(answer.text), file
        other = re.sub(r"(?<=/static/)\w+", "of-tomorrow", file)
        assert anonymous.raw("GET", other).headers["Cache-Control"] == "no-cache", file
    for escape in ("/static/x/../../app/config.py", "/static/x/%2e%2e/wsgi.py", "/static/x/..%2fwsgi.py"):
        assert anonymous.raw("GET", escape).status_code == 404
