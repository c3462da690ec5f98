"""Facts that a connection test read, in a few words each, which are shown with its result."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from app.core import texts
from app.provider.numbers import one_line

LONGEST = 60


def named(word: str, value: Any) -> list[str]:
    """Returns the word and a name at the provider; nothing if the response has no name."""
    name = one_line(value, LONGEST)
    return [f"{word} {name}"] if name else []


def counted(rows: list[Any], word: str) -> list[str]:
    """Returns the number of items."""
    return [texts.count_of(len(rows), word)]


def most(value: Any, word: str) -> list[str]:
    """Returns a limit of the account; nothing if the response has none."""
    return [f"at most {texts.count_of(value, word)}"] if type(value) is int and value > 0 else []


def host(word: str, url: Any) -> list[str]:
    """Returns the host of a URL that is set at the provider: the rest of the URL may be secret."""
    try:
        name = urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return []
    return named(word, name)
