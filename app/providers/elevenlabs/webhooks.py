"""The webhooks of an ElevenLabs workspace, and the one that receives call reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from app.core.outbound.client import Outbound
from app.provider import Refusal, json_object
from app.provider.numbers import flag, one_line
from app.provider.voice_ai import (
    Agent,
    CallReport,
    CallWebhookSetting,
    CreatedWebhook,
    ListedWebhooks,
    Webhook,
)
from app.providers.elevenlabs import api, messages, reports, signing

WEBHOOKS = "/v1/workspace/webhooks"
SETTINGS = "/v1/convai/settings"
KNOWN_SETTINGS = (
    "webhooks",
    "conversation_initiation_client_data_webhook",
    "can_use_mcp_servers",
    "rag_retention_period_days",
)
CALL_EVENTS = ("transcript", "call_initiation_failure")
FORMATS = ("json", None)
"""Formats of transcripts that `read_report` reads. None is the default of the workspace."""


class Webhooks:
    """Implements the capability `ReportsCalls`."""

    signature_header: ClassVar[str] = "ElevenLabs-Signature"
    signature_format: ClassVar[str] = "t=<unix seconds>,v0=<hex of HMAC-SHA256 over t, a dot and the body>"
    signature_window: ClassVar[timedelta] = signing.WINDOW
    conversation_page: ClassVar[str] = "https://elevenlabs.io/app/agents/history/{id}"

    def webhooks(self, http: Outbound, values: Mapping[str, Any]) -> ListedWebhooks:
        answer = api.send(http, values, "GET", WEBHOOKS)
        rows = json_object(answer).get("webhooks")
        if answer.status != 200 or not isinstance(rows, list):
            raise Refusal(api.refusal(answer, messages.READ_WEBHOOKS))
        listed = ListedWebhooks(
            _webhook(row) for row in rows if isinstance(row, dict) and api.text(row, "webhook_id")
        )
        listed.is_whole = len(listed) == len(rows) and all(webhook.url for webhook in listed)
        return listed

    def create_webhook(
        self, http: Outbound, values: Mapping[str, Any], name: str, url: str
    ) -> CreatedWebhook:
        settings = {"auth_type": "hmac", "name": name, "webhook_url": url}
        answer = api.send(http, values, "POST", WEBHOOKS, json={"settings": settings})
        created = json_object(answer)
        if answer.status not in (200, 201) or not api.text(created, "webhook_id"):
            raise Refusal(api.refusal(answer, messages.CREATE_WEBHOOKS))
        return CreatedWebhook(api.text(created, "webhook_id"), api.text(created, "webhook_secret") or None)

    def enable_webhook(self, http: Outbound, values: Mapping[str, Any], webhook_id: str, name: str) -> None:
        body = {"is_disabled": False, "name": name, "retry_enabled": True}
        answer = api.send(http, values, "PATCH", _address(webhook_id), json=body)
        if answer.status != 200:
            raise Refusal(api.refusal(answer, messages.CHANGE_WEBHOOKS))

    def delete_webhook(self, http: Outbound, values: Mapping[str, Any], webhook_id: str) -> None:
        answer = api.send(http, values, "DELETE", _address(webhook_id))
        if answer.status not in (200, 204, 404):
            raise Refusal(api.refusal(answer, messages.DELETE_WEBHOOKS))

    def call_webhook(self, http: Outbound, values: Mapping[str, Any]) -> CallWebhookSetting:
        answer = api.send(http, values, "GET", SETTINGS)
        settings = json_object(answer)
        document = settings.get("webhooks") or {}
        if answer.status != 200 or not has_settings(settings) or not isinstance(document, dict):
            raise Refusal(api.refusal(answer, messages.READ_SETTINGS))
        has_all = document.get("events") == _events(document) and document.get("transcript_format") in FORMATS
        return CallWebhookSetting(api.text(document, "post_call_webhook_id") or None, has_all, document)

    def set_call_webhook(
        self, http: Outbound, values: Mapping[str, Any], setting: CallWebhookSetting, webhook_id: str
    ) -> None:
        """Sends the rest of the setting again: whether ElevenLabs merges it is not documented."""
        changes = {
            "post_call_webhook_id": webhook_id,
            "events": _events(setting.document),
            "transcript_format": "json",
        }
        body = {"webhooks": {**setting.document, **changes}}
        answer = api.send(http, values, "PATCH", SETTINGS, json=body)
        if answer.status != 200:
            raise Refusal(api.refusal(answer, messages.CHANGE_SETTINGS))

    def agents_reporting_elsewhere(
        self, http: Outbound, values: Mapping[str, Any], agent_ids: Collection[str], webhook_id: str
    ) -> list[Agent]:
        """Reads each agent, and returns those with another webhook. Missing agents are left out."""
        agents = []
        for agent_id in agent_ids:
            answer = api.send(http, values, "GET", f"{api.AGENTS}/{quote(agent_id, safe='')}")
            if answer.status == 404:
                continue
            agent = json_object(answer)
            if answer.status != 200 or not agent:
                raise Refusal(api.refusal(answer))
            if _own_webhook(agent) not in ("", webhook_id):
                agents.append(Agent(agent_id, one_line(agent.get("name")) or agent_id))
        return agents

    def receipt(self, secret: str, signature: str, body: bytes, now: int) -> str | None:
        return signing.receipt(secret, signature, body, now)

    def read_report(self, event: Any) -> CallReport | None:
        return reports.read(event)


def has_settings(settings: Mapping[str, Any]) -> bool:
    """Whether the object has one of the settings of agents that ElevenLabs documents."""
    return not settings.keys().isdisjoint(KNOWN_SETTINGS)


def _webhook(row: Mapping[str, Any]) -> Webhook:
    is_auto_disabled, retries = bool(flag(row.get("is_auto_disabled"))), flag(row.get("retry_enabled"))
    failed, status = (row.get(f"most_recent_failure_{name}") for name in ("timestamp", "error_code"))
    return Webhook(
        api.text(row, "webhook_id"),
        api.text(row, "name"),
        api.text(row, "webhook_url"),
        is_disabled=is_auto_disabled or bool(flag(row.get("is_disabled"))),
        is_auto_disabled=is_auto_disabled,
        failed_at=reports.moment(failed),
        failure=status if type(status) is int else None,
        retries=retries,
    )


def _own_webhook(agent: Mapping[str, Any]) -> str:
    """Returns the webhook that an agent sets for itself; empty if it uses the workspace's."""
    part: Any = agent
    for name in ("platform_settings", "workspace_overrides", "webhooks"):
        part = part.get(name)
        if not isinstance(part, dict):
            return ""
    return api.text(part, "post_call_webhook_id")


def _events(document: Mapping[str, Any]) -> list[str]:
    """Returns the enabled events, followed by the required ones that are missing."""
    listed = document.get("events")
    events = [event for event in listed if isinstance(event, str)] if isinstance(listed, list) else []
    return events + [event for event in CALL_EVENTS if event not in events]


def _address(webhook_id: str) -> str:
    return f"{WEBHOOKS}/{quote(webhook_id, safe='')}"
