"""Upstreams: base URLs that an operator configured in place of official hosts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

_UNUSABLE = re.compile(r"[\x00-\x20\x7f-\uffff\U00010000-\U0010ffff\\]")


@dataclass(frozen=True)
class Upstream:
    """The base URL that replaces an official host."""

    host: str
    port: int
    is_tls: bool
    path: str

    @classmethod
    def parse(cls, base: str) -> Upstream:
        """Returns the upstream of a base URL. Raises ValueError if it cannot be used.

        The message does not contain `base`, which may contain a password.
        """
        try:
            parts = split(base)
            port = parts.port
        except ValueError:
            raise ValueError("It is not a web address.") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise ValueError("It is not a web address that starts with http:// or https://.")
        if "@" in parts.netloc:
            raise ValueError("Leave the user name and password out of the address.")
        if "?" in base or "#" in base:
            raise ValueError("Leave out what follows ? or # in the address.")
        is_tls = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if is_tls else 80), is_tls, parts.path.rstrip("/"))


def split(url: str) -> SplitResult:
    """Splits a URL as `urlsplit` does. Raises ValueError for an ambiguous character.

    `urlsplit` drops some of them silently, and servers interpret others differently.
    """
    if _UNUSABLE.search(url):
        raise ValueError
    return urlsplit(url)
