"""Loads the class that a module declares."""

from __future__ import annotations

import importlib
from typing import TypeVar

from app.provider.fields import DeclarationError

Declared = TypeVar("Declared")


def only_subclass(module: str, base: type[Declared]) -> type[Declared]:
    """Returns the only subclass of `base` that the module declares. Raises DeclarationError."""
    try:
        names = vars(importlib.import_module(module))
    except Exception as error:
        raise DeclarationError(f"{module} does not load: {error}") from error
    declared = [
        value
        for value in names.values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
    ]
    if len(declared) != 1:
        raise DeclarationError(f"{module} must declare one {base.__name__}, and declares {len(declared)}.")
    return declared[0]
