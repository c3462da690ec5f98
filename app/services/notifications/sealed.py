"""The secret values of destinations: encrypted together, decrypted only to send."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm.attributes import flag_modified

from app.core import clock, sealing
from app.core.sealing import Place, SealBroken, Sealer
from app.models import Destination
from app.services.scope import Scope

PREVIOUS = "previous_"
"""The prefix of the name of a replaced secret."""


def place(row: Destination) -> Place:
    return Place(row.organization_id or "", "destination", row.id)


def opened(scope: Scope, row: Destination) -> dict[str, str]:
    """Returns the secret values by name. Raises SealBroken."""
    if row.sealed is None:
        return {}
    secrets: dict[str, str] = json.loads(scope.keys.sealer.open(row.sealed, place(row)))
    return secrets


def store(scope: Scope, row: Destination, secrets: Mapping[str, str]) -> None:
    """Encrypts the values in place of the stored ones. The row must have its id."""
    row.sealed = scope.keys.sealer.seal(json.dumps(dict(secrets)), place(row)) if secrets else None
    row.key_fingerprint = scope.keys.sealer.current if secrets else None
    row.hints = {
        name: sealing.hint(value) for name, value in secrets.items() if not name.startswith(PREVIOUS)
    }


def values(scope: Scope, row: Destination) -> dict[str, Any]:
    """Returns every plaintext value, as a kind's `send` accepts them. Raises SealBroken.

    A replaced secret is left out once its time is over.
    """
    secrets = opened(scope, row)
    is_over = row.previous_until is None or row.previous_until <= clock.now()
    valid = {name: value for name, value in secrets.items() if not (is_over and name.startswith(PREVIOUS))}
    return {**row.values, **valid}


def reseal(scope: Scope) -> Iterator[int]:
    """Encrypts each destination again with the newest key, in its own transaction.

    Yields the count after each.
    """
    current = scope.keys.sealer.current
    stale = select(Destination.id).where(Destination.key_fingerprint != current)
    for done, row_id in enumerate(list(scope.session.scalars(stale)), start=1):
        with scope.transaction():
            _reseal(scope, scope.session.get(Destination, row_id, with_for_update=True))
        yield done


def _reseal(scope: Scope, row: Destination | None) -> None:
    sealer = scope.keys.sealer
    if row is None or row.sealed is None:
        return
    try:
        row.sealed = sealer.seal(sealer.open(row.sealed, place(row)), place(row))
    except SealBroken:
        return
    row.key_fingerprint = sealer.current
    flag_modified(row, "updated_at")  # Keeps the old value: the secret itself is the same.


def unrotated_count(scope: Scope) -> int:
    """Returns how many destinations have secrets that an older key encrypted."""
    query = select(func.count()).select_from(Destination)
    return scope.session.scalar(query.where(Destination.key_fingerprint != scope.keys.sealer.current)) or 0


def counts(scope: Scope, sealer: Sealer) -> tuple[int, int]:
    """Returns the count of encrypted values, and of those that no key decrypts.

    In a database older than destinations, both are 0.
    """
    if not inspect(scope.session.connection()).has_table(Destination.__tablename__):
        return 0, 0
    rows = list(scope.session.scalars(select(Destination).where(Destination.sealed.is_not(None))))
    return len(rows), sum(not _opens(sealer, row) for row in rows)


def _opens(sealer: Sealer, row: Destination) -> bool:
    try:
        sealer.open(row.sealed or "", place(row))
    except SealBroken:
        return False
    return True
