"""JSON responses and the error envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Response, request, stream_with_context

from app.core import etag, strict_json
from app.core.errors import Conflict, Invalid, PatchbayError, TryLater, Unauthenticated

JSON = "application/json; charset=utf-8"


def document(body: Any, status: int = 200, *, tagged: bool = False, tag: str | None = None) -> Response:
    """Returns a JSON response. `tagged` adds an ETag, and responds 304 if the caller has the document."""
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
    """Whether the response has the document in it: not for HEAD, nor if the caller has it already."""
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
    """Returns a JSON array that is sent while it is read, so memory does not grow with its length.

    Flask ends the request before the first item is read, so `close` has to release what the items are read
    with. It is called however the response ends.
    """
    if _is_known(tag):
        return _not_modified(tag)
    response = Response(stream_with_context(_pieces(items)), content_type=JSON)
    response.set_etag(tag)
    response.call_on_close(close)
    return response


def link_next(response: Response, cursor: str) -> None:
    """Adds the URL of the next page: that of the request, with another cursor."""
    query = urlencode(request.args.to_dict() | {"cursor": cursor})
    response.headers["Link"] = f'<{request.base_url}?{query}>; rel="next"'


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
    """Returns the error envelope of the contract; for validation errors its `error` is an object."""
    content: Any = error.message
    if isinstance(error, Invalid):
        details = [{"field": problem.field, "message": problem.message} for problem in error.problems]
        content = {"code": error.code, "message": error.message, "details": details}
    body = {"success": False, "error": content, "code": error.code}
    if isinstance(error, Conflict) and error.existing_id:
        body["existing_id"] = error.existing_id
    if error_id:
        body["id"] = error_id
    response = document(body, status or error.status)
    if isinstance(error, TryLater):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def condition() -> etag.Condition:
    """Returns what If-Match and If-None-Match require of what a request changes; None if nothing.

    If-Match compares strongly and If-None-Match weakly, as RFC 9110 says.
    """
    headers, wanted, unwanted = request.headers, request.if_match, request.if_none_match
    if "If-Match" not in headers and "If-None-Match" not in headers:
        return None

    def holds(tag: str) -> bool:
        return ("If-Match" not in headers or tag in wanted) and not unwanted.contains_weak(tag)

    return holds
