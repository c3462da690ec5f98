"""Simulators: small local servers that behave as the providers do, for tests and demonstrations.

A provider's simulator is `simulators/<key>.py`, or a folder of that name, with one subclass of `Simulator`.
It is found there, not listed. `python -m simulators` starts all of them.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from types import MappingProxyType

from app.providers import PROVIDERS
from simulators.base import Simulator


def _load() -> Mapping[str, type[Simulator]]:
    """Each provider's simulator, in the order of the providers. One that has none is left out."""
    return MappingProxyType(
        {key: _simulator_in(f"{__name__}.{key}") for key in PROVIDERS if _is_there(f"{__name__}.{key}")}
    )


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _simulator_in(module: str) -> type[Simulator]:
    declared = [
        value
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, type) and issubclass(value, Simulator) and value.__module__ == module
    ]
    if len(declared) != 1:
        raise TypeError(f"{module} must declare one simulator, and declares {len(declared)}.")
    return declared[0]


SIMULATORS: Mapping[str, type[Simulator]] = _load()
