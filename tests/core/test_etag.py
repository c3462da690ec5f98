from __future__ import annotations

from app.core import etag, strict_json


def test_of_equal_documents_is_equal():
    assert etag.of({"a": 1, "b": [1, 2]}) == etag.of({"a": 1, "b": [1, 2]})
    assert etag.of({"é": "🔑"}) == etag.of_text(strict_json.text({"é": "🔑"}))


def test_of_different_documents_differs():
    documents: list[object] = [{}, [], None, {"a": 1}, {"a": "1"}, {"a": None}, {"a": [1, 2]}, {"a": [2, 1]}]
    assert len({etag.of(document) for document in documents}) == len(documents)


def test_of_is_alphanumeric():
    assert etag.of({"é": "🔑"}).isalnum()
