"""Simulators: small local servers that behave like the providers, for tests and the demo.

A provider's simulator is `simulators/<key>.py`, or a folder of that name, with one subclass of `Simulator`.
The module is found, not listed. `python -m simulators` starts all of them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from types import MappingProxyType

from app.provider.declared import only_subclass
from app.providers import PROVIDERS
from simulators.base import Simulator


def _load() -> Mapping[str, type[Simulator]]:
    """Returns the providers' simulators, in their order; providers without one are left out."""
    modules = {key: f"{__name__}.{key}" for key in PROVIDERS}
    return MappingProxyType(
        {
            key: only_subclass(module, Simulator)
            for key, module in modules.items()
            if importlib.util.find_spec(module)
        }
    )


SIMULATORS: Mapping[str, type[Simulator]] = _load()
