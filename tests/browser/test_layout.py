"""Fonts: our own are used, and nothing moves when they arrive."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import ACME

FONTS = "**/*.woff2"
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => window.shifts.push(...list.getEntries()
  .map(({value, sources}) => [value, ...sources.map(({node}) => node?.className ?? String(node))])))
  .observe({type: "layout-shift", buffered: true});
"""


def fonts_of(page: Page, selector: str) -> set[tuple[str, bool]]:
    """The families that the text is drawn with, and whether each was loaded from a file of ours."""
    tools = page.context.new_cdp_session(page)
    tools.send("DOM.enable")
    tools.send("CSS.enable")
    root = tools.send("DOM.getDocument")["root"]["nodeId"]
    node = tools.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    fonts: list[dict[str, Any]] = tools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return {(font["familyName"], font["isCustomFont"]) for font in fonts}


def test_pages_use_the_fonts_that_are_shipped(dana: Page) -> None:
    dana.goto(f"{ACME}/endpoints")
    dana.evaluate("document.fonts.ready")
    dana.goto(f"{ACME}/endpoints")
    assert fonts_of(dana, "h1") == {("Inter", True)}
    assert fonts_of(dana, "kbd") == {("JetBrains Mono", True)}
    expect(dana.locator("link[rel=preload][as=font]")).to_have_count(2)


DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


PARTS = 8
"""Of the addresses, each at both widths. `make test` takes one."""
MORE = pytest.mark.thorough("test_nothing_moves_when_the_fonts_arrive")


@pytest.mark.parametrize(
    ("part", "width"),
    [
        pytest.param(part, width, marks=() if (part, width) == (0, 360) else MORE)
        for part in range(PARTS)
        for width in (360, 1280)
    ],
)
def test_nothing_moves_when_the_fonts_arrive(dana: Page, addresses: list[str], part: int, width: int) -> None:
    """A page is drawn with fallback fonts of the same size first."""
    routes: list[Route] = []
    dana.route(FONTS, lambda route: routes.append(route))  # noqa: PLW0108 (playwright marks what it is given)
    tools = dana.context.new_cdp_session(dana)
    tools.send("Page.addScriptToEvaluateOnNewDocument", {"source": SHIFTS})
    moved = {}
    dana.set_viewport_size({"width": width, "height": 800})
    for path in addresses[part::PARTS]:
        dana.goto(path, wait_until="domcontentloaded")
        dana.evaluate(DRAWN)
        assert routes, path
        while routes:
            routes.pop().continue_()
        dana.evaluate("document.fonts.ready")
        dana.evaluate(DRAWN)
        if shifts := dana.evaluate("window.shifts"):
            moved[path] = shifts
    tools.detach()
    assert moved == {}
