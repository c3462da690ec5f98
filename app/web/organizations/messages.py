"""Sentences of the organizations' pages."""

from __future__ import annotations

from app.core import texts

WEBHOOKS_CHANGED = "The webhook URLs have changed: the providers still call the earlier ones."
CONFIGURE_WEBHOOKS = "Configure webhooks…"
SETTINGS_SAVED = "Settings saved."
BASE_URL_HELP = "Where providers reach your agent runtime. All webhook URLs start with it."
LAST_CALLS_HELP = "When the last call to each number is read from its provider. Callers are not stored."
ON_DEMAND = "On demand only"
DAILY = "Once a day, with the checks"
ABOUT_BASE_URL = (
    "Your agent runtime is the server that answers the calls. The webhook URL of a number is this URL, then "
    "/telephony, the provider, /inbound and the agent. Providers call it from the internet: it needs https."
)
COUNTRY_HELP = "Default country for numbers without a country code."
NO_COUNTRY = "None (require +country code)"


def added(name: str) -> str:
    return f"{texts.bidi_isolate(name)} added."


def https_added(url: str) -> str:
    return f"https:// was added: the base URL is {url}."


def undo_of(url: str) -> str:
    return f"Undo of the change to {url}"
