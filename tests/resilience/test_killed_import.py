"""A server that is killed during a large import has imported all rows or none, and says so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import Endpoint
from devtools.server import Server, served
from tests.support.cast import assemble
from tests.support.pages import Page, Portal
from tests.support.remote import remote

ROWS = 4000
SECONDS = 60.0


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def _count(app: Flask) -> int:
    with app.app_context():
        count = db.session.scalar(select(func.count()).select_from(Endpoint)) or 0
        db.session.remove()
        return count


def _ended(page: Page) -> Page:
    """The page that a job leads to."""
    deadline = time.monotonic() + SECONDS
    while "/jobs/" in page.path and page.root.by_id("job")["data-state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
        page = page.portal.get(page.path)
    return page


def _hold_and_kill(app: Flask, server: Server) -> None:
    """Kills the server while another connection writes, so that its import waits for its turn."""
    with app.app_context():
        connecting = db.engine.connect().execution_options(writes=True)
        with connecting as connection, connection.begin():
            server.kill()


@pytest.mark.thorough(
    "test_apply_requested_twice_imports_once",
    "test_job_that_fails_or_was_interrupted_shows_it_and_a_link_back",
    "test_state_of_a_silent_job_is_interrupted_until_it_ends",
)
def test_a_killed_import_is_shown_as_interrupted(
    app: Flask, tmp_path: Path, environment: dict[str, str]
) -> None:
    cast = assemble(app)
    rows = "\n".join(["phone_number,provider", *(f"+1212555{n:04d},twilio" for n in range(ROWS))])
    with served(tmp_path, environment) as server:
        dana = Portal(remote(server, app))
        dana.sign_in(cast.dana.email)
        preview = _ended(dana.get("/o/acme-support/endpoints/import").press("Preview import", rows=rows))
        submitted = {"csrf_token": dana.token(), "version": "1"}
        started = dana.raw("POST", f"{preview.path}/apply", data=submitted)
        assert started.status_code == 303
        _hold_and_kill(app, server)
        imported = _count(app)
        server.start()
        job = dana.get(started.headers["Location"])
        if imported:
            assert imported == ROWS
            assert "/jobs/" not in job.path or job.root.by_id("job")["data-state"] == "interrupted"
            return
        assert job.root.by_id("job")["data-state"] == "interrupted"
        back = job.follow("Back")
        assert back.path == preview.path
        done = _ended(back.press(f"Import {ROWS:,} rows"))
        assert done.path == f"{preview.path}?imported=1"
    assert _count(app) == ROWS
