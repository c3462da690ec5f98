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
_NEVER_SEEN = (
    r"\xa0\xad\u034f\u180b-\u180f\u2000-\u200f\u202a-\u202f\u205f-\u206f\u2800\u3000\u3164"
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
)
"""Most of what `has_invisible` finds: formats, unusual spaces, and characters for private use."""
_NOT_IN_SEGMENT = rf"/\\{_CONTROL}{_NEVER_SEEN}"
SEGMENT = rf"^(?!\.{{1,2}}$)[^\s{_NOT_IN_SEGMENT}]([^{_NOT_IN_SEGMENT}]*[^\s{_NOT_IN_SEGMENT}])?$"
"""One segment of a URL's path, before it is percent-encoded."""
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | frozenset(
    map(chr, (*range(0xFE00, 0xFE10), *range(0x180B, 0x1810), *range(0xE0100, 0xE01F0)))
)
"""Letters and marks that are drawn as nothing: they have categories of visible ones."""

_IGNORED = frozenset(map(chr, (0x2065, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000))))
"""Drawn as nothing, whether they are assigned or not."""

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"})
_ISOLATED = "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"


def one_line(text: str, longest: int) -> str:
    """Removes unprintable characters, then cuts to `longest` characters."""
    return "".join(character for character in text if character.isprintable()).strip()[:longest]


def has_invisible(text: str) -> bool:
    """Whether a character cannot be seen, or turns those beside it: formats, fillers, unusual spaces.

    One that this Python does not know can be seen: it may be in a newer Unicode.
    """
    return any(
        character in _FILLERS
        or character in _IGNORED
        or unicodedata.category(character) in _UNSEEN
        or _is_noncharacter(ord(character))
        for character in text
        if character != " "
    )


def _is_noncharacter(point: int) -> bool:
    return point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF


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
