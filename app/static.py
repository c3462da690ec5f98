"""Static files: a hash in the address or a version in the path, kept for a year, sent compressed."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.security import safe_join

_TEXTS = {".css", ".js", ".svg"}
_YEAR = "public, max-age=31536000, immutable"
_VENDOR = "vendor/"
"""Its folders carry their version, so that style sheets can name a file of theirs as it is."""


def init_app(app: Flask) -> None:
    mimetypes.add_type("font/woff2", ".woff2")  # Python knows it from 3.14 on
    folders = {"static": app.static_folder or ""}
    folders |= {
        f"{name}.static": found.static_folder for name, found in app.blueprints.items() if found.static_folder
    }

    @app.url_defaults
    def add_hash(endpoint: str, values: dict[str, Any]) -> None:
        if (
            endpoint in folders
            and "v" not in values
            and not values["filename"].startswith(_VENDOR)
            and (path := safe_join(folders[endpoint], values["filename"]))
        ):
            values["v"] = _digest(path)

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint in folders and response.status_code in (200, 304):
            filename = (request.view_args or {})["filename"]
            path = safe_join(folders[request.endpoint], filename)
            current = filename.startswith(_VENDOR) or (path and request.args.get("v") == _digest(path))
            response.headers["Cache-Control"] = _YEAR if current else "no-cache"
            if path is not None and Path(path).suffix in _TEXTS:
                _compress(response, path)
        return response


def _compress(response: Response, path: str) -> None:
    """For whoever takes gzip; parts of a file, and answers without one, stay as they are."""
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


@cache
def _digest(path: str) -> str | None:
    file = Path(path)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else None
