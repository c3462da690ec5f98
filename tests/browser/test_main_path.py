"""From the setup link on the console to an answered call, and on: by keyboard alone, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyotp
import pytest
from playwright.sync_api import Locator, Page, expect

from devtools.server import Server, served
from simulators.console import OTHER_URL
from simulators.twilio import Twilio
from simulators.vobiz import Vobiz
from tests.support.hashing import QUICK_SERVER
from tests.support.users import Keyboard, Mouse

BASE = "https://voice.harbour.example"
URL = f"{BASE}/telephony/twilio/inbound/Night%20desk"
PASSWORD = "a lamp in the north window"
HERE = "/o/blue-harbour"


@pytest.fixture(scope="module")
def twilio() -> Iterator[Twilio]:
    with Twilio() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def vobiz() -> Iterator[Vobiz]:
    with Vobiz() as upstream:
        yield upstream


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, twilio: Twilio, vobiz: Vobiz) -> Iterator[Server]:
    """A new one for each: the setup link works once."""
    bases = {**twilio.upstreams, **vobiz.upstreams}
    upstreams = ",".join(f"{host}={base}" for host, base in bases.items())
    settings = QUICK_SERVER | {"PATCHBAY_UPSTREAMS": upstreams}
    with served(tmp_path_factory.mktemp("server"), settings) as server:
        yield server


def test_five_actions_to_a_webhook_url(page: Page, server: Server) -> None:
    """From the setup link: each page leads to the next one, and the last shows the URL."""
    link = setup_link(server)
    page.goto(server.url)
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)
    expect(page.get_by_text("/setup#")).to_be_visible()
    page.goto(link)
    main = page.locator("main")
    own = {"Organization": "Blue Harbour", "Your name": "Ines", "Email": "ines@harbour.example"}
    for label, text in (own | {"Password": PASSWORD}).items():
        main.get_by_label(label, exact=True).fill(text)
    main.get_by_role("button", name="Create and sign in").click()
    main.get_by_label("Public base URL").fill("voice.harbour.example")
    main.get_by_role("button", name="Save").click()
    main.get_by_role("link", name="add a number").click()
    main.get_by_label("Phone number").fill("+15551234567")
    main.get_by_label("Inbound agent").fill("Night desk")
    main.get_by_role("button", name="Add endpoint").click()
    main.get_by_role("button", name="Copy webhook URL").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    expect(main.get_by_text(URL, exact=True).first).to_be_visible()
    expect(main.get_by_role("link", name="Connect a provider")).to_be_visible()


def setup_link(server: Server) -> str:
    (link,) = re.findall(r"http://\S+/setup#\S+", server.output())
    return link


@dataclass
class Walk:
    """What a person does, and where each step must lead."""

    hand: Mouse | Keyboard
    twilio: Twilio
    vobiz: Vobiz

    @property
    def page(self) -> Page:
        return self.hand.page

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def link(self, name: str, *, exact: bool = False) -> None:
        self.hand.press(self.page.get_by_role("link", name=name, exact=exact).first)

    def button(self, name: str) -> None:
        self.hand.press(self.main.get_by_role("button", name=name).first)

    def fields(self, **typed: str) -> None:
        for label, text in typed.items():
            self.hand.fill(self.main.get_by_label(label.replace("_", " ")).first, text)

    def sees(self, text: str) -> None:
        expect(self.main.get_by_text(text).first).to_be_visible()

    def begin(self, key: str) -> None:
        """A script takes the key out of the address; without scripts a person types it."""
        field = self.main.get_by_label("Setup key")
        if isinstance(self.hand, Keyboard):
            expect(field).to_have_value(key)
            expect(self.page).to_have_url(re.compile("/setup$"))
        else:
            self.fields(Setup_key=key)
        self.fields(Organization="Blue Harbour", Your_name="Ines", Email="ines@harbour.example")
        self.fields(Password=PASSWORD)
        self.button("Create and sign in")
        self.is_at_step("base-url")
        self.fields(Public_base_URL=BASE.removeprefix("https://"))
        self.button("Save")
        self.sees(f"the base URL is {BASE}.")

    def is_at_step(self, key: str) -> None:
        """The home shows the setup, with the form or the buttons of that step."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Home")
        expect(self.main.locator("[data-step][aria-current=step]")).to_have_attribute("data-step", key)

    def connect(self) -> None:
        token = str(self.twilio.values["auth_token"])
        self.is_at_step("provider")
        self.link("Connect Twilio")
        self.fields(Account_SID=self.twilio.sid, Auth_token=token)
        self.button("Save")
        self.sees("Twilio is now the default for agent calls.")
        assert token not in self.page.content()
        self.is_at_step("number")

    def import_numbers(self) -> None:
        self.link("Import from a provider…")
        self.link("List numbers of Twilio")
        show = self.page.get_by_role("link", name="List numbers")
        boxes = self.main.get_by_label(re.compile("^Import "))
        expect(boxes.or_(show).first).to_be_visible()
        if show.count():
            self.hand.press(show)
        if isinstance(self.hand, Keyboard):
            self.select_all_but_one(boxes)
        else:
            self.hand.tick(boxes.nth(0), boxes.nth(1))
        self.fields(Inbound_agent="Night desk")
        self.button("Import as endpoints")
        self.sees("2 numbers imported.")
        if isinstance(self.hand, Keyboard):
            expect(boxes).to_have_count(3)
            self.main.get_by_label("Status").select_option("mapped")
            expect(boxes).to_have_count(2)
            expect(self.page).to_have_url(re.compile(r"/numbers\?.*state=mapped"))

    def select_all_but_one(self, boxes: Locator) -> None:
        self.hand.press(self.page.locator("button[data-tick-all]"))
        expect(self.page.locator("[data-ticked]")).to_have_text("3 selected")
        boxes.nth(2).press("Space")
        expect(self.page.locator("[data-ticked]")).to_have_text("2 selected")

    def set_the_webhook(self) -> None:
        self.link("View endpoints")
        self.link("+1 555-123-4567", exact=True)
        expect(self.page.get_by_text(URL, exact=True).first).to_be_visible()
        self.ask_twilio()
        self.button("Set webhook at Twilio")
        self.sees("In sync")
        assert self.twilio.numbers["+15551234567"].voice_url == URL

    def copy_the_url(self) -> None:
        """Here and in the table; what is pasted is it."""
        self.button("Copy webhook URL")
        expect(self.page.get_by_text("Copied", exact=True)).to_be_visible()
        self.link("Endpoints")
        search = self.page.get_by_role("searchbox", name="Search endpoints")
        for _ in range(2):
            self.hand.fill(search, "")
            self.page.keyboard.press("Control+V")
            expect(search).to_have_value(URL)
            self.hand.fill(search, "")
            self.button("Copy webhook URL of +1 555-123-4567")

    def ask_twilio(self) -> None:
        """With scripts the answer comes by itself."""
        self.sees("At Twilio")
        look = self.page.get_by_role("link", name="Check at Twilio")
        expect(look.or_(self.page.get_by_role("link", name="Check again")).first).to_be_visible()
        if isinstance(self.hand, Mouse):
            self.hand.press(look)
        expect(self.page.get_by_role("link", name="Check again")).to_be_visible()

    def trace_a_number(self, answer: str) -> None:
        self.link("Trace a number")
        self.fields(Phone_number="+1 (555) 123-4567")
        self.button("Trace")
        if isinstance(self.hand, Mouse):
            self.hand.press(self.page.get_by_role("link", name="Check now"))
        self.sees(answer)

    def mend_a_drift(self) -> None:
        self.twilio.numbers["+15551234567"].voice_url = OTHER_URL
        self.link("Endpoints")
        self.button("Check all numbers")
        wrong = self.main.locator("tbody").get_by_text("Wrong URL")
        for _ in range(40):
            if isinstance(self.hand, Keyboard) or wrong.count():
                break
            self.page.wait_for_timeout(250)
            self.page.reload()
        expect(wrong.first).to_be_visible()
        if isinstance(self.hand, Keyboard):
            self.page.get_by_role("link", name="+1 555-123-4567", exact=True).focus()
            self.page.keyboard.press("r")
        else:
            self.link("Repair +1 555-123-4567")
        self.ask_twilio()
        expect(self.page.locator("#badge-endpoints-table")).to_have_text(", 2 drifted")
        if isinstance(self.hand, Keyboard):
            expect(self.page.get_by_role("button", name="Repair at Twilio")).to_be_visible()
            self.page.keyboard.press("r")
        else:
            self.button("Repair at Twilio")
        self.sees("In sync")
        expect(self.page.locator("#badge-endpoints-table")).to_have_text(", 1 drifted")
        assert self.twilio.numbers["+15551234567"].voice_url == URL

    def move_to_vobiz(self) -> None:
        self.link("Vobiz")
        own = self.vobiz.values
        self.fields(Auth_id=str(own["auth_id"]), Auth_token=str(own["auth_token"]))
        self.button("Save")
        self.link("Make default for agent calls")
        self.sees("Replaces Twilio.")
        self.fields(Reason="Cheaper at night")
        self.button("Make Vobiz the default")
        self.sees("Cheaper at night")

    def import_a_sheet(self) -> None:
        self.link("Endpoints")
        self.link("Import CSV")
        rows = "phone_number,provider,inbound_agent_name\n+15551230001,twilio,Night desk\n"
        self.hand.fill(self.main.locator("textarea"), rows)
        self.button("Preview import")
        self.button("Import 1 row")
        self.sees("Result")

    def change_many(self) -> None:
        self.link("Endpoints")
        boxes = self.main.get_by_label(re.compile(r"^Select \+1"))
        self.hand.tick(boxes.nth(1), boxes.nth(2))
        if isinstance(self.hand, Keyboard):
            self.page.keyboard.press("Enter")
            expect(self.main.locator("[data-do] button").first).to_be_focused()
        self.button("Set inbound agent…")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Set inbound agent of 2 endpoints?")
        self.fields(Inbound_agent="Day desk")
        self.button("Set inbound agent of 2 endpoints")
        self.sees("2 endpoints updated.")

    def add_a_person(self) -> None:
        self.link("People")
        self.link("Add person")
        self.fields(Name="Milo", Email="milo@harbour.example")
        self.button("Create invitation")
        self.link("Done", exact=True)
        self.hand.press(self.main.get_by_text("Create token…"))
        issue = self.main.get_by_role("form", name="Create token…")
        self.hand.fill(issue.get_by_label("Name"), "Dialer")
        self.hand.fill(issue.get_by_label("Your password"), PASSWORD)
        issue.get_by_role("button", name="Create token").press("Enter")
        self.sees("Shown only once")
        self.link("Done", exact=True)
        self.sees("Revoke…")

    def secure_the_account(self) -> None:
        self.link("your account")
        self.sees("This device")
        self.hand.press(self.page.get_by_text("Set up…"))
        self.hand.fill(self.page.locator("#totpbegin-your_password"), PASSWORD)
        self.button("Set up two-step sign-in")
        expect(self.page.get_by_role("img", name="QR code")).to_be_visible()
        if isinstance(self.hand, Keyboard):
            expect(self.page.get_by_label("Code", exact=True)).to_be_focused()
            self.page.keyboard.press("Shift+Tab")
        self.hand.press(self.page.get_by_text("Can't scan it?"))
        key = self.page.locator("#two-step .pb-once code").first.inner_text()
        self.hand.fill(self.page.get_by_label("Code", exact=True), pyotp.TOTP(key.replace(" ", "")).now())
        self.button("Turn on")
        expect(self.page.locator(".pb-codes code")).to_have_count(10)
        for _ in range(2):
            with self.page.expect_download():
                self.button("Download")
        self.link("I've saved these codes")
        self.sees("10 recovery codes left.")

    def take_the_record_along(self) -> None:
        self.page.goto(f"{HERE}/audit")
        self.sees("Cheaper at night")
        with self.page.expect_download():
            self.link("CSV", exact=True)

    def leave(self) -> None:
        self.hand.press(self.page.get_by_role("button", name="Sign out"))
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.fixture
def walk(page: Page, kind: type[Keyboard | Mouse], server: Server, twilio: Twilio, vobiz: Vobiz) -> Walk:
    """As far as a number whose webhook is set at Twilio."""
    for number in twilio.numbers.values():
        number.voice_url = ""
    link = setup_link(server)
    page.goto(link)
    page.emulate_media(reduced_motion="reduce")
    walk = Walk(kind(page), twilio, vobiz)
    walk.begin(link.partition("#")[2])
    walk.connect()
    walk.import_numbers()
    walk.set_the_webhook()
    return walk


@pytest.mark.thorough(
    "test_five_actions_to_a_webhook_url",
    "test_setup_leads_to_a_verified_webhook_and_a_problem_to_its_fix",
    "test_import_and_assignment_of_the_selection",
    "test_trace_finds_a_number_as_it_is_typed_or_its_users",
    "test_edit_in_place_is_saved_left_and_corrected_by_keyboard",
    "test_palette_works_by_keyboard_alone",
)
@pytest.mark.parametrize(
    ("page", "kind"), [(True, Keyboard), (False, Mouse)], ids=["keyboard", "no-scripts"], indirect=["page"]
)
def test_the_whole_path(walk: Walk, kind: type[Keyboard | Mouse]) -> None:
    if kind is Keyboard:
        walk.copy_the_url()
    walk.trace_a_number("verified with Twilio")
    walk.mend_a_drift()
    walk.move_to_vobiz()
    walk.import_a_sheet()
    walk.change_many()
    walk.add_a_person()
    walk.secure_the_account()
    walk.take_the_record_along()
    walk.leave()
