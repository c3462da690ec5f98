"""A message as every kind of destination gets it, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core import clock, texts

MOST_NAMED = 10
"""Numbers that a text lists; JSON has all that are stored."""


class Tone(StrEnum):
    """What kind of news it is."""

    PROBLEM = "problem"
    RECOVERY = "recovery"
    NOTICE = "notice"


@dataclass(frozen=True)
class Message:
    """One event, or several alike, in words and in values.

    `id` is the same in every attempt. `title` is one sentence, and `details` are more of them. `organization`
    is its id and name; None for what concerns the installation. `items` are the messages of a digest.
    """

    id: str
    event: str
    tone: Tone
    at: datetime
    title: str
    details: Sequence[str] = ()
    organization: tuple[str, str] | None = None
    subject: str = ""
    subjects: Sequence[str] = ()
    count: int = 1
    reason: str | None = None
    since: datetime | None = None
    url: str | None = None
    items: Sequence[Message] = field(default=())

    def document(self) -> dict[str, Any]:
        """Returns the body of a webhook."""
        owner = {"id": self.organization[0], "name": self.organization[1]} if self.organization else None
        data: dict[str, Any] = {
            "organization": owner,
            "title": self.title,
            "subject": self.subject,
            "count": self.count,
            "subjects": list(self.subjects),
            "reason": self.reason,
            "details": list(self.details),
            "since": clock.utc(self.since) if self.since else None,
            "url": self.url,
        }
        if self.items:
            data["items"] = [item.document() for item in self.items]
        return {"type": self.event, "timestamp": clock.utc(self.at), "data": data}

    def title_in(self, organization: tuple[str, str] | None) -> str:
        """Returns the title, with the owner in a message of the installation (None)."""
        if self.organization in (None, organization):
            return self.title
        return f"{self.organization[1]}: {self.title}"

    @property
    def lines(self) -> list[str]:
        """Everything but the title and the link, in lines of text."""
        lines = [item.title_in(self.organization) for item in self.items]
        lines += self.details
        if len(self.subjects) > 1:
            lines.append(_some(self.subjects, self.count))
        return [texts.one_line(line, 1000) for line in lines]


def _some(names: Sequence[str], total: int) -> str:
    shown = names[:MOST_NAMED]
    more = f" and {total - len(shown):,} more" if total > len(shown) else ""
    return ", ".join(shown) + more
