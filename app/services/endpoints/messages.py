"""Sentences about endpoints."""

from __future__ import annotations

from collections.abc import Iterable

from app.core import texts

FIXED = "This can't be changed. Delete the endpoint and create another one."
COMPUTED = "This is computed. Leave it out, or send it back as it was read."
UNKNOWN_DIRECTION = "Use inbound or outbound."
IN_USE = "This number is already in use. A number can have only one endpoint."

CANNOT_UNDO = "This event doesn't record enough to undo it."
NOTHING_TO_UNDO = "Nothing left to undo: every number has changed since."
STOPS_LIVE_NUMBERS = "This takes live numbers down. Review it and confirm again."
NUMBER_JUST_CLAIMED = "Another organization added one of the numbers just now. Check again."

IMPORT_EXPIRED = "Imports are kept for one day. Upload the file again."
IMPORT_APPLIED = "This import was already applied."
ROWS_REFUSED = "Nothing was imported: some rows are invalid. Correct them and upload the file again."

NO_FILE = "Choose a file, or paste rows with their header."
NO_ROWS = "The file has a header and no rows."
NOT_UTF8 = "Read as Windows-1252 because the file is not UTF-8. Check letters with accents."
EXTRA_CELL = "This row has a cell without a column."
NO_NUMBER = "The phone number is missing."

READING_FILE = "Reading the file"
COMPARING = "Comparing with stored endpoints"
SAVING_PREVIEW = "Saving the preview"
PREPARING = "Preparing"
CHECKING_FOR_CHANGES = "Checking for changes since the preview"
ADDING = "Adding endpoints"
CHANGING = "Changing endpoints"
FINISHING = "Finishing"


def counted(count: int) -> str:
    return texts.count_of(count, "endpoint")


BY_API = "API"

NO_FILTER = "Set a filter or a sort order first."


def view_exists(name: str) -> str:
    return f"You already have a view “{texts.bidi_isolate(name)}”."


def too_many_views(most: int) -> str:
    return f"You can have at most {most} views. Delete one first."


HEALTHS = {
    "healthy": "In sync",
    "proven": "Proven",
    "unhealthy": "Drifted or blocked",
    "blocked": "Blocked",
    "drifted": "Drifted",
    "unknown": "Not verified",
    "off": "Takes no calls",
}
HEALTH_GROUPS = ("Healthy", "Unhealthy", "Other")

CAUSES = {
    "different_url": "Wrong URL",
    "different_method": "Wrong method",
    "no_webhook": "No webhook set",
    "application_in_the_way": "App overrides",
    "trunk_in_the_way": "Trunk overrides",
    "number_gone": "Not in account",
    "of_subaccount": "In a subaccount",
    "other_region": "Another region",
    "blocked": "Suspended",
    "no_voice": "No voice",
    "other_voice_mode": "Not for voice",
    "off_the_trunk": "Off the trunk",
    "trunk_leads_elsewhere": "Wrong endpoint",
    "other_agent": "Wrong agent",
    "application_disabled": "App disabled",
    "known_taker": "Another service",
    "different_fallback": "Wrong fallback",
    "different_status_callback": "Wrong status URL",
    "credentials_refused": "Credentials rejected",
    "no_credit": "No credit",
    "secondary_token": "Secondary token",
    "no_public_base_url": "No base URL",
    "provider_not_configured": "Not connected",
    "provider_disabled": "Disabled",
    "provider_unknown": "Unknown provider",
    "not_checked": "Not checked",
    "not_shown": "Can't verify",
}
"""The causes of verdicts, in a word or two."""


def cause_word(cause: str | None) -> str:
    return CAUSES.get(str(cause), HEALTHS["drifted"])


def also_in_row(index: int) -> str:
    return f"This is also in endpoints.{index}. Send each endpoint once."


def missing_rows(indexes: Iterable[int]) -> str:
    return f"Endpoints not found: {_rows(indexes)}. Nothing was saved."


def stale_rows(indexes: Iterable[int]) -> str:
    return f"Changed since you read them: {_rows(indexes)}. Nothing was saved. Read them again, then retry."


def _rows(indexes: Iterable[int]) -> str:
    return ", ".join(f"endpoints.{index}" for index in indexes)


def in_use(number: str) -> str:
    return f"{number} already has an endpoint. A number can have only one."


def too_many_selected(most: int) -> str:
    return f"Select at most {most:,} endpoints, or all that match a filter."


def selection_changed(count: int, expected_count: int | None) -> str:
    before = "another number" if expected_count is None else f"{expected_count:,}"
    return f"The selection is {counted(count)} now, not {before}. Nothing was changed."


def filter_words(
    *,
    text: str,
    searched: str,
    provider: str | None,
    agent: str | None,
    is_active: bool | None,
    healths: Iterable[str],
) -> str:
    """Returns a filter in words. Texts that the user entered are inserted as passed."""
    parts = [
        f"“{text}” in {searched}" if text else "",
        f"provider {provider}" if provider else "",
        f"agent {agent}" if agent else "",
        {True: "active", False: "inactive", None: ""}[is_active],
        *(f"health {health[:1].lower()}{health[1:]}" for health in healths),
    ]
    return ", ".join(filter(None, parts))


def unknown_sort(sorts: Iterable[str]) -> str:
    return f"Sort by {', '.join(sorts)}; a minus before it reverses the order."


CURSOR_OF_ANOTHER_SORT = "This cursor belongs to another sort order. Start again without it."


NO_BASE_URL_YET = "The webhook URL needs the organization's public base URL. Set it under Settings."


def unusual_agent(name: str) -> str:
    return (
        f"The agent name “{texts.bidi_isolate(name)}” has characters other than A-Z a-z 0-9 - . _ ~. They "
        "change in the webhook URL, and common signature checks of agent runtimes fail on them."
    )


def unused_agent(name: str, *, is_unusual: bool) -> str:
    shown = texts.bidi_isolate(name)
    unusual = f" {unusual_agent(name)}" if is_unusual else ""
    return f"No other number uses the agent “{shown}”. Check the spelling.{unusual}"


def update_webhook(provider: str) -> str:
    return f"Update the webhook at {provider}."


def webhook_is_old(provider: str) -> str:
    return f"{provider} still points to the old agent."


def update_webhook_manually(provider: str) -> str:
    return f"Update the webhook at {provider} manually."


def empty_header(columns: Iterable[str]) -> str:
    return f"The file is empty. The first row names the columns: {', '.join(columns)}."


def no_header(first: str, columns: Iterable[str]) -> str:
    return f"The first row starts with “{first}”. It must name the columns: {', '.join(columns)}."


def repeated_column(name: str) -> str:
    return f"Column {name} appears twice. Remove one."


NO_NUMBER_COLUMN = "Column phone_number is missing. The first row of the file names the columns."


def unknown_column(cell: str, columns: Iterable[str], nearest: str | None) -> str:
    if nearest:
        return f"Unknown column “{cell}”. Did you mean {nearest}?"
    return f"Unknown column “{cell}”. Columns: {', '.join(columns)}."


def computed_columns(names: Iterable[str]) -> str:
    return f"Ignored because computed: {', '.join(names)}."


def missing_columns(names: Iterable[str]) -> str:
    return f"Not in the file, so left unchanged: {', '.join(names)}."


def too_many_rows(most: int) -> str:
    return f"The file has more than {most:,} rows. Split it, and repeat the header in each part."


def plus_added(count: int) -> str:
    return f"{texts.count_of(count, 'number')} without a plus: read as starting with the country code."


def country_assumed(count: int, country: str | None) -> str:
    return f"{texts.count_of(count, 'number')} without a country code: read as {country}."


def row_problem(field: str, message: str, typed: object) -> str:
    """Returns the problem with a cell, and the cell's text."""
    quoted = f" The file has “{texts.bidi_isolate(str(typed)[:40])}”." if typed not in (None, "") else ""
    return f"{field}: {message}{quoted}"


def repeated_number(lines: Iterable[int]) -> str:
    return f"The number is also in line {', '.join(map(str, lines))}. Keep one of them."
