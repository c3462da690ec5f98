"""What others wrote, made fit to be kept and shown as plain text."""

from __future__ import annotations

import re
import unicodedata

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
FROM_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
ISOLATED = "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"


def one_line(text: str, longest: int) -> str:
    """Without characters that cannot be seen, and not longer than that."""
    return "".join(character for character in text if character.isprintable()).strip()[:longest]


def bidi_isolate(text: str) -> str:
    """For the middle of a sentence: what is written from right to left turns nothing around beside it."""
    turns = not text.isascii() and any(
        unicodedata.bidirectional(character) in FROM_RIGHT_TO_LEFT for character in text
    )
    return ISOLATED.format(text) if turns else text
