"""Static files: an address that names the content, kept for a year, text sent compressed.

The address has a digest of all files in its path, so what a style sheet or a module names relatively is
named by content too. WhiteNoise would do the same from files that a build has written; these few are
compressed in memory instead, so that a fresh clone needs no build.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_from_directory
from werkzeug.security import safe_join

FOLDER = Path(__file__).parents[1] / "static"

_TEXTS = {".css", ".js", ".svg"}
_YEAR = "public, max-age=31536000, immutable"


def init_app(app: Flask) -> None:
    mimetypes.add_type("font/woff2", ".woff2")  # Python knows it from 3.14 on
    mimetypes.add_type("text/javascript", ".js")
    app.add_url_rule("/static/<digest>/<path:filename>", "static", _send)

    @app.url_defaults
    def add_digest(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("digest", digest_of(FOLDER))


@cache
def digest_of(folder: Path) -> str:
    """Returns what names the content of all its files."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            found.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return found.hexdigest()[:12]


def _send(digest: str, filename: str) -> Response:
    """Sends the file as it is now. A page of another version gets it too, but may not keep it."""
    response = send_from_directory(FOLDER, filename)
    if Path(filename).suffix in _TEXTS:
        _compress(response, str(safe_join(str(FOLDER), filename)))
    response.headers["Cache-Control"] = _YEAR if digest == digest_of(FOLDER) else "no-cache"
    return response


def _compress(response: Response, path: str) -> None:
    """For a client that takes gzip; parts of a file, and responses without a body, stay as they are."""
    response.vary.add("Accept-Encoding")
    etag, _ = response.get_etag()
    if response.status_code != 200 or not request.accept_encodings["gzip"] or not etag:
        return
    response.direct_passthrough = False
    response.set_data(_gzipped(path))
    response.headers["Content-Encoding"] = "gzip"
    response.set_etag(etag, weak=True)


@cache
def _gzipped(path: str) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)
