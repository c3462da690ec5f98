"""Static files: how long they are kept, and how they travel."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from app import static

ROOT = Path(__file__).parent.parent
CSS = "/static/of-tomorrow/css/base.css"
VENDOR = ROOT / "static" / "vendor"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_text_files_are_compressed_on_request_images_are_not(client: FlaskClient) -> None:
    answer = client.get(CSS, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert "Accept-Encoding" in answer.headers["Vary"]
    plain = (ROOT / "static/css/base.css").read_bytes()
    assert gzip.decompress(answer.data) == plain
    for refused in ({}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0"}):
        answer = client.get(CSS, headers=refused)
        assert "Content-Encoding" not in answer.headers
        assert answer.data == plain

    assert (
        "Content-Encoding"
        not in client.get("/static/of-tomorrow/favicon.ico", headers={"Accept-Encoding": "gzip"}).headers
    )


def test_style_sheets_are_one_response_that_a_current_etag_spares(
    client: FlaskClient, subtests: pytest.Subtests
) -> None:
    sheets = [
        (ROOT / f"static/css/{name}.css").read_text()
        for name in ("tokens", "base", "components", "finding", "pages")
    ]
    assert client.get("/static/of-tomorrow/css/all.css").text == "".join(sheets)
    alone = {
        "brief",
        "docs",
        "filter",
        "guide",
        "lines",
        "notifications",
        "numbers",
        "path",
    }  # loaded by the pages that need them
    assert len(sheets) + len(alone) == len(list((ROOT / "static/css").iterdir()))

    for path in [CSS, "/static/of-tomorrow/css/all.css"]:
        with subtests.test(path=path):
            first = client.get(path, headers={"Accept-Encoding": "gzip"})
            again = client.get(
                path, headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
            )
            assert (first.mimetype, again.status_code, again.data) == ("text/css", 304, b"")


def test_urls_change_with_the_content(app: Flask, client: FlaskClient) -> None:
    """So a module or a style sheet may name another file relatively."""
    with app.test_request_context():
        address = url_for("static", filename="css/tokens.css")
    assert static.digest_of(ROOT / "static") in address
    assert static.digest_of(ROOT / "static" / "css") != static.digest_of(ROOT / "static" / "js")
    assert "immutable" in client.get(address).headers["Cache-Control"]
    fonts = re.findall(r'url\("([^"]+)"\)', client.get(address).text)
    assert len(fonts) == 4
    for font in fonts:
        answer = client.get(urljoin(address, font))
        assert (answer.status_code, answer.mimetype) == (200, "font/woff2")
        assert "immutable" in answer.headers["Cache-Control"]
    assert client.get(CSS).headers["Cache-Control"] == "no-cache"


def test_vendored_files_have_version_and_license() -> None:
    folders = sorted(VENDOR.glob("*/"))
    assert folders
    for folder in folders:
        assert re.fullmatch(r"[a-z-]+-\d+\.\d+\.\d+", folder.name)
        assert (folder / "LICENSE").read_text().strip()
        assert f"`{folder.name}`" in (VENDOR / "README.md").read_text()
