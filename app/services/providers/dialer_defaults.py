"""The data that a dialer requests before every call: the default voice provider, and the caller's number.

One query finds it by the id of a token, and checks that the token works.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ARRAY, Engine, String, any_, bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from app.models import ApiToken, Organization, User, VoicePhoneNumber

MOST_REMEMBERED = 50_000
"""How many tokens a process remembers."""

MOST_REFRESHED = 5_000
"""How many tokens one query refreshes."""

FRESH_SECONDS = 0.9
"""How old a remembered default may be: another machine's change is effective within a second."""

AHEAD_SECONDS = 0.4
"""The age at which a default is refreshed in the background, before any request waits for it."""

RECENT_SECONDS = 10.0
"""Tokens that were used within this time are refreshed together."""

_NUMBER = (
    select(VoicePhoneNumber.phone_number)
    .where(
        VoicePhoneNumber.user_id == User.id,
        VoicePhoneNumber.provider == Organization.active_voice,
        VoicePhoneNumber.is_default,
    )
    .scalar_subquery()
)
"""Not a join: without statistics, PostgreSQL would join all numbers of many users."""

_DEFAULT = (
    select(ApiToken.id, Organization.active_voice, _NUMBER)
    .join_from(ApiToken, User, ApiToken.user_id == User.id)
    .join(Organization, Organization.id == User.organization_id)
    .where(ApiToken.revoked_at.is_(None), User.disabled_at.is_(None))
)
_OF_ONE = _DEFAULT.where(ApiToken.id == bindparam("token_id"))
_OF_MANY = _DEFAULT.where(ApiToken.id == any_(bindparam("token_ids", type_=ARRAY(String))))


_TABLES = tuple(model.__tablename__ for model in (ApiToken, Organization, User, VoicePhoneNumber))


def may_change_defaults(statement: str) -> bool:
    """Whether the SQL may change a default.

    Each change in an organization also updates its row, to increment the revision: that does not count.
    """
    if statement.startswith("SELECT"):
        return False
    if statement.startswith("UPDATE organizations SET "):
        return Organization.active_voice.key in statement
    return any(table in statement for table in _TABLES)


class Default(NamedTuple):
    provider: str | None
    phone_number: str | None


class Defaults(Protocol):
    """Finds the default of a token's user; None if the token was revoked or the user disabled."""

    def find(self, token_id: str) -> Default | None:
        """Queries the database. For a thread."""

    async def look_up(self, token_id: str) -> Default | None:
        """Returns the default without blocking the event loop; None also if the database does not respond."""

    def expect(self, token_id: str) -> None:
        """Announces a token that will be looked up. For the event loop."""


class OnSqlite:
    """Queries SQLite each time: it takes 20 microseconds, and sees every commit of every process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sql = str(_OF_ONE.compile(engine))
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._connecting = threading.Lock()
        self._own: PoolProxiedConnection | None = None
        """The event loop's connection. A thread opens it, because that may block."""

    def find(self, token_id: str) -> Default | None:
        default = _find(self._engine, token_id)
        if self._own is None and self._connecting.acquire(blocking=False):
            with suppress(self._error, SQLAlchemyError):
                self._own = self._connect()
            self._connecting.release()
        return default

    def _connect(self) -> PoolProxiedConnection:
        own = self._engine.raw_connection()
        driver: Any = own.driver_connection
        driver.execute("PRAGMA busy_timeout=0").close()
        return own

    async def look_up(self, token_id: str) -> Default | None:
        own = self._own
        if own is None:
            return None
        try:
            # SQLAlchemy would take five times as long.
            driver: Any = own.driver_connection
            rows = driver.execute(self._sql, (token_id,)).fetchall()
        except self._error:
            self._own = None
            own.invalidate()
            return None
        return Default(*rows[0][1:]) if rows else None

    def expect(self, token_id: str) -> None:
        pass


class QueryResult(NamedTuple):
    """The result of a query. `commits` and `at` are from before it."""

    default: Default | None
    commits: bytes
    at: float


@dataclass(slots=True)
class Remembered:
    result: QueryResult
    used_at: float


_NEVER = QueryResult(None, b"", float("-inf"))


class OnPostgresql:
    """Remembers defaults, and refreshes all recently used ones by one query.

    Requests wait for that query together. Defaults are remembered for `FRESH_SECONDS`, because other machines
    commit too; or until a process of this machine commits SQL that `may_change_defaults`, which changes the
    value of `commits()`.
    """

    def __init__(self, engine: Engine, commits: Callable[[], bytes]) -> None:
        self._engine = engine
        self._commits = commits
        self._tokens: OrderedDict[str, Remembered] = OrderedDict()
        """Least recently used tokens first. Only the event loop changes it."""
        self._query: Future[bool] | None = None
        """The last query. Its result is whether it succeeded."""

    def find(self, token_id: str) -> Default | None:
        return _find(self._engine, token_id)

    async def look_up(self, token_id: str) -> Default | None:
        begin = time.monotonic()
        remembered = self._recall(token_id, begin)
        for _ in range(3):  # A running query may not include the token; the next one does.
            # Taken before the check: if the query ends in between, the next check has its result.
            running = self._running_query()
            answer = remembered.result
            if self._is_current(answer, begin):
                if time.monotonic() - answer.at > AHEAD_SECONDS:
                    self._start_query()
                return answer.default
            if not await asyncio.shield(asyncio.wrap_future(running or self._start_query())):
                break
        return None

    def _is_current(self, answer: QueryResult, begin: float) -> bool:
        """Whether nothing can have changed since the query, or the query began after the request."""
        age = time.monotonic() - answer.at
        return answer.at >= begin or (age < FRESH_SECONDS and answer.commits == self._commits())

    def expect(self, token_id: str) -> None:
        self._recall(token_id, time.monotonic())

    def _recall(self, token_id: str, now: float) -> Remembered:
        remembered = self._tokens.get(token_id)
        if remembered is None:
            remembered = self._tokens[token_id] = Remembered(_NEVER, now)
            if len(self._tokens) > MOST_REMEMBERED:
                self._tokens.popitem(last=False)
        else:
            self._tokens.move_to_end(token_id)
            remembered.used_at = now
        return remembered

    def _running_query(self) -> Future[bool] | None:
        return None if self._query is None or self._query.done() else self._query

    def _start_query(self) -> Future[bool]:
        """Returns the running query, or starts one."""
        if running := self._running_query():
            return running
        query: Future[bool] = Future()
        threading.Thread(target=self._run, args=(query, self._recent()), name="dialers", daemon=True).start()
        self._query = query
        return query

    def _recent(self) -> dict[str, Remembered]:
        since = time.monotonic() - RECENT_SECONDS
        recent = takewhile(lambda each: each[1].used_at > since, reversed(self._tokens.items()))
        return dict(islice(recent, MOST_REFRESHED))

    def _run(self, query: Future[bool], tokens: Mapping[str, Remembered]) -> None:
        """Queries the defaults, in a thread.

        On an error, the request itself queries again and reports it.
        """
        commits, now = self._commits(), time.monotonic()
        has_succeeded = False
        try:
            defaults = _find_all(self._engine, tokens)
            for token_id, remembered in tokens.items():
                remembered.result = QueryResult(defaults.get(token_id), commits, now)
            has_succeeded = True
        except SQLAlchemyError:
            pass
        finally:
            query.set_result(has_succeeded)


def _find_all(engine: Engine, token_ids: Collection[str]) -> dict[str, Default]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        rows = connection.execute(_OF_MANY, {"token_ids": list(token_ids)}).all()
    return {token_id: Default(provider, number) for token_id, provider, number in rows}


def _find(engine: Engine, token_id: str) -> Default | None:
    """Queries one default, by a bare connection: a Session would double the time."""
    with engine.connect() as connection:
        row = connection.execute(_OF_ONE, {"token_id": token_id}).one_or_none()
    return None if row is None else Default(*row[1:])
