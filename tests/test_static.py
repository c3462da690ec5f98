"""Static files: how long they are kept, and how they travel."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.html import parse

ROOT = Path(__file__).parent.parent
CSS = "/static/patchbay.css"
VENDOR = ROOT / "static" / "vendor"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_text_comes_compressed_to_who_takes_it(client: FlaskClient) -> None:
    answer = client.get(CSS, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert "Accept-Encoding" in answer.headers["Vary"]
    plain = (ROOT / "static/patchbay.css").read_bytes()
    assert gzip.decompress(answer.data) == plain
    for refused in ({}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0"}):
        answer = client.get(CSS, headers=refused)
        assert "Content-Encoding" not in answer.headers
        assert answer.data == plain


def test_what_is_known_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get(CSS, headers={"Accept-Encoding": "gzip"})
    again = client.get(CSS, headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_images_are_left_as_they_are(client: FlaskClient) -> None:
    assert (
        "Content-Encoding"
        not in client.get("/static/favicon.ico", headers={"Accept-Encoding": "gzip"}).headers
    )


@pytest.mark.parametrize("folder", sorted(VENDOR.glob("*/")), ids=lambda folder: folder.name)
def test_a_vendored_file_is_immutable_and_has_its_license(client: FlaskClient, folder: Path) -> None:
    assert re.fullmatch(r"[a-z-]+-\d+\.\d+\.\d+", folder.name), "its version makes its address unique"
    assert (folder / "LICENSE").read_text().strip()
    assert f"`{folder.name}`" in (VENDOR / "README.md").read_text()
    for file in folder.iterdir():
        answer = client.get(f"/static/vendor/{folder.name}/{file.name}")
        assert "immutable" in answer.headers["Cache-Control"]
        if file.suffix == ".woff2":
            assert answer.mimetype == "font/woff2"


def test_the_first_page_is_under_150_kilobytes(app: Flask, client: FlaskClient) -> None:
    """The sign-in page and everything that it loads, as it travels."""
    page = client.get("/sign-in")
    total = len(page.data)
    root = parse(page.text)
    links = [link["href"] for link in root.all("link") if link["rel"] in ("stylesheet", "icon")]
    for address in [*links, *(script["src"] for script in root.all("script"))]:
        answer = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        total += len(answer.data)
    assert 20_000 < total < 150_000
