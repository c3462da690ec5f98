"""Places in the portal and tones, by name. `web` maps them to URLs and colours."""

from __future__ import annotations

from enum import StrEnum


class Place(StrEnum):
    """A page that shows or fixes something. The provider or endpoint is passed beside it."""

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
    """The page that sets the webhooks of all active numbers."""
    AT_PROVIDER = "at-provider"
    """The provider's configuration of one endpoint's number."""
    WEBHOOK_TEST = "webhook-test"
    LAST_CALL = "last-call"
    VOICE_AI = "voice-ai"
    AI_NUMBERS = "ai-numbers"
    """The numbers that a SIP trunk carries to agents."""
    CALL_WEBHOOK = "call-webhook"


class Tone(StrEnum):
    """How a state is coloured: fine, needs attention, broken, or not started."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"
