"""Every page in a browser: no complaint; and nothing is left after signing out."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from devtools.server import Server
from tests.browser.conftest import ACME, sign_in


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


def test_back_after_signing_out_shows_nothing(page: Page, acme: Server) -> None:
    """What stays is how the page looks."""
    dana = sign_in(page)
    dana.goto(f"{ACME}/people?q=dana")
    expect(dana.get_by_text("dana@acme.example").first).to_be_visible()
    while dana.locator("html").get_attribute("data-theme") != "dark":
        dana.locator("[data-theme-cycle]").click()
    dana.get_by_role("button", name="Sign out").click()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(dana.locator("html")).to_have_attribute("data-theme", "dark")
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
        seen.append(theme.get_attribute("data-theme"))
    assert sorted(map(str, seen)) == ["dark", "light", "system"]
    while theme.get_attribute("data-theme") != "dark":
        button.click()
    dana.goto("/account")
    expect(theme).to_have_attribute("data-theme", "dark")
    drawn = dana.request.get("/account").text()
    assert 'data-theme="dark"' in drawn, "the server draws it, so the page is never shown in another one"
    assert '<meta name="color-scheme" content="dark">' in drawn
