"""Wrong requests by the hundred, each repeatable by its seed: never a 5xx, always the envelope."""

from __future__ import annotations

import json
import random
import string
from typing import Any
from urllib.parse import quote

import pytest

from app.api.document import document
from app.api.operations import OPERATIONS, Operation
from app.services.access import passwords
from tests.support.caller import Caller
from tests.support.cast import Cast

MOST_BODIES, MOST_QUERIES = 100, 60
"""For each operation in `make test-all`; `make test` sends a twentieth."""
WITH_BODY = [o for o in OPERATIONS if o.body is not None and "/auth/" not in o.path]
READS = [o for o in OPERATIONS if o.method == "GET" and not o.path.endswith("/docs")]

TEXTS = [
    "",
    " ",
    "null",
    "twilio",
    "sinch",
    "exotel",
    "elevenlabs",
    "+15551234567",
    "+919876543210",
    "https://voice.example.com",
    "https://api.exotel.com",
    "AC" + "0" * 32,
    "a-sample-secret-value",
    "••••1234",
    "\u202egnp.exe",
    "\ufeff",
    "\ufffe\uffff",
    "a\u0301" * 50,
    "🐘" * 40,
    "\u0130\u0131\u017f\u212a",
    "\r\nX-Injected: 1",
    "\x1b[31m",
    "\x7f",
    "../../etc/passwd",
    "' OR 1=1 --",
    "{{7*7}}${7*7}",
    "<script>alert(1)</script>",
    "%00%0a%s%n",
    "٣٤٥",
    "1e309",
    "x" * 101,
    "y" * 300,
    "z" * 5000,
]
NUMBERS = [0, 1, 5, -1, 1001, 2**31, 2**63, 2**64, -(2**63) - 1, 10**300, 0.1, -0.0, 1e308, 5.0]
POINTS = [*range(1, 0xD800), *range(0x10000, 0x10400)]
"""Anything but surrogates, which no UTF-8 has."""


def _value(chance: random.Random, deep: int = 0) -> Any:
    kind = chance.randrange(9 if deep < 4 else 6)
    if kind <= 2:
        return chance.choice(TEXTS)
    if kind == 3:
        return chance.choice(NUMBERS)
    if kind == 4:
        return chance.choice([None, True, False])
    if kind == 5:
        return "".join(chr(chance.choice(POINTS)) for _ in range(9))
    if kind == 6:
        return [_value(chance, deep + 1) for _ in range(chance.randrange(4))]
    return {_key(chance): _value(chance, deep + 1) for _ in range(chance.randrange(4))}


def _key(chance: random.Random) -> str:
    return chance.choice([*TEXTS[:30], "model_config", "__class__", "self", "id", "version", "body"])


def _misspelt(chance: random.Random, name: str) -> str:
    at = chance.randrange(len(name))
    return name[:at] + chance.choice(string.ascii_letters + "_") + name[at + 1 :]


def _body(chance: random.Random, names: list[str]) -> Any:
    if chance.random() < 0.05:
        return _value(chance)
    payload = {name: _value(chance) for name in names if chance.random() < chance.choice([0.1, 0.5, 1])}
    if chance.random() < 0.2:
        payload[_misspelt(chance, chance.choice(names))] = _value(chance)
    if chance.random() < 0.2:
        payload[_key(chance)] = _value(chance)
    return payload


def _names(operation: Operation) -> list[str]:
    path = operation.path.replace("<", "{").replace(">", "}")
    described = document()["paths"][path][operation.method.lower()]["requestBody"]
    reference = described["content"]["application/json"]["schema"]["$ref"]
    schemas = document()["components"]["schemas"]
    schema = schemas[reference.split("/")[-1]]
    choices = [schemas[choice["$ref"].split("/")[-1]] for choice in schema.get("oneOf", ())]
    return sorted({name for one in (schema, *choices) for name in one.get("properties", ())})


def _headers(chance: random.Random) -> dict[str, str]:
    values = ['"1"', "*", "W/", '"', "é", '"a", "b"', "0" * 300, "\t", ","]
    names = ["If-Match", "If-None-Match", "Accept", "Range", "X-Forwarded-For", "Cookie", "Origin"]
    return {name: chance.choice(values) for name in names if chance.random() < 0.15}


def _path(operation: Operation, cast: Cast, chance: random.Random, *, wild: bool) -> str:
    values = {
        "organization_id": cast.acme,
        "endpoint_id": "none",
        "user_id": cast.mo.id,
        "token_id": "no-such-token",
        "provider": "sinch",
        "phone_number": "+15551234567",
    }
    path = operation.path
    for name, value in values.items():
        if wild and chance.random() < 0.3:
            value = quote(chance.choice(TEXTS[2:]), safe="")  # noqa: PLW2901
        path = path.replace(f"<{name}>", value)
    return path


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _seeds(most: int, *, thorough: bool) -> range:
    return range(most if thorough else most // 20)


def test_random_bodies_never_fail(
    dana: Caller,
    anonymous: Caller,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    *,
    thorough: bool,
    subtests: pytest.Subtests,
) -> None:
    for operation in WITH_BODY:
        with subtests.test(_name(operation)):
            names = _names(operation) or ["vobiz_auth_id"]
            for seed in _seeds(MOST_BODIES, thorough=thorough):
                chance = random.Random(f"{_name(operation)} {seed}")
                path = _path(operation, cast, chance, wild=False)
                text = json.dumps(_body(chance, names), ensure_ascii=chance.random() < 0.5)
                answer = dana.call(
                    operation.method,
                    path,
                    data=text.encode(),
                    content_type="application/json",
                    headers=_headers(chance),
                )
                assert answer.status_code < 500, f"seed {seed}: {text[:500]}"
    monkeypatch.setattr(passwords, "matches", lambda *_: False)
    for seed in _seeds(MOST_BODIES, thorough=thorough):
        chance = random.Random(f"sign-in {seed}")
        body = _body(chance, ["email", "password", "totp"])
        assert anonymous.post("/api/auth/login", body).status_code < 500, f"seed {seed}: {body}"


def test_random_queries_and_deletes_never_fail(
    dana: Caller, cast: Cast, thorough: bool, subtests: pytest.Subtests
) -> None:
    for operation in READS:
        with subtests.test(_name(operation)):
            names = [parameter.name for parameter in operation.parameters] + ["unknown", "", "a b"]
            for seed in _seeds(MOST_QUERIES, thorough=thorough):
                chance = random.Random(f"{_name(operation)} {seed}")
                path = _path(operation, cast, chance, wild=True)
                query = "&".join(
                    f"{quote(chance.choice(names))}={quote(str(_value(chance, 4)), safe='')[:9000]}"
                    for _ in range(chance.randrange(4))
                )
                if chance.random() < 0.2:
                    query += chance.choice(["&", "=", "%", "%zz", "&&==", "%ff", "+", "?"])
                answer = dana.get(f"{path}?{query}", headers=_headers(chance))
                assert answer.status_code < 500, f"seed {seed}: {path}?{query[:500]}"

    for operation in (one for one in OPERATIONS if one.method == "DELETE"):
        for seed in _seeds(40, thorough=thorough):
            chance = random.Random(f"{_name(operation)} {seed}")
            path = _path(operation, cast, chance, wild=True)
            assert dana.delete(path, headers=_headers(chance)).status_code < 500, f"seed {seed}: {path}"
