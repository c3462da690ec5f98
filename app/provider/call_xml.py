"""Reads the XML response of an agent runtime: instructions for a call.

The response comes from a server under test and is not trusted: a document with a DOCTYPE or with too many
elements counts as unreadable, and no entity is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urlsplit
from xml.parsers import expat

from app.provider.webhooks import Effect, Instructions, Unreadable

ROOT = "Response"
STREAM = "Stream"
ENDS = ("Reject", "Hangup")
SILENT = (*ENDS, "Pause")
MOST_ELEMENTS = 500
MOST_DEPTH = 20
MOST_VERBS = 10
_NAME = re.compile(r"[A-Za-z]{1,30}")


@dataclass
class _Document:
    """The elements of a document that is being read. `streams`: the addresses of its media streams."""

    root: str = ""
    verbs: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _count: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) >= MOST_DEPTH:
            raise Unreadable
        if not self._open:
            self.root = name
        elif len(self._open) == 1:
            self.verbs.append(name)
        if name == STREAM:
            self.streams.append(attributes.get("url", ""))
        self._open.append(name)

    def text(self, text: str) -> None:
        """Adds text to the address of an open stream: some providers expect the address there."""
        if self._open and self._open[-1] == STREAM:
            self.streams[-1] += text.strip()

    def end(self, _name: str) -> None:
        self._open.pop()


def read(body: bytes, connecting: Collection[str], *, allows_query: bool = True) -> Instructions:
    """Returns the instructions of a document. Raises Unreadable.

    `connecting`: the verbs that continue the call. `allows_query`: whether the address of a media stream may
    have a query.
    """
    document = _parse(body)
    if document.root != ROOT:
        raise Unreadable(shown(document.root))
    reached = _reached_verbs(document.verbs)
    effect = _effect(reached, connecting)
    is_bad = effect is Effect.CONNECTS and not all(
        is_stream_address(address, allows_query=allows_query) for address in document.streams
    )
    return Instructions(ROOT, tuple(map(shown, document.verbs[:MOST_VERBS])), effect, is_bad)


def is_stream_address(text: str, *, allows_query: bool = True) -> bool:
    """Whether a provider can open a media stream at the address."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme == "wss" and bool(parts.hostname) and (allows_query or not parts.query)


def shown(name: str) -> str:
    """Returns the name of an element for display; “…” for a name with other characters than letters."""
    return name if _NAME.fullmatch(name) else "…"


def _parse(body: bytes) -> _Document:
    document = _Document()
    parser = expat.ParserCreate()
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise Unreadable from None
    return document


def _refuse_doctype(*_: object) -> NoReturn:
    raise Unreadable


def _reached_verbs(verbs: list[str]) -> list[str]:
    """Returns the verbs up to the first that ends the call."""
    end = next((place for place, verb in enumerate(verbs) if verb in ENDS), len(verbs))
    return verbs[: end + 1]


def _effect(verbs: list[str], connecting: Collection[str]) -> Effect:
    if any(verb in connecting for verb in verbs):
        return Effect.CONNECTS
    if any(verb not in SILENT for verb in verbs):
        return Effect.SPEAKS
    return Effect.REJECTS if any(verb in ENDS for verb in verbs) else Effect.NOTHING
