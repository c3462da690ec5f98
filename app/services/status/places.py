"""Places: where in the portal something is seen or mended. `web` knows their addresses."""

from __future__ import annotations

from enum import StrEnum


class Place(StrEnum):
    """One of these names what is meant; which provider or endpoint is said beside it."""

    CHECKLIST = "checklist"
    SETTINGS = "settings"
    PROVIDER = "provider"
    CALLBACK = "callback"
    ENDPOINTS = "endpoints"
    DRIFTED = "drifted"
    BLOCKED = "blocked"
    NEW_ENDPOINT = "new-endpoint"
    ENDPOINT = "endpoint"
    EDIT_ENDPOINT = "edit-endpoint"
    AT_PROVIDER = "at-provider"
    """What the provider has for one endpoint's number."""
    VOICE_AI = "voice-ai"
    CALL_WEBHOOK = "call-webhook"
