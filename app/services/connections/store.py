"""The stored credentials of one organization for one provider: encrypting, decrypting, changing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core import clock, sealing
from app.core.errors import Invalid, NotFound, Problem
from app.core.naming import settings_name
from app.core.sealing import Place, SealBroken
from app.models import Connection, Secret
from app.provider import Field, Origin, Provider, ServiceHost
from app.providers import PROVIDERS
from app.services.connections import messages, proof
from app.services.connections.drafts import Naming
from app.services.scope import Scope


@dataclass(frozen=True)
class StoredSecret:
    """A stored secret, and its hint for pages. A broken one cannot be decrypted: it must be re-entered."""

    hint: str
    since: datetime
    broken: bool
    value: str | None = field(repr=False)


@dataclass(frozen=True)
class StoredConnection:
    """The current state of a connection; `version` is 0 if nothing was ever saved."""

    provider: Provider
    version: int = 0
    enabled: bool = True
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, StoredSecret] = field(default_factory=dict)
    callback_url: str | None = None

    @property
    def exists(self) -> bool:
        return self.version > 0

    @property
    def missing(self) -> tuple[Field, ...]:
        """The required fields that have no value, or one that cannot be decrypted."""
        return self.missing_after({})

    @property
    def is_configured(self) -> bool:
        return not self.missing

    @property
    def is_usable(self) -> bool:
        stored = {field.name for field in self.provider.fields if self.raw(field) is not None}
        return is_usable(self.provider, enabled=self.enabled, stored_fields=stored)

    def has_credentials_of(self, other: StoredConnection) -> bool:
        """Whether a test of one connection's values is a test of the other's."""
        tested = [field for field in self.provider.fields if field.is_tested]
        return all(self.raw(field) == other.raw(field) for field in tested)

    def opens(self, name: str) -> bool:
        """Whether the secret is stored and can be decrypted."""
        return name in self.secrets and not self.secrets[name].broken

    def raw(self, declared: Field) -> Any:
        """Returns the plaintext value; None if there is none."""
        if declared.secret:
            stored = self.secrets.get(declared.name)
            return stored.value if stored else None
        return self.values.get(declared.name)

    def missing_after(self, changes: Mapping[str, Any]) -> tuple[Field, ...]:
        """Returns the required fields without a value once the changes are stored."""
        return tuple(
            field
            for field in self.provider.required
            if (changes[field.name] if field.name in changes else self.raw(field)) is None
        )

    @property
    def credentials(self) -> dict[str, Any]:
        """All plaintext values by field name, as the provider's methods accept them."""
        return {field.name: self.raw(field) for field in self.provider.fields}


def is_usable(provider: Provider, *, enabled: bool, stored_fields: Collection[str]) -> bool:
    """Whether a connection is enabled and has every value that its provider requires."""
    return enabled and all(field.name in stored_fields for field in provider.required)


def provider_of(key: str) -> Provider:
    """Returns the declared provider. Raises NotFound."""
    if key not in PROVIDERS:
        raise NotFound(messages.unknown_provider(key, PROVIDERS))
    return PROVIDERS[key]


def load(scope: Scope, provider: Provider) -> StoredConnection:
    return load_all(scope, [provider])[provider.key]


def load_all(scope: Scope, providers: Iterable[Provider] | None = None) -> dict[str, StoredConnection]:
    """Returns the connections of `providers` (None: all of them) by key, in two queries."""
    by_key = {provider.key: provider for provider in providers or PROVIDERS.values()}
    rows = {
        row.provider: row
        for row in scope.session.scalars(scope.select(Connection).where(Connection.provider.in_(by_key)))
    }
    secrets: dict[str, dict[str, StoredSecret]] = {key: {} for key in by_key}
    for secret in scope.session.scalars(scope.select(Secret).where(Secret.provider.in_(by_key))):
        secrets[secret.provider][secret.field] = _decrypted(scope, secret)
    return {key: _connection_of(provider, rows.get(key), secrets[key]) for key, provider in by_key.items()}


def _connection_of(
    provider: Provider, row: Connection | None, secrets: Mapping[str, StoredSecret]
) -> StoredConnection:
    if row is None:
        return StoredConnection(provider)
    plain_fields = {field.name for field in provider.fields if not field.secret}
    values = {name: value for name, value in row.values.items() if name in plain_fields}
    return StoredConnection(provider, row.version, row.enabled, values, secrets, row.callback_url)


def _decrypted(scope: Scope, row: Secret) -> StoredSecret:
    try:
        value = scope.keys.sealer.open(row.sealed, Place(row.organization_id, row.provider, row.field))
    except SealBroken:
        return StoredSecret(row.hint, row.updated_at, broken=True, value=None)
    return StoredSecret(row.hint, row.updated_at, broken=False, value=value)


def row_for(scope: Scope, provider: Provider) -> Connection:
    """Returns the connection's row; adds it if there is none."""
    scope.require_transaction()
    query = scope.select(Connection).where(Connection.provider == provider.key)
    row = scope.session.scalar(query)
    if row is None:
        row = Connection(
            organization_id=scope.organization.id, provider=provider.key, enabled=True, values={}
        )
        scope.session.add(row)
        scope.session.flush()
    return row


def apply(
    scope: Scope,
    provider: Provider,
    changes: Mapping[str, Any],
    naming: Naming = settings_name,
    *,
    before: StoredConnection | None = None,
) -> dict[str, list[Any]]:
    """Stores `changes` (validated, by field name; None clears). Returns the changes for the audit log.

    `before` is the connection, if this transaction has loaded it already. Raises Invalid for a hint instead
    of a secret, and for a new host without the secrets.
    """
    scope.require_transaction()
    before = before or load(scope, provider)
    refuse_unsendable(before, changes, naming)
    changes = {**_cleared_by_new_host(before, changes), **changes}
    changed: dict[str, list[Any]] = {}
    for name, value in changes.items():
        if provider.field(name).secret:
            change = _apply_secret(scope, provider, name, value)
        else:
            was = before.values.get(name)
            change = [was, value] if was != value else None
        if change:
            changed[settings_name(provider.key, name)] = change
    if changed:
        _apply_plain(row_for(scope, provider), changes)
        changes_by_field = {provider.field(name): value for name, value in changes.items()}
        proof.outdate(
            scope,
            provider,
            [field for field, value in changes_by_field.items() if before.raw(field) != value],
        )
    return changed


def _apply_plain(row: Connection, changes: Mapping[str, Any]) -> None:
    """Sets the values that are not secret. Stored values of fields that are no longer declared stay."""
    plain = {name: value for name, value in changes.items() if not PROVIDERS[row.provider].field(name).secret}
    merged = row.values | plain
    row.values = {name: value for name, value in merged.items() if value is not None}
    row.updated_at = clock.now()


def _apply_secret(scope: Scope, provider: Provider, name: str, value: str | None) -> list[Any] | None:
    place = Place(scope.organization.id, provider.key, name)
    row = scope.session.scalar(
        scope.select(Secret).where(Secret.provider == provider.key, Secret.field == name)
    )
    if value is None:
        if row is None:
            return None
        scope.session.delete(row)
        return ["set", "not set"]
    if row is None:
        row = Secret(organization_id=place.organization_id, provider=place.provider, field=place.field)
        scope.session.add(row)
        was = "not set"
    else:
        was = "set"
    row.sealed = scope.keys.sealer.seal(value, place)
    row.key_fingerprint = scope.keys.sealer.current
    row.hint = sealing.hint(value)
    row.updated_at = clock.now()
    return [was, "replaced" if was == "set" else "set"]


def refuse_unsendable(
    before: StoredConnection, changes: Mapping[str, Any], naming: Naming = settings_name
) -> None:
    """Raises Invalid if a value is only a hint, or a stored secret would be sent to another host."""
    _refuse_hints(before, changes, naming)
    _require_secrets_for_new_host(before, changes, naming)


def _refuse_hints(before: StoredConnection, changes: Mapping[str, Any], naming: Naming) -> None:
    problems = []
    for name, value in changes.items():
        stored = before.secrets.get(name)
        if stored and stored.hint and value == stored.hint:
            problems.append(Problem(naming(before.provider.key, name), messages.ONLY_A_HINT))
    if problems:
        raise Invalid(problems)


def _is_new_host(before: StoredConnection, changes: Mapping[str, Any]) -> bool:
    return any(
        isinstance(declared, ServiceHost)
        and declared.name in changes
        and declared.in_force(changes[declared.name]) != declared.in_force(before.values.get(declared.name))
        for declared in before.provider.fields
    )


def _cleared_by_new_host(before: StoredConnection, changes: Mapping[str, Any]) -> dict[str, None]:
    """Returns changes that clear values assigned by the former host, such as a webhook's id."""
    if not _is_new_host(before, changes):
        return {}
    return {field.name: None for field in before.provider.fields if field.origin is Origin.PROVIDER}


def _require_secrets_for_new_host(
    before: StoredConnection, changes: Mapping[str, Any], naming: Naming
) -> None:
    """Raises Invalid if the host changes and a stored secret was not re-entered.

    A secret that was entered for one host is never sent to another.
    """
    if not _is_new_host(before, changes):
        return
    message = messages.ANOTHER_HOST
    typed = {field.name for field in before.provider.typed_fields}
    problems = [
        Problem(naming(before.provider.key, name), message)
        for name in before.secrets
        if name in typed and name not in changes
    ]
    if problems:
        raise Invalid(problems)


def delete_all(scope: Scope, provider: Provider) -> None:
    """Deletes the values, the secrets, and their last proof."""
    scope.require_transaction()
    proof.remove(scope, provider)
    for row in scope.session.scalars(scope.select(Secret).where(Secret.provider == provider.key)):
        scope.session.delete(row)
    for connection in scope.session.scalars(
        scope.select(Connection).where(Connection.provider == provider.key)
    ):
        scope.session.delete(connection)
