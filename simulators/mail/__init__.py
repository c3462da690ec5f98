"""A mail catcher: a real SMTP server that delivers nothing, and pages that show the received mail."""

from __future__ import annotations

import email
import email.policy
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache, cached_property
from html import escape
from pathlib import Path
from ssl import SSLContext
from typing import Self

from simulators.certificates import Authority
from simulators.console import Action, Row, Table
from simulators.inbox import Inbox, Item, faults
from simulators.mail.smtp import Behaviour, Envelope, SmtpServer, Trouble
from simulators.site import Reply, Request

NAME = "localhost"
"""The name in its certificate."""
WORDS = {"Works": None} | {trouble.value.capitalize(): trouble for trouble in Trouble}
SEALED = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of a mail's HTML: no script runs, and no resource is loaded."""


@dataclass(frozen=True)
class Mail(Item):
    envelope: Envelope

    @cached_property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.envelope.content, policy=email.policy.default)

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part else ""

    @property
    def title(self) -> str:
        return str(self.message.get("Subject") or "No subject")

    @property
    def summary(self) -> Sequence[str]:
        first = next((line.strip() for line in self.text.splitlines() if line.strip()), "")
        return [f"To {', '.join(self.envelope.recipients)}", first]

    @property
    def details(self) -> Mapping[str, str]:
        headers = {name: str(value) for name, value in self.message.items() if name.lower() != "subject"}
        way = "encrypted" if self.envelope.is_encrypted else "not encrypted"
        user = f", signed in as {self.envelope.user}" if self.envelope.user else ""
        return {"Connection": way + user, "Recipients": ", ".join(self.envelope.recipients)} | headers


class MailCatcher(Inbox[Mail]):
    """The mail catcher. `behaviour` has its faults, its credentials, and whether it starts with TLS.

    A client that trusts `authority` accepts its certificate, which is for `localhost`.
    """

    name = "Mail catcher"
    nothing = "No mail has arrived yet."

    def __init__(self, port: int = 0, smtp_port: int = 0) -> None:
        super().__init__(port)
        self._folder = tempfile.TemporaryDirectory(prefix="patchbay-mail-")
        self.authority = Authority(Path(self._folder.name))
        self.behaviour = Behaviour(self._deliver, cache(self._certificate))
        self._smtp = SmtpServer(smtp_port, self.behaviour)

    @property
    def smtp_port(self) -> int:
        return self._smtp.port

    def __enter__(self) -> Self:
        self._smtp.__enter__()
        return super().__enter__()

    def __exit__(self, *failure: object) -> None:
        self._smtp.__exit__(*failure)
        super().__exit__(*failure)
        self._folder.cleanup()

    def respond(self, request: Request) -> Reply | None:
        return self.page(request) if self.is_own_page(request) else Reply(404, "Page not found.")

    def tables(self) -> list[Table]:
        empty = Action("Empty the list", lambda _typed: self.clear())
        return [
            faults(self.behaviour, WORDS, self.name),
            Table("What arrived", [Row("All", f"{len(self.arrived)} arrived.", [empty])]),
        ]

    def item_page(self, number: int, item: Mail, part: str) -> Reply:
        if part == "html":
            return Reply(200, item.html, SEALED)
        return super().item_page(number, item, part)

    def content(self, number: int, item: Mail) -> str:
        text = f"<h2>Text</h2><pre>{escape(item.text)}</pre>"
        framed = f'<h2>HTML</h2><iframe sandbox title="HTML" src="/{number}/html"></iframe>'
        return text + framed * bool(item.html)

    def _deliver(self, envelope: Envelope) -> None:
        self.take(Mail(datetime.now(UTC), envelope))

    def _certificate(self, trouble: Trouble | None) -> SSLContext:
        match trouble:
            case Trouble.SELF_SIGNED:
                return self.authority.context(NAME, is_trusted=False)
            case Trouble.EXPIRED:
                return self.authority.context(NAME, days=-1)
            case Trouble.OTHER_NAME:
                return self.authority.context("mail.example")
        return self.authority.context(NAME)
