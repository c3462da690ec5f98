"""axe finds nothing on any page, narrow and dark, or wide and light; and none is wider than its window.

`make test` takes a page of each kind, one way; `make test-all` takes all, both ways, and what opens on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from devtools.scopes import PASSWORD
from tests.browser.conftest import ACME, MERIDIAN, sign_in
from tests.support.full_organization import Furnished

STATES = [
    f"{MERIDIAN}/nowhere",
    *(
        f"{MERIDIAN}/{path}"
        for path in (
            "",
            "endpoints",
            "endpoints?q=nothing+like+it",
            "trace?number=%2B14155550101",
            "trace?number=%2B14165550100",
            "trace?number=%2B15550000000",
            "audit?q=nothing+like+it&from=2026-03-02&to=2026-03-01&about=Twilio",
            "voice-ai",
            "voice-ai?tab=sinch_est",
            "voice-ai?tab=tool-secret",
            "providers/twilio",
            "providers/sinch/callback",
        )
    ),
]
"""What pages look like with other data, where Acme has one of everything."""
FOLLOWED = {
    f"{MERIDIAN}/endpoints": "tbody th a",
    f"{MERIDIAN}/trace?number=%2B13125550166": "a[href$='edit=1']",
}
"""Pages whose address is known to another page alone: the first such link there."""

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
"""An element that inherits a fading color begins to fade itself when the other ends."""
Way = tuple[int, Literal["dark", "light"]]
WAYS: tuple[Way, Way] = ((360, "dark"), (1280, "light"))
GROUNDS = {"light": "rgb(244, 245, 247)", "dark": "rgb(14, 17, 22)"}


def findings(page: Page, where: str) -> list[str]:
    """Returns what axe finds, in a line each, and whether the page is too wide."""
    expect(page.locator("[hx-trigger=load]")).to_have_count(0, timeout=20_000)
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    violations = [f"{where}: {one}" for one in page.evaluate(RUN_AXE)]
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*violations, *([f"{where}: {overflow} px too wide"] if overflow > 0 else [])]


STYLE = """css => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet];
}"""
AS_SHIPPED = ""
WIDE = """* { font-family: "DejaVu Sans", Verdana, sans-serif !important; }
  code, kbd, .pb-mono, .pb-num { font-family: "DejaVu Sans Mono", monospace !important; }"""
"""The widest that systems come with."""
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important; }
  p { margin-block-end: 2em !important; }"""
"""As a reader may set it who needs more room between letters, words and lines (WCAG 1.4.12)."""
STYLES = {320: (AS_SHIPPED, WIDE, WIDE + SPACED), 360: (WIDE,), 1280: (AS_SHIPPED, WIDE)}
"""By width of the window; 400 % of 1280 is 320."""


def too_wide(page: Page) -> list[tuple[int, str]]:
    """The widths and styles in which the page scrolls sideways."""
    overflows = []
    root = "document.documentElement"
    for width, styles in STYLES.items():
        page.set_viewport_size({"width": width, "height": 800})
        for css in styles:
            page.evaluate(STYLE, css)
            if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
                overflows.append((width, css))
    return overflows


MORE = pytest.mark.thorough("test_pages_pass_axe_and_fit_their_window")
REFERENCE = "/api/docs"
REFERENCE_TOO = pytest.mark.thorough("test_reference_passes_axe_and_fits_its_window")
Look = Callable[[Page, str], list[str]]


@pytest.fixture
def look(thorough: bool) -> Look:
    """Looks at a page as it stands."""

    def look(page: Page, where: str) -> list[str]:
        return [line for way in (WAYS if thorough else WAYS[:1]) for line in problems_of(page, where, way)]

    return look


def problems_of(page: Page, where: str, way: Way) -> list[str]:
    """Returns what is found on the page in a window of that width and color scheme."""
    width, scheme = way
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("body")).to_have_css("background-color", GROUNDS[scheme])
    page.evaluate(SETTLE)
    return findings(page, f"{where}, {width}")


@pytest.mark.parametrize("part", range(3))
def test_pages_pass_axe_and_fit_their_window(
    dana: Page, addresses: list[str], look: Look, thorough: bool, part: int
) -> None:
    """In parts: each is done long before a test times out, on a busy machine too."""
    problems: list[str] = []
    places = [*addresses, *(STATES if thorough else STATES[:1])]
    places = [place for place in places if place != REFERENCE]
    for number, place in enumerate(places[part::3]):
        dana.goto(place)
        expect(dana.get_by_role("heading", level=1)).to_have_count(1)
        assert dana.evaluate("typeof htmx") == "object", place
        problems += look(dana, place)
        if thorough or number % 3 == 0:
            problems += [f"{place}: too wide at {width} px, {css}" for width, css in too_wide(dana)]
    assert problems == []


LESS = "all => all.forEach((each, place) => place % 40 && each.remove())"
REPEATED = (".pb-op", ".pb-docs-object", ".pb-docs-found", "#errors tbody tr")
"""The reference's operations and objects, their links, and the error codes."""


@pytest.mark.parametrize("way", [WAYS[0], pytest.param(WAYS[1], marks=REFERENCE_TOO)])
def test_reference_passes_axe_and_fits_its_window(dana: Page, thorough: bool, way: Way) -> None:
    """On its own: it is far larger than the others, and axe takes long.

    `make test` looks at one in 40 of what is repeated, in the styles that are shipped: each kind comes from
    one template.
    """
    dana.goto(REFERENCE)
    for kind in REPEATED if not thorough else ():
        dana.locator(kind).evaluate_all(LESS)
        assert dana.locator(kind).count() > 1, kind
    dana.locator("main details").evaluate_all("all => all.forEach(each => (each.open = true))")
    if thorough:
        assert too_wide(dana) == []
        dana.evaluate(STYLE, AS_SHIPPED)
    assert problems_of(dana, REFERENCE, way) == []


@MORE
def test_axe_finds_nothing_on_pages_behind_links(dana: Page, look: Look) -> None:
    problems: list[str] = []
    for place, link in FOLLOWED.items():
        dana.goto(place)
        dana.locator(link).first.click()
        dana.wait_for_url(lambda url, place=place: not url.endswith(place))  # type: ignore[misc]
        problems += look(dana, dana.url)
    assert problems == []


@MORE
def test_axe_finds_nothing_while_signing_in_and_enrolling(page: Page, here: Furnished, look: Look) -> None:
    problems: list[str] = []
    for place in ("/sign-in", "/nowhere", "/setup"):
        page.goto(place)
        problems += look(page, place)
    sign_in(page, here.cast.mo.email)
    problems += look(page, "account")
    page.get_by_text("Set up…").click()
    problems += look(page, "setting up")
    page.locator("#totpbegin-your_password").fill(PASSWORD)
    page.get_by_role("button", name="Set up two-step sign-in").click()
    page.locator("#two-step details summary").click()
    key = page.locator("#two-step .pb-once code").first.inner_text()
    problems += look(page, "enrolment")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(key.replace(" ", "")).now())
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator(".pb-codes code").all_inner_texts()
    assert len(codes) == 10
    problems += look(page, "recovery codes")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.path().read_text().splitlines()[2:] == codes
    page.get_by_role("link", name="I've saved these codes").click()
    for question in ("New recovery codes…", "Turn off…"):
        page.get_by_text(question).click()
        problems += look(page, question)
        page.keyboard.press("Escape")
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_label("Email").fill(here.cast.mo.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Use a recovery code").click()
    problems += look(page, "recovery")
    page.get_by_label("Recovery code").fill(codes[0])
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("9 left.")).to_be_visible()
    expect(page.get_by_text("Sign out everywhere else…")).to_be_visible()
    problems += look(page, "signed in twice")
    assert problems == []


@MORE
def test_axe_finds_nothing_in_conflicts_and_undo(dana: Page, look: Look) -> None:
    dana.goto("/o/harbor-dental/settings")
    other = dana.context.new_page()
    other.goto("/o/harbor-dental/settings")
    for page, country in ((other, "IN"), (dana, "GB")):
        page.get_by_label("Country").select_option(country)
        page.get_by_role("button", name="Save", exact=True).click()
    expect(dana.locator(".pb-compare")).to_be_visible()
    problems = look(dana, "settings")
    dana.get_by_role("button", name="Use theirs for Country").click()
    expect(dana.get_by_label("Country")).to_have_value("IN")
    dana.goto(f"{MERIDIAN}/endpoints/many?do=inbound_agent_name&all=yes")
    dana.locator("input[name=inbound_agent_name]").fill("wrong-agent")
    problems += look(dana, "many")
    dana.locator("input[name=reason]").fill("A test")
    dana.locator("main form.pb-form button[type=submit]").click()
    dana.goto(str(dana.get_by_role("link", name="Undo", exact=True).get_attribute("href")))
    problems += look(dana, "undo")
    dana.locator("main form.pb-form button[type=submit]").click()
    expect(dana).to_have_url(re.compile(r"/audit/\d+$"))
    problems += look(dana, "event")
    dana.goto(f"{MERIDIAN}/endpoints")
    dana.locator("tbody th a").first.click()
    expect(dana.locator("#history li")).not_to_have_count(0)
    problems += look(dana, "history of one")
    assert problems == []


OPENED = {
    **dict.fromkeys(("endpoints?active=on", "calls?agent=Reception", "audit?who=a"), "#filter summary"),
    "providers/twilio": "[data-secret] > summary",
    "settings#organization": ".pb-save-bar button",
    **{f"providers/twilio#{name}": f"a[href$='/{name}']" for name in ("disconnect", "disable")},
}
"""What opens on a page of Acme: menus, the field of a secret, questions in a dialog."""


@MORE
def test_axe_finds_nothing_in_what_opens_on_a_page(dana: Page, here: Furnished, look: Look) -> None:
    problems: list[str] = []
    for path, opener in OPENED.items():
        dana.goto("about:blank")
        dana.goto(f"{ACME}/{path}")
        if path.startswith("settings"):
            dana.get_by_label("Public base URL").fill("https://elsewhere.example")
        dana.locator(opener).first.click()
        if path.startswith("settings") or "#" in path:
            expect(dana.locator("dialog:modal")).to_be_visible()
        problems += look(dana, path)
    dana.goto(f"{ACME}/people/{here.cast.mo.id}")
    dana.locator("#issue-title").click()
    problems += look(dana, "token")
    dana.locator("dialog:modal").get_by_role("button", name="Create token").click()
    expect(dana.locator(".pb-summary")).to_be_visible()
    problems += look(dana, "token with errors")
    assert problems == []
