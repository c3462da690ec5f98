"""Text of others among our own."""

from __future__ import annotations

import pytest

from app.core import texts


@pytest.mark.parametrize("plain", ["", "Ann", "Zoë 24/7", "लीला", "Ж", "+1 (555)"])
def test_what_is_written_from_left_to_right_stays_as_it_is(plain: str) -> None:
    assert texts.bidi_isolate(plain) == plain


@pytest.mark.parametrize("turning", ["קו תמיכה", "مركز", "Ann (آن)", "٢٤"])
def test_what_is_written_from_right_to_left_is_isolated(turning: str) -> None:
    assert texts.bidi_isolate(turning) == f"\u2068{turning}\u2069"
