"""The first page of a new installation is small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from devtools.scopes import PASSWORD
from devtools.server import Server, served
from tests.browser.conftest import EMAIL, Contexts, sign_in


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def installation(server: Server) -> Server:
    """With one organization and its superadmin."""
    create = ["users", "create", "--email", EMAIL, "--name", "Dana", "--role", "superadmin"]
    server.flask(*create, "--organization", "Acme Support", "--password-stdin", typed=f"{PASSWORD}\n")
    return server


@pytest.fixture
def contexts() -> Contexts:
    """New for each test: nothing is cached."""
    return {}


@pytest.mark.parametrize(
    "path", ["/sign-in", pytest.param("/", marks=pytest.mark.thorough("test_first_page_is_below_60_kb"))]
)
def test_first_page_is_below_60_kb(page: Page, installation: Server, path: str) -> None:
    """What travels when nothing is cached, headers included and fonts not."""
    if path == "/":
        with page.context.browser.new_context(base_url=installation.url) as context:  # type: ignore[union-attr]
            page.context.add_cookies([*sign_in(context.new_page()).context.cookies()])  # type: ignore[list-item]
    network = page.context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    bytes_of: dict[str, float] = {}
    network.on("Network.responseReceived", lambda it: kinds.update({it["requestId"]: it["type"]}))
    network.on(
        "Network.loadingFinished", lambda it: bytes_of.update({it["requestId"]: it["encodedDataLength"]})
    )
    network.send("Network.enable")
    response = page.goto(path, wait_until="networkidle")
    total = sum(size for request, size in bytes_of.items() if kinds[request] != "Font")
    assert {"Document", "Stylesheet", "Script", "Font"} <= set(kinds.values())
    assert 20_000 < total <= 60_000
    assert response is not None
    assert response.headers["content-encoding"] == "gzip"
