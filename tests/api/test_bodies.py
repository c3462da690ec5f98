"""Bodies that cannot be read are refused with a sentence, and change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.api.operations import OPERATIONS, Operation
from tests.support.caller import Caller, fields, sentence
from tests.support.cast import Cast
from tests.support.rows import unchanged

WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
JSON = "application/json"
MALFORMED = {
    "empty": (b"", "is not JSON"),
    "spaces": (b"   ", "is not JSON"),
    "half": (b'{"provider": ', "is not JSON"),
    "two values": (b"{} {}", "is not JSON"),
    "single quotes": (b"{'a': 1}", "is not JSON"),
    "trailing comma": (b'{"a": 1,}', "is not JSON"),
    "comment": (b"{} // done", "is not JSON"),
    "raw line break": (b'{"label": "a\nb"}', "is not JSON"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "duplicate key": (b'{"provider": "twilio", "provider": "sinch"}', '"provider" appears twice'),
    "duplicate key, escaped": (b'{"a": 1, "\\u0061": 2}', '"a" appears twice'),
    "duplicate key, deep": (b'{"x": [{"a": 1, "a": 1}]}', '"a" appears twice'),
    "NaN": (b'{"twilio_max_concurrent": NaN}', "NaN is not JSON"),
    "Infinity": (b'{"twilio_max_concurrent": Infinity}', "Infinity is not JSON"),
    "-Infinity": (b'{"twilio_max_concurrent": -Infinity}', "-Infinity is not JSON"),
    "too large a number": (b'{"twilio_max_concurrent": 1e999}', "too large"),
    "too long a number": (b'{"twilio_max_concurrent": ' + b"9" * 5000 + b"}", "too long"),
    "too deep": (b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}", "nested"),
    "far too deep": (b"[" * 100_000 + b"]" * 100_000, "nested"),
    "far too deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
    "only opened": (b"[" * 100_000, ""),
    "NUL": (b'{"label": "a\\u0000b"}', "NUL"),
    "NUL in a key": (b'{"a\\u0000b": 1}', "NUL"),
    "raw NUL": (b'{"label": "a\x00b"}', "is not JSON"),
    "lone surrogate": (b'{"label": "\\ud800"}', "surrogate"),
    "lone surrogate in a key": (b'{"\\udfff": 1}', "surrogate"),
    "surrogate twice": (b'{"\\ud800": 1, "\\ud800": 1}', "twice"),
    "Latin-1": ('{"label": "Línea"}'.encode("latin-1"), "not UTF-8"),
    "UTF-16": ('{"label": "x"}'.encode("utf-16"), "not UTF-8"),
    "raw surrogate": (b'{"label": "\xed\xa0\x80"}', "not UTF-8"),
    "binary": (bytes(range(256)), ""),
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is refused before it is read reaches no database."""
    return sqlite_url


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _send(
    caller: Caller, operation: Operation, cast: Cast, data: bytes, kind: str | None = JSON
) -> TestResponse:
    path = operation.path.replace("<organization_id>", cast.acme)
    path = path.replace("<endpoint_id>", "no-such-endpoint").replace("<provider>", "vobiz")
    return caller.call(operation.method, path, data=data, content_type=kind)


@pytest.mark.asvs("1.5.3")
@pytest.mark.parametrize("operation", WITH_BODY, ids=_name)
def test_what_cannot_be_read_is_400(app: Flask, dana: Caller, cast: Cast, operation: Operation) -> None:
    with unchanged(app):
        for name, found in MALFORMED.items():
            data, part = found if isinstance(found, tuple) else (found, "")
            if not data and operation.path.endswith("/verify"):
                continue  # its body may be left out
            answer = _send(dana, operation, cast, data)
            assert answer.status_code == 400, f"{name}: {answer.text}"
            assert answer.json["code"] == "MALFORMED_REQUEST"  # type: ignore[index]
            assert part in sentence(answer), f"{name}: {answer.text}"


@pytest.mark.parametrize("operation", WITH_BODY, ids=_name)
def test_a_body_that_is_no_object_is_422(app: Flask, dana: Caller, cast: Cast, operation: Operation) -> None:
    with unchanged(app):
        for data in (b"[]", b"[{}]", b"5", b'"text"', b"null", b"true", b"1.5"):
            answer = _send(dana, operation, cast, data)
            assert fields(answer) == {"body"}, data
            assert sentence(answer) == "Send a JSON object, such as {}."


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", " application/json ;x=y"]
)
def test_json_has_several_spellings(dana: Caller, kind: str) -> None:
    answer = dana.call("POST", "/api/calls/voice-ai/config", data=b"{}", content_type=kind)
    assert answer.status_code == 200


@pytest.mark.parametrize("operation", WITH_BODY, ids=_name)
def test_too_large_a_body_is_413(app: Flask, dana: Caller, cast: Cast, operation: Operation) -> None:
    with unchanged(app):
        answer = _send(dana, operation, cast, b'{"label": "' + b"x" * 1_000_001 + b'"}')
        assert answer.status_code == 413
        assert _send(dana, operation, cast, b"x" * 1_000_001, "text/plain").status_code in (413, 415)


@pytest.mark.parametrize("operation", WITH_BODY, ids=_name)
def test_a_large_body_that_is_allowed_is_answered(
    app: Flask, dana: Caller, cast: Cast, operation: Operation
) -> None:
    many = b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(60_000)) + b"}"
    long = b'{"provider": "' + "é".encode() * 400_000 + b'"}'
    for data in (many, long):
        assert _send(dana, operation, cast, data).status_code < 500


WRONG_TYPES: dict[str, list[Any]] = {
    "string": [5, True, 1.5, [], ["x"], {}, {"x": "y"}],
    "integer": ["5", True, 1.5, [], {}, "", 10**30, -(10**30)],
    "boolean": ["true", 1, 0, [], {}, "", 1.0],
}


def _types(schema: dict[str, Any], document: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _types(document["components"]["schemas"][schema["$ref"].split("/")[-1]], document)
    if "anyOf" in schema:
        return set().union(*(_types(found, document) for found in schema["anyOf"]))
    return {schema["type"]}


@pytest.mark.asvs("2.2.1")
@pytest.mark.parametrize("operation", WITH_BODY, ids=_name)
def test_a_wrong_type_is_refused_for_every_documented_field(
    app: Flask, dana: Caller, cast: Cast, operation: Operation
) -> None:
    from app.api.openapi import document

    described = document()
    path = operation.path.replace("<", "{").replace(">", "}")
    body = described["paths"][path][operation.method.lower()]["requestBody"]
    name = body["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
    where = operation.path.replace("<organization_id>", cast.acme)
    where = where.replace("<endpoint_id>", "no-such-endpoint")
    with unchanged(app):
        for field, schema in described["components"]["schemas"][name]["properties"].items():
            types = _types(schema, described)
            wrong = WRONG_TYPES[next(iter(types - {"null"}))]
            for value in wrong if "null" in types else [*wrong, None]:
                answer = dana.call(operation.method, where, json={field: value})
                assert field in fields(answer), f"{field} = {value!r}: {answer.text}"
