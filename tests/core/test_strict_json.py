from __future__ import annotations

import json

import pytest

from app.core import strict_json
from app.core.errors import Malformed


def test_parse_valid_json(subtests):
    values: list[object] = [
        {},
        [],
        None,
        True,
        0,
        -1.5,
        "",
        "text",
        {"a": [1, {"b": None}], "é": "🔑"},
        {"number": 10**400},
    ]
    for value in values:
        with subtests.test(value=value):
            assert strict_json.parse(json.dumps(value).encode()) == value
            assert strict_json.parse(json.dumps(value, ensure_ascii=False).encode()) == value

    assert strict_json.parse(b'"\\ud83d\\udd11"') == "🔑"

    assert strict_json.parse(b"\xef\xbb\xbf{}") == {}

    assert strict_json.parse(b"[" * strict_json.DEEPEST + b"]" * strict_json.DEEPEST)

    parsed = strict_json.parse(b"[5.0, 5e0, -0.0, 1.5]")
    assert [(each, type(each)) for each in parsed] == [(5, int), (5, int), (0, int), (1.5, float)]


DEEP = {
    "one too deep": b"[" * 33 + b"]" * 33,
    "objects one too deep": b'{"a":' * 33 + b"1" + b"}" * 33,
    "100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "100,000 deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 deep, never closed": b"[" * 100_000,
}


def test_parse_rejects_invalid_json_with_a_short_error(subtests):
    for raw in DEEP.values():
        with subtests.test(raw=raw), pytest.raises(Malformed, match="nested more than 32 levels"):
            strict_json.parse(raw)

    for raw, sentence in [
        (b"", "not valid JSON"),
        (b" ", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"{}x", "not valid JSON: Extra data at line 1, column 3"),
        (b"{'a': 1}", "not valid JSON"),
        (b'{"a": 1,}', "not valid JSON"),
        (b'{"a": 01}', "not valid JSON"),
        (b'"\x01"', "not valid JSON"),
        (b"\xff\xfe{\x00}\x00", "not valid UTF-8 at byte 0"),
        (b'"\xff"', "not valid UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not valid UTF-8"),
        (b"NaN", "NaN is not valid JSON"),
        (b"Infinity", "Infinity is not valid JSON"),
        (b'{"a": -Infinity}', "-Infinity is not valid JSON"),
        (b"1e999", "too large"),
        (b"[-1e999]", "too large"),
        (b"1" * 5000, "too many digits"),
        (b'{"a": 1, "a": 1}', 'Duplicate key "a"'),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', 'Duplicate key "a"'),
        (b'"\\u0000"', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'[["a\\u0000"]]', "NUL"),
        (b'"\\ud800"', "surrogate"),
        (b'{"a": ["\\udfff"]}', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'"\\udd11\\ud83d"', "surrogate"),
    ]:
        with subtests.test(raw=raw):
            with pytest.raises(Malformed) as refused:
                strict_json.parse(raw)
            assert sentence in refused.value.message
            assert refused.value.status == 400

    key = "k" * 5000
    with pytest.raises(Malformed) as refused:
        strict_json.parse(f'{{"{key}": 1, "{key}": 2}}'.encode())
    assert len(refused.value.message) < 200
