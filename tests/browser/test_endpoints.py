"""The endpoints table in place: edit, toggle, search."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from tests.support.server import Server

PATH = "/o/acme-support/endpoints"


@pytest.fixture(scope="module")
def acme(acme: Server) -> Server:
    """With three numbers, added by the API."""
    token = acme.flask("tokens", "create", "--email", "dana@acme.example")
    for number, agent in (("+15551230001", "Ann"), ("+15551230002", "Bob"), ("+15551230003", "Cyd")):
        draft = {"phone_number": number, "provider": "twilio", "inbound_agent_name": agent}
        asked = urllib.request.Request(  # noqa: S310 (our own)
            f"{acme.url}/api/settings/endpoints",
            json.dumps(draft).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
            assert answer.status == 201
    return acme


@pytest.fixture
def table(dana: Page) -> Page:
    dana.goto(PATH)
    dana.evaluate("window.stayed = true")
    return dana


def stayed(page: Page) -> bool:
    """No page was loaded anew."""
    return bool(page.evaluate("window.stayed === true"))


def test_enter_saves_an_edit_in_place(table: Page) -> None:
    table.get_by_role("link", name="Edit +1 555-123-0001").click()
    field = table.get_by_label("Answered by")
    expect(field).to_be_focused()
    expect(field).to_have_value("Ann")
    field.fill("Anna")
    field.press("Enter")
    expect(table.get_by_role("row", name="+1 555-123-0001")).to_contain_text("Anna")
    expect(table.get_by_text("+1 555-123-0001 saved.")).to_be_visible()
    expect(field).to_have_count(0)
    assert stayed(table)


def test_escape_leaves_an_edit_as_it_was(table: Page) -> None:
    table.get_by_role("link", name="Edit +1 555-123-0002").click()
    field = table.get_by_label("Answered by")
    field.fill("Somebody else")
    field.press("Escape")
    expect(field).to_have_count(0)
    expect(table.get_by_role("row", name="+1 555-123-0002")).to_contain_text("Bob")
    expect(table.get_by_role("link", name="Edit +1 555-123-0002")).to_be_focused()
    assert stayed(table)


def test_a_mistake_is_shown_beside_its_field_in_place(table: Page) -> None:
    table.get_by_role("link", name="Edit +1 555-123-0002").click()
    field = table.get_by_label("Answered by")
    field.fill("a/b")
    table.get_by_role("button", name="Save").click()
    expect(table.locator(".pb-error")).to_contain_text("no slash")
    expect(field).to_have_value("a/b")
    expect(table.get_by_role("alert")).to_be_focused()
    assert stayed(table)


def test_a_number_is_switched_off_and_on_in_place(table: Page) -> None:
    toggle = table.get_by_role("button", name="Active: +1 555-123-0003")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_contain_text("Inactive")
    expect(toggle).to_be_focused()
    toggle.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    assert stayed(table)


def test_searching_as_one_types_keeps_the_focus(table: Page) -> None:
    search = table.get_by_role("searchbox", name="Search endpoints")
    table.keyboard.press("/")
    expect(search).to_be_focused()
    table.keyboard.type("0003")
    expect(table.locator("#endpoints")).to_contain_text("1 endpoint found")
    expect(search).to_be_focused()
    expect(search).to_have_value("0003")
    table.keyboard.press("Backspace")
    expect(table.locator("#endpoints")).to_contain_text("3 endpoints found")
    expect(search).to_be_focused()
    assert table.url.split("?")[1].startswith("q=000")
    assert stayed(table)


def test_what_somebody_changed_meanwhile_is_told_and_shown(table: Page) -> None:
    other = table.context.new_page()
    other.goto(PATH)
    other.get_by_role("button", name="Active: +1 555-123-0001").click()
    toggle = other.get_by_role("button", name="Active: +1 555-123-0001")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    table.get_by_role("button", name="Active: +1 555-123-0001").click()
    expect(table.locator(".pb-toast")).to_contain_text("Somebody")
    expect(table.get_by_role("row", name="+1 555-123-0001")).to_contain_text("Inactive")
    expect(table.get_by_role("row", name="+1 555-123-0002")).to_be_visible()
    assert stayed(table)


def test_a_change_without_a_session_is_told_and_the_table_stays(table: Page) -> None:
    table.context.clear_cookies()
    table.get_by_role("button", name="Active: +1 555-123-0003").click()
    expect(table.locator(".pb-toast")).to_contain_text("your sign-in ended")
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_be_visible()


def test_a_session_that_ended_leads_to_the_sign_in_page(table: Page) -> None:
    table.context.clear_cookies()
    table.get_by_role("link", name="Edit +1 555-123-0003").click()
    expect(table.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(table.get_by_label("Password")).to_have_count(1)
