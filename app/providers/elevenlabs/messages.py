"""What ElevenLabs' responses mean, as sentences."""

from __future__ import annotations

ACCEPTED = "ElevenLabs accepts the API key."
RESTRICTED = "ElevenLabs accepts the API key. It is a restricted one, and may read agents."
UNKNOWN_KEY = "ElevenLabs rejects this API key. Create or copy one under Developers, API keys."
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
READ_SETTINGS = "read the settings of agents"
CHANGE_SETTINGS = "change the settings of agents"

OBJECT_NEEDED = "Send a JSON object."
CONVERSATION_NEEDED = "This is required, in at most 100 characters."


def lacks_permission(to_do: str) -> str:
    return f"This ElevenLabs API key lacks the permission to {to_do}. Add it under Developers, API keys."
