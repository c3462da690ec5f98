"""PostgreSQL: how long is waited for what, so that a server that is frozen or gone holds up no request."""

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
"""Until a new connection is there."""

PING_SECONDS = 3.0
"""Until the server responds on a connection that was not used for a while."""

STATEMENT_SECONDS = 15
"""Of a statement of a request; the server cancels it."""

SILENT_SECONDS = 18.0
"""Until a request gives up a server that does not even cancel its statement."""

POOL_SECONDS = 5
"""Until one of the connections of a process is free."""

KEEPALIVE = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Until the kernel gives up a server whose machine or network is gone."""

Found = TypeVar("Found")


class Impatient(psycopg.Connection[Any]):
    """Closes itself when the server leaves it alone for longer than `patience`."""

    patience = PING_SECONDS

    def wait(self, gen: PQGen[Found], interval: float = 0.1, timeout: float | None = None) -> Found:
        begin = time.monotonic()
        try:
            with computing.paused():
                return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            if timeout is None and time.monotonic() >= begin + self.patience:
                self.close()
            raise


class Pool(QueuePool):
    """Knows from each connection that it gives whether the server is there."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.outage = Outage()

    def connect(self) -> Any:
        with self.outage.attempt():
            return super().connect()

    def recreate(self) -> Pool:
        """What takes its place when its connections are disposed of."""
        new = cast(Pool, super().recreate())
        new.outage = self.outage
        return new


def options() -> dict[str, Any]:
    """For `create_engine`."""
    return {
        "poolclass": Pool,
        "pool_pre_ping": True,
        "pool_timeout": POOL_SECONDS,
        "connect_args": {"connect_timeout": CONNECT_SECONDS, **KEEPALIVE},
    }


def limit_statements(engine: Engine) -> None:
    """Has each connection of a server of requests give up in time. Commands may take as long as they need."""
    if engine.dialect.name == "postgresql":
        event.listen(engine, "do_connect", _connect)
        event.listen(engine, "checkout", _be_patient)
        event.listen(engine, "checkin", _be_impatient)
        engine.dispose()


def _connect(_dialect: Any, _record: Any, arguments: Any, settings: dict[str, Any]) -> Impatient:
    ours = f"-c statement_timeout={STATEMENT_SECONDS}s"
    given = settings.get("options")
    return Impatient.connect(*arguments, **settings | {"options": f"{given} {ours}" if given else ours})


def _be_patient(connection: Impatient, _record: Any, _proxy: Any) -> None:
    connection.patience = SILENT_SECONDS


def _be_impatient(connection: Impatient | None, _record: Any) -> None:
    """The next thing that is sent on it is a ping."""
    if connection is not None:
        connection.patience = PING_SECONDS
