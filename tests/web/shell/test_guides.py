"""Help: guides as pages, and the links to them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from mdurl import _encode

from app.web.shell import guides
from tests.support.pages import Portal


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads take turns at any time."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("quick_switches")
def test_first_requests_read_the_guides_concurrently() -> None:
    """The parser's table of characters is empty then."""
    barrier = threading.Barrier(4)

    def summary(_: int) -> str:
        barrier.wait()
        return guides._summary("Read [this](https://example.com/a_b).\n")

    with ThreadPoolExecutor(4) as threads:
        for _ in range(200):
            _encode.encode_cache.clear()
            assert set(threads.map(summary, range(4))) == {"Read  this ."}


def test_guides_are_pages_that_pages_and_the_palette_link_to(mo: Portal, dana: Portal) -> None:
    """Their links and pictures work."""
    page = mo.get("/help")
    assert f"this version of Patchbay, {guides.version()}." in page.text
    addresses = {link["href"] for link in page.root.all("a") if "/help/" in link["href"]}
    names = [file.stem for file in (guides.DOCS / "guides").glob("*.md")]
    assert addresses == {f"/help/{name}" for name in [*names, "changelog"]}
    assert all(10 < len(guide.summary) < 130 for guide in guides.by_name().values())
    wrong = []
    for address in sorted(addresses):
        root = mo.get(address).root
        article = root.one("article")
        ids = {heading["id"] for heading in article.all("h2", "h3")}
        assert len(article.all("pre")) == len(article.all("button"))
        headings = [f"#{heading['id']}" for heading in article.all("h2")]
        contents = [link["href"] for nav in root.all("nav", css="pb-contents") for link in nav.all("a")]
        assert contents == (headings if len(headings) >= guides.LEAST_CONTENTS else []), address
        for link in article.all("a"):
            target, _, part = link["href"].partition("#")
            is_known = target in addresses | {""} or target.startswith("https://")
            if not is_known or (not target and part not in ids):
                wrong.append((address, link["href"]))
        for image in article.all("img"):
            if mo.raw("GET", image["src"]).mimetype != "image/png":
                wrong.append((address, image["src"]))
    assert wrong == []

    linked = {}
    for path in (
        "providers/twilio",
        "providers/vobiz",
        "endpoints/import",
        "numbers",
        "people",
        "notifications",
    ):
        head = dana.get(f"/o/acme-support/{path}").root.one("header", css="pb-head")
        linked[path] = [link["href"] for link in head.all("a") if link["href"].startswith("/help/")]
    assert linked == {
        "providers/twilio": ["/help/connect-twilio"],
        "providers/vobiz": [],
        "endpoints/import": ["/help/import-numbers"],
        "numbers": ["/help/import-numbers"],
        "people": [],
        "notifications": ["/help/notifications"],
    }
    assert dana.get("/find?q=rotate").root.all("a", href="/help/rotate-keys")
    for address in ("/help/none", "/help/..%2Fsecurity", "/help/pictures/none.png", "/help/pictures/..%2Fx"):
        assert dana.raw("GET", address).status_code == 404, address
