"""The API is tested through the whole app, guards on, with the tokens of users."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.support.apps import emptied
from tests.support.caller import Caller
from tests.support.cast import Cast, assemble, issue


@pytest.fixture
def data_folder(kept_data: Path) -> Path:
    return emptied(kept_data)


@pytest.fixture
def cast(app: Flask) -> Cast:
    return assemble(app)


@pytest.fixture
def anonymous(app: Flask) -> Caller:
    return Caller(app)


@pytest.fixture
def dana(app: Flask, cast: Cast) -> Caller:
    """A superadmin of Acme Support whose token has the `secrets` scope."""
    return Caller(app, issue(app, cast.dana, secrets=True).jwt)


@pytest.fixture
def careful_dana(app: Flask, cast: Cast) -> Caller:
    """The same, with a token that has no scope."""
    return Caller(app, issue(app, cast.dana).jwt)


@pytest.fixture
def mo(app: Flask, cast: Cast) -> Caller:
    """A member of Acme Support."""
    return Caller(app, issue(app, cast.mo).jwt)


@pytest.fixture
def gus(app: Flask, cast: Cast) -> Caller:
    """A superadmin of Globex."""
    return Caller(app, issue(app, cast.gus, secrets=True).jwt)
