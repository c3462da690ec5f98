"""The filter of a list: a menu, and a chip for each part that is set."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ACME

MORE = pytest.mark.thorough("test_chip_removes_its_part_in_place")
LISTS = pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        pytest.param(f"{ACME}/endpoints?active=on", "provider", "twilio", id="endpoints"),
        pytest.param(f"{ACME}/calls?agent=Reception", "direction", "inbound", id="calls", marks=MORE),
        pytest.param(f"{ACME}/audit?who=a", "action", "endpoints", id="audit", marks=MORE),
        pytest.param("/audit?who=a", "action", "endpoints", id="audit of all", marks=MORE),
    ],
)


@LISTS
def test_chip_removes_its_part_in_place(dana: Page, path: str, name: str, value: str) -> None:
    dana.goto(path)
    dana.evaluate("window.stayed = true")
    menu = dana.locator("#filter summary")
    menu.click()
    dana.locator(f"#filter [name={name}]").select_option(value)
    chip = dana.locator(f".pb-chip[data-clears={name}]")
    expect(chip).to_be_visible()
    expect(dana).to_have_url(re.compile(f"{name}={value}"))
    dana.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(dana.locator(f"#filter [name={name}]")).to_be_hidden()
    chip.press("Enter")
    expect(chip).to_have_count(0)
    expect(menu).to_be_focused()
    expect(dana.locator(".pb-chip")).to_have_count(1)
    dana.locator("#filter [data-clears='']").click()
    expect(dana.locator(".pb-chip")).to_have_count(0)
    expect(dana.locator("#filter [name=q]")).to_be_focused()
    assert dana.evaluate("window.stayed === true")


@pytest.mark.thorough("test_filters_menus_secrets_questions_and_the_reference_need_no_scripts")
@pytest.mark.parametrize("page", [False], indirect=True)
@LISTS
def test_filter_is_applied_without_scripts(dana: Page, path: str, name: str, value: str) -> None:
    dana.goto(path)
    dana.locator("#filter summary").click()
    dana.locator(f"#filter [name={name}]").select_option(value)
    dana.locator("#filter noscript, #filter [type=submit]").get_by_text("Apply").click()
    dana.locator(f".pb-chip[data-clears={name}]").click()
    expect(dana.locator(".pb-chip")).to_have_count(1)
