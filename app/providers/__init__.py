"""The providers: one file or folder each. A new one is found here, without a list of them.

A file that cannot be loaded, or declares no valid provider, stops the start with an error that names it.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType, ModuleType

from app.core.naming import PHONE_NUMBER, calls_name, settings_name
from app.provider import Capability, DeclarationError, Family, Provider
from app.provider.declared import only_subclass


def load(package: ModuleType) -> Mapping[str, Provider]:
    """Returns the providers that the package's modules declare, by key, in the pages' order."""
    modules = [
        f"{package.__name__}.{module_info.name}" for module_info in pkgutil.iter_modules(package.__path__)
    ]
    providers = [only_subclass(module, Provider)() for module in modules]
    providers.sort(key=lambda provider: (provider.position, provider.key))
    by_key: dict[str, Provider] = {}
    for provider in providers:
        if by_key.setdefault(provider.key, provider) is not provider:
            other = by_key[provider.key]
            raise DeclarationError(
                f"{provider.__module__} and {other.__module__} declare the same key, {provider.key!r}."
            )
    _refuse_shared_names(providers)
    return MappingProxyType(by_key)


def _refuse_shared_names(providers: Iterable[Provider]) -> None:
    """Raises DeclarationError if fields of two providers would have the same name in the APIs.

    For example, `est_key_id` of `sinch` and `key_id` of `sinch_est`.
    """
    owners: dict[str, str] = {}
    for provider in providers:
        for field in provider.fields:
            for name in (
                calls_name(provider.key, field.name),
                settings_name(provider.key, field.name),
            ):
                if owners.setdefault(name, provider.key) != provider.key and name != PHONE_NUMBER:
                    raise DeclarationError(
                        f"{provider.__module__}: {field.name} becomes {name}, "
                        f"which {owners[name]} has already."
                    )


PROVIDERS: Mapping[str, Provider] = load(sys.modules[__name__])


def in_family(family: Family) -> tuple[Provider, ...]:
    """Returns the family's providers, in the order of the pages."""
    return tuple(provider for provider in PROVIDERS.values() if family in provider.families)


def keys_in(family: Family) -> tuple[str, ...]:
    return tuple(provider.key for provider in in_family(family))


def trunks() -> dict[str, Provider]:
    """Returns the SIP trunks whose numbers agents can answer, by the numbers' provider."""
    having = [one for one in PROVIDERS.values() if Capability.SIP_TRUNK in one.capabilities]
    return {trunk.numbers_of: trunk for trunk in reversed(having)}


def is_trunk(key: str) -> bool:
    """Whether the key is that of a SIP trunk, whose numbers agents answer."""
    return key in [trunk.key for trunk in trunks().values()]


def label(key: str) -> str:
    """Returns the provider's label; the key itself if no provider has it now."""
    return PROVIDERS[key].label if key in PROVIDERS else key


def answering_service(url: str | None) -> str:
    """Returns the name of the known service that has the URL; empty if it is none of them."""
    takers = (taker for provider in PROVIDERS.values() for taker in provider.takers)
    return next((taker.name for taker in takers if url and taker.has(url)), "")
