"""The sentences of the pages for providers and callbacks."""

from __future__ import annotations

from app.core import phone, texts
from app.services.connections.verification import Tested

NO_CHANGES = "No changes to save."
RETYPE = "Re-enter the secret; saved secrets are never displayed."
ABOUT_DEFAULT = (
    "Dialers call through the default for the dialer. The default for agent calls is what your agent runtime "
    "reads, and what a new endpoint starts with; an endpoint always uses its own provider."
)
NOT_TESTED = "Test couldn't run"
FAILED = "Connection failed"
PARTLY_TESTED = "Partly tested"
WORKS = "Connection OK"
SHOW_BLOCKED = "Show"
OLD_SESSION = "To test a connection, enter it again: you last did more than 30 minutes ago."
NO_FAMILY = "Provider family not found."
CALLBACK_FAILED = "The callback was not set."


def read(tested: Tested) -> str:
    """Returns the duration and the facts of a successful test; empty for any other test."""
    if not tested.result.ok or not tested.is_conclusive:
        return ""
    facts = [f"{tested.latency_ms:,} ms", *map(texts.bidi_isolate, tested.result.facts)]
    return f" ({' · '.join(facts)})"


def saved(label: str) -> str:
    return f"{label} saved."


def enabled(label: str) -> str:
    return f"{label} enabled."


def disabled(label: str) -> str:
    return f"{label} disabled. Its credentials stay saved."


def disconnected(label: str) -> str:
    return f"{label} disconnected."


def blocked(done: str, count: int) -> str:
    return f"{done} {texts.count_of(count, 'number')} won't be answered:"


def default_set(label: str, family: str) -> str:
    return f"{label} is now the default for {family}."


def default_restored(label: str | None, family: str) -> str:
    return default_set(label, family) if label else f"There is no default provider for {family} now."


def undo_reason(reason: str | None) -> str:
    return f"Undo of “{reason}”" if reason else "Undo of the last change"


def normalized(typed: str, stored: str) -> str:
    return f"Saved “{texts.bidi_isolate(typed)}” as {phone.display(stored)} ({stored})."


def callback_unknown(label: str) -> str:
    return f"Couldn't read the callback from {label}."


def callback_help(label: str, base_url: str | None) -> str:
    under = base_url or "your public base URL"
    return f"The URL of your dialer or agent runtime that {label} calls, usually under {under}."


def callback_of(label: str) -> str:
    return f"{label} callback"


def callback_set(label: str) -> str:
    return f"Callback set. {label} now calls the new URL."


def callback_unread(label: str) -> str:
    return f"{label} accepted the URL, but couldn't be read afterwards. Check again in a moment."


def callback_differs(label: str) -> str:
    return f"{label} accepted the URL, but still returns another one. Check again in a moment."


def number_moved(number: str) -> str:
    return f"{phone.display(number)} moved to this application. Its webhook matches."


def number_still_wrong(label: str, number: str, problem: str) -> str:
    return f"{label} accepted the change, but {phone.display(number)} is still not right: {problem}"


def number_not_moved(number: str) -> str:
    return f"{phone.display(number)} can't be moved to this application now."
