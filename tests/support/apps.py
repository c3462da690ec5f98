"""One app for one test after another."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from app import create_app
from app.config import Settings
from app.extensions import db


class Apps:
    """Lends the last app again to a test with the same settings: making one takes longer than most tests."""

    def __init__(self) -> None:
        self._last: tuple[Mapping[str, str], Flask] | None = None

    @contextmanager
    def lend(self, environment: Mapping[str, str]) -> Iterator[Flask]:
        """Afterwards it has what it was made with, and no connection to its database."""
        app = self._of(environment)
        extensions, config = dict(app.extensions), dict(app.config)
        app.testing = True
        yield app
        with app.app_context():
            db.engine.dispose()
        for now, before in ((app.extensions, extensions), (app.config, config)):
            now.clear()
            now.update(before)

    def _of(self, environment: Mapping[str, str]) -> Flask:
        if self._last is None or self._last[0] != environment:
            self._last = environment, create_app(Settings.from_environment(environment))
        return self._last[1]


@contextmanager
def filling(database: Path, keys: Mapping[str, str]) -> Iterator[Flask]:
    """Yields an app to fill a SQLite database that is copied afterwards: no connection stays open."""
    own = {"PATCHBAY_DATA": str(database.parent), "DATABASE_URL": f"sqlite:///{database}"}
    app = create_app(Settings.from_environment({**keys, **own}))
    yield app
    with app.app_context():
        db.engine.dispose()


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder)
    folder.mkdir()
    return folder
