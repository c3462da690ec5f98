"""Patterns that find a text in any case, the same in SQLite and PostgreSQL.

The databases' own comparisons differ: SQLite ignores the case of A to Z alone, and what PostgreSQL ignores
depends on its locale. Case is ignored here in every script; accents are significant.
"""

from __future__ import annotations

from functools import cache

ESCAPE = "\\"

_LAST = 0x1E943
"""The last character that has more than one case."""


def like(text: str) -> str:
    """Returns a LIKE pattern in which each character that is not ASCII matches any character."""
    return f"%{''.join(_in_like(character) for character in text)}%"


def glob(text: str) -> str:
    """Returns a GLOB pattern of SQLite."""
    return f"*{''.join(_in_glob(character) for character in text)}*"


def regex(text: str) -> str:
    """Returns a regular expression of PostgreSQL."""
    return "".join(_in_regex(character) for character in text)


def _in_like(character: str) -> str:
    if not character.isascii():
        return "_"
    return f"{ESCAPE}{character}" if character in f"%_{ESCAPE}" else character


def _in_glob(character: str) -> str:
    cases = _cases(character)
    return f"[{cases}]" if len(cases) > 1 or character in "*?[" else character


def _in_regex(character: str) -> str:
    cases = _cases(character)
    if len(cases) > 1:
        return f"[{cases}]"
    return character if character.isalnum() or not character.isascii() else f"\\{character}"


def _cases(character: str) -> str:
    """Returns the character in each of its cases. A letter from A to Z has two, as in LIKE."""
    if character.isascii():
        return "".join(dict.fromkeys((character, character.swapcase())))
    return _case_variants().get(character.casefold(), character)


@cache
def _case_variants() -> dict[str, str]:
    """Returns the characters that differ only by case, by their case-folded form."""
    variants: dict[str, str] = {}
    for character in map(chr, range(0x80, _LAST + 1)):
        folded = character.casefold()
        if folded != character and not (folded.isascii() and len(folded) == 1):
            variants[folded] = variants.get(folded, folded if len(folded) == 1 else "") + character
    return variants
