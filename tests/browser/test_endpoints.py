"""The endpoints table in place: edit, toggle, search."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from app.services.endpoints import messages
from app.web.shell.render import BACKGROUND
from devtools.clients import ApiClient
from devtools.server import Server
from tests.browser.conftest import ACME, GLOBEX, sign_in
from tests.support.full_organization import Furnished

PATH = f"{GLOBEX}/endpoints"


@pytest.fixture(scope="module")
def api(server: Server, here: Furnished) -> ApiClient:
    """That of Globex, which has three numbers."""
    client = ApiClient(server.url, server.flask("tokens", "create", "--email", here.cast.gus.email))
    for number, agent in (("+15551230001", "Ann"), ("+15551230002", "Bob"), ("+15551230003", "Cyd")):
        draft = {"phone_number": number, "provider": "twilio", "inbound_agent_name": agent}
        assert client.call("POST", "/api/settings/endpoints", draft).status == 201
    return client


@pytest.fixture
def table(dana: Page, api: ApiClient) -> Page:
    again(dana)
    return dana


def again(page: Page) -> None:
    """Opens the table, and marks the document."""
    page.goto(PATH)
    page.evaluate("window.stayed = true")


def stayed(page: Page) -> bool:
    """Whether the document is the one that `again` marked."""
    return bool(page.evaluate("window.stayed === true"))


def test_edit_in_place_is_saved_left_and_corrected_by_keyboard(table: Page) -> None:
    table.get_by_role("link", name="Edit +1 555-123-0001").click()
    field = table.get_by_label("Inbound agent")
    expect(field).to_be_focused()
    expect(field).to_have_value("Ann")
    field.fill("Anna")
    field.press("Enter")
    expect(table.get_by_role("row", name="+1 555-123-0001")).to_contain_text("Anna")
    expect(table.get_by_text("+1 555-123-0001 saved.")).to_be_visible()
    expect(field).to_have_count(0)
    edit = table.get_by_role("link", name="Edit +1 555-123-0002")
    edit.click()
    field.fill("Another agent")
    field.press("Escape")
    expect(field).to_have_count(0)
    expect(table.get_by_role("row", name="+1 555-123-0002")).to_contain_text("Bob")
    expect(edit).to_be_focused()
    edit.click()
    field.fill("a/b")
    table.get_by_role("button", name="Save").click()
    expect(table.locator("#endpoint-inbound_agent_name-error")).to_contain_text("slash")
    expect(field).to_have_value("a/b")
    expect(table.get_by_role("alert")).to_be_focused()
    table.keyboard.press("Escape")
    expect(edit).to_be_focused()
    edit.press("Enter")
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
    assert stayed(table)


def test_table_is_searched_and_switched_in_place(table: Page) -> None:
    toggle = table.get_by_role("button", name="Active: +1 555-123-0003")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_contain_text("Inactive")
    expect(toggle).to_be_focused()
    toggle.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    search = table.get_by_role("searchbox", name="Search endpoints")
    table.keyboard.press("/")
    expect(search).to_be_focused()
    table.keyboard.type("0003")
    expect(table.locator("#matches")).to_contain_text("1 endpoint found")
    expect(search).to_be_focused()
    expect(search).to_have_value("0003")
    table.keyboard.press("Backspace")
    expect(table.locator("#matches")).to_contain_text("3 endpoints found")
    expect(search).to_be_focused()
    assert table.url.split("?")[1].startswith("q=000")
    assert stayed(table)


def test_a_change_is_undone_from_its_message(table: Page) -> None:
    table.get_by_role("link", name="Edit +1 555-123-0001").click()
    other = table.get_by_role("link", name="Edit +1 555-123-0002")
    table.get_by_label("Label").fill("Mistyped")
    other.click()
    expect(table.get_by_label("Inbound agent")).to_be_focused()
    expect(other).to_be_visible()
    table.get_by_label("Label").press("Enter")
    row = table.get_by_role("row", name="+1 555-123-0001")
    expect(row).to_contain_text("Mistyped")
    table.wait_for_load_state("networkidle")  # the counts have been read after the change
    with table.expect_request("**/endpoints/new"):
        table.get_by_role("link", name="Undo").press("Enter")
    expect(row).not_to_contain_text("Mistyped")
    expect(table.get_by_role("link", name="Edit +1 555-123-0001")).to_be_focused()
    assert stayed(table)


def test_table_stays_when_a_change_cannot_be_sent(table: Page, cookies: list[Any]) -> None:
    table.route("**/active*", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    table.get_by_role("button", name="Active: +1 555-123-0003").click()
    expect(table.locator(".pb-toast.pb-bad")).to_be_visible()
    expect(table.get_by_text("Bad gateway")).to_have_count(0)
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_be_visible()
    table.unroute("**/active*")
    table.context.clear_cookies()
    table.get_by_role("button", name="Active: +1 555-123-0003").click()
    expect(table.locator(".pb-toast").last).to_contain_text("Your session has expired.")
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_be_visible()
    table.context.add_cookies(cookies)
    again(table)
    table.get_by_role("link", name="Edit +1 555-123-0003").click()
    table.get_by_label("Label").fill("Typed for long")
    table.context.clear_cookies()
    table.keyboard.press("Enter")
    expect(table.locator(".pb-toast").last).to_contain_text("Your changes are still here.")
    sign_in(table.context.new_page())
    table.get_by_role("button", name="Save").click()
    expect(table.get_by_role("row", name="+1 555-123-0003")).to_contain_text("Typed for long")
    assert stayed(table)
    table.context.clear_cookies()
    table.get_by_role("link", name="Edit +1 555-123-0003").click()
    expect(table.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(table.get_by_label("Password")).to_have_count(1)


def test_only_what_a_page_reads_by_itself_is_marked(dana: Page, here: Furnished) -> None:
    """See `_flashed` in `app/web/shell/render.py`."""

    def is_part(request: Request) -> bool:
        return "hx-request" in request.headers

    with dana.expect_request(is_part) as by_itself:
        dana.goto(f"{ACME}/endpoints/{here.ids['endpoint_id']}")
    again(dana)
    with dana.expect_request(is_part) as by_user:
        dana.get_by_label("Search").fill("Ann")
    header = BACKGROUND.lower()
    assert [header in request.value.headers for request in (by_itself, by_user)] == [True, False]


@pytest.mark.thorough(
    "test_edit_in_place_is_saved_left_and_corrected_by_keyboard",
    "test_edit_in_place",
    "test_the_toggle_deactivates_and_activates",
)
def test_stale_edit_and_switch_show_what_others_changed(table: Page) -> None:
    """And keep the focus and the table; a stale edit is saved over."""
    other = table.context.new_page()
    other.goto(PATH)
    edit = table.get_by_role("link", name="Edit +1 555-123-0002")
    edit.press("Enter")
    field = table.get_by_label("Inbound agent")
    expect(field).to_be_focused()
    other.get_by_role("link", name="Edit +1 555-123-0002").click()
    other.get_by_label("Inbound agent").fill("Theirs")
    other.get_by_label("Label").fill("Their label")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("+1 555-123-0002 saved.")).to_be_visible()
    field.fill("Mine")
    field.press("Enter")
    expect(table.get_by_role("alert")).to_be_focused()
    compared = table.locator(".pb-compare")
    expect(compared).to_contain_text("You both changed this. The form has your value.")
    expect(compared).to_contain_text("Only they changed this. The form has their value.")
    expect(field).to_have_value("Mine")
    expect(table.get_by_label("Label")).to_have_value("Their label")
    field.press("Enter")
    expect(field).to_have_count(0)
    expect(edit).to_be_focused()
    row = table.get_by_role("row", name="+1 555-123-0002")
    expect(row).to_contain_text("Mine")
    expect(row).to_contain_text("Their label")
    toggle = other.get_by_role("button", name="Active: +1 555-123-0001")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "false")
    table.get_by_role("button", name="Active: +1 555-123-0001").click()
    expect(table.locator(".pb-toast.pb-bad")).to_contain_text("changed")
    expect(table.get_by_role("row", name="+1 555-123-0001")).to_contain_text("Inactive")
    expect(row).to_be_visible()
    assert stayed(table)


def test_selection_is_counted_and_outlasts_a_change_beside_it(table: Page) -> None:
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
    table.goto(f"{PATH}?q=5551230003")
    edit = table.get_by_role("link", name="Edit +1 555-123-0003").get_attribute("href")
    table.goto(edit or "")
    expect(table.get_by_label("Inbound agent")).to_be_visible()
    expect(table.get_by_role("checkbox", name="Select all on this page")).not_to_be_checked()


@pytest.mark.thorough("test_show_polls_while_the_job_runs_and_leads_to_its_result")
@pytest.mark.parametrize("page", [False], indirect=True)
def test_large_file_leads_on_by_itself_without_javascript(dana: Page) -> None:
    rows = "\n".join(f"+1917555{n:04d},twilio,Reception" for n in range(2000))
    file = f"phone_number,provider,inbound_agent_name\n{rows}".encode()
    dana.goto(f"{PATH}/import")
    dana.get_by_label("CSV file").set_input_files(
        {"name": "lines.csv", "mimeType": "text/csv", "buffer": file}
    )
    dana.get_by_role("button", name="Preview import").click()
    apply = dana.get_by_role("button", name="Import 2,000 rows")
    expect(apply).to_be_visible(timeout=30_000)
    apply.click()
    expect(dana.get_by_text("Imported: 2,000 added, 0 changed.")).to_be_visible(timeout=30_000)
    dana.go_back()
    expect(dana.get_by_role("heading", name="Imported endpoints")).to_be_visible()


def test_message_links_to_what_is_left_to_do(dana: Page, api: ApiClient) -> None:
    values = {"exotel_account_sid": "example1", "exotel_api_key": "sample-key"}
    values |= {"exotel_api_token": "sample-token", "public_base_url": "https://voice.acme.example"}
    assert api.call("PUT", "/api/settings/telephony", values).status == 200
    number = {"phone_number": "+918047119999", "provider": "exotel", "inbound_agent_name": "Ann"}
    assert api.call("POST", "/api/settings/endpoints", number).status == 201
    dana.goto(f"{PATH}?q=918047119999")
    dana.get_by_role("link", name="Edit +91 80 4711 9999").click()
    dana.get_by_label("Inbound agent").fill("Bob")
    dana.get_by_role("button", name="Save").click()
    reported = dana.locator(".pb-toast").filter(has_text=messages.update_webhook_manually("Exotel"))
    expect(reported.get_by_role("link", name="See how")).to_have_attribute("href", re.compile("/provider$"))


def test_a_row_is_one_line_and_agents_are_whole(dana: Page, api: ApiClient) -> None:
    draft = {"phone_number": "+15551230009", "provider": "twilio", "label": "Front desk, San Francisco"}
    agents = {"inbound_agent_name": "support-agent", "outbound_agent_name": "sales-agent"}
    assert api.call("POST", "/api/settings/endpoints", draft | agents).status == 201
    row = dana.locator("tr[data-row]").filter(has_text="support-agent")
    wrong = []
    dana.goto(PATH)
    for width in (1280, 1024, 720):
        dana.set_viewport_size({"width": width, "height": 800})
        height = row.evaluate("row => row.getBoundingClientRect().height")
        cut = row.locator(".pb-l-agents bdi").evaluate_all(
            "all => all.filter(it => it.scrollWidth > it.clientWidth).length"
        )
        if height > 45 or cut:
            wrong.append((width, height, cut))
    assert wrong == []
