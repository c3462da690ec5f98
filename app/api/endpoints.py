"""`/api/settings/endpoints`: phone numbers and their agents."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.api import responses, schemas
from app.api.operations import Parameter, Who, blueprint
from app.core.errors import Invalid, Malformed, Problem
from app.provider import Family
from app.providers import keys_in
from app.services import fields
from app.services.endpoints import crud, listing, paging, readiness
from app.services.endpoints.fields import SEARCHED_WORDS, EndpointDraft, EndpointEdit
from app.services.endpoints.listing import Filter
from app.services.scope import Scope
from app.services.webhooks import endpoint

endpoints = blueprint("endpoints", "/api/settings")

PAGING = (
    Parameter(
        "limit",
        "Opt into pages of this many; a Link header names the next one.",
        {"type": "integer", "minimum": 1, "maximum": listing.PAGE_MOST},
    ),
    Parameter("cursor", "From the Link header of the page before.", {"type": "string"}),
)
FILTERS = (
    Parameter("q", f"Text in the {SEARCHED_WORDS}.", {"type": "string"}),
    Parameter("provider", "One provider's.", {"type": "string", "enum": list(keys_in(Family.TELEPHONY))}),
    Parameter("is_active", "Only active, or only inactive ones.", {"type": "boolean"}),
    Parameter("agent", "One agent's, inbound or outbound.", {"type": "string"}),
)
QUESTION = (
    Parameter("phone_number", "E.164.", {"type": "string"}, required=True),
    Parameter("direction", "inbound unless told.", {"type": "string", "enum": ["inbound", "outbound"]}),
)


@endpoints.operation(
    "GET",
    "/endpoints",
    who=Who.SUPERADMIN,
    parameters=(*FILTERS, *PAGING),
    answer=schemas.Endpoint,
    is_list=True,
    refusals=(400,),
)
def list_endpoints(scope: Scope) -> ResponseReturnValue:
    """List the endpoints, by number"""
    wanted = _filter()
    limit = _limit()
    if limit is None:
        if "cursor" in request.args:
            raise Invalid([Problem("cursor", "Send it together with limit.")])
        rows = listing.stream(scope, wanted)
        return responses.array(rows, tag=_list_tag(scope), close=scope.session.close)
    page = paging.page(scope, wanted, limit=limit, cursor=_single("cursor"))
    base = scope.organization.public_base_url
    response = responses.document([listing.document(base, row) for row in page.rows], tagged=True)
    if page.next:
        response.headers["Link"] = f'<{_next_page(page.next)}>; rel="next"'
    return response


@endpoints.operation(
    "POST",
    "/endpoints",
    who=Who.SUPERADMIN,
    body=EndpointDraft,
    answer=schemas.Endpoint,
    status=201,
    refusals=(409,),
)
def create_endpoint(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Create an endpoint; its inbound_webhook_url goes into the provider's console"""
    return _endpoint(scope, crud.create(scope, sent), 201)


@endpoints.operation(
    "PUT",
    "/endpoints/<endpoint_id>",
    who=Who.SUPERADMIN,
    body=EndpointEdit,
    answer=schemas.Endpoint,
    refusals=(404, 412),
)
def update_endpoint(scope: Scope, endpoint_id: str, sent: Any) -> ResponseReturnValue:
    """Update an endpoint; absent keeps, null clears"""
    row = crud.update(scope, endpoint_id, sent, version=responses.expected_version())
    return _endpoint(scope, row, 200)


@endpoints.operation(
    "DELETE", "/endpoints/<endpoint_id>", who=Who.SUPERADMIN, status=204, refusals=(404, 412)
)
def delete_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Delete an endpoint"""
    crud.delete(scope, endpoint_id, version=responses.expected_version())
    return responses.no_content()


@endpoints.operation(
    "GET",
    "/endpoints/<endpoint_id>/observe",
    who=Who.SUPERADMIN,
    answer=schemas.Observation,
    refusals=(404, 429),
)
def observe_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Tell what the provider has for the number now, against what it should have"""
    return responses.document(endpoint.observe(scope, context.outbound(), endpoint_id).document())


@endpoints.operation(
    "POST",
    "/endpoints/<endpoint_id>/point",
    who=Who.SUPERADMIN,
    answer=schemas.Observation,
    refusals=(404, 409, 429),
)
def point_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Make the number call its inbound_webhook_url at the provider, and tell what it has afterwards"""
    return responses.document(endpoint.point(scope, context.outbound(), endpoint_id).document())


@endpoints.operation(
    "GET",
    "/endpoints/resolve",
    who=Who.USER,
    parameters=QUESTION,
    answer=schemas.Resolution,
    refusals=(422,),
)
def resolve_endpoint(scope: Scope) -> ResponseReturnValue:
    """Tell which agent answers or dials a number, and if nobody, why"""
    number = _single("phone_number")
    if not number:
        raise Invalid([Problem("phone_number", "This is required, in E.164.")])
    direction = _single("direction")
    answer = readiness.resolve(scope, number, "inbound" if direction is None else direction)
    return responses.document(answer, tagged=True)


def _endpoint(scope: Scope, row: Any, status: int) -> Response:
    body = listing.document(scope.organization.public_base_url, row)
    return responses.document(body, status, tag=str(row.version))


def _single(name: str) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise Malformed(f"{name} was sent more than once.", code="REPEATED_PARAMETER")
    return values[0] if values else None


def _limit() -> int | None:
    text = _single("limit")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or not 1 <= int(text) <= listing.PAGE_MOST:
        raise Invalid([Problem("limit", f"Use a whole number from 1 to {listing.PAGE_MOST}.")])
    return int(text)


def _filter() -> Filter:
    provider = _single("provider")
    if provider is not None and provider not in keys_in(Family.TELEPHONY):
        raise Invalid([Problem("provider", f"Use {' or '.join(keys_in(Family.TELEPHONY))}.")])
    active = _single("is_active")
    if active not in (None, "true", "false"):
        raise Invalid([Problem("is_active", "Use true or false.")])
    text = (_single("q") or "").strip()
    if len(text) > fields.LABEL_LONGEST:
        raise Invalid([Problem("q", f"Use at most {fields.LABEL_LONGEST} characters.")])
    return Filter(text, provider, None if active is None else active == "true", _single("agent") or None)


def _list_tag(scope: Scope) -> str:
    """Changes with everything that the organization has, and with the question."""
    question = f"{scope.organization.id} {scope.organization.revision} {request.query_string!r}"
    return hashlib.sha256(question.encode()).hexdigest()[:32]


def _next_page(cursor: str) -> str:
    arguments = {name: value for name, value in request.args.items() if name != "cursor"}
    return url_for("api_endpoints.list_endpoints", **arguments, cursor=cursor)  # type: ignore[arg-type]
