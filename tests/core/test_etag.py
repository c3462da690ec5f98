from __future__ import annotations

from datetime import datetime

from app.core import etag


def test_the_same_document_has_the_same_tag_whatever_its_order():
    assert etag.of({"a": 1, "b": [1, 2]}) == etag.of({"b": [1, 2], "a": 1})


def test_every_difference_makes_another_tag():
    documents = [{}, [], None, {"a": 1}, {"a": "1"}, {"a": None}, {"a": [1, 2]}, {"a": [2, 1]}]
    assert len({etag.of(document) for document in documents}) == len(documents)


def test_a_tag_can_stand_in_a_header():
    assert etag.of({"at": datetime(2026, 3, 18), "é": "🔑"}).isalnum()  # noqa: DTZ001
