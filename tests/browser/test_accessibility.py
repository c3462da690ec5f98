"""axe finds nothing on any page, wide and light, or narrow and dark; and none is wider than its window."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.server import Server

HERE = "/o/meridian-support"
PLACES = [
    "/",
    "/account",
    "/organizations/new",
    "/api/docs",
    "/find?q=me",
    *(
        f"{HERE}/{path}"
        for path in (
            "",
            "endpoints",
            "endpoints?q=nothing+like+it",
            "endpoints/new",
            "who-answers",
            "who-answers?number=%2B14155550101",
            "who-answers?number=%2B14165550100",
            "who-answers?number=%2B15550000000",
            "settings/base-url?url=https://other.example.com",
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
            "providers/twilio",
            "providers/twilio/disable",
            "providers/twilio/forget",
            "providers/sinch/callback",
            "providers/exotel",
            "nowhere",
        )
    ),
]
FOLLOWED = {
    f"{HERE}/endpoints": "table th a",
    f"{HERE}/people": "table th a",
}
"""Pages whose address is known to another page alone: the first link there."""


@pytest.fixture(scope="module")
def acme(acme: Server) -> Server:
    acme.flask("demo")
    return acme


def look(page: Page, where: str) -> list[str]:
    """What axe finds, in a line each, and whether the page is too wide."""
    expect(page.locator("[hx-trigger=load]")).to_have_count(0, timeout=20_000)
    found = Axe().run(page).response["violations"]
    told = [f"{where}: {one['id']} at {one['nodes'][0]['target']}" for one in found]
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*told, *([f"{where}: {overflow} px too wide"] if overflow > 0 else [])]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_nothing_is_found_on_any_page(dana: Page, width: int, scheme: str) -> None:
    dana.set_viewport_size({"width": width, "height": 800})
    dana.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    found: list[str] = []
    for place in PLACES:
        dana.goto(place)
        found += look(dana, place)
    for place, link in FOLLOWED.items():
        dana.goto(place)
        dana.locator(link).first.click()
        found += look(dana, dana.url)
    assert found == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_nor_before_signing_in(page: Page, acme: Server, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found: list[str] = []
    for place in ("/sign-in", "/nowhere", "/setup?key=made-up"):
        page.goto(place)
        found += look(page, place)
    assert found == []
