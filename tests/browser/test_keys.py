"""Keys: the palette, and single keys that can be switched off."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from devtools.server import Server, served
from tests.conftest import NOWHERE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """No provider answers here."""
    with served(tmp_path_factory.mktemp("server"), {"PATCHBAY_UPSTREAMS": NOWHERE}) as server:
        yield server


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
    box = palette.get_by_role("combobox", name="Find")
    expect(box).to_be_focused()
    table.keyboard.type("add")
    expect(palette.locator("[data-announce]")).to_have_text("3 found")
    found = palette.get_by_role("listbox", name="Found")
    options = found.get_by_role("group", name="Pages").get_by_role("option")
    for place in (0, 1, 2, 0):
        expect(options.nth(place)).to_have_attribute("aria-selected", "true")
        expect(box).to_have_attribute("aria-activedescendant", f"found-{place}")
        table.keyboard.press("ArrowDown")
    table.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    table.keyboard.press("Enter")
    table.wait_for_url("**/endpoints/new")


def test_enter_waits_for_what_was_typed_last(table: Page) -> None:
    table.keyboard.press("Control+k")
    expect(table.get_by_role("combobox", name="Find")).to_be_focused()
    table.keyboard.type("audit")
    table.keyboard.press("Enter")
    table.wait_for_url("**/audit")


def test_escape_leaves_the_palette_where_it_was_opened(table: Page) -> None:
    opener = table.get_by_role("link", name="Find")
    opener.focus()
    table.keyboard.press("Enter")
    palette = table.get_by_role("dialog", name="Find")
    expect(palette).to_be_visible()
    table.keyboard.type("a")
    table.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(opener).to_be_focused()


def test_single_keys_search_add_and_help_and_can_be_switched_off(table: Page) -> None:
    table.keyboard.press("?")
    help_box = table.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_box).to_be_visible()
    table.keyboard.press("Escape")
    expect(help_box).to_be_hidden()
    table.keyboard.press("n")
    table.wait_for_url("**/endpoints/new")
    table.go_back()
    table.get_by_role("button", name="Keyboard shortcuts").click()
    help_box.get_by_role("checkbox", name="Enable single-key").uncheck()
    help_box.get_by_role("button", name="Close").click()
    table.reload()
    table.keyboard.press("/")
    expect(table.get_by_role("searchbox", name="Search endpoints")).not_to_be_focused()


def test_a_letter_in_a_field_is_a_letter(table: Page) -> None:
    table.get_by_role("searchbox", name="Search endpoints").fill("")
    table.get_by_role("searchbox", name="Search endpoints").press("n")
    expect(table.get_by_role("searchbox", name="Search endpoints")).to_have_value("n")


def test_exact_times_need_no_mouse(table: Page) -> None:
    table.goto("/o/meridian-support/audit")
    time = table.locator("td time").first
    short = time.inner_text()
    table.keyboard.press("t")
    expect(time).to_have_text(re.compile(r"\d:\d\d:\d\d .*UTC"))
    expect(time).to_have_attribute("title", time.inner_text())
    table.reload()
    expect(time).not_to_have_text(short)
    table.get_by_role("button", name="Keyboard shortcuts").click()
    table.get_by_role("checkbox", name="Show exact times").uncheck()
    table.keyboard.press("Escape")
    expect(time).to_have_text(short)
    time.click()
    expect(time).not_to_have_text(short)
    expect(table.locator("td time").nth(1)).to_have_text(short)


def test_escape_puts_messages_away_and_the_focus_stays(table: Page) -> None:
    toggle = table.get_by_role("button", name="Active: +1 415-555-0100")
    toggle.press("Enter")
    toast = table.locator(".pb-toast")
    expect(toast).to_contain_text("deactivated")
    toast.get_by_role("button", name="Dismiss").focus()
    table.keyboard.press("Enter")
    expect(toast).to_have_count(0)
    expect(toggle).to_be_focused()
    table.keyboard.press("Enter")
    expect(toast).to_contain_text("activated")
    table.keyboard.press("Escape")
    expect(toast).to_have_count(0)
    expect(toggle).to_be_focused()


def test_rows_between_two_are_ticked_with_shift_and_enter_leads_to_what_can_be_done(table: Page) -> None:
    boxes = table.get_by_label(re.compile("^Select [+]"))
    boxes.nth(1).press("Space")
    boxes.nth(4).press("Shift+Space")
    bar = table.get_by_role("form", name="With the selected endpoints")
    expect(bar).to_contain_text("4 selected")
    boxes.nth(4).press("Enter")
    expect(bar.get_by_role("button", name="Activate…", exact=True)).to_be_focused()
    table.keyboard.press("Escape")
    expect(boxes.nth(4)).to_be_focused()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(bar).to_contain_text("1 selected")


def test_after_a_save_the_next_tab_goes_on_from_the_message(table: Page) -> None:
    table.goto("/o/meridian-support/settings")
    table.get_by_label("Name").press("Enter")
    expect(table.locator(".pb-flashes")).to_be_focused()
    expect(table.locator(".pb-flashes")).to_contain_text("Settings saved.")
    table.keyboard.press("Tab")
    expect(table.get_by_label("Public base URL")).to_be_focused()


def test_the_heading_that_sorts_has_the_focus_afterwards(table: Page) -> None:
    heading = table.get_by_role("link", name="Provider", exact=True)
    heading.press("Enter")
    table.wait_for_url("**sort=provider**")
    expect(heading).to_be_focused()


def test_a_test_of_the_values_is_heard(table: Page) -> None:
    """What the page says of it has the focus; there is no provider here, so it is trouble."""
    table.goto("/o/meridian-support/providers/twilio")
    table.get_by_role("button", name="Test connection").press("Enter")
    expect(table.get_by_role("main").get_by_role("alert")).to_be_focused(timeout=20_000)


def test_the_focus_stays_near_what_is_checked(table: Page) -> None:
    """The button makes way for the progress, which is read again and again."""
    table.get_by_role("button", name="Check all numbers").press("Enter")
    expect(table.get_by_role("button", name="Check all numbers")).to_be_visible(timeout=20_000)
    expect(table.locator("#announce")).not_to_be_empty()
    expect(table.locator(".pb-table-card:focus-within")).to_have_count(1)
