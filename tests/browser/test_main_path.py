"""From the setup link on the console to a webhook URL on the clipboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.server import Server, served

BASE = "https://voice.harbour.example"
URL = f"{BASE}/telephony/twilio/inbound/Night%20desk"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A new one for each: the setup link works once."""
    with served(tmp_path_factory.mktemp("server")) as server:
        yield server


def setup_link(server: Server) -> str:
    (link,) = re.findall(r"http://\S+/setup\?key=\S+", server.output())
    return link


@pytest.mark.parametrize("page", [True, False], ids=["scripts", "no-scripts"], indirect=True)
def test_from_the_setup_link_to_the_webhook_url(page: Page, server: Server) -> None:
    page.goto(setup_link(server))
    page.get_by_label("Organization").fill("Blue Harbour")
    page.get_by_label("Your name").fill("Ines")
    page.get_by_label("Email").fill("ines@harbour.example")
    page.get_by_label("Password").fill("a lamp in the north window")
    page.get_by_role("button", name="Create and sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Checklist")
    page.get_by_role("link", name="Set base URL").click()
    page.get_by_label("Public base URL").fill(BASE)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()

    page.get_by_role("link", name="Checklist").click()
    page.get_by_role("link", name="Connect", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Twilio")
    page.get_by_label("Account SID").fill("AC" + "0" * 32)
    page.get_by_label("Auth token").fill("made-up-token-of-harbour")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("stored, ends in")).to_be_visible()
    assert "made-up-token-of-harbour" not in page.content()
    page.get_by_role("link", name="Make active for telephony").first.click()
    page.get_by_role("button", name="Make Twilio active").click()
    expect(page.get_by_text("Twilio is active for telephony.")).to_be_visible()

    page.get_by_role("link", name="Checklist").click()
    page.get_by_role("link", name="Add endpoint").click()
    page.get_by_label("Phone number").fill("+1 (555) 123-4567")
    page.get_by_label("Answered by").fill("Night desk")
    page.get_by_role("button", name="Add endpoint").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("+1 555-123-4567")
    expect(page.get_by_text(URL, exact=True)).to_be_visible()
    page.get_by_role("link", name="Checklist").click()
    expect(page.get_by_text("4 of 6 done.")).to_be_visible()


def test_the_webhook_url_is_copied_and_pasted(page: Page, server: Server) -> None:
    page.goto(setup_link(server))
    for label, typed in {
        "Organization": "Blue Harbour",
        "Your name": "Ines",
        "Email": "ines@harbour.example",
        "Password": "a lamp in the north window",
    }.items():
        page.get_by_label(label).fill(typed)
    page.get_by_role("button", name="Create and sign in").click()
    page.get_by_role("link", name="Set base URL").click()
    page.get_by_label("Public base URL").fill(BASE)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Endpoints").click()
    page.get_by_role("link", name="Add endpoint").first.click()
    page.get_by_label("Phone number").fill("+15551234567")
    page.get_by_label("Answered by").fill("Night desk")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copy webhook URL").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()

    page.get_by_role("link", name="Endpoints").click()
    search = page.get_by_role("searchbox", name="Search endpoints")
    search.focus()
    page.keyboard.press("Control+V")
    expect(search).to_have_value(URL)
    search.fill("")
    page.get_by_role("button", name="Copy webhook URL of +1 555-123-4567").click()
    search.focus()
    page.keyboard.press("Control+V")
    expect(search).to_have_value(URL)
