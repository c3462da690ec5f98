"""The API reference: search, one language at a time, requests with a pasted token, on any screen."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from devtools.server import Server

DOCS = "/api/docs"
STORED = "[Object.entries(localStorage), sessionStorage.length, document.cookie]"


def test_reference_is_searched_copied_from_and_tried(page: Page, server: Server) -> None:
    """Without a violation of the content security policy, and only the language is stored."""
    page.goto(server.url + DOCS)
    _search(page, f"{server.url}{DOCS}")
    first, other = page.locator("#get_calls_providers"), page.locator("#post_settings_endpoints")
    for resource in ("calls", "endpoints"):
        page.locator(f"#{resource} [data-open-all]").click()
    example = first.locator("[data-language=curl]")
    example.get_by_role("button").click()
    expect(example.get_by_text("Copied", exact=True)).to_be_visible()
    page.get_by_role("searchbox").fill("")
    page.get_by_role("searchbox").press("Control+V")
    pasted = example.locator("pre").inner_text().replace("\n", " ")
    expect(page.get_by_role("searchbox")).to_have_value(pasted)
    expect(other.locator("[data-language=curl]")).to_be_visible()
    first.get_by_role("button", name="Python", exact=True).click()
    expect(other.locator("[data-language=Python]")).to_be_visible()
    expect(other.locator("[data-language=curl]")).to_be_hidden()
    operation = page.locator("#get_settings_endpoints_endpoint_id")
    operation.locator("[data-try] summary").click()
    operation.get_by_label("Token").fill("no-such-token")
    with page.expect_request("**/api/settings/endpoints/c2a9d6f1-*") as request:
        operation.locator("form button").click()
    assert request.value.headers["authorization"] == "Bearer no-such-token"
    expect(operation.get_by_role("status")).to_contain_text("401")
    expect(operation.locator("[data-try] pre")).to_contain_text("INVALID_TOKEN")
    assert page.evaluate(STORED) == [[["patchbay-language", "Python"]], 0, ""]
    first.locator("[data-try] summary").click()
    expect(first.get_by_label("Token")).to_have_value("no-such-token")
    other.locator("[data-try] summary").click()
    assert other.locator("textarea").evaluate("(each) => each.scrollHeight - each.clientHeight") <= 0
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.goto(f"{server.url}{DOCS}#VALIDATION_FAILED")
    page.reload()
    expect(first.locator("[data-lang=Python]")).to_have_attribute("aria-pressed", "true")
    remedy = page.locator("#VALIDATION_FAILED td").last.bounding_box()
    assert remedy
    assert remedy["x"] + remedy["width"] <= 360


def _search(page: Page, address: str) -> None:
    nav, box = page.get_by_role("navigation", name="Reference"), page.get_by_role("searchbox")
    box.fill("point webhook")
    expect(nav.locator('a[href="#post_settings_endpoints_endpoint_id_point"]')).to_be_visible()
    expect(nav.locator('a[href="#get_calls_providers"]')).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}#post_settings_endpoints_endpoint_id_point")
    expect(page.locator("#post_settings_endpoints_endpoint_id_point")).to_be_in_viewport()
    box.fill("xyzzy")
    expect(nav.get_by_role("status")).not_to_be_empty()
