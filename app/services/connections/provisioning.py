"""Provisioning: callbacks that update a provider after its stored values or the base URL changed."""

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
    """Registers a callback for `changed`. Registering it again changes nothing.

    It is called with the provider whose values changed, or None for all. It must not raise: the values stay
    saved even if the update of the provider fails.
    """
    _callbacks[callback] = None


def changed(scope: Scope, http: Outbound, provider: Provider | None = None) -> None:
    """Runs the callbacks. Call it after the commit: they make requests to providers."""
    for callback in _callbacks:
        callback(scope, http, provider)
