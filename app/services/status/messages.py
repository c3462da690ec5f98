"""Sentences about an organization's status."""

from __future__ import annotations

from collections.abc import Iterable

from app.core import texts

BASE_URL_NEEDED = "The HTTPS address of your agent runtime. All webhook URLs start with it."
NUMBER_NEEDED = "Assign a phone number to an inbound agent."
READY_NEEDED = "A number is ready once its agent, its provider and the base URL are set."
WEBHOOK_NEEDED = "Set the number's webhook at its provider. Patchbay verifies it."
WEBHOOK_MISMATCH = "The webhook at the provider doesn't match."
TEST_NEEDED = "Connect a provider, then test its credentials."

ENDPOINT_INACTIVE = "The endpoint is inactive."
NO_INBOUND_AGENT = "No inbound agent."
NO_OUTBOUND_AGENT = "No outbound agent."
NO_BASE_URL = "No public base URL, so providers can't reach the agent."
IS_DEFAULT = "default for agent calls"
NOT_DEFAULT = "not the default for agent calls"


def some_names(names: Iterable[str], total: int) -> str:
    """Returns "Ann, Bob and 3 more"; empty for no names."""
    shown = [texts.bidi_isolate(name) for name in names]
    if total > len(shown):
        return f"{', '.join(shown)} and {total - len(shown):,} more"
    *most, last = shown or [""]
    return f"{', '.join(most)} and {last}" if most else last


def default_provider(label: str) -> str:
    return f"{label} is the default."


def incomplete_default(label: str, missing: Iterable[str]) -> str:
    names = ", ".join(missing)
    return (
        f"{label} is the default, and missing {names}." if names else f"{label} is the default, and disabled."
    )


def make_default(label: str) -> str:
    return f"{label} is connected. Make it the default."


def connect_one_of(labels: Iterable[str]) -> str:
    return f"Connect {_or(labels)}."


def connect_dialer(labels: Iterable[str]) -> str:
    return f"For calls from a dialer: connect {_or(labels)}, and make it the default."


def _or(labels: Iterable[str]) -> str:
    *most, last = labels
    return f"{', '.join(most)} or {last}" if most else last


def untested(label: str) -> str:
    return f"{label} credentials saved, untested."


def accepts_credentials(label: str) -> str:
    return f"{label} accepts the credentials."


def numbers_added(count: int, most: int) -> str:
    return f"{most:,}+ numbers." if count > most else f"{texts.count_of(count, 'number')}."


def numbers_ready(count: int) -> str:
    return f"{texts.count_of(count, 'number has', 'numbers have')} an agent, a provider and a webhook URL."


def numbers_blocked(ready: int, blocked: int, reasons: Iterable[str]) -> str:
    first = f"{texts.count_of(ready, 'number')} ready, {blocked:,} not" if ready else ""
    return f"{first or texts.count_of(blocked, 'number') + ' not ready'}: {', '.join(reasons)}."


def unknown_key(key: str) -> str:
    return f"no provider {key} for agent calls"


def connection_lack(label: str, *, exists: bool, is_configured: bool) -> str:
    if is_configured:
        return f"{label} is disabled"
    return f"{label} is incomplete" if exists else f"{label} isn't connected"


def numbers_drifted(count: int) -> str:
    return f"{texts.count_of(count, 'number')} drifted"


def routed(number: str, agent: str, label: str, *, is_verified: bool) -> str:
    route = f"{number} is routed to {texts.bidi_isolate(agent)}"
    if is_verified:
        return f"{route} · verified with {label}."
    return f"{route} (not verified: {label}'s API doesn't expose webhooks)."


def for_voice_agents(labels: Iterable[str]) -> str:
    return f"For {_or(labels)} voice agents."


def calls_reported(label: str) -> str:
    return f"{label} reports each call after it ends."


def calls_not_reported(label: str) -> str:
    return f"{label} doesn't report calls yet."


def unknown_provider(key: str) -> str:
    return f"There is no provider {key} for numbers. Delete the endpoint and add it again."


def not_connected(label: str, missing: Iterable[str]) -> str:
    return f"{label} isn't connected. Missing: {', '.join(missing)}."


def disabled(label: str) -> str:
    return f"{label} is disabled."


def test_outdated(label: str) -> str:
    return f"{label} hasn't been tested since its credentials were saved."


def not_checked(label: str) -> str:
    return f"Not checked yet whether {label} has this webhook URL."


def urls_by_provider(counts: Iterable[tuple[str, int]]) -> str:
    """Returns "3 at Acme, 1 at Globex"."""
    return ", ".join(f"{count:,} at {label}" for label, count in counts)
