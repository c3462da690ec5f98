"""Passwords: shown while they are typed, and measured by the rule that refuses short ones."""

from __future__ import annotations

import re
import time

import pyotp
from playwright.sync_api import Page, expect

from app import create_app
from app.config import Settings
from app.models import User
from app.services.access import totp
from app.services.access.passwords import SHORTEST
from devtools.scopes import PASSWORD
from devtools.server import Server
from tests.browser.conftest import ACME
from tests.support.full_organization import Furnished, scope_as

RECORD = "field => field.form.addEventListener('submit', () => (window.name = field.type))"


def test_shown_password_is_sent_as_one_and_a_code_with_its_last_digit(
    page: Page, here: Furnished, server: Server
) -> None:
    app = create_app(Settings.from_environment(server.environment))
    with scope_as(app, here.cast.gus) as scope:
        gus = scope.session.get_one(User, here.cast.gus.id)
        key = totp.begin(scope, gus).split("secret=")[1].split("&")[0]
        totp.confirm(scope, gus, pyotp.TOTP(key).at(time.time() - 30))
    page.goto("/sign-in")
    page.get_by_label("Email").fill(here.cast.gus.email)
    field = page.get_by_label("Password")
    field.fill(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(field).to_have_attribute("type", "text")
    expect(page.get_by_role("button", pressed=True)).to_be_focused()
    field.evaluate(RECORD)
    field.press("Enter")
    page.get_by_label("Code").press_sequentially(pyotp.TOTP(key).now())
    expect(page.get_by_role("heading", level=1)).to_have_text("Organizations")
    assert page.evaluate("window.name") == "password"


def test_questions_move_no_row_measure_a_password_and_begin_with_it(dana: Page) -> None:
    """As the server does."""
    dana.goto("/account")
    last = dana.locator(".pb-part").last
    before = last.bounding_box()
    for name in ("Create token…", "Change password…"):
        dana.keyboard.press("Escape")
        dana.get_by_text(name).click()
        expect(dana.locator("dialog:modal")).to_be_visible()
        assert last.bounding_box() == before
    field, meter = dana.get_by_label("New password"), dana.locator("#password-new_password-meter")
    expect(meter).to_be_hidden()
    field.fill("x" * (SHORTEST - 1))
    expect(meter.get_by_role("status")).to_have_text("1 more")
    field.press_sequentially("x")
    expect(meter.locator("progress")).to_have_attribute("max", str(SHORTEST))
    assert meter.locator("progress").evaluate("(each) => each.value") == SHORTEST
    dana.goto(f"{ACME}/voice-ai/tool-secret")
    expect(dana.get_by_label("Your password")).to_be_focused()


def test_people_are_a_table_where_it_fits(dana: Page) -> None:
    """On a phone no row is without a value. A wide window has the page in its middle."""
    dana.goto(f"{ACME}/people")
    cell = dana.locator("tbody td").first
    never = dana.locator("td[data-label='Last signed in']:has(.pb-quiet)").first
    for width, is_table in ((390, False), (720, True), (920, False), (1024, True), (1280, True)):
        dana.set_viewport_size({"width": width, "height": 800})
        display = "table-cell" if is_table else "^(?!table-cell)"
        expect(cell).to_have_css("display", re.compile(display))
        assert dana.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
        expect(dana.locator("td[data-label=Role]").first).to_be_visible()
        if width in (390, 1280):
            expect(never).to_be_visible(visible=is_table)
    dana.set_viewport_size({"width": 2200, "height": 800})
    main, rail = dana.locator("main").bounding_box(), dana.locator(".pb-rail").bounding_box()
    assert main
    assert rail
    right = dana.evaluate("document.body.clientWidth") - main["x"] - main["width"]
    assert main["x"] - rail["width"] == right > 100
