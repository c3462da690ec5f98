"""Whether the database of a server is whole: the file, and the chain of its audit events."""

from __future__ import annotations

from sqlalchemy import create_engine

from app.database import engine as database_engine
from devtools.server import Server


def problems(server: Server) -> list[str]:
    """What SQLite finds wrong with its file and `flask audit verify` with the events; empty if nothing is."""
    url = server.environment.get("DATABASE_URL") or f"sqlite:///{server.data / 'patchbay.db'}"
    faults = _problems_of_file(url) if server.database == "SQLite" else []
    try:
        server.flask("audit", "verify")
    except AssertionError as error:
        faults.append(str(error))
    return faults


def _problems_of_file(url: str) -> list[str]:
    engine = create_engine(url, **database_engine.engine_options(url))
    with engine.connect() as connection:
        rows = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        rows += [f"foreign key: {row}" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
    engine.dispose()
    return [row for row in rows if row != "ok"]
