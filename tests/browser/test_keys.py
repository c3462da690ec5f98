"""Keys: the palette, and single keys that can be switched off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.server import Server


@pytest.fixture(scope="module")
def acme(acme: Server) -> Server:
    acme.flask("demo")
    return acme


@pytest.fixture
def table(dana: Page) -> Page:
    dana.goto("/o/meridian-support/endpoints")
    return dana


def test_the_palette_finds_a_page_by_keyboard_alone(table: Page) -> None:
    table.keyboard.press("Control+k")
    palette = table.get_by_role("dialog", name="Find")
    expect(palette.get_by_role("searchbox", name="Find")).to_be_focused()
    table.keyboard.type("audit")
    expect(palette.get_by_role("status")).to_have_text("2 found")
    table.keyboard.press("ArrowDown")
    expect(palette.get_by_role("link", name="Audit", exact=True)).to_be_focused()
    table.keyboard.press("Enter")
    table.wait_for_url("**/audit")


def test_escape_leaves_the_palette_where_it_was_opened(table: Page) -> None:
    opener = table.get_by_role("link", name="Find")
    opener.focus()
    table.keyboard.press("Enter")
    palette = table.get_by_role("dialog", name="Find")
    expect(palette).to_be_visible()
    table.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(opener).to_be_focused()


def test_single_keys_search_add_and_help_and_can_be_switched_off(table: Page) -> None:
    table.keyboard.press("?")
    help_box = table.get_by_role("dialog", name="Keys")
    expect(help_box).to_be_visible()
    table.keyboard.press("Escape")
    expect(help_box).to_be_hidden()
    table.keyboard.press("n")
    table.wait_for_url("**/endpoints/new")
    table.go_back()
    table.get_by_role("button", name="Keys").click()
    help_box.get_by_role("checkbox").uncheck()
    help_box.get_by_role("button", name="Close").click()
    table.reload()
    table.keyboard.press("/")
    expect(table.get_by_role("searchbox", name="Search endpoints")).not_to_be_focused()


def test_a_letter_in_a_field_is_a_letter(table: Page) -> None:
    table.get_by_role("searchbox", name="Search endpoints").fill("")
    table.get_by_role("searchbox", name="Search endpoints").press("n")
    expect(table.get_by_role("searchbox", name="Search endpoints")).to_have_value("n")
