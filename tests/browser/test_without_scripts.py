"""What opens with a script, in a dialog or a menu, can be reached without one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ACME, MERIDIAN
from tests.support.full_organization import Furnished


@pytest.mark.parametrize("page", [False], indirect=True)
def test_filters_menus_secrets_questions_and_the_reference_need_no_scripts(
    dana: Page, here: Furnished
) -> None:
    dana.goto(f"{ACME}/providers/twilio")
    dana.locator("[data-secret] > summary").first.click()
    expect(dana.locator("[data-secret] .form-control").first).to_be_editable()
    expect(dana.locator("[data-keep]").first).to_be_hidden()

    dana.goto(f"{ACME}/people/{here.cast.mo.id}")
    dana.get_by_role("link", name="Reset password…").click()
    expect(dana.locator("main [data-question]")).to_be_visible()
    dana.get_by_role("link", name="Cancel").click()
    expect(dana.locator("#sign-in")).to_be_visible()
    dana.locator("#issue-title").click()
    expect(dana.locator("#tokens").get_by_label("Name")).to_be_visible()
    expect(dana.locator("#tokens [data-close]:visible")).to_have_count(0)
    dana.locator("#tokens").get_by_role("button", name="Create token").click()
    expect(dana.locator(".pb-summary")).to_be_visible()

    dana.goto(f"{MERIDIAN}/endpoints?active=on")
    dana.locator("#filter summary").click()
    dana.locator("#filter [name=provider]").select_option("twilio")
    dana.locator("#filter noscript, #filter [type=submit]").get_by_text("Apply").click()
    dana.locator(".pb-chip[data-clears=provider]").click()
    expect(dana.locator(".pb-chip")).to_have_count(1)
    dana.locator("[data-tick]").first.check()
    dana.locator("#many summary").click()
    dana.locator("#many button[value=delete]").click()
    dana.wait_for_url("**/endpoints/many?*")
    expect(dana.locator("form[data-question]")).to_be_visible()

    dana.goto("/api/docs#post_settings_endpoints")
    shown = dana.locator("#post_settings_endpoints [data-language]")
    assert [shown.nth(number).is_visible() for number in range(3)] == [True] * 3
    assert not dana.locator("[data-docs-search]").is_visible()
