"""Preferences of the reader and of the system, and what is left after signing out."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import ACME, sign_in
from tests.support.full_organization import Furnished


def test_reduced_motion_and_forced_colors_are_respected(dana: Page) -> None:
    dana.emulate_media(reduced_motion="reduce")
    dana.goto(f"{ACME}/endpoints/new")
    moving = """() => [...document.querySelectorAll("*")].flatMap(each => ["", "::before", "::after"].map(
        part => getComputedStyle(each, part || null))).filter(style => style.animationName !== "none"
        || style.transitionDuration.split(", ").some(time => parseFloat(time) > 0)).length"""
    assert dana.evaluate(moving) == 0
    dana.keyboard.press("Shift+Tab")
    dana.locator(".pb-skip").focus()
    assert dana.locator(".pb-skip").bounding_box()["y"] > 0  # type: ignore[index]
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


def test_theme_outlasts_the_session_and_nothing_else_does(page: Page, here: Furnished) -> None:
    dana = sign_in(page)
    theme, button = dana.locator("html"), dana.locator("[data-theme-cycle]")
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
    dana.goto(f"{ACME}/people?q=dana")
    expect(dana.get_by_text("dana@acme.example").first).to_be_visible()
    dana.get_by_role("button", name="Sign out").click()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(theme).to_have_attribute("data-theme", "dark")
    assert "dana" not in dana.evaluate("JSON.stringify(sessionStorage)")
    dana.go_back()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(dana.get_by_text("dana@acme.example")).to_have_count(0)
