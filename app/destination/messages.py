"""Sentences about destinations: wrong values, and messages that were not sent."""

from __future__ import annotations

PRIVATE_ADDRESS = "Messages are sent to public addresses only. Use a public host name."
MAIL_ADDRESS = "This is not an e-mail address. Use one such as team@example.com."
SLACK_URL = "Use an incoming webhook of Slack, such as https://hooks.slack.com/services/T000/B000/XXXX."
NO_MAIL_SERVER = "No mail server is set. Set PATCHBAY_SMTP_URL, then restart Patchbay."


def rejected(host: str, status: int) -> str:
    return f"{host} responded with status {status}."


def slack_rejected(status: int, code: str) -> str:
    return f"Slack responded with status {status}: {code}."
