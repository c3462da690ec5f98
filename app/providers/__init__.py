"""One file for each provider. A file that does not load, or declares nothing usable, stops the boot."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from app.provider import DeclarationError, Family, Provider


def _load() -> Mapping[str, Provider]:
    found: list[Provider] = []
    for module_info in pkgutil.iter_modules(__path__):
        name = f"{__name__}.{module_info.name}"
        try:
            module = importlib.import_module(name)
        except Exception as error:
            raise DeclarationError(f"{name} does not load: {error}") from error
        declared = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Provider) and value.__module__ == name
        ]
        if len(declared) != 1:
            raise DeclarationError(
                f"{name} must declare one provider, and declares {len(declared)}."
            )
        found.append(declared[0]())
    found.sort(key=lambda provider: (provider.position, provider.key))
    by_key = {provider.key: provider for provider in found}
    if len(by_key) != len(found):
        raise DeclarationError("Two files in app/providers declare the same key.")
    return MappingProxyType(by_key)


PROVIDERS: Mapping[str, Provider] = _load()


def in_family(family: Family) -> tuple[Provider, ...]:
    """The family's providers, in the order that pages show them."""
    return tuple(provider for provider in PROVIDERS.values() if family in provider.families)


def keys_in(family: Family) -> tuple[str, ...]:
    return tuple(provider.key for provider in in_family(family))
