"""Every page in a browser: no complaint; and nothing is left after signing out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.support.server import Server

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


SPACED = """isSpaced => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important } p { margin-block-end: 2em !important }`);
  document.adoptedStyleSheets = isSpaced ? [sheet] : [];
}"""
"""As a reader may set it, who needs more room between letters, words and lines."""


def too_wide(page: Page) -> list[tuple[int, bool]]:
    """Where the page as it stands is wider than its window: 400 % of 1280 is 320, and text may be spaced."""
    found = []
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for is_spaced in (True, False):
            page.evaluate(SPACED, is_spaced)
            root = "document.documentElement"
            if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
                found.append((width, is_spaced))
    return found


def test_no_page_is_complained_about_or_wider_than_the_window(dana: Page) -> None:
    for path in PAGES:
        answer = dana.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        expect(dana.get_by_role("heading", level=1)).to_have_count(1)
        assert dana.evaluate("typeof htmx") == "object", path
        assert too_wide(dana) == [], path


def test_nothing_moves_for_who_wants_no_motion(dana: Page) -> None:
    dana.emulate_media(reduced_motion="reduce")
    dana.goto(f"{ACME}/endpoints/new")
    moving = """() => [...document.querySelectorAll("*")].flatMap(each => ["", "::before", "::after"].map(
        part => getComputedStyle(each, part || null))).filter(style => style.animationName !== "none"
        || style.transitionDuration.split(", ").some(time => parseFloat(time) > 0)).length"""
    assert dana.evaluate(moving) == 0
    dana.keyboard.press("Shift+Tab")
    dana.locator(".pb-skip").focus()
    assert dana.locator(".pb-skip").bounding_box()["y"] > 0  # type: ignore[index]


def test_high_contrast_still_shows_where_one_is(dana: Page) -> None:
    dana.emulate_media(forced_colors="active", reduced_motion="reduce")
    dana.goto(f"{ACME}/endpoints")
    outline = "each => [getComputedStyle(each).outlineStyle, getComputedStyle(each).outlineWidth]"
    here = dana.locator(".pb-rail [aria-current=page]")
    assert here.evaluate(outline) == ["solid", "1px"]
    dana.keyboard.press("Tab")
    here.focus()
    assert here.evaluate(outline) == ["solid", "2px"]
    dana.keyboard.press("Control+k")
    chosen = dana.locator("[role=option][aria-selected=true]")
    expect(chosen).to_have_count(1)
    assert chosen.evaluate(outline) == ["solid", "1px"]


@pytest.mark.asvs("14.3.2")
def test_back_after_signing_out_shows_nothing(page: Page, acme: Server) -> None:
    """What stays is how the page looks."""
    dana = sign_in(page)
    dana.goto(f"{ACME}/people?q=dana")
    expect(dana.get_by_text("dana@acme.example").first).to_be_visible()
    while dana.locator("html").get_attribute("data-theme-choice") != "dark":
        dana.locator("[data-theme-cycle]").click()
    dana.get_by_role("button", name="Sign out").click()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(dana.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert "dana" not in dana.evaluate("JSON.stringify(sessionStorage)")
    dana.go_back()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(dana.get_by_text("dana@acme.example")).to_have_count(0)


def test_the_theme_is_chosen_and_kept(dana: Page) -> None:
    dana.goto("/")
    theme = dana.locator("html")
    button = dana.locator("[data-theme-cycle]")
    seen = []
    for _ in range(3):
        button.click()
        seen.append(theme.get_attribute("data-theme-choice"))
    assert sorted(map(str, seen)) == ["dark", "light", "system"]
    while theme.get_attribute("data-theme-choice") != "dark":
        button.click()
    dana.goto("/account")
    expect(theme).to_have_attribute("data-bs-theme", "dark")
