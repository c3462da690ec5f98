from __future__ import annotations

from app.core import texts


def test_bidi_isolate_wraps_only_right_to_left_text():
    left_to_right = ["", "Ann", "Zoë 24/7", "लीला", "Ж", "+1 (555)"]
    right_to_left = ["קו תמיכה", "مركز", "Ann (آن)", "٢٤"]
    assert [texts.bidi_isolate(text) for text in left_to_right] == left_to_right
    assert [texts.bidi_isolate(text) for text in right_to_left] == [
        f"\u2068{it}\u2069" for it in right_to_left
    ]


def test_one_line_removes_what_cannot_be_printed():
    assert texts.one_line(" a\r\nb\0\u202e ", 10) == "ab"
    assert texts.one_line("x" * 20, 10) == "x" * 10


def test_count_of_uses_the_plural():
    assert [texts.count_of(count, "number") for count in (0, 1, 2, 1200)] == [
        "0 numbers",
        "1 number",
        "2 numbers",
        "1,200 numbers",
    ]
    assert texts.count_of(1, "number is", "numbers are") == "1 number is"
    assert texts.count_of(2, "number is", "numbers are") == "2 numbers are"
