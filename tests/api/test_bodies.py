"""Bodies that cannot be read are refused with a sentence, and change nothing."""

from __future__ import annotations

from typing import Any

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


def test_body_is_an_object_or_nothing_if_none_is_needed(app: Flask, dana: Caller, cast: Cast) -> None:
    """Generated clients for Go send null for nothing. What else is no object, one operation shows."""
    wrong: list[tuple[Any, ...]] = []
    needed = [one for one in WITH_BODY if not one.optional_body]
    with unchanged(app):
        for operation in needed:
            others = (b"[{}]", b"5", b'"text"', b"true", b"1.5") if operation is needed[0] else ()
            for data in (b"[]", b"null", *others):
                answer = _send(dana, operation, cast, data)
                if (fields(answer), sentence(answer)) != ({"body"}, messages.OBJECT_NEEDED):
                    wrong.append((_name(operation), data, answer.text))
    for operation in (one for one in WITH_BODY if one.optional_body):
        empty = _send(dana, operation, cast, b"", None).status_code
        null = _send(dana, operation, cast, b"null").status_code
        array = fields(_send(dana, operation, cast, b"[]"))
        if null != empty or empty == 422 or array != {"body"}:
            wrong.append((_name(operation), empty, null, array))
    assert wrong == []

    for kind in ["application/json; charset=utf-8", "Application/JSON", " application/json ;x=y"]:
        answer = dana.call("POST", "/api/calls/voice-ai/config", data=b"{}", content_type=kind)
        assert answer.status_code == 200, kind


def test_body_over_the_limit_is_413_and_at_it_never_fails(
    app: Flask, dana: Caller, cast: Cast, thorough: bool
) -> None:
    """Each body is read by the same parser: what it makes of a long one, some operations show."""
    over = b'{"label": "' + b"x" * 1_000_001 + b'"}'
    many = b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(60_000)) + b"}"
    long = b'{"provider": "' + "é".encode() * 400_000 + b'"}'
    wrong = []
    with unchanged(app):
        for operation in WITH_BODY if thorough else WITH_BODY[::5]:
            answer = _send(dana, operation, cast, over)
            if answer.status_code != 413:
                wrong.append((_name(operation), [answer.status_code]))
        assert _send(dana, WITH_BODY[0], cast, over, "text/plain").status_code in (413, 415)
    for operation in WITH_BODY if thorough else WITH_BODY[::10]:
        statuses = [_send(dana, operation, cast, data).status_code for data in (many, long)]
        if max(statuses) >= 500:
            wrong.append((_name(operation), statuses))
    assert wrong == []
