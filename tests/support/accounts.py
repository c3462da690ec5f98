"""Connections to the accounts that the simulators accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.providers import PROVIDERS
from app.services.providers import credentials
from app.services.scope import Scope


def typed(key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those of a simulator's values that the provider's form has."""
    known_names = {field.name for field in PROVIDERS[key].typed_fields}
    return {name: value for name, value in values.items() if name in known_names}


def connect(scope: Scope, key: str, values: Mapping[str, Any], **changes: Any) -> None:
    """Stores them as the organization's credentials."""
    credentials.save(scope, PROVIDERS[key], typed(key, values) | changes)
