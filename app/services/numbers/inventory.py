"""The numbers in a provider's account, and which of them are already in Patchbay."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from app.core import urls
from app.core.errors import Conflict
from app.provider import Capability, Family, Numbers, Provider
from app.provider import numbers as provider_numbers
from app.provider.numbers import ProviderNumber
from app.providers import PROVIDERS
from app.services import fields
from app.services.connections import gateway
from app.services.connections.gateway import Quota
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.numbers import claims as numbers_claims
from app.services.numbers import messages
from app.services.numbers.claims import Claim, Claims
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

MOST = 10_000
"""How many numbers are read from one account."""
URL_LONGEST = 2000


@dataclass(frozen=True)
class Owned:
    """A number of the account, as the provider and as Patchbay have it."""

    number: ProviderNumber
    state: Claim
    claims: Claims

    def document(self) -> dict[str, Any]:
        return {
            "phone_number": self.number.phone_number,
            "label": self.number.label,
            "state": str(self.state),
            "webhook_url": self.number.webhook_url,
        }


SORTS: dict[str, Callable[[Owned], str]] = {
    "number": lambda row: row.number.phone_number,
    "label": lambda row: (row.number.label or "").casefold(),
    "status": lambda row: str(row.state),
    "webhook": lambda row: row.number.webhook_url or "",
}
"""The values by which each column sorts the rows."""


@dataclass(frozen=True)
class Inventory:
    """An account's numbers, in order. `is_cut_off`: the account has more numbers than `rows`."""

    rows: list[Owned]
    is_cut_off: bool

    def matching(self, text: str = "", state: Claim | None = None) -> list[Owned]:
        """Returns the rows with the text in the label, or its digits in the number."""
        digits = "".join(character for character in text if character.isdecimal())
        return [
            row
            for row in self.rows
            if state in (None, row.state)
            and (
                text.casefold() in (row.number.label or "").casefold()
                or (digits and digits in row.number.phone_number)
            )
        ]

    def ordered(self, rows: Sequence[Owned], by: str) -> list[Owned]:
        """Returns the rows sorted by a column, then by number; `-` reverses the order.

        Empty values come last.
        """
        key, rises = SORTS[by.removeprefix("-")], not by.startswith("-")
        full = sorted(filter(key, rows), key=lambda row: (key(row), row.number.phone_number))
        return [*(full if rises else reversed(full)), *(row for row in rows if not key(row))]

    def count(self, state: Claim) -> int:
        return sum(row.state is state for row in self.rows)


def can_list(provider: Provider) -> bool:
    return Capability.NUMBERS in provider.capabilities


def listing_providers() -> list[Provider]:
    return [provider for provider in PROVIDERS.values() if can_list(provider)]


def can_import_as_endpoints(provider: Provider) -> bool:
    return Family.TELEPHONY in provider.families


def voice_key(provider: Provider) -> str | None:
    """Returns the key of the voice provider of users' numbers; None if users cannot have them."""
    return provider.key if Family.VOICE in provider.families else provider.numbers_of or None


def list_owned(scope: Scope, http: Outbound, provider: Provider) -> Inventory:
    """Lists the numbers of the account. Raises Conflict, TooMany, ProviderCallFailed."""
    connection = connection_for_listing(scope, provider)
    numbers, is_cut_off = read(scope, http, connection, quota=gateway.LIST)
    claims_by_number = numbers_claims.claims(scope, [number.phone_number for number in numbers])
    rows = [
        _owned(provider, number, claims_by_number.get(number.phone_number, Claims())) for number in numbers
    ]
    return Inventory(sorted(rows, key=lambda row: row.number.phone_number), is_cut_off)


def without_listing(scope: Scope, provider: Provider, numbers: Collection[str]) -> list[Owned]:
    """Returns numbers as Patchbay has them, for an account that could not be listed."""
    claims_by_number = numbers_claims.claims(scope, numbers)
    rows = (ProviderNumber(phone_number, shows_webhook=False) for phone_number in numbers)
    return [_owned(provider, number, claims_by_number.get(number.phone_number, Claims())) for number in rows]


def connection_for_listing(scope: Scope, provider: Provider) -> StoredConnection:
    """Returns the connection. Raises Conflict if the provider lists no numbers, or values are missing."""
    if not can_list(provider):
        raise Conflict(messages.cannot_list(provider.label), code="CANNOT_LIST_NUMBERS")
    return gateway.configured(scope, provider)


def read(
    scope: Scope, http: Outbound, connection: StoredConnection, *, quota: Quota | None = None
) -> tuple[list[ProviderNumber], bool]:
    """Returns the account's numbers that carry calls, each once, and whether there are more."""
    lister = cast(Numbers, connection.provider)

    def listed(client: Outbound, values: Mapping[str, Any]) -> list[ProviderNumber]:
        return list(
            islice((number for number in lister.numbers(client, values) if number.has_voice), MOST + 1)
        )

    rows = gateway.call(
        scope, http.within(gateway.LIST.seconds), connection, listed, evidence=Evidence.NUMBERS, quota=quota
    )
    once: dict[str, ProviderNumber] = {}
    for number in rows[:MOST]:
        once.setdefault(number.phone_number, _presentable(number))
    return list(once.values()), len(rows) > MOST


def _presentable(number: ProviderNumber) -> ProviderNumber:
    """Returns the number with text safe to show: one line, truncated, no password in the URL."""
    url = urls.without_user(number.webhook_url or "")
    return replace(
        number,
        label=provider_numbers.one_line(number.label, fields.LABEL_LONGEST),
        webhook_url=provider_numbers.one_line(url, URL_LONGEST),
        override_name=provider_numbers.one_line(number.override_name) or "",
    )


def _owned(provider: Provider, number: ProviderNumber, claim: Claims) -> Owned:
    own = claim.endpoint_id if can_import_as_endpoints(provider) else claim.user_id
    state = Claim.MAPPED if own else Claim.ELSEWHERE if claim.in_other_organization else Claim.UNMAPPED
    return Owned(number, state, claim)
