"""The health of an organization's connections, as the navigation shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask import g

from app.services.connections import health, proof, store
from app.services.connections.health import Health
from app.services.scope import Scope


def state_of(scope: Scope, key: str) -> Health:
    """Returns the health of a provider's connection."""
    return of_all(scope)[key]


def worst(scope: Scope, keys: Iterable[str]) -> Health:
    """Returns the worst health among the providers' connections."""
    return health.worst([state_of(scope, key) for key in keys])


def of_all(scope: Scope) -> Mapping[str, Health]:
    """Returns the health of each provider's connection, read once per request."""
    if "connection_states" not in g:
        states = store.load_all(scope)
        tested = proof.last_of_all(scope)
        g.connection_states = {key: health.of(state, tested.get(key)) for key, state in states.items()}
    by_key: Mapping[str, Health] = g.connection_states
    return by_key
