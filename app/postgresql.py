"""Time limits for PostgreSQL, so that a server that is frozen or unreachable delays no request."""

from __future__ import annotations

import time
from typing import Any, TypeVar, cast

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event
from sqlalchemy.pool import QueuePool

from app.core import computing
from app.outage import Outage

CONNECT_SECONDS = 5
"""Seconds within which a new connection must be established."""

PING_SECONDS = 3.0
"""Seconds within which the server must respond on a connection that was idle."""

STATEMENT_SECONDS = 15
"""Seconds after which the server cancels a request's statement."""

SILENT_SECONDS = 18.0
"""Seconds after which a request abandons a server that does not even cancel its statement."""

POOL_SECONDS = 5
"""Seconds within which one of a process's connections must be free."""

KEEPALIVE = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Settings with which the kernel detects that the server's machine or network is gone."""

Result = TypeVar("Result")


class LimitedConnection(psycopg.Connection[Any]):
    """A connection that closes itself if the server is silent for longer than `wait_seconds`."""

    wait_seconds = PING_SECONDS

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        begin = time.monotonic()
        try:
            with computing.paused():
                return super().wait(gen, interval, self.wait_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if timeout is None and time.monotonic() >= begin + self.wait_seconds:
                self.close()
            raise


class Pool(QueuePool):
    """A pool that tracks from its connections whether the server is available."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.outage = Outage()

    def connect(self) -> Any:
        with self.outage.attempt():
            return super().connect()

    def recreate(self) -> Pool:
        """Returns the pool that replaces this one after its connections are disposed of."""
        new = cast(Pool, super().recreate())
        new.outage = self.outage
        return new


def options() -> dict[str, Any]:
    """Returns the options of `create_engine`."""
    return {
        "poolclass": Pool,
        "pool_pre_ping": True,
        "pool_timeout": POOL_SECONDS,
        "connect_args": {"connect_timeout": CONNECT_SECONDS, **KEEPALIVE},
    }


def limit_statements(engine: Engine) -> None:
    """Limits the time of each statement. Only servers call it: commands may run longer."""
    if engine.dialect.name == "postgresql":
        event.listen(engine, "do_connect", _connect)
        event.listen(engine, "checkout", _wait_for_statements)
        event.listen(engine, "checkin", _wait_for_ping)
        engine.dispose()


def _connect(_dialect: Any, _record: Any, arguments: Any, settings: dict[str, Any]) -> LimitedConnection:
    timeout_option = f"-c statement_timeout={STATEMENT_SECONDS}s"
    configured = settings.get("options")
    return LimitedConnection.connect(
        *arguments,
        **settings | {"options": f"{configured} {timeout_option}" if configured else timeout_option},
    )


def _wait_for_statements(connection: LimitedConnection, _record: Any, _proxy: Any) -> None:
    connection.wait_seconds = SILENT_SECONDS


def _wait_for_ping(connection: LimitedConnection | None, _record: Any) -> None:
    """Limits the wait to that of a ping, which is sent first when the connection is used again."""
    if connection is not None:
        connection.wait_seconds = PING_SECONDS
