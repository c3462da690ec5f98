"""Fixtures and options of every test.

Tests run on SQLite. Tests marked `both_databases` run on PostgreSQL too: their code differs by
database (upserts, locks, LIKE, NULL order, constraints). Tests marked `thorough` are left out: the test
that the mark names proves the same. `--thorough` runs every test, and those of services and the API on
both databases; `make test-all` passes it.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from app.core.outbound import client as outbound_client
from devtools import chromium, databases, leftovers, preloaded
from devtools.memory import fast_folder
from devtools.postgres import Postgres
from devtools.server import ROOT, Server, served
from devtools.warm import TEMPLATES, freeze_objects, keep_warm
from simulators import SIMULATORS
from simulators.base import Simulator
from tests.support import denominators, keys, scheduling
from tests.support.apps import Apps, filling
from tests.support.cast import assemble
from tests.support.full_organization import Written, furnish
from tests.support.hashing import QUICK, QUICK_SERVER, hashing_with

NOWHERE = ",".join(f"{host}=http://127.0.0.1:9" for kind in SIMULATORS.values() for host in kind.hosts)

keep_warm()
gc.disable()
"""Until all is collected: most of what imports make stays for good."""
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Else every worker, server and command of the run would compile the whole project again."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="try each fault as often as make resilience does")
    parser.addoption("--thorough", action="store_true", help="run all tests, on both databases")


def pytest_configure(config: pytest.Config) -> None:
    """`tmp_path` is in memory if there is plenty, unless a place is named."""
    if not hasattr(config, "workerinput"):
        leftovers.begin()
        os.environ[TEMPLATES] = str(leftovers.new_folder("templates", fast_folder()))
        if config.getoption("numprocesses", None):
            preloaded.prepare()
    config.pluginmanager.register(denominators)
    config.pluginmanager.register(denominators.Table())
    if folder := fast_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrizes `database_url`, unless a folder, module or test chooses its own."""
    definitions = metafunc._arg2fixturedefs.get("database_url", ())
    if not definitions or definitions[-1].func.__module__ != __name__:
        return
    item = metafunc.definition
    if any("database_url" in marker.args[0] for marker in item.iter_markers("parametrize")):
        return
    both = metafunc.config.getoption("thorough") or item.get_closest_marker("both_databases")
    kinds = ["sqlite", "postgresql"] if both else ["sqlite"]
    metafunc.parametrize("database_url", kinds, indirect=True)


def pytest_report_header(config: pytest.Config) -> str:
    left_out = "" if _is_thorough(config) else "not "
    return f"tests marked thorough: {left_out}run"


def _is_thorough(config: pytest.Config) -> bool:
    """A test that is named runs in any case."""
    return config.getoption("thorough") or any("::" in argument for argument in config.args)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests by their fixtures, leaves out what is thorough, and puts slow modules first."""
    if not _is_thorough(config):
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        if "report" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.resilience)
    tests = Path(__file__).parent
    items.sort(key=lambda item: scheduling.rank(item.path, tests))


def pytest_collection_finish(session: pytest.Session) -> None:
    freeze_objects()
    if not hasattr(session.config, "workerinput"):
        _require_chromium({item.path for item in session.items})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    return scheduling.scheduler(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(ids: list[str]) -> None:
    """With workers, the controller is the one that can end the run."""
    _require_chromium({ROOT / one.split("::")[0] for one in ids})


def _require_chromium(paths: set[Path]) -> None:
    """Ends the run before its first test if a test file drives a browser and there is none."""
    if any("playwright" in path.read_text() for path in paths):
        try:
            chromium.executable()
        except chromium.NoChromiumError as error:
            pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether `make resilience` asked for the long version of a test."""
    return bool(request.config.getoption("full"))


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    """Whether `make test-all` asked for every page in every width."""
    return _is_thorough(request.config)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """`tests/services/access/test_passwords.py` tests the hasher that ships."""
    with hashing_with(QUICK):
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_retries() -> Iterator[None]:
    """`tests/core/outbound/test_client.py` tests the pauses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbound_client, "FIRST_PAUSE", 0.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def slow_providers() -> Iterator[None]:
    """A simulator that is slow answers after every deadline, on a machine that stalls for seconds too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Simulator, "slowness", 60.0)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this session have in common."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def shared_keys(shared: Path) -> dict[str, str]:
    return keys.shared_keys(shared)


@pytest.fixture(scope="session")
def migrate(shared: Path, shared_keys: dict[str, str]) -> databases.Migrate:
    """Brings the database at a URL to the newest revision."""

    def migrate(url: str) -> None:
        databases.migrate({"PATCHBAY_DATA": str(shared), "DATABASE_URL": url, **shared_keys})

    return migrate


@pytest.fixture(scope="session")
def postgres(shared: Path) -> Iterator[Postgres]:
    server = Postgres(shared)
    yield server
    server.stop()


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """The data folder of the test's own installation."""
    return tmp_path


@pytest.fixture(scope="session")
def kept_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder for one test after another, which can have the same app then."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def sqlite_url(shared: Path, data_folder: Path, migrate: databases.Migrate) -> str:
    return databases.sqlite_copy(shared, data_folder / "patchbay.db", migrate)


@pytest.fixture(scope="session")
def postgresql_databases(postgres: Postgres, migrate: databases.Migrate) -> Iterator[databases.Databases]:
    lent = databases.Databases(postgres, databases.postgresql_template(postgres, migrate))
    yield lent
    lent.close()


@pytest.fixture
def postgresql_url(postgresql_databases: databases.Databases) -> Iterator[str]:
    with postgresql_databases.lend() as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Returns the URL of a fresh database at the newest revision, of the kind that the test is run on."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def environment(data_folder: Path, database_url: str, shared_keys: dict[str, str]) -> dict[str, str]:
    """The settings of the test's own installation; a module may override it to add some.

    No provider is there: a test that needs one starts it and says where.
    """
    own = {"PATCHBAY_DATA": str(data_folder), "DATABASE_URL": database_url, "PATCHBAY_UPSTREAMS": NOWHERE}
    return own | shared_keys


@pytest.fixture(scope="session")
def written(
    shared: Path,
    shared_keys: dict[str, str],
    migrate: databases.Migrate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Written:
    """An installation on SQLite that has one of everything: written once, and copied for each test."""
    path = tmp_path_factory.mktemp("written") / "patchbay.db"
    databases.sqlite_copy(shared, path, migrate)
    with filling(path, shared_keys) as app:
        return path, furnish(app, assemble(app))


@pytest.fixture(scope="session")
def apps() -> Apps:
    return Apps()


@pytest.fixture
def app(environment: dict[str, str], apps: Apps) -> Iterator[Flask]:
    """Checks that it queues stay rows: no thread works on the database when the test is over.

    `tests/test_background.py` tests the threads, and stops those that repeat their work: on PostgreSQL they
    would find the rows of a later test.
    """
    with apps.lend(environment) as app:
        yield app
    assert _repeating_threads() == []


def _repeating_threads() -> list[str]:
    return [
        thread.name
        for thread in threading.enumerate()
        if isinstance(thread, threading.Timer) or thread.name == "schedule"
    ]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A new installation, really served; one for the tests of a module."""
    with served(tmp_path_factory.mktemp("server"), QUICK_SERVER) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium.launched() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A page of `server` in a browser that knows nothing yet; its scripts must not complain."""
    context = browser.new_context(base_url=server.url)
    context.set_default_timeout(10_000)
    page = context.new_page()
    with chromium.complaints_of(page) as complaints:
        yield page
    context.close()
    assert complaints == []
