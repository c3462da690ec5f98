"""The bar of selected endpoints: what is done often stands in it, and the rest in a menu."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import MERIDIAN

PATH = f"{MERIDIAN}/endpoints"


def test_menu_is_opened_and_left_by_keyboard(dana: Page) -> None:
    dana.goto(PATH)
    bar = dana.get_by_role("form", name="With the selected endpoints")
    dana.locator("[data-tick]").first.check()
    more, delete = bar.locator("summary"), bar.locator("button[value=delete]")
    expect(delete).to_be_hidden()
    more.press("Enter")
    expect(delete).to_be_visible()
    dana.keyboard.press("Tab")
    expect(bar.locator("details button").first).to_be_focused()
    dana.keyboard.press("Escape")
    expect(delete).to_be_hidden()
    expect(more).to_be_focused()
