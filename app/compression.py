"""Compresses pages and lists of the API with gzip. A response with a secret in it is not compressed.

docs/decisions/0016-compression.md explains why this is safe with secrets and text that clients choose.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

from flask import Flask, Response, current_app, g, request

from app.core import paths

LEAST = 1_000
"""Bytes of the smallest body that is compressed."""
LEVEL = 6
GZIP = 31
"""zlib's window of 2**15 with gzip's header."""


def init_app(app: Flask) -> None:
    app.after_request(_compress)


def compress_once() -> None:
    """Caches the compressed response to this request, which is equal for all users."""
    g.compress_once = True


def shows_secret() -> None:
    """Sends the response to this request uncompressed."""
    g.shows_secret = True


def _compress(response: Response) -> Response:
    """Compresses the response, if possible, and weakens its ETag.

    A strong one would promise the same bytes with and without gzip.
    """
    if not _is_compressible(response):
        return response
    response.vary.add("Accept-Encoding")
    if request.method != "GET" or response.status_code != 200 or not request.accept_encodings["gzip"]:
        return response
    if response.is_streamed:
        response.response = _stream(response.iter_encoded())
    elif len(body := response.get_data()) >= LEAST:
        pack = _packed_once if g.get("compress_once") else _packed
        response.set_data(pack(body))
    else:
        return response
    response.headers["Content-Encoding"] = "gzip"
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)
    return response


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)


_packed_once = lru_cache(maxsize=8)(_packed)


def _is_compressible(response: Response) -> bool:
    """Whether the response may be compressed: a requested page, or an operation that declares it.

    The response to a form is not: it may show a new secret.
    """
    if request.method not in ("GET", "HEAD") or g.get("shows_secret") or request.endpoint == "static":
        return False
    if paths.is_api(request.path):
        view = current_app.view_functions.get(request.endpoint or "")
        return bool(getattr(view, "is_compressible", False))
    return response.mimetype == "text/html"


def _stream(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields each piece compressed, so that neither memory nor the work for one of them grows.

    If reading fails, the output has no gzip trailer.
    """
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    for piece in pieces:
        yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()
