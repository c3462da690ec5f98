"""What pages show of a status: a place in the portal, and a tone. `web` knows their addresses and colours."""

from __future__ import annotations

from enum import StrEnum


class Place(StrEnum):
    """Where something is seen or fixed. The provider or the endpoint is given beside it."""

    HOME = "home"
    SETTINGS = "settings"
    PROVIDER = "provider"
    CALLBACK = "callback"
    ENDPOINTS = "endpoints"
    DRIFTED = "drifted"
    BLOCKED = "blocked"
    PROVEN = "proven"
    NEW_ENDPOINT = "new-endpoint"
    ENDPOINT = "endpoint"
    EDIT_ENDPOINT = "edit-endpoint"
    SET_WEBHOOKS = "set-webhooks"
    """Of all numbers that are active."""
    AT_PROVIDER = "at-provider"
    """The provider's configuration of one endpoint's number."""
    WEBHOOK_TEST = "webhook-test"
    LAST_CALL = "last-call"
    VOICE_AI = "voice-ai"
    AI_NUMBERS = "ai-numbers"
    """The numbers that a SIP trunk carries to agents."""
    CALL_WEBHOOK = "call-webhook"


class Tone(StrEnum):
    """How well it is: fine, to look at, broken, or not begun."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"
