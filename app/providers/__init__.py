"""One file for each provider. A file that does not load, or declares nothing usable, stops the boot."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from app.core.naming import PHONE_NUMBER, calls_name, settings_name
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
            raise DeclarationError(f"{name} must declare one provider, and declares {len(declared)}.")
        found.append(declared[0]())
    found.sort(key=lambda provider: (provider.position, provider.key))
    by_key = {provider.key: provider for provider in found}
    if len(by_key) != len(found):
        raise DeclarationError("Two files in app/providers declare the same key.")
    _refuse_shared_names(found)
    return MappingProxyType(by_key)


def _refuse_shared_names(found: Iterable[Provider]) -> None:
    """`est_key_id` of `sinch` and `key_id` of `sinch_est` would be one name in the APIs."""
    taken: dict[str, str] = {}
    for provider in found:
        for field in provider.fields:
            for name in (
                calls_name(provider.key, field.name),
                settings_name(provider.key, field.name),
            ):
                if taken.setdefault(name, provider.key) != provider.key and name != PHONE_NUMBER:
                    raise DeclarationError(
                        f"{provider.__module__}: {field.name} becomes {name}, "
                        f"which {taken[name]} has already."
                    )


PROVIDERS: Mapping[str, Provider] = _load()


def in_family(family: Family) -> tuple[Provider, ...]:
    """The family's providers, in the order that pages show them."""
    return tuple(provider for provider in PROVIDERS.values() if family in provider.families)


def keys_in(family: Family) -> tuple[str, ...]:
    return tuple(provider.key for provider in in_family(family))
