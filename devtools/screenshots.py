"""Takes the screenshots for the README and the guides: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect

from app import demo_data
from devtools import chromium
from devtools.demo import DRIFTED
from devtools.demo_checks import prove
from devtools.server import ROOT, served
from simulators import SIMULATORS

FOLDER = ROOT / "docs" / "screenshots"
PASSWORD = "a lighthouse keeper counts the boats"
SIZE: ViewportSize = {"width": 1280, "height": 800}
HERE = "/o/meridian-support"
PICTURES = {
    "overview": "/",
    "endpoints": f"{HERE}/endpoints",
    "call-path": f"{HERE}/trace?number=%2B14155550101",
    "numbers": f"{HERE}/providers/twilio/numbers",
    "provider": f"{HERE}/providers/twilio",
}


def main() -> None:
    with ExitStack() as stack:
        running = {key: stack.enter_context(kind()) for key, kind in SIMULATORS.items()}
        for simulator in running.values():
            simulator.fill_demo()
        pairs = [pair for one in running.values() for pair in one.upstreams.items()]
        there = {"PATCHBAY_UPSTREAMS": ",".join(f"{host}={base}" for host, base in pairs)}
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(served(Path(folder), there))
        server.flask("demo", "--password-stdin", typed=f"{PASSWORD}\n")
        server.flask("check", exit_codes=(0, DRIFTED))
        prove(server.environment)
        browser = stack.enter_context(chromium.launched())
        page = browser.new_page(base_url=server.url, viewport=SIZE, reduced_motion="reduce")
        _sign_in(page)
        for name, address in PICTURES.items():
            page.goto(address)
            expect(page.locator("[hx-trigger=load]")).to_have_count(0, timeout=20_000)
            page.screenshot(path=FOLDER / f"{name}.png")
            sys.stdout.write(f"docs/screenshots/{name}.png\n")
        browser.close()


def _sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(demo_data.EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Organizations", exact=True).wait_for()


if __name__ == "__main__":
    main()
