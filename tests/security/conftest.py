"""Real server processes, real sockets, real sessions, real CSRF.

One server serves all tests of a worker, another one those that need PostgreSQL. Before each test its
database is put back to what `furnish` makes, with three users signed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from app import create_app
from app.config import Settings
from app.core import clock
from app.extensions import db
from app.models import ApiToken
from tests.support.caller import Caller
from tests.support.cast import Cast, Person, assemble, issue
from tests.support.databases import Databases
from tests.support.furnished import Furnished, furnish
from tests.support.pages import Portal
from tests.support.remote import remote
from tests.support.server import Server, served
from tests.support.snapshots import Snapshot
from tests.upstreams import UPSTREAMS, Upstream

WORKERS = {"PATCHBAY_WORKERS": "2"}
REAL = {"app", "installation", "serve"}
"""Fixtures that are, or start, a real server process."""


@dataclass
class Installation:
    """A running server, what its database has, and the cookies and tokens of its users."""

    server: Server
    app: Flask
    here: Furnished
    cookies: Mapping[str, str]
    tokens: Mapping[str, str]
    snapshot: Snapshot


@dataclass
class Clients:
    """Callers of the API: each user, a superadmin without the `secrets` scope, and one without a token."""

    dana: Caller
    careful: Caller
    mo: Caller
    gus: Caller
    anonymous: Caller


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A row is proven against a real server, or the mark gives the reason why not."""
    here = Path(__file__).parent
    for item in items:
        for mark in item.iter_markers("asvs") if here in item.path.parents else ():
            is_real = REAL.intersection(getattr(item, "fixturenames", ()))
            assert is_real or mark.kwargs.get("in_process"), f"{item.nodeid} uses no real server"


@pytest.fixture(scope="session")
def simulators() -> Iterator[dict[str, Upstream]]:
    """Of every provider, for the whole session: a test that changes one changes it back."""
    with ExitStack() as stack:
        yield {key: stack.enter_context(kind()) for key, kind in UPSTREAMS.items()}


@pytest.fixture(scope="session")
def on_sqlite(
    tmp_path_factory: pytest.TempPathFactory, simulators: dict[str, Upstream]
) -> Iterator[Installation]:
    with ExitStack() as stack:
        yield _install(stack, tmp_path_factory.mktemp("sqlite"), _upstreams(simulators))


@pytest.fixture(scope="session")
def on_postgresql(
    tmp_path_factory: pytest.TempPathFactory,
    simulators: dict[str, Upstream],
    shared_keys: dict[str, str],
    postgresql_databases: Databases,
) -> Iterator[Installation]:
    with ExitStack() as stack:
        settings = {"DATABASE_URL": stack.enter_context(postgresql_databases.lend()), **shared_keys}
        yield _install(stack, tmp_path_factory.mktemp("postgresql"), settings | _upstreams(simulators))


def _upstreams(simulators: Mapping[str, Upstream]) -> dict[str, str]:
    pairs = [f"{host}={base}" for one in simulators.values() for host, base in one.upstreams.items()]
    return {"PATCHBAY_UPSTREAMS": ",".join(pairs)}


def _install(stack: ExitStack, folder: Path, settings: dict[str, str]) -> Installation:
    server = stack.enter_context(served(folder, WORKERS | settings))
    local = create_app(Settings.from_environment(server.environment))
    cast = assemble(local)
    here = furnish(local, cast)
    people = {"dana": cast.dana, "mo": cast.mo, "gus": cast.gus}
    tokens = {name: issue(local, person, secrets=name != "mo").jwt for name, person in people.items()}
    tokens["careful"] = issue(local, cast.dana).jwt
    _note_no_uses(local)
    app = remote(server, local)
    cookies = {}
    for person in people.values():
        portal = Portal(app)
        portal.sign_in(person.email)
        cookies[person.id] = portal.cookie
    with local.app_context():
        snapshot = Snapshot(db.engine, folder.with_name(f"{folder.name}-kept.db"))
    return Installation(server, app, here, cookies, tokens, snapshot)


def _note_no_uses(app: Flask) -> None:
    """The server writes a token's last use in the background: not while a test compares all rows."""
    with app.app_context():
        db.session.execute(update(ApiToken).values(last_used_at=clock.now() + timedelta(days=1)))
        db.session.commit()
        db.session.remove()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database; parametrize it (indirect) where the two differ."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def installation(request: pytest.FixtureRequest, database: str) -> Installation:
    """The server on a kind of database; it starts with the first test that needs it."""
    found: Installation = request.getfixturevalue(f"on_{database}")
    found.snapshot.restore()
    return found


@pytest.fixture
def app(installation: Installation) -> Flask:
    """The server, where tests expect an application."""
    return installation.app


@pytest.fixture
def here(installation: Installation) -> Furnished:
    return installation.here


@pytest.fixture
def cast(here: Furnished) -> Cast:
    return here.cast


@pytest.fixture
def anonymous(app: Flask) -> Portal:
    return Portal(app)


def _signed_in(installation: Installation, person: Person) -> Portal:
    return Portal(installation.app, installation.cookies[person.id])


@pytest.fixture
def dana(installation: Installation, cast: Cast) -> Portal:
    """A superadmin of Acme Support, signed in."""
    return _signed_in(installation, cast.dana)


@pytest.fixture
def gus(installation: Installation, cast: Cast) -> Portal:
    """A superadmin of Globex, signed in."""
    return _signed_in(installation, cast.gus)


@pytest.fixture
def mo(installation: Installation, cast: Cast) -> Portal:
    """A member of Acme Support, signed in."""
    return _signed_in(installation, cast.mo)


@pytest.fixture
def api(installation: Installation) -> Clients:
    callers = {name: Caller(installation.app, token) for name, token in installation.tokens.items()}
    return Clients(**callers, anonymous=Caller(installation.app))


@pytest.fixture
def log(installation: Installation) -> Callable[[], str]:
    """What the server has logged since the test began."""
    file = installation.server.data / "output.log"
    start = file.stat().st_size

    def read() -> str:
        return file.read_bytes()[start:].decode()

    return read
