"""What a dialer requests before every call: the active voice provider, and the caller's number on it.

It is found by the id of a token, and the token is checked with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from cachetools import LRUCache
from sqlalchemy import Engine, String, bindparam, cast, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from app.models import ApiToken, Organization, User, VoicePhoneNumber

MOST_REMEMBERED = 50_000
"""Tokens of one process."""

FRESH_SECONDS = 0.9
"""How old a remembered default may be: another machine's change is seen within a second."""

_DEFAULT = (
    select(Organization.active_voice, VoicePhoneNumber.phone_number)
    .join_from(ApiToken, User, ApiToken.user_id == User.id)
    .join(Organization, Organization.id == User.organization_id)
    .outerjoin(
        VoicePhoneNumber,
        (VoicePhoneNumber.user_id == User.id)
        & (VoicePhoneNumber.provider == Organization.active_voice)
        & VoicePhoneNumber.is_default,
    )
    .where(ApiToken.id == bindparam("token_id"), ApiToken.revoked_at.is_(None), User.disabled_at.is_(None))
)
_WITH_SNAPSHOT = _DEFAULT.add_columns(cast(func.pg_current_snapshot(), String))


class Default(NamedTuple):
    provider: str | None
    phone_number: str | None


class Defaults(Protocol):
    """Finds the default of a token's user: None if the token was revoked, or the user disabled."""

    def find(self, token_id: str) -> Default | None:
        """Queries the database."""

    def find_now(self, token_id: str) -> Default | None:
        """For the event loop: does not wait, and returns None also if it does not know."""


class OnSqlite:
    """Remembers nothing: a query takes 20 microseconds, and sees every commit of every process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sql = str(_DEFAULT.compile(engine))
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._connecting = threading.Lock()
        self._own: PoolProxiedConnection | None = None
        """The event loop's. A thread connects it, because that may wait."""

    def find(self, token_id: str) -> Default | None:
        row = _query(self._engine, _DEFAULT, token_id)
        if self._own is None and self._connecting.acquire(blocking=False):
            with suppress(self._error, SQLAlchemyError):
                self._own = self._connect()
            self._connecting.release()
        return Default(*row) if row else None

    def _connect(self) -> PoolProxiedConnection:
        own = self._engine.raw_connection()
        driver: Any = own.driver_connection
        driver.execute("PRAGMA busy_timeout=0").close()
        return own

    def find_now(self, token_id: str) -> Default | None:
        own = self._own
        if own is None:
            return None
        try:
            # Through SQLAlchemy, it would take five times as long.
            driver: Any = own.driver_connection
            rows = driver.execute(self._sql, (token_id,)).fetchall()
        except self._error:
            self._own = None
            own.invalidate()
            return None
        return Default(*rows[0]) if rows else None


class Seen(NamedTuple):
    """What a query saw: `snapshot` names the transactions, and two equal ones see the same rows."""

    snapshot: str
    commits: bytes
    at: float


class OnPostgresql:
    """Remembers defaults until a process of this machine commits, which changes what `commits` returns, and
    for `FRESH_SECONDS`, because other machines commit too. A later query with the same snapshot renews them.
    """

    def __init__(self, engine: Engine, commits: Callable[[], bytes]) -> None:
        self._engine = engine
        self._commits = commits
        self._lock = threading.Lock()
        self._found: LRUCache[str, tuple[Default | None, Seen]] = LRUCache(MOST_REMEMBERED)
        self._newest = Seen("", b"", 0.0)

    def find(self, token_id: str) -> Default | None:
        commits, at = self._commits(), time.monotonic()
        row = _query(self._engine, _WITH_SNAPSHOT, token_id)
        if row is None:
            return None
        provider, number, snapshot = row
        default, seen = Default(provider, number), Seen(snapshot, commits, at)
        with self._lock:
            self._found[token_id] = default, seen
            self._newest = max(self._newest, seen, key=lambda each: each.at)
        return default

    def find_now(self, token_id: str) -> Default | None:
        with self._lock:
            default, seen = self._found.get(token_id, (None, self._newest))
            if seen.snapshot == self._newest.snapshot:
                seen = self._newest
        is_right = seen.commits == self._commits() and time.monotonic() < seen.at + FRESH_SECONDS
        return default if is_right else None


def _query(engine: Engine, query: Any, token_id: str) -> Any | None:
    """With a bare connection: a Session would double the cost."""
    with engine.connect() as connection:
        return connection.execute(query, {"token_id": token_id}).one_or_none()
