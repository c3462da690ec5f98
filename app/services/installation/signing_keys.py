"""Checks that all machines of an installation sign with the same keys.

Every machine must accept tokens and session cookies that another one signed. The database stores a keyed
check of the newest key of each kind. A machine without that key refuses to start.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Installation
from app.services.audit import chain
from app.services.installation import messages
from app.services.installation.keys import KeyMismatch
from app.services.scope import Keys, Scope

SIGNS = {"token_key_check": "PATCHBAY_JWT_KEYS", "session_key_check": "PATCHBAY_SECRET_KEY"}
"""The setting whose newest key each column is a check of."""


def expect_same(session: Session, keys: Keys) -> None:
    """Raises KeyMismatch if another machine signs with a key that is not configured here."""
    row = session.scalar(select(Installation))
    if row is not None:
        for column in SIGNS:
            _expect_known(getattr(row, column), column, _checks(row, keys, column))


def adopt(scope: Scope, *, replace: bool = False) -> None:
    """Stores checks of the newest keys, when this machine starts to sign with them.

    A newer key replaces the stored check if the list still has the stored one's key. Otherwise, raises
    KeyMismatch unless `replace`.
    """
    with scope.transaction():
        row = scope.session.get_one(Installation, 1, with_for_update=True)
        for column in SIGNS:
            checks = _checks(row, scope.keys, column)
            if not replace:
                _expect_known(getattr(row, column), column, checks)
            setattr(row, column, checks[0])


def _expect_known(stored: str | None, column: str, checks: Sequence[str]) -> None:
    if stored is not None and stored not in checks:
        raise KeyMismatch(messages.signing_key_missing(SIGNS[column]))


def _checks(row: Installation, keys: Keys, column: str) -> list[str]:
    """Returns a check of each key of the kind, newest first."""
    secret = chain.open_key(keys.sealer, row.key_check).hmac.encode()
    signing = keys.jwt if column == "token_key_check" else (keys.session,)
    return [hmac.new(secret, f"{column}\n{key}".encode(), hashlib.sha256).hexdigest() for key in signing]
