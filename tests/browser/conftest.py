"""A browser at a served Patchbay. Nothing that a page asks for may come from another place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from devtools import chromium
from devtools.scopes import PASSWORD
from devtools.server import Server

EMAIL = "dana@acme.example"
ACME = "/o/acme-support"
PAGES = [
    "/",
    "/account",
    "/audit",
    "/organizations/new",
    "/api/docs",
    "/find?q=a",
    *(
        f"{ACME}/{path}"
        for path in (
            "",
            "endpoints",
            "endpoints/new",
            "endpoints/import",
            "who-answers",
            "calls",
            "check",
            "numbers",
            "providers/twilio/numbers",
            "people",
            "people/new",
            "audit",
            "settings",
            "voice-ai",
            "voice-ai/tool-secret",
            "active/voice?provider=twilio",
            "providers/sinch/callback",
            *(
                f"providers/{key}"
                for key in ("twilio", "sinch", "exotel", "vobiz", "elevenlabs", "sinch_est")
            ),
        )
    ),
]


@pytest.fixture(scope="module")
def acme(server: Server) -> Server:
    """A Patchbay with Acme Support in it, and Dana, its superadmin."""
    create = ["users", "create", "--email", EMAIL, "--name", "Dana", "--role", "superadmin"]
    server.flask(*create, "--organization", "Acme Support", "--password-stdin", typed=f"{PASSWORD}\n")
    return server


@pytest.fixture(autouse=True)
def stays_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """Of every test that has a page: no request leaves the host, and no script complains."""
    page: Page = request.getfixturevalue("page")
    asked: list[str] = []
    errors: list[str] = []
    page.context.on("request", lambda made: asked.append(made.url))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    yield
    host = urlsplit(request.getfixturevalue("server").url).netloc
    assert asked
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {host}
    assert [error for error in errors if "Failed to load resource" not in error] == []


@pytest.fixture(scope="module")
def cookies(browser: Browser, acme: Server) -> list[Any]:
    """Of a session of hers, for the tests of a module. Whoever ends it signs in instead."""
    with browser.new_context(base_url=acme.url) as context:
        sign_in(context.new_page())
        return [*context.cookies()]


@pytest.fixture
def dana(page: Page, cookies: list[Any]) -> Page:
    """Her page, signed in; it has not gone anywhere yet."""
    page.context.add_cookies(cookies)
    return page


def sign_in(page: Page) -> Page:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Organizations", exact=True).wait_for()
    return page


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Page]:
    """As everywhere; without JavaScript where a test is marked so by its parameter."""
    scripts = getattr(request, "param", True)
    context = browser.new_context(base_url=server.url, java_script_enabled=scripts)
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints = chromium.complaints(page)
    yield page
    context.close()
    assert complaints == []
