"""The sentences of the pages for voice AI."""

from __future__ import annotations

from app.core import phone

VOICE_AI = "Voice AI"
TOOL_SECRET = "Tool secret"
NO_TAB = "Voice AI has no such tab."
CHOICE_SAVED = "Voice AI provider saved. You can undo it from the provider's history."
CHOOSE_ONE = "Choose one"
WEBHOOK_WORKS = "Webhook verified."


def no_agents(label: str) -> str:
    return f"{label} has none: create an agent there first."


def not_at_provider(agent_id: str, label: str) -> str:
    return f"{agent_id} (not at {label})"


def no_call_reports(label: str) -> str:
    return f"{label} does not report calls."


def ai_on(number: str) -> str:
    return f"An agent now answers {phone.display(number)}."


def ai_on_unproven(number: str, caution: str) -> str:
    return f"AI is on for {phone.display(number)}, but calls may not reach the agent. {caution}"


def ai_off(number: str, *, here_only: bool) -> str:
    where = " in Patchbay only" if here_only else ""
    return f"AI is off for {phone.display(number)}{where}."
