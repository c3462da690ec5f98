"""Kinds of destinations, one file for each; a new file is found automatically.

A file that does not load, or declares no usable kind, is an error at the start that names it.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from app.destination import Kind
from app.provider.declared import only_subclass
from app.provider.fields import DeclarationError


def load(package: ModuleType) -> Mapping[str, Kind]:
    """Returns the kinds that the package's modules declare, by key, in the order of the pages."""
    modules = [f"{package.__name__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]
    kinds = sorted(
        (only_subclass(module, Kind)() for module in modules), key=lambda kind: (kind.position, kind.key)
    )
    by_key: dict[str, Kind] = {}
    for kind in kinds:
        if by_key.setdefault(kind.key, kind) is not kind:
            other = by_key[kind.key]
            raise DeclarationError(
                f"{kind.__module__} and {other.__module__} declare the same key, {kind.key!r}."
            )
    return MappingProxyType(by_key)


KINDS: Mapping[str, Kind] = load(sys.modules[__name__])
