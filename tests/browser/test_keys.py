"""Keys: the palette, and single keys that can be switched off."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import MERIDIAN

TABLE = f"{MERIDIAN}/endpoints"
COPIED = re.compile("Copied the ")


RECORD = """
() => {
  const place = document.querySelector("#announce"), record = document.body.dataset;
  record.announced = "";
  const add = () => (record.announced += `${place.textContent};`);
  new MutationObserver(add).observe(place, { childList: true });
}
"""
"""A check that ends can be announced right after what a key did, and replaces it."""


@pytest.fixture
def table(dana: Page) -> Page:
    dana.goto(TABLE)
    return dana


def test_palette_works_by_keyboard_alone(dana: Page) -> None:
    """What is typed before it is there is not lost."""
    table = dana
    table.goto("/o/juniper-travel/")
    table.goto(TABLE)

    def answer_later(route: Route) -> None:
        table.keyboard.up("Control")  # which may be held until the request is answered
        table.keyboard.type(typed.pop())
        route.continue_()

    typed = ["dd", "a"]
    for address in ("**/palette.js", "**/find?*"):
        table.route(address, answer_later, times=1)
    table.keyboard.press("Control+k")
    palette = table.get_by_role("dialog", name="Find")
    box = palette.get_by_role("combobox", name="Find")
    expect(box).to_be_focused()
    expect(box).to_have_value("add")
    expect(palette.locator("[data-announce]")).to_have_text("3 found")
    listbox = palette.get_by_role("listbox", name="Found")
    options = listbox.get_by_role("group", name="Actions").get_by_role("option")
    for place in (0, 1, 2, 0):
        expect(options.nth(place)).to_have_attribute("aria-selected", "true")
        expect(box).to_have_attribute("aria-activedescendant", f"found-{place}")
        table.keyboard.press("ArrowDown")
    table.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    table.keyboard.press("Enter")
    table.wait_for_url("**/endpoints/new")
    table.keyboard.press("Control+k")
    expect(table.get_by_role("combobox", name="Find")).to_be_focused()
    table.keyboard.type("audit")
    table.keyboard.press("Enter")
    table.wait_for_url("**/audit")
    table.goto(TABLE)
    opener = table.get_by_role("link", name="Find")
    opener.focus()
    table.keyboard.press("Enter")
    palette = table.get_by_role("dialog", name="Find")
    recent = palette.get_by_role("group", name="Recent").get_by_role("option")
    expect(recent.first).to_have_text("Audit · Meridian Support")
    table.keyboard.type("a")
    table.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(opener).to_be_focused()
    for key in ("g", "o"):
        table.keyboard.press(key)
    switcher = table.get_by_role("dialog", name="Switch organization")
    recent = switcher.get_by_role("group", name="Recent").get_by_role("option")
    expect(recent).to_have_text(["Juniper Travel"])
    table.keyboard.type("harb")
    expect(switcher.get_by_role("option")).to_have_text(["Harbor Dental"])
    table.keyboard.press("Enter")
    table.wait_for_url("**/o/harbor-dental/endpoints")


def test_single_keys_search_add_show_times_and_can_be_turned_off(dana: Page) -> None:
    table = dana
    table.goto(f"{MERIDIAN}/audit")
    for key in ("g", "e"):
        table.keyboard.press(key)
    table.wait_for_url("**/endpoints")
    table.get_by_role("searchbox", name="Search endpoints").fill("")
    table.get_by_role("searchbox", name="Search endpoints").press("n")
    expect(table.get_by_role("searchbox", name="Search endpoints")).to_have_value("n")
    table.get_by_role("searchbox", name="Search endpoints").blur()

    def leave_first(route: Route) -> None:
        table.keyboard.up("Control")
        table.keyboard.press("Escape")
        table.keyboard.press("?")
        route.continue_()

    table.route("**/find?*", leave_first, times=1)
    table.keyboard.press("Control+k")
    help_box = table.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_box.get_by_role("button", name="Close")).to_be_focused()
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
    table.get_by_role("button", name="Keyboard shortcuts").click()
    help_box.get_by_role("checkbox", name="Enable single-key").check()
    help_box.get_by_role("button", name="Close").click()
    for key in ("g", "a"):
        table.keyboard.press(key)
    table.wait_for_url("**/audit")
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
    other = table.locator("td time").nth(1)
    unchanged = other.inner_text()
    time.click()
    expect(time).not_to_have_text(short)
    expect(other).to_have_text(unchanged)


def test_focus_stays_near_what_was_done(table: Page) -> None:
    toggle = table.get_by_role("button", name="Active: +1 415-555-0100")
    toggle.press("Enter")
    down = table.get_by_role("dialog", name="Deactivate +1 415-555-0100?")
    expect(down).to_contain_text("Main support line")
    table.keyboard.press("Enter")
    expect(down).to_be_hidden()
    expect(toggle).to_be_focused()
    toggle.press("Enter")
    down.get_by_role("button", name="Deactivate").press("Enter")
    toast = table.locator(".pb-toast")
    expect(toast).to_contain_text("deactivated")
    toast.get_by_role("button", name="Dismiss").focus()
    table.keyboard.press("Enter")
    expect(toast).to_have_count(0)
    expect(toggle).to_be_focused()
    table.keyboard.press("Enter")
    expect(toast).to_contain_text(" activated")
    table.keyboard.press("Escape")
    expect(toast).to_have_count(0)
    expect(toggle).to_be_focused()
    table.goto(f"{MERIDIAN}/settings")
    table.get_by_label("Name").press("Enter")
    expect(table.locator(".pb-flashes")).to_be_focused()
    expect(table.locator(".pb-flashes")).to_contain_text("Settings saved.")
    table.keyboard.press("Tab")
    expect(table.get_by_label("Public base URL")).to_be_focused()
    table.goto(TABLE)
    heading = table.get_by_role("link", name="Provider", exact=True)
    heading.press("Enter")
    table.wait_for_url("**sort=provider**")
    expect(heading).to_be_focused()
    table.goto(f"{MERIDIAN}/providers/twilio")
    table.locator("[data-secret] > summary").first.press("Enter")
    token = table.get_by_role("textbox", name="Auth token")
    token.fill("typed-and-kept")
    test = table.get_by_role("button", name="Test connection", exact=True)
    test.press("Enter")
    expect(table.locator("[data-tested=unreachable]")).to_be_visible(timeout=20_000)
    expect(test).to_be_focused()
    expect(token).to_have_value("typed-and-kept")
    table.get_by_label("Account SID").fill("")
    test.press("Enter")
    expect(table.get_by_label("Account SID")).to_be_focused(timeout=20_000)
    expect(table.get_by_label("Account SID")).to_have_attribute("aria-invalid", "true")
    table.goto(TABLE)
    table.get_by_role("button", name="Check all numbers").press("Enter")
    expect(table.locator("#announce")).not_to_be_empty(timeout=30_000)
    expect(table.get_by_role("button", name="Check all numbers")).to_be_visible(timeout=30_000)
    expect(table.locator(".pb-table-card:focus-within")).to_have_count(1)


def test_keys_go_on_after_one_line_was_swapped(dana: Page) -> None:
    """In rows and in cards."""
    table = dana
    numbers, line = table.locator("tr[data-row] .pb-num"), table.locator("tr[data-row]").nth(2)
    typed = "Another"
    for width in (1280, 390):
        table.set_viewport_size({"width": width, "height": 800})
        table.goto(TABLE)
        before = line.locator("th bdi").inner_text()
        table.evaluate(RECORD)
        for _ in range(3):
            table.keyboard.press("j")
        expect(numbers.nth(2)).to_be_focused()
        table.keyboard.press("e")
        table.get_by_label("Label").fill(typed)
        table.keyboard.press("Enter")
        expect(line).to_contain_text(typed)
        expect(line.get_by_role("link", name="Edit")).to_be_focused()
        for key in ("x", "c"):
            table.keyboard.press(key)
        expect(line.get_by_role("checkbox")).to_be_checked()
        expect(table.locator("body")).to_have_attribute("data-announced", COPIED)
        for key, place in (("j", 3), ("k", 2)):
            table.keyboard.press(key)
            expect(numbers.nth(place)).to_be_focused()
        typed = before
    table.keyboard.press("Enter")
    table.wait_for_url("**/endpoints/*-*")


def test_keys_select_a_range_move_between_lines_and_act_on_one(table: Page) -> None:
    boxes = table.get_by_label(re.compile("^Select [+]"))
    boxes.nth(1).press("Space")
    boxes.nth(4).press("Shift+Space")
    bar = table.get_by_role("form", name="With the selected endpoints")
    expect(bar).to_contain_text("4 selected")
    boxes.nth(4).press("Enter")
    expect(bar.locator("[data-do] button").first).to_be_focused()
    table.keyboard.press("Escape")
    expect(boxes.nth(4)).to_be_focused()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(bar).to_contain_text("1 selected")
    table.reload()
    numbers = table.locator("tr[data-row] .pb-num")
    for key, place in [("j", 0), ("j", 1), ("ArrowDown", 2), ("k", 1)]:
        table.keyboard.press(key)
        expect(numbers.nth(place)).to_be_focused()
    table.keyboard.press("x")
    expect(boxes.nth(1)).to_be_checked()
    everything = table.get_by_role("checkbox", name="Select all on this page")
    expect(everything).to_match_aria_snapshot('- checkbox "Select all on this page" [checked=mixed]')
    table.evaluate(RECORD)
    table.keyboard.press("j")
    table.keyboard.press("c")
    expect(table.locator("body")).to_have_attribute("data-announced", COPIED)
    table.keyboard.press("e")
    expect(table.get_by_label("Inbound agent")).to_be_focused()
    table.keyboard.press("Escape")
    expect(table.locator("tr[data-row]").nth(2).get_by_role("link", name="Edit")).to_be_focused()
    table.keyboard.press("j")
    table.keyboard.press("Enter")
    table.wait_for_url("**/endpoints/*-*")
