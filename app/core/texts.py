"""Text that others wrote, made safe to store and to show, and the words of counts."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
CONTROL = re.compile(f"[{_CONTROL}]")
"""Control characters and line separators."""

LINE = f"^[^{_CONTROL}]*$"
"""A pattern for OpenAPI: one line."""
WITHOUT_NUL = r"^[^\x00]*$"
NOT_BLANK = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
"""One line that is not blank, with spaces at its ends or without."""
FILLED_LINE = rf"^[^\s{_CONTROL}]([^{_CONTROL}]*[^\s{_CONTROL}])?$"
"""One line that neither begins nor ends with a space."""
_INVISIBLE = (
    r"\x00-\x1f\x7f-\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4"
    r"\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ue000-\uf8ff\ufdd0-\ufdef"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
)
"""Characters up to U+FFFF that are invisible, or change the direction of their neighbours: controls, formats,
fillers, unusual spaces, private use, and noncharacters. A space is not among them."""
_INVISIBLE_BEYOND = "".join(
    (
        r"\ud800-\udfff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a",
        *(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(1, 17)),
        r"\U000e0000-\U000e0fff\U000f0000-\U0010ffff",
    )
)
"""Such characters above U+FFFF, and surrogates: OpenAPI patterns cannot name them in all languages."""
_INVISIBLE_ONE = re.compile(f"[{_INVISIBLE}{_INVISIBLE_BEYOND}]")
VISIBLE_LINE = rf"^[^\s{_INVISIBLE}]([^{_INVISIBLE}]*[^\s{_INVISIBLE}])?$"
"""A `FILLED_LINE` without invisible characters."""
_NOT_IN_SEGMENT = rf"/\\{_INVISIBLE}"
SEGMENT = rf"^(?!\.{{1,2}}$)[^\s{_NOT_IN_SEGMENT}]([^{_NOT_IN_SEGMENT}]*[^\s{_NOT_IN_SEGMENT}])?$"
"""One segment of a URL's path, before it is percent-encoded."""

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATED = "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"


def one_line(text: str, longest: int) -> str:
    """Removes unprintable characters, then cuts to `longest` characters."""
    return "".join(character for character in text if character.isprintable()).strip()[:longest]


def has_invisible(text: str) -> bool:
    """Whether a character is invisible, or changes the direction of its neighbours.

    A character that is not listed above counts as visible: it may be of a newer Unicode.
    """
    return _INVISIBLE_ONE.search(text) is not None


def bidi_isolate(text: str) -> str:
    """Wraps right-to-left text in a bidi isolate so it cannot reorder the sentence around it."""
    is_right_to_left = not text.isascii() and any(
        unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text
    )
    return _ISOLATED.format(text) if is_right_to_left else text


def count_of(count: int, one: str, many: str | None = None) -> str:
    """Returns "1 number", "1,200 numbers"; `many` is for plurals that are not `one` and an s.

    Words that agree with the noun go with it: `count_of(count, "number is", "numbers are")`.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
