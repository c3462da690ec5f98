"""Messages to a channel of Slack, through an incoming webhook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core import texts
from app.destination import Kind, Message, Post, Tone, accepted_status
from app.destination import messages as sentences
from app.provider.fields import Secret

_URL = re.compile(r"https://hooks\.slack(-gov)?\.com/(services|triggers|workflows)/[A-Za-z0-9/_-]{1,300}")
_CODE = re.compile(rb"[a-z_]{1,60}")
_MARKS = {
    Tone.PROBLEM: ":red_circle:",
    Tone.RECOVERY: ":large_green_circle:",
    Tone.NOTICE: ":information_source:",
}
LONGEST = 2900
"""Characters of a block's text; Slack accepts 3,000."""


@dataclass(frozen=True)
class WebhookUrl(Secret):
    """The URL of an incoming webhook. It is secret, since posting requires no other credential."""

    def check(self, value: str, country: str | None) -> str:
        value = super().check(value, country)
        if not _URL.fullmatch(value):
            raise ValueError(sentences.SLACK_URL)
        return value

    def constraints(self) -> dict[str, Any]:
        return {"format": "uri", "pattern": f"^{_URL.pattern}$"}


class Slack(Kind):
    key = "slack"
    label = "Slack"
    position = 30
    summary = "A message to a channel, through an incoming webhook."

    url = WebhookUrl(
        "Webhook URL", help="In Slack: your app, Incoming Webhooks, Add New Webhook.", required=True
    )

    def send(self, post: Post, values: Mapping[str, Any], message: Message) -> int:
        answer = post.http.send("POST", values["url"], json=_payload(message))
        is_named = _CODE.fullmatch(answer.body)
        return accepted_status(
            answer, sentences.slack_rejected(answer.status, answer.body.decode()) if is_named else ""
        )


def _payload(message: Message) -> dict[str, Any]:
    lines = [f"{_MARKS[message.tone]} *{_escaped(message.title)}*", *map(_escaped, message.lines)]
    text = "\n".join(lines)[:LONGEST]
    blocks: list[dict[str, Any]] = [_section(text)]
    if message.url:
        blocks.append(_section(f"<{_escaped(message.url)}|Open in Patchbay>"))
    if message.organization:
        name = _escaped(message.organization[1])
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": name}]})
    return {"text": _escaped(message.title), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _escaped(text: str) -> str:
    """Escapes a text, so that Slack shows it unchanged: without mentions, links and other lines."""
    text = texts.one_line(text, 1000)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return re.sub(r"([*_~`])", "\N{ZERO WIDTH NON-JOINER}\\1", text)
