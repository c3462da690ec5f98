"""JSON responses and the error envelope."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Response, request, stream_with_context, url_for
from werkzeug.datastructures import ETags

from app import compression, context
from app.api import messages
from app.core import etag, strict_json
from app.core.errors import Conflict, Invalid, Malformed, PatchbayError, TryLater, Unauthenticated
from app.core.messages import NOTHING_CHANGED
from app.services.scope import Scope

JSON = "application/json; charset=utf-8"
REVALIDATED = "private, no-cache"
"""The caller's own cache may store the response, and revalidates its ETag before each use."""
ROWS_A_PIECE = 50
"""Rows in each part of a list that is sent while it is read."""
_VERSIONED = re.compile(r"([1-9][0-9]{0,8})-[0-9a-f]{12}")


def document(
    body: Any,
    status: int = 200,
    *,
    tagged: bool = False,
    tag: str | None = None,
    location: str | None = None,
    has_secrets: bool = False,
) -> Response:
    """Returns a JSON response.

    `tagged` adds an ETag, and responds 304 if the caller has the document. `location` is the path of a
    created resource. No cache stores a response with `has_secrets`.
    """
    text = strict_json.text(body)
    if tagged and tag is None:
        tag = etag.of_text(text)
    if tag is not None and _is_known(tag):
        response = _not_modified(tag)
    else:
        response = Response(text, status, content_type=JSON)
    if tag is not None:
        response.headers["ETag"] = f'"{tag}"'
    if tag is not None and _reads() and not has_secrets:
        response.headers["Cache-Control"] = REVALIDATED
    if location is not None:
        response.headers["Location"] = f"{context.own_origin()}{location}"
    return response


def fixed(text: str, media: str) -> Response:
    """Returns a text that only changes with the server's version: compressed once, with an ETag."""
    compression.compress_once()
    tag = etag.of_text(text)
    response = _not_modified(tag) if _is_known(tag) else Response(text)
    response.set_etag(tag)
    response.content_type = media
    response.headers["Cache-Control"] = REVALIDATED
    return response


def resource(body: Any, status: int = 200, *, location: str | None = None) -> Response:
    """Returns a row with an ETag that contains its version, which `version_condition` reads."""
    return document(body, status, tag=etag.versioned(body["version"], body), location=location)


def own_path(scope: Scope, endpoint: str, **values: str) -> str:
    """Returns the path of an operation, in the organization of the request."""
    is_home = scope.organization.id == scope.actor.organization_id
    elsewhere = {} if is_home else {"organizationId": scope.organization.id}
    return url_for(endpoint, **values, **elsewhere)  # type: ignore[arg-type]


def _reads() -> bool:
    return request.method in ("GET", "HEAD")


def _is_known(tag: str) -> bool:
    return _reads() and "If-None-Match" in request.headers and request.if_none_match.contains_weak(tag)


def sends(body: Any) -> bool:
    """Whether the response contains the document: not for HEAD, nor if the caller has it already."""
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
    """Returns a JSON array that is sent while it is read.

    Memory does not grow with its length. Flask ends the request before the first item is read, so `close`
    must release the items' resources. It is called however the response ends.
    """
    if _is_known(tag):
        response = _not_modified(tag)
    else:
        response = Response(stream_with_context(_pieces(items)), content_type=JSON)
        response.set_etag(tag)
        response.call_on_close(close)
    response.headers["Cache-Control"] = REVALIDATED
    return response


def with_next(response: Response, cursor: str | None) -> Response:
    """Adds the URL of the next page, if there is one: the request's, with another cursor."""
    if cursor is not None:
        query = urlencode(request.args.to_dict() | {"cursor": cursor})
        response.headers["Link"] = f'<{context.own_origin()}{request.path}?{query}>; rel="next"'
    return response


def _pieces(items: Iterable[Any]) -> Iterator[str]:
    batch: list[str] = []
    separator = "["
    for item in items:
        batch.append(separator + strict_json.text(item))
        separator = ","
        if len(batch) == ROWS_A_PIECE:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch) + ("]" if separator == "," else "[]")


def error(error: PatchbayError, *, status: int | None = None, error_id: str | None = None) -> Response:
    """Returns the error envelope of the API contract; for validation errors, `error` is an object."""
    content: Any = _message(error)
    if isinstance(error, Invalid):
        details = [{"field": problem.field, "message": problem.message} for problem in error.problems]
        content = {"code": error.code, "message": content, "details": details}
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


def _message(error: PatchbayError) -> str:
    """Returns the message; for a read, without “Nothing was changed.”"""
    return error.message.replace(f"{NOTHING_CHANGED} ", "") if _reads() else error.message


def condition() -> etag.Condition:
    """Returns the condition of If-Match and If-None-Match on a change; None without them.

    If-Match compares strongly and If-None-Match weakly, as RFC 9110 requires. Raises Malformed if a tag in
    If-Match has no quotes.
    """
    return _condition(request.if_match, request.if_none_match)


def version_condition() -> etag.Condition:
    """Returns the condition on a row's version, with which an ETag of `resource` begins.

    The rest of the tag covers values from other rows: if they change, the save overwrites nothing.
    """
    return _condition(_versions(request.if_match), _versions(request.if_none_match))


def _condition(if_match: ETags, if_none_match: ETags) -> etag.Condition:
    headers = request.headers
    if "If-Match" not in headers and "If-None-Match" not in headers:
        return None
    if not etag.is_list(headers.get("If-Match", "")):
        raise Malformed(messages.IF_MATCH)

    def holds(tag: str) -> bool:
        return ("If-Match" not in headers or tag in if_match) and not if_none_match.contains_weak(tag)

    return holds


def _versions(tags: ETags) -> ETags:
    strong = tags.as_set()
    weak = tags.as_set(include_weak=True) - strong
    return ETags(map(_version, strong), map(_version, weak), tags.star_tag)


def _version(tag: str | None) -> str:
    """Returns the version in a tag, or else the tag. Werkzeug passes None for an empty tag."""
    match = _VERSIONED.fullmatch(tag or "")
    return match[1] if match else tag or ""
