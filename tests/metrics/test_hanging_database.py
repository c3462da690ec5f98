"""A database that hangs holds one scrape; the others get what was read before."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.metrics import stored
from tests.support.metrics import samples, scrape

WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'drift_checks'::regclass")


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


def test_scrape_waits_for_no_other_scrape(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(stored, "SECONDS", 0.0)
    scrape(app.test_client())
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    with engine.connect() as holder:
        holder.execute(text("LOCK TABLE drift_checks"))
        waiting = threading.Thread(target=scrape, args=(app.test_client(),))
        waiting.start()
        while not holder.scalar(WAITS):
            pass
        scraped = scrape(app.test_client())
        assert samples(scraped["patchbay_database_up"]) == {(): 1}
        assert holder.scalar(WAITS) == 1
        holder.rollback()
    waiting.join()
    engine.dispose()


def test_scrape_repeats_what_was_read_a_moment_ago(app: Flask) -> None:
    scrape(app.test_client())
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    with engine.connect() as holder:
        holder.execute(text("LOCK TABLE drift_checks"))
        assert samples(scrape(app.test_client())["patchbay_database_up"]) == {(): 1}
    engine.dispose()
