"""Static files: URLs with a digest of the content, cached for a year, and compressed text.

The URL's path has a digest of all files, so that the relative URLs in style sheets and modules have it too.
WhiteNoise would do the same with files that a build has written; these few are compressed in memory
instead, so that a fresh clone needs no build.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_file, send_from_directory

FOLDER = Path(__file__).parents[1] / "static"

STYLES = "css/all.css"
"""The style sheets in one response: four would each bring headers, and compress less."""

_SHEETS = ("tokens", "base", "components", "finding", "pages")
_TEXTS = {".css", ".js", ".svg"}
_YEAR = "public, max-age=31536000, immutable"


def init_app(app: Flask) -> None:
    mimetypes.add_type("font/woff2", ".woff2")  # Python has it from 3.14 on
    mimetypes.add_type("text/javascript", ".js")
    app.add_url_rule("/static/<digest>/<path:filename>", "static", _send)

    @app.url_defaults
    def add_digest(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("digest", digest_of(FOLDER))


@cache
def digest_of(folder: Path) -> str:
    """Returns a digest of the folder's files."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _send(digest: str, filename: str) -> Response:
    """Sends the current file, also to a page of another version, which must not cache it."""
    if filename == STYLES:
        response = send_file(BytesIO(_styles()), mimetype="text/css", etag=digest_of(FOLDER / "css"))
    else:
        response = send_from_directory(FOLDER, filename)
    if Path(filename).suffix in _TEXTS:
        _compress(response, filename)
    for name in (
        "Content-Disposition",
        "Last-Modified",
    ):  # The ETag suffices, and there are many small files.
        response.headers.pop(name, None)
    response.headers["Cache-Control"] = _YEAR if digest == digest_of(FOLDER) else "no-cache"
    return response


@cache
def _styles() -> bytes:
    return b"".join((FOLDER / "css" / f"{name}.css").read_bytes() for name in _SHEETS)


def _compress(response: Response, filename: str) -> None:
    """Compresses a whole file for a client that accepts gzip."""
    response.vary.add("Accept-Encoding")
    etag, _ = response.get_etag()
    if response.status_code != 200 or not request.accept_encodings["gzip"] or not etag:
        return
    response.direct_passthrough = False
    response.set_data(_gzipped(filename))
    response.headers["Content-Encoding"] = "gzip"
    response.set_etag(etag, weak=True)


@cache
def _gzipped(filename: str) -> bytes:
    """Returns the file compressed. `send_from_directory` has found the name before."""
    text = _styles() if filename == STYLES else (FOLDER / filename).read_bytes()
    return gzip.compress(text, 9, mtime=0)
