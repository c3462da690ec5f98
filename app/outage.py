"""Tracks for one engine whether PostgreSQL is unavailable, and logs the start and end of an outage."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError, OperationalError

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
"""Seconds from a failed connection to the next attempt; others fail immediately until then."""

QUIET_SECONDS = 10.0
"""Seconds after an outage within which another one is not logged again."""


class Outage:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._logged_at: float | None = None
        self._failed_at: float | None = None
        self._is_trying = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Runs the block, which connects. Raises OperationalError during an outage.

        If a connection just failed or is being tried, it raises immediately. A frozen server then delays few
        requests: one at a time tries it until it responds.
        """
        is_trial = self._admit()
        try:
            yield
        except psycopg.Error as error:
            self._failed_at = time.monotonic()
            self.note(error)
            raise
        else:
            if self._since is not None:
                self._end()
        finally:
            if is_trial:
                self._is_trying = False

    def _admit(self) -> bool:
        if self._since is None:
            return False
        with self._lock:
            if self._failed_at is None:
                return False
            if self._is_trying or time.monotonic() < self._failed_at + RETRY_SECONDS:
                raise OperationalError(None, None, psycopg.OperationalError("Not tried: it is away."))
            self._is_trying = True
            return True

    def note(self, error: psycopg.Error | DBAPIError) -> None:
        """Logs that the database is unavailable, once."""
        with self._lock:
            now = time.monotonic()
            if self._since is not None:
                return
            self._since = now
            if self._logged_at is None or now > self._logged_at + QUIET_SECONDS:
                self._logged_at = now
                log.error("database.unavailable", reason=reason(error))

    def _end(self) -> None:
        with self._lock:
            if self._since is None:
                return
            if self._logged_at is not None and self._logged_at >= self._since:
                log.warning("database.available", seconds=round(time.monotonic() - self._since, 1))
            self._since = self._failed_at = None


def reason(error: BaseException) -> str:
    """Returns the driver's message, in one line, without the statement."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(cause).__name__}: {cause}".split("\n")[0][:300]
