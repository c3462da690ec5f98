"""Functions of other packages that run as part of a check."""

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
    """The result of a watch: a `problem` that it found, or a `failure` that prevented the check.

    `checked` is the number of phone numbers that have a verdict by it.
    """

    problem: str | None = None
    failure: str | None = None
    checked: int = 0


Watch = Callable[[Scope, "Outbound", Provider], Watched]
"""Checks something else at a provider whose connection is checked, such as a webhook."""


class Recovery(Protocol):
    """Resolves interrupted changes at a provider, as part of a run."""

    def ready(self, scope: Scope) -> set[str]:
        """Returns the keys of the providers where a change was interrupted."""
        ...

    def is_running(self, scope: Scope) -> bool:
        """Whether a change may still be running. If its process was killed, it is ready in some minutes."""
        ...

    def resolve(self, scope: Scope, http: Outbound, provider: Provider) -> str | None:
        """Resolves the interrupted changes. Returns why one could not be resolved, or None."""
        ...


Listener = Callable[[Scope, str, "Mapping[str, ProbeResult]"], None]
"""Called with the provider's key and the results by number, in the transaction that stores them."""

watches: dict[Watch, None] = {}
listeners: dict[Listener, None] = {}
recoveries: list[Recovery] = []


def register_watch(watch: Watch) -> None:
    """Adds a watch to every check of a connection. Registering it again changes nothing."""
    watches[watch] = None


def register_listener(listener: Listener) -> None:
    """Adds a listener to every reading of numbers. Registering it again changes nothing."""
    listeners[listener] = None


def register_recovery(recovery: Recovery) -> None:
    """Adds a recovery to every run. Registering it again changes nothing."""
    if recovery not in recoveries:
        recoveries.append(recovery)


def has_running_changes(scope: Scope) -> bool:
    """Whether a change at a provider may still be running. A later run resolves it if it is interrupted."""
    return any(recovery.is_running(scope) for recovery in recoveries)
