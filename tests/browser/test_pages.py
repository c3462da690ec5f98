"""Every page in a browser: no complaint; and nothing is left after signing out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.support.server import Server

ACME = "/o/acme-support"
PAGES = [
    "/",
    "/account",
    "/audit",
    "/organizations/new",
    "/api/docs",
    "/find?q=a",
    *(
        f"{ACME}/{path}"
        for path in (
            "",
            "endpoints",
            "endpoints/new",
            "endpoints/import",
            "who-answers",
            "calls",
            "check",
            "numbers",
            "providers/twilio/numbers",
            "people",
            "people/new",
            "audit",
            "settings",
            "voice-ai",
            "voice-ai/tool-secret",
            "active/voice?provider=twilio",
            "providers/sinch/callback",
            *(
                f"providers/{key}"
                for key in ("twilio", "sinch", "exotel", "vobiz", "elevenlabs", "sinch_est")
            ),
        )
    ),
]


def too_wide(page: Page) -> list[tuple[int, str]]:
    """The widths and themes at which the page as it stands is wider than its window."""
    found = []
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            root = "document.documentElement"
            if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
                found.append((width, scheme))
    return found


def test_no_page_is_complained_about_or_wider_than_the_window(dana: Page) -> None:
    for path in PAGES:
        answer = dana.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        expect(dana.get_by_role("heading", level=1)).to_have_count(1)
        assert dana.evaluate("typeof htmx") == "object", path
        assert too_wide(dana) == [], path


@pytest.mark.asvs("14.3.2")
def test_back_after_signing_out_shows_nothing(page: Page, acme: Server) -> None:
    dana = sign_in(page)
    dana.goto(f"{ACME}/people")
    expect(dana.get_by_text("dana@acme.example").first).to_be_visible()
    dana.get_by_role("button", name="Sign out").click()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    dana.go_back()
    expect(dana.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(dana.get_by_text("dana@acme.example")).to_have_count(0)


def test_the_theme_is_chosen_and_kept(dana: Page) -> None:
    dana.goto("/")
    theme = dana.locator("html")
    button = dana.locator("[data-theme-cycle]")
    seen = []
    for _ in range(3):
        button.click()
        seen.append(theme.get_attribute("data-theme-choice"))
    assert sorted(map(str, seen)) == ["dark", "light", "system"]
    while theme.get_attribute("data-theme-choice") != "dark":
        button.click()
    dana.goto("/account")
    expect(theme).to_have_attribute("data-bs-theme", "dark")
