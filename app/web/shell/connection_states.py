"""What is known of an organization's connections, in words, as the navigation shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask import g

from app.models import Check
from app.provider import Outcome
from app.services.connections import store, verification
from app.services.connections.store import StoredConnection
from app.services.drift import tallies
from app.services.scope import Scope

DOTS = {
    "does not work": "bad",
    "not complete": "warn",
    "partly tested": "warn",
    "stored, not tested": "idle",
    "works": "ok",
    "disabled": "idle",
    "not connected": "idle",
}
"""The dot of each state, worst first."""


def state_of(scope: Scope, key: str) -> str:
    """Returns the state of a provider's connection: "works" only if its stored values were tested."""
    return _states(scope)[key]


def worst(scope: Scope, keys: Iterable[str]) -> str:
    """Returns the worst state among the providers' connections."""
    return min((state_of(scope, key) for key in keys), key=list(DOTS).index)


def _states(scope: Scope) -> Mapping[str, str]:
    """Reads them once for a request."""
    if "connection_states" not in g:
        states = store.load_all(scope)
        tested, refused = verification.last_of_all(scope, states), tallies.refused(scope)
        g.connection_states = {
            key: _word(state, tested.get(key), key in refused) for key, state in states.items()
        }
    known: Mapping[str, str] = g.connection_states
    return known


def _word(state: StoredConnection, check: Check | None, is_refused: bool) -> str:
    if not state.exists or not (state.values or state.secrets):
        return "not connected"
    if not state.enabled:
        return "disabled"
    if is_refused or (check and not check.ok):
        return "does not work"
    if state.missing:
        return "not complete"
    if check is None:
        return "stored, not tested"
    return "partly tested" if check.code == Outcome.NOT_PROVEN else "works"
