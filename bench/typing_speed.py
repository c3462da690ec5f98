"""How soon rows are drawn after a key is pressed in the search of the endpoints table, in a real browser.

Prints the median and the worst time of each step. See README.md here.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from playwright.sync_api import Page

from bench import estate
from bench.pages import built
from devtools import chromium
from devtools.scopes import PASSWORD
from devtools.server import SERVE, served

WORDS = ("55500", "Line ")
"""Texts that are typed, a key at a time: each key finds more rows than a page has."""
PAUSE = 400
"""Milliseconds after each key."""
STEPS = ("sent", "answered", "swapped", "drawn")
WATCH = """
window.drawn = [];
let key, sent;
document.addEventListener("keydown", ({ timeStamp }) => (key = timeStamp), true);
document.addEventListener("htmx:beforeSend", () => (sent = performance.now()));
new MutationObserver((changes) => {
  if (!changes.some(({ addedNodes }) => [...addedNodes].some(({ id }) => id === "endpoints"))) return;
  const row = { sent, swapped: performance.now() };
  requestAnimationFrame(() => requestAnimationFrame(() => {
    row.drawn = performance.now();
    const requests = performance.getEntriesByType("resource");
    row.answered = requests.findLast((it) => it.initiatorType === "xmlhttprequest").responseEnd;
    for (const step in row) row[step] -= key;
    drawn.push(row);
  }));
}).observe(document, { childList: true, subtree: true });
"""


def main() -> None:
    options = _options()
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="patchbay-bench-"))
        folder = (options.keep or Path(temporary)) / "large"
        settings = built(folder, estate.LARGE, None)
        server = stack.enter_context(served(folder, settings, command=SERVE))
        browser = stack.enter_context(chromium.launched())
        page = browser.new_page(base_url=server.url, bypass_csp=True)
        _open(page)
        rows = list(_typed(page, options.rounds))
    for step in STEPS:
        times = [row[step] for row in rows]
        print(f"{step:10} median {median(times):6.1f} ms, worst {max(times):6.1f} ms of {len(times)} keys")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.typing_speed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="build the data there once, and reuse it, as bench.pages")
    return parser.parse_args()


def _open(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(estate.EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.goto(f"/o/{estate.SLUG}/endpoints")
    page.evaluate(WATCH)


def _typed(page: Page, rounds: int) -> Iterator[dict[str, float]]:
    """Yields the milliseconds from each key to each step."""
    search = page.get_by_role("searchbox", name="Search endpoints")
    for word in WORDS * rounds:
        search.fill("")
        page.wait_for_timeout(PAUSE)
        for key in word:
            page.evaluate("drawn.length = 0")
            search.press(key)
            while not page.evaluate("drawn.length"):
                page.wait_for_timeout(PAUSE)
            yield page.evaluate("drawn[0]")


if __name__ == "__main__":
    main()
