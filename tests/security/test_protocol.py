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
def test_a_forged_address_counts_for_nothing_in_the_portal(app: Flask, anonymous: Portal, cast: Cast) -> None:
    sent = {"csrf_token": anonymous.token(), "email": cast.mo.email, "password": "not it"}
    before = len(audit(app))
    answers = [anonymous.raw("POST", "/sign-in", data=sent, headers=forged(n)) for n in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert {event.ip for event in audit(app)[before:]} == {"127.0.0.1"}
    assert "evil" not in str([answer.headers for answer in answers])


@pytest.mark.asvs("4.1.3")
def test_a_forged_address_counts_for_nothing_at_the_api(app: Flask, api: Clients, cast: Cast) -> None:
    sent = {"email": cast.mo.email, "password": "not it"}
    before = len(audit(app))
    answers = [api.anonymous.post("/api/auth/login", sent, headers=forged(n)) for n in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert {event.ip for event in audit(app)[before:]} == {"127.0.0.1"}


@pytest.mark.asvs("4.1.4")
def test_a_page_takes_no_other_verb(app: Flask, here: Furnished, dana: Portal) -> None:
    token = dana.token()
    paths = {here.address(rule) for unsafe in (False, True) for rule, *_ in portal_rules(app, unsafe=unsafe)}
    assert len(paths) > 70
    with unchanged(app):
        for path in paths:
            for verb in VERBS:
                if not resolves(app, path, verb):
                    answer = dana.raw(verb, path, headers={"X-CSRFToken": token})
                    is_led = verb == "GET" and answer.status_code == 303
                    assert is_led or answer.status_code == 405, f"{verb} {path}"


@pytest.mark.asvs("4.1.4")
def test_an_operation_takes_no_other_verb(app: Flask, here: Furnished, api: Clients) -> None:
    """`Allow` names its own: `/endpoints/resolve` is not taken for an endpoint with that id."""
    with unchanged(app):
        for path in {operation_path(operation, here) for operation in OPERATIONS}:
            allowed = {verb for verb in VERBS if operation_at(app, verb, path) is not None}
            for verb in set(VERBS) - allowed:
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


@pytest.mark.asvs("4.2.1")
def test_a_request_with_an_ambiguous_length_is_refused(installation: Installation) -> None:
    """Two servers could read it differently. What is hidden in it is not answered."""
    wrong = []
    for name, lines in FRAMINGS.items():
        for body in (CHUNKS, b"{}"):
            found = received(installation, head(installation.tokens["dana"], *lines) + body + SMUGGLED)
            is_refused = found.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
            if not is_refused or found.count(b"HTTP/1.1 ") != 1:
                wrong.append((name, body, found[:500]))
    assert wrong == []


CHUNKED: dict[str, tuple[str, ...]] = {
    "alone": ("Transfer-Encoding: chunked",),
    "after a length": ("Content-Length: 2", "Transfer-Encoding: chunked"),
    "before a length": ("Transfer-Encoding: chunked", "Content-Length: 2"),
    "after a longer length": (f"Content-Length: {len(CHUNKS + SMUGGLED)}", "Transfer-Encoding: chunked"),
    "twice": ("Transfer-Encoding: chunked, chunked", "Content-Length: 2"),
    "after a tab": ("Transfer-Encoding:\tchunked", "Content-Length: 2"),
}


@pytest.mark.asvs("4.2.1")
def test_chunks_end_a_body_despite_its_length_and_the_connection(installation: Installation) -> None:
    """What is hidden behind them is not answered."""
    wrong = []
    for name, lines in CHUNKED.items():
        found = received(installation, head(installation.tokens["dana"], *lines) + CHUNKS + SMUGGLED)
        is_closed = b"\r\nconnection: close\r\n" in found.lower()
        if not found.startswith(b"HTTP/1.1 200 ") or not is_closed or found.count(b"HTTP/1.1 ") != 1:
            wrong.append((name, found[:500]))
    assert wrong == []


@pytest.mark.asvs("4.2.1")
def test_chunks_that_do_not_end_are_refused(installation: Installation) -> None:
    token = installation.tokens["dana"]
    found = received(installation, head(token, "Transfer-Encoding: chunked") + b"2\r\n{}\r\nnonsense\r\n")
    assert found.startswith(b"HTTP/1.1 400 "), found[:500]
