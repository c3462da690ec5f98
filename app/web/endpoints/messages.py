"""The sentences of the endpoints' pages."""

from __future__ import annotations

from app.core import texts
from app.services.jobs import Kind

NO_VALUE = "Enter a value, or select “Remove”."
ABOUT_AGENT = (
    "The name by which your agent runtime knows the agent. It is the last part of the webhook URL, so "
    "another agent means another URL at the provider."
)
VALUE_AND_CLEAR = "Enter a value or select “Remove”, not both."

FILTERS = {"provider": "Provider", "agent": "Agent", "active": "Active", "sync": "Health"}
ACTIVE = {True: "Yes", False: "No", None: ""}

WEBHOOK_JOBS = {
    Kind.SET_WEBHOOKS: "Configure webhooks",
    Kind.RESTORE_WEBHOOKS: "Restore webhooks",
    Kind.CLEAR_WEBHOOKS: "Clear webhooks",
    Kind.TEST_WEBHOOKS: "Test webhooks",
}

TONES_OF_CLEARING = {"cleared": "ok", "left_alone": "warn"}
WEBHOOKS_CHANGED = "Their webhook URLs have changed: the providers still call the earlier ones."
CONFIGURE_WEBHOOKS = "Configure webhooks…"


OPEN_IT = "Open it"


def country_assumed(country: str) -> str:
    return f"Any format. Without a country code, it is read as a {country} number."


def created(number: str) -> str:
    return f"{number} added."


def created_from(number: str, typed: str) -> str:
    return f"{created(number)} It was typed as “{texts.bidi_isolate(typed)}”."


def saved(number: str) -> str:
    return f"{number} saved."


def activated(number: str) -> str:
    return f"{number} activated."


def deactivated(number: str) -> str:
    return f"{number} deactivated; calls won't be answered."


def deleted(number: str) -> str:
    return f"{number} deleted."


def bulk_deleted(count: int) -> str:
    return f"{texts.count_of(count, 'endpoint')} deleted."


def bulk_changed(count: int, unchanged: int) -> str:
    if not count:
        return "No changes needed."
    was = "was" if unchanged == 1 else "were"
    rest = f" {unchanged:,} {was} already up to date." if unchanged > 0 else ""
    return f"{texts.count_of(count, 'endpoint')} updated.{rest}"


def view_saved(name: str) -> str:
    return f"View “{name}” saved."


def view_deleted(name: str) -> str:
    return f"View “{name}” deleted."


CHECKING = "Checking all numbers at their providers."


def checking(count: int) -> str:
    return f"Checking {texts.count_of(count, 'number')} at the provider."


CHECKING_EVERYWHERE = "Checking all numbers at their providers. Reload to see the results."


def webhook_set(provider: str, number: str) -> str:
    return f"Webhook of {number} set at {provider}."


def first_webhook_set(provider: str, number: str) -> str:
    return f"{webhook_set(provider, number)} The setup is done."


def webhook_still_wrong(provider: str, number: str, reason: str) -> str:
    return f"{provider} accepted the webhook of {number}, but it still doesn't match. {reason}"
