"""Interrupted changes of numbers: reads the numbers at their providers, and records the outcomes.

A number that is checked is resolved by its check. This finds the others, such as those of deleted
endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.models import ProviderWrite
from app.provider import Provider
from app.services.audit.actions import Action
from app.services.connections import provider_writes, store
from app.services.drift import lookup, verdicts
from app.services.scope import Scope
from app.services.webhooks import job_results

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

ACTIONS = (Action.NUMBER_POINTED, Action.NUMBER_RESTORED, Action.NUMBER_CLEARED)


def ready(scope: Scope) -> set[str]:
    """Returns the keys of the usable providers where the outcome of a change is unknown."""
    keys = {write.provider for write in _interrupted(scope)} | job_results.unsettled(scope).keys()
    return {key for key, state in store.load_all(scope).items() if key in keys and state.is_usable}


def is_running(scope: Scope) -> bool:
    """Whether a change may still be running."""
    return not all(map(provider_writes.is_interrupted, provider_writes.unfinished(scope, ACTIONS)))


def resolve(scope: Scope, http: Outbound, provider: Provider) -> str | None:
    """Reads each number at the provider, and records it. Returns why one could not be read, or None."""
    interrupted = {write.subject for write in _interrupted(scope) if write.provider == provider.key}
    numbers = sorted(interrupted | job_results.unsettled(scope).get(provider.key, set()))
    state = store.load(scope, provider)
    if not numbers or not state.is_usable:
        return None
    look = lookup.of(scope, http, state, len(numbers))
    results = {number: look(number) for number in numbers}
    read = {
        number: verdicts.address(result.number) for number, result in results.items() if not result.trouble
    }
    scope.end_read()
    with scope.transaction(lock=False):
        provider_writes.resolve(scope, provider, read)
        job_results.confirm_outcomes(scope, provider.key, results)
    return next((result.sentence for result in results.values() if result.trouble), None)


def _interrupted(scope: Scope) -> list[ProviderWrite]:
    return [
        write for write in provider_writes.unfinished(scope, ACTIONS) if provider_writes.is_interrupted(write)
    ]
