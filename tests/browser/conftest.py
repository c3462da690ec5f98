"""A browser at a served Patchbay. Nothing that a page asks for may come from another place.

One server and one session serve all tests of a worker: Acme has one of everything, the demo's
organizations have what goes wrong, and Globex has what the tests of the table change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from app import create_app
from app.config import Settings
from app.extensions import db
from devtools import chromium
from devtools.scopes import PASSWORD
from devtools.server import Server, served
from tests.conftest import NOWHERE
from tests.support.cast import assemble
from tests.support.full_organization import Furnished, furnish
from tests.support.hashing import QUICK_SERVER
from tests.support.routes import portal_pages

expect.set_options(timeout=15_000)
"""What is expected comes at last; the default of five seconds fails on a busy machine."""

EMAIL = "dana@acme.example"
ACME = "/o/acme-support"
GLOBEX = "/o/globex"
MERIDIAN = "/o/meridian-support"
KINDS = {
    "account.show",
    "audit.table",
    "endpoint_imports.new",
    "endpoints.confirm_delete",
    "endpoints.show",
    "endpoints.table",
    "guides.show",
    "home.show",
    "people.new",
    "providers.show",
    "voice_ai.show",
}
"""A log, a file, a question, a row, a table, a text, an overview, a form, secrets, tabs."""

CUT_OFF = ("Failed to load resource", "htmx:afterRequest", "htmx:sendError", "htmx:sendAbort")
"""How the console begins its line about a request that fails, or was under way when its page was left."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """No provider answers here."""
    settings = QUICK_SERVER | {"PATCHBAY_UPSTREAMS": NOWHERE}
    with served(tmp_path_factory.mktemp("server"), settings) as server:
        yield server


@pytest.fixture(scope="session")
def here(server: Server) -> Furnished:
    """What Acme has; Dana is its superadmin."""
    app = create_app(Settings.from_environment(server.environment))
    furnished = furnish(app, assemble(app))
    with app.app_context():
        db.engine.dispose()
    server.flask("demo")
    return furnished


@pytest.fixture(scope="session")
def addresses(here: Furnished, thorough: bool) -> list[str]:
    """A page of each kind; thorough, every registered page, and each provider's."""
    pages = portal_pages()
    if not thorough:
        return [here.page(page) for page in pages if page.endpoint in KINDS]
    keys = ("sinch", "exotel", "elevenlabs")
    more = [*(f"{ACME}/providers/{key}" for key in keys), "/api/docs", "/find?q=a"]
    return [*map(here.page, pages), *more]


@pytest.fixture(autouse=True)
def stays_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """Of every test that has a page: no request leaves the host, and no script complains."""
    page: Page = request.getfixturevalue("page")
    requested: list[str] = []
    errors: list[str] = []

    def note(request: Request) -> None:
        requested.append(request.url)

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.context.on("request", note)
    page.on("console", hear)
    yield
    page.context.remove_listener("request", note)
    page.remove_listener("console", hear)
    host = urlsplit(request.getfixturevalue("server").url).netloc
    assert requested
    assert {urlsplit(url).netloc for url in requested if not url.startswith("data:")} == {host}
    assert [error for error in errors if not error.startswith(CUT_OFF)] == []


@pytest.fixture(scope="session")
def cookies(browser: Browser, server: Server, here: Furnished) -> list[Any]:
    """Of a session of Dana's. A test that ends its session signs in instead."""
    with browser.new_context(base_url=server.url) as context:
        sign_in(context.new_page())
        return [*context.cookies()]


@pytest.fixture
def dana(page: Page, cookies: list[Any]) -> Page:
    """Her page, signed in; it has not gone anywhere yet."""
    page.context.add_cookies(cookies)
    return page


def sign_in(page: Page, email: str = EMAIL) -> Page:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page


Contexts = dict[tuple[str, bool], BrowserContext]


@pytest.fixture(scope="session")
def contexts() -> Contexts:
    """By server, and whether they run scripts. Tests share what is cached and a tab, and nothing else."""
    return {}


@pytest.fixture
def page(
    request: pytest.FixtureRequest, browser: Browser, server: Server, contexts: Contexts
) -> Iterator[Page]:
    """As everywhere, without motion: a smooth scroll that another cuts off stays where it is.

    Without JavaScript if a test is marked so by its parameter. The tab is that of the test before, as if it
    were new: to start another takes longer than to load a page.
    """
    kind = server.url, getattr(request, "param", True)
    if kind not in contexts:
        contexts[kind] = browser.new_context(
            base_url=server.url, java_script_enabled=kind[1], reduced_motion="reduce"
        )
        contexts[kind].set_default_timeout(10_000)
    context = contexts[kind]
    page = context.pages[0] if context.pages else context.new_page()
    with chromium.complaints_of(page) as complaints:
        yield page
    _leave_as_new(page, server.url)
    context.clear_cookies()
    assert complaints == []


def _leave_as_new(page: Page, origin: str) -> None:
    """On a page of the same origin without a script: another origin has another process."""
    page.goto("/healthz")
    storage = page.context.new_cdp_session(page)
    storage.send("DOMStorage.clear", {"storageId": {"securityOrigin": origin, "isLocalStorage": False}})
    storage.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    storage.detach()
    for other in page.context.pages[1:]:
        other.close()
    page.unroute_all()
    page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="none")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.mouse.move(0, 0)
