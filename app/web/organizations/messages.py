"""Sentences of the organizations' pages."""

from __future__ import annotations

from app.core import texts

SETTINGS_SAVED = "Settings saved."
BASE_URL_HELP = "Where providers reach your agent runtime. All webhook URLs start with it."
COUNTRY_HELP = "Default country for numbers without a country code."
NO_COUNTRY = "None (require +country code)"


def added(name: str) -> str:
    return f"{texts.bidi_isolate(name)} added."


def undo_of(url: str) -> str:
    return f"Undo of the change to {url}"
