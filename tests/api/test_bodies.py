"""Bodies that cannot be read are refused with a sentence, and change nothing."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.api.operations import OPERATIONS, Operation
from app.services import messages
from tests.support.caller import Caller, fields, sentence
from tests.support.cast import Cast
from tests.support.rows import unchanged

WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
JSON = "application/json"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is refused before it is read reaches no database."""
    return sqlite_url


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _send(
    caller: Caller, operation: Operation, cast: Cast, data: bytes, kind: str | None = JSON
) -> TestResponse:
    path = operation.path.replace("<organization_id>", cast.acme).replace("<user_id>", cast.mo.id)
    path = path.replace("<endpoint_id>", "no-such-endpoint").replace("<provider>", "vobiz")
    return caller.call(operation.method, path, data=data, content_type=kind)


def test_body_that_is_no_object_is_422(
    app: Flask, dana: Caller, cast: Cast, subtests: pytest.Subtests
) -> None:
    for operation in WITH_BODY:
        with subtests.test(_name(operation)), unchanged(app):
            needed = [] if operation.optional_body else [b"null"]
            for data in (b"[]", b"[{}]", b"5", b'"text"', b"true", b"1.5", *needed):
                answer = _send(dana, operation, cast, data)
                assert fields(answer) == {"body"}, data
                assert sentence(answer) == messages.OBJECT_NEEDED


def test_null_is_no_body_if_none_is_needed(dana: Caller, cast: Cast, subtests: pytest.Subtests) -> None:
    """As clients generated for Go send it."""
    for operation in (one for one in WITH_BODY if one.optional_body):
        with subtests.test(_name(operation)):
            empty = _send(dana, operation, cast, b"", None).status_code
            assert _send(dana, operation, cast, b"null").status_code == empty != 422


def test_content_type_of_json_is_case_insensitive(dana: Caller, subtests: pytest.Subtests) -> None:
    for kind in ["application/json; charset=utf-8", "Application/JSON", " application/json ;x=y"]:
        with subtests.test(kind=kind):
            answer = dana.call("POST", "/api/calls/voice-ai/config", data=b"{}", content_type=kind)
            assert answer.status_code == 200


def test_body_over_the_limit_is_413(app: Flask, dana: Caller, cast: Cast, subtests: pytest.Subtests) -> None:
    for operation in WITH_BODY:
        with subtests.test(_name(operation)), unchanged(app):
            answer = _send(dana, operation, cast, b'{"label": "' + b"x" * 1_000_001 + b'"}')
            assert answer.status_code == 413
            assert _send(dana, operation, cast, b"x" * 1_000_001, "text/plain").status_code in (413, 415)


def test_body_at_the_limit_never_fails(
    app: Flask, dana: Caller, cast: Cast, thorough: bool, subtests: pytest.Subtests
) -> None:
    for operation in WITH_BODY if thorough else WITH_BODY[::5]:
        with subtests.test(_name(operation)):
            many = b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(60_000)) + b"}"
            long = b'{"provider": "' + "é".encode() * 400_000 + b'"}'
            for data in (many, long):
                assert _send(dana, operation, cast, data).status_code < 500
