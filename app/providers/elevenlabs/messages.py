"""The sentences for ElevenLabs' responses."""

from __future__ import annotations

ACCEPTED = "ElevenLabs accepts the API key."
RESTRICTED = "ElevenLabs accepts the API key. It is restricted, and has the permissions that Patchbay needs."
UNKNOWN_KEY = (
    "ElevenLabs rejects this API key there. Create or copy one under Developers, API keys, and compare "
    "the API base with the workspace's data residency: each has its own keys."
)
BLOCKED = "ElevenLabs has blocked this account because of unusual activity. Check its subscription page."
QUOTA_EXCEEDED = "The quota of this ElevenLabs account is used up. Check its plan at ElevenLabs."
NOT_FOUND = "ElevenLabs does not have this agent, or no longer has the number."

READ_AGENTS = "read agents"
READ_NUMBERS = "read phone numbers"
IMPORT_NUMBERS = "import phone numbers"
CHANGE_NUMBERS = "change phone numbers"
DELETE_NUMBERS = "delete phone numbers"
READ_WEBHOOKS = "read the workspace's webhooks"
CREATE_WEBHOOKS = "create webhooks"
CHANGE_WEBHOOKS = "change webhooks"
DELETE_WEBHOOKS = "delete webhooks"
READ_CONVERSATIONS = "read conversations"
READ_SETTINGS = "read the settings of agents"
CHANGE_SETTINGS = "change the settings of agents"

OBJECT_NEEDED = "Send a JSON object."
CONVERSATION_NEEDED = "This is required, in at most 100 characters."


def lacks_permission(to_do: str) -> str:
    return f"This ElevenLabs API key lacks the permission to {to_do}. Add it under Developers, API keys."
