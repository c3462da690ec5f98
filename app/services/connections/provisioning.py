"""Provisioning: what follows at a provider after its stored values, or the base URL, have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.provider import Provider
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

Callback = Callable[[Scope, "Outbound", Provider | None], None]

_callbacks: dict[Callback, None] = {}


def register(callback: Callback) -> None:
    """Has `changed` run the callback; registering it again changes nothing.

    It gets the provider whose values changed, or None for all. What was saved stands whatever comes of
    it, so it raises nothing.
    """
    _callbacks[callback] = None


def changed(scope: Scope, http: Outbound, provider: Provider | None = None) -> None:
    """Runs the callbacks. Call it after the commit: they make requests to providers."""
    for callback in _callbacks:
        callback(scope, http, provider)
