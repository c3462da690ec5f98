from __future__ import annotations

from app.core import etag, strict_json


def test_of_is_alphanumeric_and_equal_only_for_equal_documents():
    assert etag.of({"a": 1, "b": [1, 2]}) == etag.of({"a": 1, "b": [1, 2]})
    assert etag.of({"é": "🔑"}) == etag.of_text(strict_json.text({"é": "🔑"}))

    documents: list[object] = [{}, [], None, {"a": 1}, {"a": "1"}, {"a": None}, {"a": [1, 2]}, {"a": [2, 1]}]
    assert len({etag.of(document) for document in documents}) == len(documents)

    assert etag.of({"é": "🔑"}).isalnum()
