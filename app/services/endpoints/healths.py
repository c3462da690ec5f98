"""The choices under "Health" that filter the table of numbers: verdicts, and their causes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.models import Verdict
from app.provider.numbers import UNKNOWN, Reason
from app.services.connections.number_health import Cause
from app.services.endpoints import messages
from app.services.endpoints.listing import Filter

_NEVER_A_VERDICT = {
    *UNKNOWN,
    Reason.NOTHING_EXPECTED,
    Reason.PROVIDER_NOT_CONFIGURED,
    Reason.PROVIDER_UNREACHABLE,
    Reason.BUSY,
}


@dataclass(frozen=True)
class Health:
    """A choice: its key in URLs, its label, the heading above it, and its part of a filter."""

    key: str
    word: str
    group: str
    part: Mapping[str, Any]


def _choices() -> Iterator[Health]:
    words, healthy, unhealthy, unknown = messages.HEALTHS, *messages.HEALTH_GROUPS
    yield Health("healthy", words["healthy"], healthy, {"health": Verdict.HEALTHY})
    yield Health("proven", words["proven"], healthy, {"proven": True})
    yield Health("unhealthy", words["unhealthy"], unhealthy, {"health": Verdict.UNHEALTHY})
    yield Health("blocked", words["blocked"], unhealthy, {"blocked": True})
    yield Health("drifted", words["drifted"], unhealthy, {"drifted": True})
    for reason in Reason:
        if reason not in _NEVER_A_VERDICT:
            key = "suspended" if reason is Reason.BLOCKED else str(reason)
            yield Health(key, messages.CAUSES[reason], unhealthy, {"causes": (str(reason),)})
    yield Health("unknown", words["unknown"], unknown, {"health": Verdict.UNKNOWN})
    for key, causes in ((Cause.NOT_CHECKED, [Cause.NOT_CHECKED]), (Reason.NOT_SHOWN, sorted(UNKNOWN))):
        yield Health(str(key), messages.CAUSES[key], unknown, {"causes": (*map(str, causes),)})
    yield Health("off", words["off"], unknown, {"health": Verdict.OFF})


CHOICES = {choice.key: choice for choice in _choices()}


def of_filter(filters: Filter) -> Iterator[Health]:
    """Yields the choices that make up a filter. A filter of the page has at most one."""
    for choice in CHOICES.values():
        if all(getattr(filters, name) == value for name, value in choice.part.items()):
            yield choice
