"""What a connection test read, in a few words each, to be shown beside its result."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from app.core import texts
from app.provider.numbers import cleaned

LONGEST = 60


def named(word: str, value: Any) -> list[str]:
    """Returns what has that name at the provider; nothing if the response has no name."""
    name = cleaned(value, LONGEST)
    return [f"{word} {name}"] if name else []


def counted(found: list[Any], word: str) -> list[str]:
    """Returns how many there are."""
    return [texts.count_of(len(found), word)]


def most(value: Any, word: str) -> list[str]:
    """Returns the account's limit; nothing if the response has none."""
    return [f"at most {texts.count_of(value, word)}"] if type(value) is int and value > 0 else []


def host(word: str, url: Any) -> list[str]:
    """Returns the host of the URL that is set at the provider: the rest of it may be secret."""
    try:
        name = urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return []
    return named(word, name)
