"""A caller of the API that checks every response against the contracts and our OpenAPI document."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from app.api.document import HEADERS, document, resolved, template
from app.api.openapi import docs
from app.api.operations import OPERATIONS, Operation
from tests.support import contract

JSON = "application/json; charset=utf-8"
SECRET = {"/api/calls/providers/config", "/api/settings/telephony"}
"""Documents that may have secrets, so that no cache may keep them."""


@dataclass(frozen=True)
class Caller:
    """A caller with a token, or without one. Sends and stores no cookie."""

    app: Flask
    token: str | None = None

    def call(self, method: str, path: str, **request: Any) -> TestResponse:
        """As werkzeug's test client takes it; the answer is checked before it is handed on."""
        headers = dict(request.pop("headers", {}))
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        client = self.app.test_client(use_cookies=False)
        answer = client.open(path, method=method, headers=headers, buffered=True, **request)
        check(self.app, method, path, answer)
        return answer

    def get(self, path: str, **request: Any) -> TestResponse:
        return self.call("GET", path, **request)

    def post(self, path: str, json: Any = None, **request: Any) -> TestResponse:
        return self.call("POST", path, json=json, **request)

    def put(self, path: str, json: Any = None, **request: Any) -> TestResponse:
        return self.call("PUT", path, json=json, **request)

    def delete(self, path: str, **request: Any) -> TestResponse:
        return self.call("DELETE", path, **request)


def check(app: Flask, method: str, path: str, answer: TestResponse) -> None:
    """What holds for every answer of the API."""
    said = f"{method} {path} → {answer.status_code} {answer.text[:400]}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff", said
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"], said
    is_kept = method in ("GET", "HEAD") and "ETag" in answer.headers and path.partition("?")[0] not in SECRET
    assert answer.headers["Cache-Control"] == ("private, no-cache" if is_kept else "no-store"), said
    assert "Set-Cookie" not in answer.headers, said
    operation = operation_at(app, method, path)
    if operation is None:
        assert answer.status_code in (404, 405), said
    else:
        check_declared(operation, answer, said)
    if answer.status_code in (204, 304):
        assert answer.data == b"", said
        return
    if operation and operation.view is docs and answer.status_code == 200:
        return
    assert "Cookie" not in answer.headers.get("Vary", ""), said
    assert answer.headers["Content-Type"] == JSON, said
    if method == "HEAD":
        return
    if answer.status_code >= 400:
        check_error(answer, said)
    elif (name := contract.ANSWERS.get((method, operation.path if operation else ""))) is not None:
        contract.validator(name).validate(answer.json)
    if operation is not None:
        _validator(operation, answer.status_code).validate(answer.json)


def check_declared(operation: Operation, answer: TestResponse, said: str) -> None:
    """Status, error code and headers are those that the operation declares."""
    described = _documented(operation, answer.status_code)
    assert described is not None, f"undocumented status: {said}"
    if answer.status_code >= 400 and answer.data:
        codes = {error.code for error in operation.error_codes}
        assert answer.json is not None, said
        assert answer.json["code"] in codes, f"undeclared error: {said}"
    shown = {name for name in HEADERS if name in answer.headers}
    assert shown <= set(described.get("headers", {})), f"undeclared header: {said}"
    if answer.status_code == operation.status:
        expected = set(operation.headers) - {"Link"}
        assert expected <= shown, f"missing header: {said}"


def check_error(answer: TestResponse, said: str = "") -> None:
    """The envelope, the whole envelope; its sentences end as sentences do."""
    contract.validator("CallsErrorResponse").validate(answer.json)
    body = answer.json
    assert isinstance(body, dict), said
    expected = {"success", "error", "code"} | ({"id"} if answer.status_code == 500 else set())
    optional = {"existing_id"} if answer.status_code == 409 else set()
    assert set(body) - optional == expected, said
    if answer.status_code != 422:
        assert body["error"].endswith((".", "!")), said
        return
    assert set(body["error"]) == {"code", "message", "details"}, said
    assert body["error"]["code"] == body["code"] == "VALIDATION_FAILED", said
    assert body["error"]["details"], said
    for detail in body["error"]["details"]:
        assert set(detail) == {"field", "message"}, said
        assert detail["message"].endswith((".", "?")), said


def fields(answer: TestResponse) -> set[str]:
    """The fields that a 422 names."""
    assert answer.status_code == 422, answer.text
    assert answer.json is not None
    return {detail["field"] for detail in answer.json["error"]["details"]}


def sentence(answer: TestResponse) -> str:
    """What a refusal says, the field's sentences included."""
    assert answer.json is not None
    said = answer.json["error"]
    if isinstance(said, str):
        return said
    return " ".join(detail["message"] for detail in said["details"])


def operation_at(app: Flask, method: str, path: str) -> Operation | None:
    """The declared operation that answers; None if there is none."""
    path, requested_method = path.partition("?")[0], "GET" if method == "HEAD" else method
    if any(operation.path == path for operation in OPERATIONS):
        return next((o for o in OPERATIONS if o.path == path and o.method == requested_method), None)
    try:
        rule, _ = app.url_map.bind("localhost").match(path, method, return_rule=True)
    except HTTPException:
        return None
    operations = [o for o in OPERATIONS if o.path == rule.rule and o.method == requested_method]
    assert operations, f"{method} {rule.rule} is no declared operation"
    return operations[0]


def _documented(operation: Operation, status: int) -> dict[str, Any] | None:
    """What the document says of the operation's responses with the status."""
    described = document()["paths"][template(operation)][operation.method.lower()]["responses"]
    response = described.get(str(status))
    return resolved(response) if response else None


@cache
def _validator(operation: Operation, status: int) -> Draft202012Validator:
    """Of what we document for the response."""
    content = (_documented(operation, status) or {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return Draft202012Validator(schema | {"components": {"schemas": _closed_schemas()}})


@cache
def _closed_schemas() -> dict[str, Any]:
    """Those of the document, but a field that is not in a schema is refused."""
    schemas: dict[str, Any] = copy.deepcopy(document()["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return schemas
