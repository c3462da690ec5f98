"""Real server processes, sockets, sessions and CSRF tokens.

One server serves all tests of a pytest worker; a second one runs on PostgreSQL, a third is `staged`. Before
each test the first two have the rows that `furnish` makes, and three users signed in.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings
from app.core import clock
from app.core.errors import Invalid
from app.extensions import db
from app.models import ApiToken, CheckRun, DriftCheck, User
from app.provider import ServiceHost
from app.providers import PROVIDERS
from app.services.access import totp
from app.services.providers import credentials
from app.services.scope import Scope
from devtools.databases import Databases
from devtools.server import SERVE, Server, served
from simulators import SIMULATORS
from simulators.base import Simulator
from simulators.certificates import Authority
from tests.support.caller import Caller
from tests.support.cast import Cast, Person, assemble, issue
from tests.support.clocks import Clock
from tests.support.full_organization import QUERIES, Furnished, furnish, good_values, scope_as
from tests.support.gate import Gate
from tests.support.hashing import QUICK_SERVER
from tests.support.names import Names
from tests.support.pages import Portal
from tests.support.remote import remote
from tests.support.routes import portal_rules
from tests.support.snapshots import Snapshot

WORKERS = {"PATCHBAY_WORKERS": "2"}
DEBUGGING = {"FLASK_DEBUG": "1", "FLASK_ENV": "development", "WERKZEUG_DEBUG_PIN": "off"}
"""Flask's own switches for debugging, set as a careless operator may have them."""
SECONDS_TO_CHECK = 30
ON_BOTH = pytest.mark.parametrize(
    "database",
    [
        "sqlite",
        pytest.param(
            "postgresql",
            marks=pytest.mark.thorough(
                "test_accept_of_one_code_concurrently_succeeds_once",
                "test_concurrent_writers_lose_no_update",
                "test_set_up_concurrently_makes_one_superadmin",
                "test_take_concurrently_lets_ten_pass_and_does_not_deadlock",
            ),
        ),
    ],
    indirect=True,
)
"""What the services' tests prove on both databases is tried with real servers in `make test-all`."""
REAL = {"app", "installation", "staged", "serve"}
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


def received(installation: Installation, request: bytes) -> bytes:
    """Sends bytes, and returns everything that comes back until the server closes the connection."""
    address = urlsplit(installation.server.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(request)
        response = b""
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                response += piece
    return response


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


@dataclass
class World:
    """What lies outside of Patchbay: a simulator of each provider, and gates in front of them.

    `secure` stands for one host, and speaks TLS.
    """

    simulators: dict[str, Simulator]
    gate: Gate
    secure: Gate
    authority: Authority

    @property
    def settings(self) -> dict[str, str]:
        upstreams = f"{self.gate.upstreams},{self.secure.upstreams}"
        return {"PATCHBAY_UPSTREAMS": upstreams, "SSL_CERT_FILE": str(self.authority.path)}


SECURE_HOST = "api.in.exotel.com"


def _simulators(stack: ExitStack) -> dict[str, Simulator]:
    """One of each provider, in the region that the values of a full organization name."""
    simulators = {key: stack.enter_context(kind()) for key, kind in SIMULATORS.items()}
    for key, one in simulators.items():
        for field in PROVIDERS[key].typed_fields:
            if isinstance(field, ServiceHost) and field.is_extra:
                one.region = field.choices[-1].removeprefix("https://")  # type: ignore[attr-defined]
    return simulators


def _bases(simulators: Mapping[str, Simulator]) -> dict[str, str]:
    """Where the simulator of each host listens."""
    return {host: base for one in simulators.values() for host, base in one.upstreams.items()}


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    with ExitStack() as stack:
        simulators = _simulators(stack)
        bases = _bases(simulators)
        secure = {SECURE_HOST: bases.pop(SECURE_HOST)}
        yield World(
            simulators,
            stack.enter_context(Gate(bases)),
            stack.enter_context(Gate(secure, authority.context("localhost"))),
            authority,
        )


@pytest.fixture
def world(outside: World) -> Iterator[World]:
    """With simulators of its own; afterwards it is as it was."""
    secure = outside.secure.tls, outside.secure.bases
    plain = outside.simulators, outside.gate.bases
    with ExitStack() as stack:
        outside.simulators = _simulators(stack)
        bases = _bases(outside.simulators)
        outside.secure.bases = {SECURE_HOST: bases[SECURE_HOST]}
        outside.gate.bases = bases
        yield outside
    outside.secure.tls, outside.secure.bases = secure
    outside.simulators, outside.gate.bases = plain
    for gate in (outside.gate, outside.secure):
        gate.reset()


@pytest.fixture(scope="session")
def on_sqlite(
    tmp_path_factory: pytest.TempPathFactory, outside: World, thorough: bool
) -> Iterator[Installation]:
    """Thorough, it is started as an operator starts one, and hashes passwords as it ships."""
    settings, command = (outside.settings, SERVE) if thorough else (outside.settings | QUICK_SERVER, None)
    with ExitStack() as stack:
        yield _install(stack, tmp_path_factory.mktemp("sqlite"), settings, command)


@pytest.fixture(scope="session")
def on_postgresql(
    tmp_path_factory: pytest.TempPathFactory,
    outside: World,
    postgresql_databases: Databases,
    shared_keys: dict[str, str],
) -> Iterator[Installation]:
    with ExitStack() as stack:
        url = stack.enter_context(postgresql_databases.lend())
        settings = outside.settings | shared_keys | {"DATABASE_URL": url}
        yield _install(stack, tmp_path_factory.mktemp("postgresql"), settings)


def _install(
    stack: ExitStack, folder: Path, settings: dict[str, str], command: list[str] | None = None
) -> Installation:
    server = stack.enter_context(served(folder, WORKERS | DEBUGGING | settings, command=command))
    local = create_app(Settings.from_environment(server.environment))
    cast = assemble(local)
    here = furnish(local, cast)
    people = {"dana": cast.dana, "mo": cast.mo, "gus": cast.gus}
    tokens = {name: issue(local, person, secrets=name != "mo").jwt for name, person in people.items()}
    tokens["careful"] = issue(local, cast.dana).jwt
    with local.app_context():
        db.session.execute(update(ApiToken).values(last_used_at=clock.now() + timedelta(days=1)))
        db.session.commit()
    nothing_pending(local)
    app = remote(server, local)
    cookies = {}
    for person in people.values():
        portal = Portal(app)
        portal.sign_in(person.email)
        cookies[person.id] = portal.cookie
    with local.app_context():
        snapshot = Snapshot(db.engine, folder.with_name(f"{folder.name}-kept.db"))
    return Installation(server, app, here, cookies, tokens, snapshot)


def nothing_pending(app: Flask) -> None:
    """For a test that saves in its own process: its numbers are pending, and no server was asked to check
    them. Without it the next test would wait for that check."""
    with app.app_context():
        db.session.execute(update(DriftCheck).values(due=False))
        db.session.commit()
        db.session.remove()


@dataclass
class Staged:
    """A server with a clock, host names and short deadlines of the tests' choosing, and an HTTP proxy in its
    environment. Exotel's host is looked up; the other providers are behind `World.gate`."""

    app: Flask
    cast: Cast
    token: str
    clock: Clock
    names: Names
    proxy: socket.socket
    """Where requests by way of the proxy would arrive."""


@pytest.fixture(scope="session")
def staged_server(tmp_path_factory: pytest.TempPathFactory, outside: World) -> Iterator[Staged]:
    folder = tmp_path_factory.mktemp("staged")
    clock, names = Clock(folder), Names(folder)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        proxies = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy")
        settings = dict.fromkeys(proxies, address) | {"NO_PROXY": "", "no_proxy": ""}
        settings |= clock.settings | names.settings | QUICK_SERVER | {"STAGED_DEADLINES": "1"}
        settings["PATCHBAY_UPSTREAMS"] = outside.gate.upstreams
        with served(tmp_path_factory.mktemp("staged-data"), WORKERS | settings) as server:
            local = create_app(Settings.from_environment(server.environment))
            cast = assemble(local)
            with scope_as(local, cast.dana) as scope:
                for provider in PROVIDERS.values():
                    credentials.save(scope, provider, good_values(provider))
            app = remote(server, local)
            yield Staged(app, cast, issue(local, cast.dana, secrets=True).jwt, clock, names, proxy)


@pytest.fixture
def staged(staged_server: Staged) -> Iterator[Staged]:
    staged_server.names.stage({})
    staged_server.clock.set(0)
    yield staged_server
    staged_server.clock.set(0)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database; parametrize it (indirect) for a test that runs on both."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def installation(request: pytest.FixtureRequest, database: str) -> Installation:
    """The server on a kind of database, which is as `furnish` left it."""
    requested: Installation = request.getfixturevalue(f"on_{database}")
    restore(requested)
    return requested


def restore(installation: Installation) -> None:
    """Puts the rows back as `furnish` left them."""
    _await_checks(installation)
    installation.snapshot.restore()


def _await_checks(installation: Installation) -> None:
    """Waits until no check of numbers runs or is pending: it would write into the next test's database."""
    deadline = time.monotonic() + SECONDS_TO_CHECK
    while time.monotonic() < deadline:
        with installation.app.app_context(), db.engine.connect() as connection:
            runs = connection.execute(select(CheckRun.finished_at, CheckRun.failure)).all()
            due = connection.scalar(select(func.count()).where(DriftCheck.due))
        if all(run.finished_at for run in runs) and (not due or any(run.failure for run in runs)):
            return
        time.sleep(0.02)
    raise AssertionError("A check of numbers did not end. Does the test need nothing_pending?")


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
def secret(app: Flask, cast: Cast) -> str:
    """The secret of Dana's authenticator; two-step sign-in is on."""
    with scope_as(app, cast.dana) as scope:
        user = scope.session.get_one(User, cast.dana.id)
        secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
        try:
            _confirm(scope, user, secret)
        except Invalid:  # the next code has begun meanwhile, which happens once in 30 seconds
            _confirm(scope, user, secret)
    return secret


def _confirm(scope: Scope, user: User, secret: str) -> None:
    """With the code before this one, which leaves the code of now for a test."""
    totp.confirm(scope, user, pyotp.TOTP(secret).at(time.time() - 30))


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


@pytest.fixture(scope="session")
def visited(on_sqlite: Installation, thorough: bool) -> Mapping[str, TestResponse]:
    """Each fifth page and file that the portal shows to Dana, by its rule; thorough, every one."""
    restore(on_sqlite)
    portal = _signed_in(on_sqlite, on_sqlite.here.cast.dana)
    rules = [*portal_rules(on_sqlite.app, unsafe=False)]
    return {
        rule.rule: portal.raw(method, on_sqlite.here.address(rule), query_string=QUERIES.get(rule.endpoint))
        for rule, method, _ in (rules if thorough else rules[::5])
    }


@pytest.fixture
def api(installation: Installation) -> Clients:
    callers = {name: Caller(installation.app, token) for name, token in installation.tokens.items()}
    return Clients(**callers, anonymous=Caller(installation.app))


@pytest.fixture
def log(installation: Installation) -> Callable[[], str]:
    """What the server has logged since the test began."""
    file = installation.server.log
    start = file.stat().st_size

    def read() -> str:
        return file.read_bytes()[start:].decode()

    return read
