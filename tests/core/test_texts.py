from __future__ import annotations

import re
import unicodedata

from app.core import texts


def test_texts_are_isolated_cleaned_and_counted():
    left_to_right = ["", "Ann", "Zoë 24/7", "लीला", "Ж", "+1 (555)"]
    right_to_left = ["קו תמיכה", "مركز", "Ann (آن)", "٢٤"]
    assert [texts.bidi_isolate(text) for text in left_to_right] == left_to_right
    assert [texts.bidi_isolate(text) for text in right_to_left] == [
        f"\u2068{it}\u2069" for it in right_to_left
    ]

    assert texts.one_line(" a\r\nb\0\u202e ", 10) == "ab"
    assert texts.one_line("x" * 20, 10) == "x" * 10

    assert [texts.count_of(count, "number") for count in (0, 1, 2, 1200)] == [
        "0 numbers",
        "1 number",
        "2 numbers",
        "1,200 numbers",
    ]
    assert texts.count_of(1, "number is", "numbers are") == "1 number is"
    assert texts.count_of(2, "number is", "numbers are") == "2 numbers are"


def test_invisible_is_what_unicode_calls_unseen_and_is_in_no_segment() -> None:
    """The list is complete for this Python's Unicode; fillers and unassigned characters are in it too.

    Up to U+FFFF the pattern of a segment in the API's document and the check agree about each character.
    """
    unseen = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"}
    invisible_points = {
        point
        for point in range(0x110000)
        if point & 0xFFFE == 0xFFFE or (unicodedata.category(chr(point)) in unseen and point != ord(" "))
    }
    fillers = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFE0F, 0xFFA0, 0xE01EF}
    assert [hex(point) for point in invisible_points | fillers if not texts.has_invisible(chr(point))] == []
    assert not texts.has_invisible("Réception 24/7 \U0001f600 लीला")

    assert not any(map(texts.has_invisible, ["\U0001faea", "\U0003fff0", "\u0378"]))
    assert all(
        map(texts.has_invisible, ["\u2065", "\ufdd0", "\uffff", "\U0003fffe", "\U000e0fff", "\U000f0000"])
    )

    points = [*range(0xD800), *range(0xE000, 0x10000)]
    wrong = [
        hex(point)
        for point in points
        if (re.match(texts.SEGMENT, f"a{chr(point)}b") is None)
        is not (chr(point) in "/\\" or texts.has_invisible(chr(point)))
    ]
    assert wrong == []
    assert re.match(texts.SEGMENT, "a\U0001f600b")
