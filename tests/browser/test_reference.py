"""The API reference: search, one language at a time, requests with a pasted token, on any screen."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from devtools.server import Server

DOCS = "/api/docs"


def test_search_shows_the_operations_that_match(page: Page, server: Server) -> None:
    page.goto(server.url + DOCS)
    nav = page.get_by_role("navigation", name="Reference")
    page.get_by_role("searchbox").fill("point webhook")
    expect(nav.locator('a[href="#post_settings_endpoints_endpoint_id_point"]')).to_be_visible()
    expect(nav.locator('a[href="#get_calls_providers"]')).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{server.url}{DOCS}#post_settings_endpoints_endpoint_id_point")
    page.get_by_role("searchbox").fill("xyzzy")
    expect(nav.get_by_role("status")).not_to_be_empty()


def test_contents_show_what_is_read(page: Page, server: Server) -> None:
    page.goto(f"{server.url}{DOCS}#put_settings_telephony")
    nav = page.get_by_role("navigation", name="Reference")
    current = nav.locator("[aria-current=location]")
    expect(current).to_have_attribute("href", "#put_settings_telephony")
    expect(current).to_be_in_viewport()
    page.locator("#post_auth_login").evaluate("(each) => each.scrollIntoView()")
    expect(current).to_have_attribute("href", "#post_auth_login")
    expect(current).to_be_in_viewport()


def test_language_changes_every_example(page: Page, server: Server) -> None:
    page.goto(server.url + DOCS)
    first, other = page.locator("#get_calls_providers"), page.locator("#post_settings_endpoints")
    expect(other.locator("[data-language=curl]")).to_be_visible()
    first.get_by_role("button", name="Python", exact=True).click()
    expect(other.locator("[data-language=Python]")).to_be_visible()
    expect(other.locator("[data-language=curl]")).to_be_hidden()


def test_example_is_copied(page: Page, server: Server) -> None:
    page.goto(server.url + DOCS)
    example = page.locator("#get_calls_providers [data-language=curl]")
    example.get_by_role("button").click()
    expect(example.get_by_text("Copied", exact=True)).to_be_visible()
    page.get_by_role("searchbox").press("Control+V")
    pasted = example.locator("pre").inner_text().replace("\n", " ")
    expect(page.get_by_role("searchbox")).to_have_value(pasted)


def test_try_it_sends_the_token_and_stores_nothing(page: Page, server: Server) -> None:
    """Without a violation of the content security policy."""
    blocked: list[str] = []
    page.on("console", lambda it: blocked.append(it.text) if "Content Security" in it.text else None)
    page.goto(server.url + DOCS)
    operation = page.locator("#get_settings_endpoints_endpoint_id")
    operation.locator("[data-try] summary").click()
    operation.get_by_label("Token").fill("no-such-token")
    with page.expect_request("**/api/settings/endpoints/c2a9d6f1-*") as sent:
        operation.locator("form button").click()
    assert sent.value.headers["authorization"] == "Bearer no-such-token"
    expect(operation.get_by_role("status")).to_contain_text("401")
    expect(operation.locator("[data-try] pre")).to_contain_text("INVALID_TOKEN")
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    other = page.locator("#get_calls_providers")
    other.locator("[data-try] summary").click()
    expect(other.get_by_label("Token")).to_have_value("no-such-token")
    assert blocked == []


def test_body_of_a_request_is_shown_whole(page: Page, server: Server) -> None:
    page.goto(server.url + DOCS)
    operation = page.locator("#post_settings_endpoints")
    operation.locator("[data-try] summary").click()
    assert operation.locator("textarea").evaluate("(each) => each.scrollHeight - each.clientHeight") <= 0


def test_reference_fits_a_phone_and_needs_no_script(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(server.url + DOCS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    remedy = page.locator("#VALIDATION_FAILED td").last.bounding_box()
    assert remedy
    assert remedy["x"] + remedy["width"] <= 360
    with page.context.browser.new_context(java_script_enabled=False) as context:  # type: ignore[union-attr]
        plain = context.new_page()
        plain.goto(server.url + DOCS)
        shown = plain.locator("#post_settings_endpoints [data-language]")
        assert [shown.nth(number).is_visible() for number in range(3)] == [True] * 3
        assert not plain.locator("[data-docs-search]").is_visible()
