"""Forms: a stored secret and its replacement, and what is not saved yet."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import ACME


def test_stored_secret_gives_way_to_a_field_and_comes_back(dana: Page) -> None:
    dana.goto(f"{ACME}/providers/twilio")
    stored = dana.locator("[data-secret] > summary").first
    field = dana.locator("[data-secret] .form-control").first
    stored.press("Enter")
    expect(field).to_be_focused()
    expect(stored).to_be_hidden()
    field.fill("sample")
    dana.locator("[data-secret] [data-reveal]").first.click()
    expect(field).to_have_attribute("type", "text")
    dana.locator("[data-keep]").first.click()
    expect(stored).to_be_focused()
    expect(field).to_have_value("")


def test_index_leads_to_each_group_and_a_changed_one_says_so(dana: Page) -> None:
    """Until its changes are taken back."""
    dana.goto(f"{ACME}/settings")
    for place in ("webhooks", "organization", "calls", "elsewhere"):
        dana.evaluate("scrollTo(0, 0)")
        dana.locator(f".pb-index a[href='#{place}']").press("Enter")
        expect(dana.locator(f"#{place}")).to_be_in_viewport()
    group = dana.locator("#organization")
    field, changed = group.get_by_label("Name"), group.locator("[data-changed]")
    was = field.input_value()
    expect(changed).to_be_hidden()
    field.fill("Other")
    expect(changed).to_be_visible()
    expect(dana.locator("#webhooks [data-changed]")).to_be_hidden()
    expect(dana.locator(".pb-save-bar [data-changed]")).to_be_visible()
    field.fill(was)
    expect(changed).to_be_hidden()
