"""Preferences of the reader and of the system, and what is left after signing out."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import ACME, sign_in
from tests.support.full_organization import Furnished


def test_reduced_motion_and_forced_colors_are_respected(dana: Page) -> None:
    dana.emulate_media(reduced_motion="no-preference")
    dana.goto(f"{ACME}/endpoints/new")
    moving = """() => [...document.querySelectorAll("*")].flatMap(each => ["", "::before", "::after"].map(
        part => getComputedStyle(each, part || null))).filter(style => style.animationName !== "none"
        || style.transitionDuration.split(", ").some(time => parseFloat(time) > 0)).length"""
    assert dana.evaluate(moving) > 0
    dana.emulate_media(reduced_motion="reduce")
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
    themes = []
    for _ in range(3):
        button.click()
        themes.append(theme.get_attribute("data-theme"))
    assert sorted(map(str, themes)) == ["dark", "light", "system"]
    while theme.get_attribute("data-theme") != "dark":
        button.click()
    drawn = dana.request.get("/account").text()
    assert 'data-theme="dark"' in drawn, "the server draws it, so the page is never shown in another one"
    assert '<meta name="color-scheme" content="dark">' in drawn
    dana.goto(f"{ACME}/people?q=dana")
    expect(theme).to_have_attribute("data-theme", "dark")
    expect(dana.get_by_text("dana@acme.example").first).to_be_visible()
    dana.get_by_role("button", name="Sign out").click()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(theme).to_have_attribute("data-theme", "dark")
    assert "dana" not in dana.evaluate("JSON.stringify(sessionStorage)")
    dana.go_back()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(dana.get_by_text("dana@acme.example")).to_have_count(0)


def test_old_address_of_a_part_opens_its_tab(dana: Page, thorough: bool) -> None:
    """That of the numbers; thorough, that of the trunk too."""
    for part in ("sinch_est", "numbers") if thorough else ("numbers",):
        dana.goto(f"{ACME}/voice-ai#{part}")
        expect(dana).to_have_url(re.compile(rf"/voice-ai\?tab=sinch_est#{part}$"))
        dana.goto("/healthz")
    dana.goto(f"{ACME}/voice-ai")
    tabs = dana.get_by_role("navigation", name="Voice AI")
    tabs.get_by_role("link", name="Tool secret").focus()
    dana.keyboard.press("Enter")
    expect(tabs.locator("[aria-current=page]")).to_have_text("Tool secret")


DROP = """
(form) => {
  const data = new DataTransfer();
  data.items.add(new File(["phone_number,provider\\n+15557650001,twillio\\n"], "lines.csv"));
  for (const name of ["dragover", "drop"])
    form.dispatchEvent(new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true}));
}
"""


def test_file_dropped_on_the_import_form_is_chosen(dana: Page) -> None:
    dana.goto(f"{ACME}/endpoints/import")
    dana.locator("[data-drop]").evaluate(DROP)
    expect(dana.get_by_label("CSV file")).to_be_focused()
    dana.get_by_role("button", name="Preview import").click()
    expect(dana.get_by_role("cell", name="twillio")).to_be_visible()
