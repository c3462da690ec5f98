"""axe finds nothing on any page, narrow and dark, or wide and light; and none is wider than its window."""

from __future__ import annotations

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.web.access import messages
from devtools.scopes import PASSWORD
from devtools.server import Server

HERE = "/o/meridian-support"
PLACES = [
    "/",
    "/account",
    "/audit",
    "/organizations/new",
    "/api/docs",
    "/find?q=me",
    *(
        f"{HERE}/{path}"
        for path in (
            "",
            "endpoints",
            "endpoints?q=nothing+like+it",
            "endpoints/new",
            "endpoints/import",
            "who-answers",
            "who-answers?number=%2B14155550101",
            "who-answers?number=%2B14165550100",
            "who-answers?number=%2B15550000000",
            "settings/base-url?url=https://other.example.com",
            "calls",
            "check",
            "numbers",
            "providers/twilio/numbers",
            "people",
            "people/new",
            "audit",
            "audit?q=nothing+like+it&from=2026-03-02&to=2026-03-01&about=Twilio",
            "settings",
            "voice-ai",
            "voice-ai/tool-secret",
            "active/voice?provider=twilio",
            "providers/twilio",
            "providers/twilio/disable",
            "providers/twilio/forget",
            "providers/sinch/callback",
            "providers/exotel",
            "nowhere",
        )
    ),
]
FOLLOWED = {
    f"{HERE}/endpoints": "tbody th a",
    f"{HERE}/people": "tbody th a",
    f"{HERE}/who-answers?number=%2B13125550166": "a[href$='edit=1']",
}
"""Pages whose address is known to another page alone: the first such link there."""


@pytest.fixture(scope="module")
def acme(acme: Server) -> Server:
    acme.flask("demo")
    return acme


RUN_AXE = """
axe.run({resultTypes: ["violations"], preload: false}).then(
  ({violations}) => violations.map(({id, nodes}) => `${id} at ${nodes[0].target}`)
)
"""

SETTLE = """
() => {
  for (let depth = 0; depth < 20; depth++) {
    for (const one of document.getAnimations()) {
      if (one.effect.getComputedTiming().endTime === Infinity) one.cancel();
      else one.finish();
    }
  }
}
"""
"""What inherits a colour from something that fades begins to fade itself when that is done."""


def look(page: Page, where: str) -> list[str]:
    """What axe finds, in a line each, and whether the page is too wide."""
    expect(page.locator("[hx-trigger=load]")).to_have_count(0, timeout=20_000)
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    told = [f"{where}: {one}" for one in page.evaluate(RUN_AXE)]
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*told, *([f"{where}: {overflow} px too wide"] if overflow > 0 else [])]


GROUNDS = {"light": "rgb(244, 245, 247)", "dark": "rgb(14, 17, 22)"}


def look_both(page: Page, where: str) -> list[str]:
    """The page as it stands, both ways."""
    found: list[str] = []
    for width, scheme in ((360, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        expect(page.locator("body")).to_have_css("background-color", GROUNDS[scheme])
        page.evaluate(SETTLE)
        found += look(page, f"{where}, {width}")
    return found


def test_nothing_is_found_on_any_page(dana: Page) -> None:
    found: list[str] = []
    for place in PLACES:
        dana.goto(place)
        found += look_both(dana, place)
    for place, link in FOLLOWED.items():
        dana.goto(place)
        dana.locator(link).first.click()
        dana.wait_for_url(lambda url, place=place: not url.endswith(place))  # type: ignore[misc]
        found += look_both(dana, dana.url)
    assert found == []


def test_nor_before_signing_in(page: Page, acme: Server) -> None:
    found: list[str] = []
    for place in ("/sign-in", "/nowhere", "/setup"):
        page.goto(place)
        found += look_both(page, place)
    assert found == []


def test_nor_while_a_member_sets_two_step_sign_in_up_and_uses_a_recovery_code(
    page: Page, acme: Server
) -> None:
    lee = ["users", "create", "--email", "lee@acme.example", "--name", "Lee", "--role", "member"]
    acme.flask(*lee, "--organization", "Acme Support", "--password-stdin", typed=f"{PASSWORD}\n")

    def enter() -> None:
        page.goto("/sign-in")
        page.get_by_label("Email").fill("lee@acme.example")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()

    enter()
    found = look_both(page, "account")
    page.locator("#totpbegin-your_password").fill(PASSWORD)
    page.get_by_role("button", name="Set up two-step sign-in").click()
    page.get_by_text("Can't scan it?").click()
    key = page.locator("#two-step .pb-once code").first.inner_text()
    found += look_both(page, "enrolment")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(key.replace(" ", "")).now())
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator(".pb-codes code").all_inner_texts()
    assert len(codes) == 10
    found += look_both(page, "recovery codes")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.path().read_text().splitlines()[2:] == codes
    page.get_by_role("link", name="I've saved these codes").click()
    page.get_by_text("New recovery codes…").click()
    page.get_by_text("Turn off two-step sign-in…").click()
    found += look_both(page, "switched on")
    page.context.clear_cookies()
    enter()
    page.get_by_role("link", name="Use a recovery code").click()
    found += look_both(page, "recovery")
    page.get_by_label("Recovery code").fill(codes[0])
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(messages.recovery_code_used(9, few=False))).to_be_visible()
    expect(page.get_by_role("button", name="Sign out everywhere else")).to_be_visible()
    found += look_both(page, "signed in twice")
    assert found == []


def test_nor_where_two_edit_one_form(dana: Page) -> None:
    dana.goto(f"{HERE}/settings")
    other = dana.context.new_page()
    other.goto(f"{HERE}/settings")
    for page, name in ((other, "Meridian one"), (dana, "Meridian two")):
        page.get_by_label("Name").fill(name)
        page.get_by_role("button", name="Save", exact=True).click()
    expect(dana.locator(".pb-compare")).to_be_visible()
    found = look_both(dana, "settings")
    dana.goto(f"{HERE}/people")
    dana.locator("tbody th a").first.click()
    dana.get_by_text("Sign out everywhere").or_(dana.get_by_text("Reset password…")).first.click()
    found += look_both(dana, "reset")
    assert found == []


def test_nor_where_a_change_of_many_is_undone(dana: Page) -> None:
    dana.goto(f"{HERE}/endpoints/many?do=inbound_agent_name&all=yes")
    dana.get_by_label("Inbound agent", exact=True).fill("wrong-agent")
    found = look_both(dana, "many")
    dana.get_by_label("Reason").fill("A test")
    dana.get_by_role("button", name="Set inbound agent").click()
    dana.get_by_role("link", name="Undo…").click()
    found += look_both(dana, "undo")
    dana.get_by_role("button", name="Restore ").click()
    expect(dana.get_by_role("heading", name="Endpoints restored")).to_be_visible()
    found += look_both(dana, "event")
    dana.goto(f"{HERE}/endpoints")
    dana.locator("tbody th a").first.click()
    expect(dana.locator("#history")).to_contain_text("Together with: 9 endpoints")
    found += look_both(dana, "history of one")
    assert found == []
