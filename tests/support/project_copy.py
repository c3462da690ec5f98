"""A copy of the product in which a test adds a file or a line, and runs the app that this makes.

The copy has the product's folders only. A script that runs in it imports `app` from there, and everything
else, such as `tests.support`, from the project itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from app import create_app
from devtools import databases
from devtools.server import ROOT, clean_environment
from devtools.warm import keep_warm
from tests.support import cast
from tests.support.caller import Caller
from tests.support.cast import Cast
from tests.support.hashing import QUICK, hashing_with
from tests.support.pages import Portal

PRODUCT = ("app", "migrations", "templates", "static")
SECONDS = 200


@dataclass(frozen=True)
class ProjectCopy:
    folder: Path

    @classmethod
    def at(cls, folder: Path) -> ProjectCopy:
        """Copies the product into an empty folder.

        The compiled files come along, except those that Python is writing in this moment.
        """
        for name in PRODUCT:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        for name in ("wsgi.py", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        return cls(folder)

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def insert_after(self, path: str, line: str, new: str) -> None:
        """Writes the `new` lines below the one line of a file that begins, after its indentation, so."""
        lines = (self.folder / path).read_text().splitlines(keepends=True)
        places = [at for at, text in enumerate(lines, 1) if text.lstrip().startswith(line)]
        assert len(places) == 1, f"{len(places)} lines of {path} begin with {line!r}"
        lines[places[0] : places[0]] = [new.rstrip("\n") + "\n"]
        self.write(path, "".join(lines))

    def database(self, shared: Path, migrate: databases.Migrate) -> str:
        """Makes a database with every revision that the project itself has; returns its URL."""
        data = self.folder / "data"
        data.mkdir()
        return databases.sqlite_copy(shared, data / "patchbay.db", migrate)

    def start(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a script to its end in a process of its own, with a data folder beside the product."""
        self.write("script.py", script)
        own = {"PATCHBAY_DATA": str(self.folder / "data"), "PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}"}
        return subprocess.run(
            [sys.executable, "script.py"],
            cwd=self.folder,
            env=clean_environment() | own | environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def run(self, script: str, **environment: str) -> Any:
        """Returns what the script passes to `report`; fails the test if the script fails."""
        done = self.start(script, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((self.folder / "report.json").read_text())


@dataclass(frozen=True)
class Installation:
    """A new installation with the cast of all tests; Dana is signed in by page and by API."""

    app: Flask
    cast: Cast
    portal: Portal
    api: Caller


def install() -> Installation:
    """For a script in a copy: makes the installation that its environment describes."""
    keep_warm()
    databases.migrate(os.environ)
    with hashing_with(QUICK):
        app = create_app()
        people = cast.assemble(app)
        portal = Portal(app)
        portal.sign_in(people.dana.email)
        token = cast.issue(app, people.dana, secrets=True).jwt
    return Installation(app, people, portal, Caller(app, token))


def report(**results: Any) -> None:
    """For a script in a copy: what `ProjectCopy.run` returns to the test."""
    Path("report.json").write_text(json.dumps(results))
