from __future__ import annotations

from app.core import etag, strict_json


def test_the_same_document_has_the_same_tag():
    assert etag.of({"a": 1, "b": [1, 2]}) == etag.of({"a": 1, "b": [1, 2]})
    assert etag.of({"é": "🔑"}) == etag.of_text(strict_json.text({"é": "🔑"}))


def test_every_difference_makes_another_tag():
    documents: list[object] = [{}, [], None, {"a": 1}, {"a": "1"}, {"a": None}, {"a": [1, 2]}, {"a": [2, 1]}]
    assert len({etag.of(document) for document in documents}) == len(documents)


def test_a_tag_can_stand_in_a_header():
    assert etag.of({"é": "🔑"}).isalnum()
