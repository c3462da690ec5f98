"""Text that others wrote, made safe to store and to show, and the words of counts."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
CONTROL = re.compile(f"[{_CONTROL}]")
"""Control characters and line separators."""

LINE = f"^[^{_CONTROL}]*$"
"""A pattern for OpenAPI: one line."""
FILLED_LINE = rf"^[^\s{_CONTROL}]([^{_CONTROL}]*[^\s{_CONTROL}])?$"
"""One line that is not blank."""
SEGMENT = rf"^(?!\.{{1,2}}$)[^\s/\\{_CONTROL}]([^/\\{_CONTROL}]*[^\s/\\{_CONTROL}])?$"
"""One segment of a URL's path, before it is percent-encoded."""
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | frozenset(
    map(chr, (*range(0xFE00, 0xFE10), *range(0x180B, 0x1810), *range(0xE0100, 0xE01F0)))
)
"""Letters and marks that are drawn as nothing: they have categories of visible ones."""

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_ISOLATED = "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"


def one_line(text: str, longest: int) -> str:
    """Removes unprintable characters, then cuts to `longest` characters."""
    return "".join(character for character in text if character.isprintable()).strip()[:longest]


def has_invisible(text: str) -> bool:
    """Whether a character cannot be seen, or turns those beside it: formats, fillers, unusual spaces."""
    return any(
        character in _FILLERS or unicodedata.category(character) in _UNSEEN
        for character in text
        if character != " "
    )


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
