"""The endpoints table in place: edit, toggle, search."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.services.endpoints import messages
from devtools.server import Server
from tests.browser.conftest import sign_in

PATH = "/o/acme-support/endpoints"


def send(server: Server, method: str, path: str, sent: dict[str, Any]) -> None:
    token = server.flask("tokens", "create", "--email", "dana@acme.example")
    asked = urllib.request.Request(  # noqa: S310 (our own)
        f"{server.url}/api/settings/{path}",
        json.dumps(sent).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        assert answer.status in (200, 201)


@pytest.fixture(scope="module")
def acme(acme: Server) -> Server:
    """With three numbers, added by the API."""
    for number, agent in (("+15551230001", "Ann"), ("+15551230002", "Bob"), ("+15551230003", "Cyd")):
        draft = {"phone_number": number, "provider": "twilio", "inbound_agent_name": agent}
        send(acme, "POST", "endpoints", draft)
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
    field = table.get_by_label("Inbound agent")
    expect(field).to_be_focused()
    expect(field).to_have_value("Ann")
    field.fill("Anna")
    field.press("Enter")
    expect(table.get_by_role("row", name="+1 555-123-0001")).to_contain_text("Anna")
    expect(table.get_by_text("+1 555-123-0001 saved.")).to_be_visible()
    expect(field).to_have_count(0)
    assert stayed(table)


def test_where_no_row_can_be_ticked_nothing_is_ticked(dana: Page, acme: Server) -> None:
    dana.goto(f"{PATH}?q=5551230003")
    edit = dana.get_by_role("link", name="Edit +1 555-123-0003").get_attribute("href")
    dana.goto(edit or "")
    expect(dana.get_by_label("Inbound agent")).to_be_visible()
    expect(dana.get_by_role("checkbox", name="Select all on this page")).not_to_be_checked()


def test_escape_leaves_an_edit_as_it_was(table: Page) -> None:
    table.get_by_role("link", name="Edit +1 555-123-0002").click()
    field = table.get_by_label("Inbound agent")
    field.fill("Somebody else")
    field.press("Escape")
    expect(field).to_have_count(0)
    expect(table.get_by_role("row", name="+1 555-123-0002")).to_contain_text("Bob")
    expect(table.get_by_role("link", name="Edit +1 555-123-0002")).to_be_focused()
    assert stayed(table)


def test_a_mistake_is_shown_beside_its_field_in_place(table: Page) -> None:
    table.get_by_role("link", name="Edit +1 555-123-0002").click()
    field = table.get_by_label("Inbound agent")
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
    expect(table.locator(".pb-toast")).to_contain_text("changed")
    expect(table.get_by_role("row", name="+1 555-123-0001")).to_contain_text("Inactive")
    expect(table.get_by_role("row", name="+1 555-123-0002")).to_be_visible()
    assert stayed(table)


def test_the_page_of_a_proxy_is_not_put_into_the_table(table: Page) -> None:
    table.route("**/active*", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    table.get_by_role("button", name="Active: +1 555-123-0003").click()
    expect(table.locator(".pb-toast.pb-bad")).to_be_visible()
    expect(table.get_by_text("Bad gateway")).to_have_count(0)
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_be_visible()


def test_a_change_without_a_session_is_told_and_the_table_stays(table: Page) -> None:
    table.context.clear_cookies()
    table.get_by_role("button", name="Active: +1 555-123-0003").click()
    expect(table.locator(".pb-toast")).to_contain_text("Your session has expired.")
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_be_visible()


def test_what_was_typed_outlasts_the_session(table: Page) -> None:
    """After signing in in another tab it can be sent, with the token of the new session."""
    table.get_by_role("link", name="Edit +1 555-123-0003").click()
    table.get_by_label("Label").fill("Typed for long")
    table.context.clear_cookies()
    table.keyboard.press("Enter")
    expect(table.locator(".pb-toast")).to_contain_text("Your changes are still here.")
    sign_in(table.context.new_page())
    table.get_by_role("button", name="Save").click()
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_contain_text("Typed for long")
    assert stayed(table)


def test_a_session_that_ended_leads_to_the_sign_in_page(table: Page) -> None:
    table.context.clear_cookies()
    table.get_by_role("link", name="Edit +1 555-123-0003").click()
    expect(table.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(table.get_by_label("Password")).to_have_count(1)


def test_two_who_edit_one_row_see_both_sides_in_place(table: Page, browser: Browser, acme: Server) -> None:
    """Each in a browser of their own; what only the other one changed is kept."""
    context = browser.new_context(base_url=acme.url)
    context.set_default_timeout(10_000)
    other = sign_in(context.new_page())
    other.goto(PATH)
    for page in (table, other):
        page.get_by_role("link", name="Edit +1 555-123-0003").click()
        expect(page.get_by_label("Inbound agent")).to_be_focused()
    other.get_by_label("Inbound agent").fill("Theirs")
    other.get_by_label("Label").fill("Their label")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("+1 555-123-0003 saved.")).to_be_visible()
    table.get_by_label("Inbound agent").fill("Mine")
    table.get_by_role("button", name="Save").click()
    expect(table.get_by_role("alert")).to_be_focused()
    compared = table.locator(".pb-compare")
    expect(compared).to_contain_text("You both changed this. The form has your value.")
    expect(compared).to_contain_text("Only they changed this. The form has their value.")
    expect(table.get_by_label("Inbound agent")).to_have_value("Mine")
    expect(table.get_by_label("Label")).to_have_value("Their label")
    table.get_by_role("button", name="Save").click()
    row = table.get_by_role("row", name="+1 555-123-0003")
    expect(row).to_contain_text("Mine")
    expect(row).to_contain_text("Their label")
    assert stayed(table)
    context.close()


def test_a_mistake_is_mended_with_the_keyboard_alone(table: Page) -> None:
    edit = table.get_by_role("link", name="Edit +1 555-123-0002")
    edit.focus()
    edit.press("Enter")
    field = table.get_by_label("Inbound agent")
    expect(field).to_be_focused()
    table.keyboard.type("x/y")
    table.keyboard.press("Enter")
    expect(table.get_by_role("alert")).to_be_focused()
    table.keyboard.press("Tab")
    table.keyboard.press("Enter")
    expect(field).to_be_focused()
    table.keyboard.press("Control+A")
    table.keyboard.type("Bob")
    table.keyboard.press("Enter")
    expect(field).to_have_count(0)
    expect(edit).to_be_focused()
    edit.press("Enter")
    field.press("Control+A")
    table.keyboard.type("x/y")
    table.keyboard.press("Enter")
    expect(table.get_by_role("alert")).to_be_focused()
    table.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(edit).to_be_focused()
    assert stayed(table)


def test_a_stale_edit_is_saved_over_with_the_keyboard_alone(table: Page) -> None:
    edit = table.get_by_role("link", name="Edit +1 555-123-0002")
    edit.press("Enter")
    field = table.get_by_label("Inbound agent")
    expect(field).to_be_focused()
    other = table.context.new_page()
    other.goto(PATH)
    other.get_by_role("link", name="Edit +1 555-123-0002").click()
    other.get_by_label("Label").fill("Theirs")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("Theirs")).to_be_visible()
    field.fill("Bobby")
    field.press("Enter")
    expect(table.get_by_role("alert")).to_be_focused()
    expect(table.get_by_role("alert")).to_contain_text("Theirs")
    field.press("Enter")
    expect(field).to_have_count(0)
    expect(edit).to_be_focused()
    expect(table.get_by_role("row", name="+1 555-123-0002")).to_contain_text("Bobby")
    assert stayed(table)


def test_ticks_are_counted_and_outlast_what_is_changed_beside_them(table: Page) -> None:
    bar = table.get_by_role("form", name="With the selected endpoints")
    expect(bar).to_be_hidden()
    first = table.get_by_label("Select +1 555-123-0001")
    first.press("Space")
    expect(bar).to_contain_text("1 selected")
    table.get_by_role("button", name="Active: +1 555-123-0003").click()
    expect(table.get_by_text("+1 555-123-0003 deactivated")).to_be_visible()
    expect(first).to_be_checked()
    expect(bar).to_contain_text("1 selected")
    everything = table.get_by_label("Select all on this page")
    everything.check()
    expect(bar).to_contain_text("3 selected")
    everything.uncheck()
    expect(bar).to_be_hidden()
    table.get_by_label("Select +1 555-123-0002").check()
    bar.get_by_role("button", name="Set inbound agent…").press("Enter")
    expect(table.get_by_role("heading", level=1)).to_have_text("Set inbound agent of 1 endpoint?")
    expect(table.get_by_label("Inbound agent", exact=True)).to_be_focused()
    table.keyboard.type("Cyd")
    table.keyboard.press("Enter")
    expect(table.get_by_text("1 endpoint updated.")).to_be_visible()


@pytest.mark.parametrize("page", [False], indirect=True)
def test_a_large_file_leads_on_by_itself_without_javascript(dana: Page) -> None:
    rows = "\n".join(f"+1212555{n:04d},twilio,Reception" for n in range(2000))
    file = f"phone_number,provider,inbound_agent_name\n{rows}".encode()
    dana.goto(f"{PATH}/import")
    dana.get_by_label("CSV file").set_input_files(
        {"name": "lines.csv", "mimeType": "text/csv", "buffer": file}
    )
    dana.get_by_role("button", name="Preview import").click()
    dana.get_by_role("button", name="Import 2,000 rows").click()
    expect(dana.get_by_text("Imported: 2,000 added, 0 changed.")).to_be_visible()
    dana.go_back()
    expect(dana.get_by_role("heading", name="Imported endpoints")).to_be_visible()


def test_what_is_left_to_do_is_a_link_in_the_message(dana: Page, acme: Server) -> None:
    values = {"exotel_account_sid": "example1", "exotel_api_key": "sample-key"}
    values |= {"exotel_api_token": "sample-token", "public_base_url": "https://voice.acme.example"}
    send(acme, "PUT", "telephony", values)
    number = {"phone_number": "+918047112345", "provider": "exotel", "inbound_agent_name": "Ann"}
    send(acme, "POST", "endpoints", number)
    dana.goto(f"{PATH}?q=918047112345")
    dana.get_by_role("link", name="Edit +91 80 4711 2345").click()
    dana.get_by_label("Inbound agent").fill("Bob")
    dana.get_by_role("button", name="Save").click()
    told = dana.locator(".pb-toast").filter(has_text=messages.update_webhook_manually("Exotel"))
    expect(told.get_by_role("link", name="See how")).to_have_attribute("href", re.compile("/provider$"))
