"""Webhooks as Standard Webhooks describes them: https://www.standardwebhooks.com."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from app.destination import Kind, Message, Post, ReceiverUrl, accepted_status
from app.provider.fields import Origin, Secret

PREFIX = "whsec_"
SECRET_BYTES = 32


class Webhook(Kind):
    key = "webhook"
    label = "Webhook"
    position = 10
    summary = "A signed POST request to a server of yours, as Standard Webhooks describes it."
    target = "url"

    url = ReceiverUrl(
        "URL", help="Begins with https://, and can be reached from the internet.", required=True
    )
    signing_secret = Secret("Signing secret", origin=Origin.GENERATED)

    def generate(self) -> str:
        return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()

    def send(self, post: Post, values: Mapping[str, Any], message: Message) -> int:
        body = json.dumps(message.document(), ensure_ascii=False, separators=(",", ":")).encode()
        at = str(int(time.time()))
        keys = [values["signing_secret"], values.get("previous_signing_secret")]
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(_signature(key, message.id, at, body) for key in keys if key),
        }
        return accepted_status(post.http.send("POST", values["url"], headers=headers, body=body))


def _signature(secret: str, message_id: str, at: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
