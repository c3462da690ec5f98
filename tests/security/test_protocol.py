"""HTTP as it arrives: forged addresses, other verbs, requests with two lengths."""

from __future__ import annotations

import pytest
from flask import Flask

from app.api.operations import OPERATIONS
from tests.security.conftest import Clients, Installation, received
from tests.support.caller import operation_at
from tests.support.cast import Cast
from tests.support.full_organization import Furnished
from tests.support.page_checks import resolves
from tests.support.pages import Portal
from tests.support.routes import operation_path, portal_rules
from tests.support.rows import audit, unchanged

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
SAVE = "/api/calls/voice-ai/config"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"


def forged(number: int) -> dict[str, str]:
    address = f"203.0.113.{number}"
    return {
        "X-Forwarded-For": address,
        "X-Real-IP": address,
        "CF-Connecting-IP": address,
        "True-Client-IP": address,
        "Forwarded": f"for={address}",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    }


@pytest.mark.asvs("4.1.3")
def test_a_forged_address_counts_for_nothing(app: Flask, anonymous: Portal, api: Clients, cast: Cast) -> None:
    before = len(audit(app))
    submitted = {"csrf_token": anonymous.token(), "email": cast.mo.email, "password": "not it"}
    answers = [anonymous.raw("POST", "/sign-in", data=submitted, headers=forged(n)) for n in range(11)]
    body = {"email": cast.gus.email, "password": "not it"}
    answers += [api.anonymous.post("/api/auth/login", body, headers=forged(n)) for n in range(11)]
    assert [answer.status_code for answer in answers] == [*[401] * 10, 429] * 2
    assert {event.ip for event in audit(app)[before:]} == {"127.0.0.1"}
    assert "evil" not in str([answer.headers for answer in answers])


@pytest.mark.asvs("4.1.4")
def test_a_page_or_an_operation_takes_no_other_verb(
    app: Flask, here: Furnished, dana: Portal, thorough: bool, api: Clients
) -> None:
    """A page in six refuses the verbs of forms and links, and one of the others; an operation one in turn;
    thorough, each all. `Allow` names its own: `/endpoints/resolve` is not taken for an endpoint."""
    token = dana.token()
    paths = {here.address(rule) for unsafe in (False, True) for rule, *_ in portal_rules(app, unsafe=unsafe)}
    assert len(paths) > 70
    with unchanged(app):
        for place, path in enumerate(sorted(paths)[:: 1 if thorough else 6]):
            some = {"GET", "POST", VERBS[2 + place % (len(VERBS) - 2)]}
            for verb in VERBS if thorough or place == 0 else some:
                if not resolves(app, path, verb):
                    answer = dana.raw(verb, path, headers={"X-CSRFToken": token})
                    is_led = verb == "GET" and answer.status_code == 303
                    assert is_led or answer.status_code == 405, f"{verb} {path}"

    with unchanged(app):
        for place, path in enumerate(sorted({operation_path(operation, here) for operation in OPERATIONS})):
            allowed = {verb for verb in VERBS if operation_at(app, verb, path) is not None}
            others = sorted(set(VERBS) - allowed)
            for verb in others if thorough else [others[place % len(others)]]:
                answer = api.dana.call(verb, path)
                assert answer.status_code == 405, f"{verb} {path}"
                named = set(answer.headers["Allow"].replace(" ", "").split(","))
                assert named - {"HEAD"} == allowed, f"{verb} {path}"


def head(token: str, *lines: str) -> bytes:
    start = (f"POST {SAVE} HTTP/1.1", "Host: localhost", "Connection: close")
    more = (f"Authorization: Bearer {token}", "Content-Type: application/json")
    return "\r\n".join([*start, *more, *lines, "", ""]).encode()


FRAMINGS: dict[str, tuple[str, ...]] = {
    "two lengths": ("Content-Length: 2", "Content-Length: 3"),
    "two lengths in one": ("Content-Length: 2, 3",),
    "a signed length": ("Content-Length: +2",),
    "a negative length": ("Content-Length: -2",),
    "a length in hex": ("Content-Length: 0x2",),
    "a length and more": ("Content-Length: 2 2",),
    "a space before the colon": ("Transfer-Encoding : chunked", "Content-Length: 2"),
    "a folded line": ("X: y", " Transfer-Encoding: chunked", "Content-Length: 2"),
    "another coding": ("Transfer-Encoding: gzip", "Content-Length: 2"),
    "an unknown coding": ("Transfer-Encoding: xchunked", "Content-Length: 2"),
    "a NUL": ("Transfer-Encoding: chunked\0", "Content-Length: 2"),
}


CHUNKED: dict[str, tuple[str, ...]] = {
    "alone": ("Transfer-Encoding: chunked",),
    "after a length": ("Content-Length: 2", "Transfer-Encoding: chunked"),
    "before a length": ("Transfer-Encoding: chunked", "Content-Length: 2"),
    "after a longer length": (f"Content-Length: {len(CHUNKS + SMUGGLED)}", "Transfer-Encoding: chunked"),
    "twice": ("Transfer-Encoding: chunked, chunked", "Content-Length: 2"),
    "after a tab": ("Transfer-Encoding:\tchunked", "Content-Length: 2"),
}


@pytest.mark.asvs("4.2.1")
def test_the_end_of_a_body_is_clear_or_the_request_is_refused(installation: Installation) -> None:
    """Two servers could read an ambiguous length differently: what is hidden behind it is not answered.

    Chunks end a body, despite its length, and the connection.
    """
    token, wrong = installation.tokens["dana"], []
    for name, lines in FRAMINGS.items():
        for body in (CHUNKS, b"{}"):
            response = received(installation, head(token, *lines) + body + SMUGGLED)
            is_refused = response.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
            if not is_refused or response.count(b"HTTP/1.1 ") != 1:
                wrong.append((name, body, response[:500]))
    for name, lines in CHUNKED.items():
        response = received(installation, head(token, *lines) + CHUNKS + SMUGGLED)
        is_closed = b"\r\nconnection: close\r\n" in response.lower()
        if not response.startswith(b"HTTP/1.1 200 ") or not is_closed or response.count(b"HTTP/1.1 ") != 1:
            wrong.append((name, CHUNKS, response[:500]))
    endless = head(token, "Transfer-Encoding: chunked") + b"2\r\n{}\r\nnonsense\r\n"
    response = received(installation, endless)
    assert response.startswith(b"HTTP/1.1 400 "), response[:500]
    assert wrong == []
