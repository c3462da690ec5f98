"""Sentences that several pages share."""

from __future__ import annotations

from app.core import texts
from app.services.jobs import Kind

SIGNED_OUT = "Your session has expired. Your changes were not saved. Sign in to continue where you left off."
PASSWORD_NEEDED = "Enter your password again: the last time is more than half an hour ago."
EXPIRED = "Page expired"
TWO_STEP_NEEDED = "Superadmins need two-step sign-in here. Turn it on to continue."
GO_HOME = "Go to Home"
GUIDE_NOT_FOUND = "Guide not found. Help lists them all."
SWITCH_THEME = "Switch theme"
API_REFERENCE = "API reference"
SUPERADMINS_ONLY = "Only superadmins can open this page."

CHANGED_BY_BOTH = "You both changed this. The form has your value."
CHANGED_BY_THEM = "Only they changed this. The form has their value."
CHANGED_BY_YOU = "Only you changed this."
CHANGED_BY_UNKNOWN = "The form has your value."
TYPE_AGAIN = "Re-enter it: saved secrets are never displayed."
SECRET_CHANGED_BY_BOTH = f"You both changed it. {TYPE_AGAIN}"
SECRET_CHANGED_BY_YOU = f"{CHANGED_BY_YOU} {TYPE_AGAIN}"

JOB_FIRST_STEPS = {
    Kind.CHECK_IMPORT: "Reading the file",
    Kind.APPLY_IMPORT: "Preparing",
    Kind.SET_WEBHOOKS: "Reading the selection",
    Kind.RESTORE_WEBHOOKS: "Reading the selection",
    Kind.CLEAR_WEBHOOKS: "Reading the selection",
    Kind.TEST_WEBHOOKS: "Reading the selection",
}

ABOUT_JOBS = {
    Kind.CHECK_IMPORT: "Nothing is changed yet. The check continues if you leave this page.",
    Kind.APPLY_IMPORT: "All rows are imported, or none. The import continues if you leave this page.",
}

JOB_INTERRUPTED = {
    Kind.CHECK_IMPORT: "The server stopped during the check. Nothing was imported. Upload the file again.",
    Kind.APPLY_IMPORT: "The server stopped. Either all rows were imported or none: go back to see.",
}


def starred(name: str) -> str:
    return f"{texts.bidi_isolate(name)} is a favorite now."


def unstarred(name: str) -> str:
    return f"{texts.bidi_isolate(name)} is no longer a favorite."


def yes_or_no_needed(name: str) -> str:
    return f"Say yes or no to “{name}”."


def restored(count: int, number: str | None = None) -> str:
    return f"{number or texts.count_of(count, 'endpoint')} restored."
