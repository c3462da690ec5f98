"""Takes the screenshots for the README and the guides: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from app import demo_data
from app.core import phone
from devtools import chromium
from devtools.demo import Demo, number_to_break, running
from devtools.server import ROOT, free_port

FOLDER = ROOT / "docs" / "screenshots"
SIZE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 420}
LOOKS = 120
"""How many times the mailbox is read, twice a second."""
HERE = "/o/meridian-support"
PICTURES = {
    "routing": f"{HERE}/routing",
    "call-path": f"{HERE}/trace?number=%2B14155550101",
    "numbers": f"{HERE}/providers/twilio/numbers",
    "provider": f"{HERE}/providers/twilio",
}


def main() -> None:
    bind = f"127.0.0.1:{free_port()}"
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "data", bind) as demo,
        chromium.launched() as browser,
    ):
        page = browser.new_page(base_url=demo.portal, viewport=SIZE, reduced_motion="reduce")
        _sign_in(page, demo.password)
        for name, address in PICTURES.items():
            _open(page, address)
            _save(page, name)
        _save_repair(browser, page, demo)


def _sign_in(page: Page, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(demo_data.EMAIL)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "sign-in" not in url)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("[hx-trigger=load]")).to_have_count(0, timeout=20_000)


def _save(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png")
    sys.stdout.write(f"docs/screenshots/{name}.png\n")


def _message(mail: Page, text: str) -> Locator:
    """Waits for the newest message with this text, and returns its link. Raises TimeoutError."""
    link = mail.get_by_role("link", name=text).first
    for _ in range(LOOKS):
        if link.count():
            return link
        mail.wait_for_timeout(500)
        mail.reload()
    raise TimeoutError(f"No message about {text} arrived.")


def _save_repair(browser: Browser, page: Page, demo: Demo) -> None:
    """Saves pictures of a number that breaks, the message about it, and its repair."""
    key, number = number_to_break()
    shown = phone.display(number)
    mail = browser.new_page(viewport=PHONE)
    mail.goto(demo.outside.mail.base)
    _message(mail, "unhealthy")  # about the numbers that are unhealthy from the start
    console = browser.new_page()
    console.goto(demo.outside.providers[key].base)
    console.get_by_role("button", name=f"Another URL: {shown}").click()
    page.goto(f"{HERE}/endpoints")
    page.get_by_role("link", name=shown, exact=True).first.click()
    repair = page.get_by_role("button", name="Repair")
    expect(page.locator("#path")).to_contain_text("Drifted")
    _save(page, "film-1-break")
    _message(mail, shown).click()
    mail.goto(f"{mail.url}/html")
    _save(mail, "film-2-alert")
    repair.click()
    expect(page.locator("#verdict")).to_have_text("In sync")
    mail.goto(demo.outside.mail.base)
    _message(mail, "healthy again")
    _open(page, page.url)
    _save(page, "film-3-repair")


if __name__ == "__main__":
    main()
