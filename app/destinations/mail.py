"""Messages by e-mail, as plain text and HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any

from app.core import texts
from app.destination import Kind, MailAddress, Message, NotSent, Post, Tone
from app.destination import messages as sentences

LONGEST_SUBJECT = 180
_COLOURS = {Tone.PROBLEM: "#b3261e", Tone.RECOVERY: "#1b6e3c", Tone.NOTICE: "#3d4a5c"}


class Mail(Kind):
    key = "email"
    label = "Email"
    position = 20
    summary = "An e-mail through the mail server of PATCHBAY_SMTP_URL."
    target = "address"

    address = MailAddress("Address", help="One address, such as that of a team.", required=True)

    def send(self, post: Post, values: Mapping[str, Any], message: Message) -> int | None:
        if post.mailer is None:
            raise NotSent(sentences.NO_MAIL_SERVER)
        return post.mailer.send(_mail(post.mailer.sender, values["address"], message), values["address"])


def _mail(sender: str, address: str, message: Message) -> EmailMessage:
    owner = f"{message.organization[1]}: " if message.organization else ""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Patchbay <{sender}>"
    mail["To"] = address
    mail["Subject"] = texts.one_line(owner + message.title, LONGEST_SUBJECT)
    mail["Date"] = format_datetime(message.at.replace(tzinfo=UTC))
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(message), cte="quoted-printable")
    mail.add_alternative(_html(message), subtype="html", cte="quoted-printable")
    return mail


def _text(message: Message) -> str:
    parts = [
        texts.one_line(message.title, 500),
        "\n".join(message.lines),
        message.url or "",
        _footer(message),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _footer(message: Message) -> str:
    name = texts.one_line(message.organization[1], 200) if message.organization else ""
    return f"Patchbay, {name}" if name else "Patchbay"


_BODY = "font:16px/1.5 system-ui,sans-serif;color:#1d2530;margin:0"


def _html(message: Message) -> str:
    """Returns HTML that every mail program shows: without style sheets, pictures and other hosts."""
    title = escape(texts.one_line(message.title, 500))
    heading = f'<h1 style="font-size:18px;margin:0 0 12px;color:{_COLOURS[message.tone]}">{title}</h1>'
    lines = "".join(f'<p style="margin:0 0 8px">{escape(line)}</p>' for line in message.lines)
    footer = f'<p style="font-size:13px;color:#5b6675">{escape(_footer(message))}</p>'
    return (
        f'<!doctype html><html lang="en"><body style="{_BODY}"><div style="max-width:560px;padding:24px">'
        f"{heading}{lines}{_link(message.url)}{footer}</div></body></html>"
    )


def _link(url: str | None) -> str:
    if url is None:
        return ""
    return f'<p style="margin:16px 0"><a href="{escape(url)}" style="color:#1f5fbf">Open in Patchbay</a></p>'
