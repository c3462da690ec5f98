"""Sentences about voice AI."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.core import phone

CHOOSE_AGENT = "Choose the agent that answers."
AGENT_ID_WRONG = "Use the agent's ID as the provider shows it: letters, digits, - and _."
AGENT_ID_MISSING = "Enter the ID of the agent that answers."
NOTHING_CHANGED = "Nothing was changed."
NOT_STORED = "The number could not be saved in Patchbay."

SIGNATURE_INVALID = "Invalid signature."
REPLAYED = "This message was received before."
EVENT_IGNORED = "Event type ignored."
EVENT_KNOWN = "Duplicate event."
EVENT_SAVED = "Call saved."

WEBHOOK_READY = "Ready to set up."
WEBHOOK_OUTDATED = "The webhook no longer matches the current settings."
WEBHOOK_CHANGED = "The credentials or the base URL changed during setup."
WEBHOOK_RUNNING = "The webhook is already being set up. Check again in a moment."
WEBHOOK_FAULT = "Unexpected error. See the log."
BASE_URL_MISSING = "Enter the organization's public base URL under Settings first."
UNNAMED = "unnamed"


def provider_unknown(keys: Iterable[str]) -> str:
    return f"Use {' or '.join(keys)}, or null for none."


def no_tool_secret(label: str) -> str:
    return f"{label} has no tool secret."


def not_supported(trunk_labels: Iterable[str], label: str) -> str:
    return f"Agents can answer {' or '.join(trunk_labels)} numbers only. This is a {label} number."


def not_configured(label: str, fields: Iterable[str]) -> str:
    return f"{label} is not configured: it needs {', '.join(fields)}. Enter them under Voice AI."


def disabled(label: str) -> str:
    return f"{label} is disabled. Enable it under Voice AI."


def not_in_project(number: str, carrier: str, trunk: str) -> str:
    shown = phone.display(number)
    return _trunk(f"{shown} is not in the {carrier} project of {trunk}. Choose one of its numbers")


def on_no_trunk(number: str, carrier: str, trunk: str) -> str:
    return _trunk(
        f"{phone.display(number)} is on no trunk at {carrier}. Add it to the trunk of {trunk} there"
    )


def on_another_trunk(number: str, carrier: str, trunk: str) -> str:
    return _trunk(
        f"{phone.display(number)} is on another trunk at {carrier}. Move it to the trunk of {trunk} there"
    )


def _trunk(sentence: str) -> str:
    return f"{sentence}, then turn AI on. {NOTHING_CHANGED}"


def trunk_not_read(trunk: str) -> str:
    return f"It could not be verified that calls reach the agent: {trunk} could not be read."


def off_the_trunk(number: str, carrier: str, trunk: str) -> str:
    return (
        f"{phone.display(number)} is no longer on the trunk of {trunk}, so no call reaches the agent. "
        f"Put it back on the trunk at {carrier}."
    )


def trunk_leads_to_agents(trunk: str, agents: str) -> str:
    return f"The trunk of {trunk} carries the number, and sends its calls to {agents}."


def agents_not_read(agents: str) -> str:
    return (
        f"Whether the agent answers could not be read: {agents} is not connected or is disabled, or its list "
        "of phone numbers cannot be read."
    )


def several_agents(agents: str) -> str:
    return (
        f"{agents} has this number more than once, with different agents: which one answers is not known. "
        "Remove the others there."
    )


def number_not_imported(agents: str) -> str:
    return f"{agents} does not have this number, so no agent answers it. Turn AI off and on again."


def other_agent(agents: str, agent_id: str | None) -> str:
    named = f"assigns the agent {agent_id} to this number" if agent_id else "assigns no agent to this number"
    return f"{agents} {named}, not the one that was chosen here. Choose the agent again."


def trunk_leads_nowhere(trunk: str, agents: str, host: str) -> str:
    return f"The trunk of {trunk} has no enabled endpoint, so no call reaches the agent. {_add(agents, host)}"


def trunk_leads_elsewhere(trunk: str, peer: str, agents: str, host: str) -> str:
    return f"The trunk of {trunk} sends calls to {peer}, not to {agents}. {_add(agents, host)}"


def trunk_shares_calls(trunk: str, peer: str, agents: str) -> str:
    return (
        f"The trunk of {trunk} sends some of its calls to {peer} instead of {agents}: both endpoints have "
        "the same priority."
    )


def trunk_leads_to_address(trunk: str, peer: str, agents: str) -> str:
    return (
        f"The trunk of {trunk} sends calls to {peer}. Compare that address with the static ones of {agents}."
    )


def _add(agents: str, host: str) -> str:
    return f"Add an endpoint for {agents}: {host}, port 5060, transport TCP."


def agent_not_removed(label: str) -> str:
    return f"{label} did not remove the agent from the number."


def may_be_imported(label: str, number: str, imported_id: str | None) -> str:
    shown = phone.display(number)
    named = f"{shown} ({imported_id})" if imported_id else shown
    return (
        f"{named} may have been imported to {label}, and could not be removed. Remove it there under Phone "
        "numbers, or turn AI on again to use it."
    )


def may_have_agent(label: str, number: str, imported_id: str, former: str | None) -> str:
    return (
        f"{phone.display(number)} ({imported_id}) may have the new agent at {label}: the former one could "
        f"not be restored. Set it to {former or 'no agent'} there, under Phone numbers."
    )


def still_on(problem: str, label: str) -> str:
    return f"{problem} AI is still on. You can turn it off in Patchbay only: {label} then keeps the number."


def webhook_disabled(label: str) -> str:
    return f"{label} is disabled. Enable it first."


def webhook_needs(label: str, fields: Iterable[str]) -> str:
    return f"First save the {' and '.join(fields)} of {label}."


def webhook_without_secret(label: str) -> str:
    return f"{label} returned no webhook secret, so the new webhook was deleted."


def webhook_foreign(name: str, webhook_id: str) -> str:
    return f"Another webhook already receives call events: {name} ({webhook_id})."


def webhook_left(reason: str) -> str:
    return f"An older webhook of Patchbay could not be deleted. {reason}"


def webhook_problem(label: str, reason: str) -> str:
    return f"{label}: {reason}"


def webhook_gone(label: str) -> str:
    return f"{label} no longer has Patchbay's webhook. Set it up again."


def webhook_switched_off(label: str) -> str:
    return f"Patchbay's webhook was disabled at {label}. Set it up again to enable it."


def webhook_not_selected(label: str) -> str:
    return f"No webhook receives call events at {label}. Set it up again to select Patchbay's."


def webhook_lacks_events(label: str) -> str:
    return f"{label} does not send all events that Patchbay needs as JSON. Set the webhook up again."


def reports_no_calls(label: str) -> str:
    return f"{label} reports no calls."


def webhook_auto_disabled(label: str) -> str:
    return f"{label} had disabled the webhook because deliveries failed. Patchbay enabled it again."


def webhook_disabled_itself(label: str) -> str:
    return f"{label} has disabled the webhook because deliveries failed. Repair it to enable it again."


def webhook_without_retries(label: str) -> str:
    return f"{label} does not repeat failed deliveries. Repair the webhook to turn retries on."


def webhook_failing(label: str, at: datetime, status: int | None) -> str:
    response = f" (HTTP {status})" if status else ""
    return (
        f"The last delivery of {label} failed{response}, on {at:%Y-%m-%d} at {at:%H:%M} UTC, and no report "
        "was received since. Check that the public base URL leads to Patchbay."
    )


def webhook_of_agents(names: Iterable[str]) -> str:
    return f"These agents report their calls to a webhook of their own: {', '.join(names)}."
