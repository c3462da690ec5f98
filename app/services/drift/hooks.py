"""What a check does beside reading the connection and its numbers, as other packages register it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.provider import Provider
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound
    from app.services.drift.verdicts import ProbeResult


@dataclass(frozen=True)
class Watched:
    """What was found. `problem`: why it does not work; `failure`: why that could not be checked.

    `checked`: how many numbers have a verdict by it.
    """

    problem: str | None = None
    failure: str | None = None
    checked: int = 0


Watch = Callable[[Scope, "Outbound", Provider], Watched]
"""Checks something else at a provider whose connection is checked, such as a webhook."""


class Recovery(Protocol):
    """What a run does about changes at a provider that were interrupted, beside checking webhooks."""

    def ready(self, scope: Scope) -> set[str]:
        """The keys of the providers where a change was interrupted."""
        ...

    def is_running(self, scope: Scope) -> bool:
        """Whether a change may still be running. If it was killed, it is ready in some minutes."""
        ...

    def resolve(self, scope: Scope, http: Outbound, provider: Provider) -> str | None:
        """Resolves the interrupted changes; returns why one could not be resolved."""
        ...


Listener = Callable[[Scope, str, "Mapping[str, ProbeResult]"], None]
"""Gets what was read of a provider's numbers, in the transaction that stores it."""

watches: dict[Watch, None] = {}
listeners: dict[Listener, None] = {}
recoveries: list[Recovery] = []


def register_watch(watch: Watch) -> None:
    """Makes every check of a connection call it. Registering it again changes nothing."""
    watches[watch] = None


def register_listener(listener: Listener) -> None:
    """Makes every reading of numbers call it. Registering it again changes nothing."""
    listeners[listener] = None


def register_recovery(recovery: Recovery) -> None:
    """Makes every run call it. Registering it again changes nothing."""
    if recovery not in recoveries:
        recoveries.append(recovery)


def has_running_changes(scope: Scope) -> bool:
    """Whether a change at a provider may still be running: a later run resolves it if it is not."""
    return any(recovery.is_running(scope) for recovery in recoveries)
