"""Questions in a dialog."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ACME
from tests.support.full_organization import Furnished
from tests.support.users import Keyboard


@pytest.fixture
def mo(dana: Page, here: Furnished) -> Page:
    """Dana's page about Mo."""
    dana.goto(f"{ACME}/people/{here.cast.mo.id}")
    return dana


def dialog(page: Page) -> Locator:
    return page.locator("dialog:modal")


def test_link_to_a_question_opens_it_in_a_dialog(dana: Page, thorough: bool) -> None:
    """With a modifier, its page. Thorough, each question of the page."""
    dana.goto(f"{ACME}/providers/twilio")
    for place in ("disconnect", "disable") if thorough else ("disable",):
        link = dana.locator(f"a[href$='/{place}']")
        link.focus()
        dana.keyboard.press("Enter")
        expect(dialog(dana)).to_have_attribute("aria-labelledby", "question-title")
        cancel = dana.get_by_role("button", name="Cancel").or_(dana.get_by_role("link", name="Cancel"))
        expect(cancel).to_be_focused()
        dana.keyboard.press("Escape")
        expect(dialog(dana)).to_have_count(0)
        expect(link).to_be_focused()
        assert dana.url.endswith("/providers/twilio")
    link.click()
    dialog(dana).get_by_role("link", name="Cancel").click()
    expect(dialog(dana)).to_have_count(0)
    with dana.context.expect_page() as opened:
        link.click(modifiers=["ControlOrMeta"])
    expect(opened.value.locator("main [data-question]")).to_be_visible()


def test_form_opens_its_question_if_there_is_one(dana: Page) -> None:
    """In a dialog. What needs none is saved, and errors are shown in place."""
    dana.goto(f"{ACME}/settings#organization")
    country, url = dana.get_by_label("Country"), dana.get_by_label("Public base URL")
    before = country.input_value(), url.input_value()
    url.fill("https://elsewhere.example")
    url.press("Enter")
    expect(dialog(dana)).to_contain_text("https://elsewhere.example")
    dialog(dana).locator("[data-close]").click()
    expect(dialog(dana)).to_have_count(0)
    expect(url).to_have_value("https://elsewhere.example")
    dana.reload()
    expect(url).to_have_value(before[1])
    url.fill("ftp://elsewhere.example")
    country.select_option("CA")
    dana.locator(".pb-save-bar button").click()
    expect(dana.locator(".pb-summary")).to_be_focused()
    expect(url).to_have_value("ftp://elsewhere.example")
    expect(country).to_have_value("CA")
    url.fill(before[1])
    for chosen in ("CA", before[0]):
        country.select_option(chosen)
        with dana.expect_event("domcontentloaded"):
            dana.locator(".pb-save-bar button").click()
        expect(dana.locator(".pb-flashes .pb-ok")).to_be_visible()
        expect(country).to_have_value(chosen)


def test_fold_opens_as_a_dialog_and_shows_errors_in_place(mo: Page) -> None:
    summary = mo.locator("#issue-title")
    Keyboard(mo).press(summary)
    expect(dialog(mo).get_by_label("Name")).to_be_focused()
    dialog(mo).get_by_role("button", name="Cancel").click()
    expect(dialog(mo)).to_have_count(0)
    expect(summary).to_be_focused()
    summary.click()
    dialog(mo).get_by_role("button", name="Create token").click()
    expect(mo.locator(".pb-summary")).to_be_visible()
    expect(dialog(mo)).to_have_count(0)
    expect(mo.locator("#tokens").get_by_label("Name")).to_be_visible()
