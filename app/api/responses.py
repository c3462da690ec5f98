"""JSON answers, all of one shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Response, request, stream_with_context

from app.core import etag, strict_json
from app.core.errors import Invalid, PatchbayError, TryLater, Unauthenticated

JSON = "application/json; charset=utf-8"


def document(body: Any, status: int = 200, *, tagged: bool = False, tag: str | None = None) -> Response:
    """`tagged` adds an entity tag, and answers 304 to a caller who has this very document."""
    text = strict_json.text(body)
    if tagged and tag is None:
        tag = etag.of_text(text)
    if tag is not None and _is_known(tag):
        return _not_modified(tag)
    response = Response(text, status, content_type=JSON)
    if tag is not None:
        response.headers["ETag"] = f'"{tag}"'
    return response


def _is_known(tag: str) -> bool:
    if "If-None-Match" not in request.headers or request.method not in ("GET", "HEAD"):
        return False
    return request.if_none_match.contains_weak(tag)


def sends(body: Any) -> bool:
    """Whether the response to this request has the document in it: not for HEAD, or a caller who has it."""
    return request.method != "HEAD" and not _is_known(etag.of(body))


def _not_modified(tag: str) -> Response:
    response = Response(status=304, content_type=JSON)
    response.set_etag(tag)
    return response


def no_content() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def array(items: Iterable[Any], *, tag: str, close: Callable[[], None]) -> Response:
    """A JSON array that is sent as it is read: memory does not grow with its length.

    Flask ends the request before the first item is read, so `close` has to let go of what the items
    are read with; it is called however the sending ends.
    """
    if _is_known(tag):
        return _not_modified(tag)
    response = Response(stream_with_context(_pieces(items)), content_type=JSON)
    response.set_etag(tag)
    response.call_on_close(close)
    return response


def _pieces(items: Iterable[Any]) -> Iterator[str]:
    batch: list[str] = []
    separator = "["
    for item in items:
        batch.append(separator + strict_json.text(item))
        separator = ","
        if len(batch) == 200:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch) + ("]" if separator == "," else "[]")


def error(error: PatchbayError, *, status: int | None = None, error_id: str | None = None) -> Response:
    """The contract's error envelope; for validation its `error` is an object."""
    said: Any = error.message
    if isinstance(error, Invalid):
        details = [{"field": problem.field, "message": problem.message} for problem in error.problems]
        said = {"code": error.code, "message": error.message, "details": details}
    body = {"success": False, "error": said, "code": error.code}
    if error_id:
        body["id"] = error_id
    response = document(body, status or error.status)
    if isinstance(error, TryLater):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def if_match() -> str | None:
    """The tag that the caller last read; None where the request does not say."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = list(request.if_match)
    return tags[0] if len(tags) == 1 else header


def expected_version() -> int | None:
    """As `if_match`, for a row whose tag is its version; -1 matches no row."""
    tag = if_match()
    if tag is None:
        return None
    return int(tag) if re.fullmatch(r"[1-9][0-9]{0,8}", tag) else -1
