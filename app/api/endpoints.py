"""`/api/settings/endpoints`: phone numbers and their agents."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from app import context
from app.api import messages, responses, schemas
from app.api.operations import Who, blueprint
from app.api.parameters import Parameter
from app.core.errors import Invalid, Problem
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
        "Number of endpoints per page. Without it, all endpoints are returned.",
        {"type": "integer", "minimum": 1, "maximum": listing.PAGE_MOST},
    ),
    Parameter(
        "cursor", "Cursor from the Link header of the previous page. Requires limit.", {"type": "string"}
    ),
)
FILTERS = (
    Parameter(
        "q",
        f"Text to find in the {SEARCHED_WORDS}.",
        {"type": "string", "maxLength": fields.LABEL_LONGEST},
    ),
    Parameter(
        "provider",
        "Only endpoints of this provider.",
        {"type": "string", "enum": list(keys_in(Family.TELEPHONY))},
    ),
    Parameter("is_active", "Only active (true) or inactive (false) endpoints.", {"type": "boolean"}),
    Parameter("agent", "Only endpoints with this inbound or outbound agent.", {"type": "string"}),
)
LOOKUP = (
    Parameter("phone_number", "Phone number in E.164 format.", {"type": "string"}, required=True),
    Parameter(
        "direction",
        "Direction of the call. Defaults to inbound.",
        {"type": "string", "enum": ["inbound", "outbound"]},
    ),
)


@endpoints.operation(
    "GET",
    "/endpoints",
    who=Who.SUPERADMIN,
    parameters=(*FILTERS, *PAGING),
    response=schemas.Endpoint,
    is_list=True,
    errors=(400,),
)
def list_endpoints(scope: Scope, query: Any) -> ResponseReturnValue:
    """List endpoints

    Returns the organization's endpoints, sorted by phone number. With limit, returns one page; the Link
    header has the URL of the next one.
    """
    filters = _filter(query)
    if "limit" not in query:
        if "cursor" in query:
            raise Invalid([Problem("cursor", messages.CURSOR_WITHOUT_LIMIT)])
        rows = listing.stream(scope, filters)
        return responses.array(rows, tag=_list_tag(scope), close=scope.session.close)
    page = paging.page(scope, filters, limit=query["limit"], cursor=query.get("cursor"))
    base = scope.organization.public_base_url
    response = responses.document([listing.document(base, row) for row in page.rows], tagged=True)
    if page.next:
        responses.link_next(response, page.next)
    return response


@endpoints.operation(
    "POST",
    "/endpoints",
    who=Who.SUPERADMIN,
    body=EndpointDraft,
    response=schemas.Endpoint,
    status=201,
    errors=(409,),
)
def create_endpoint(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Create an endpoint

    A phone number can have one endpoint across all organizations.
    """
    return _endpoint(scope, crud.create(scope, sent), 201)


@endpoints.operation(
    "PUT",
    "/endpoints/<endpoint_id>",
    who=Who.SUPERADMIN,
    body=EndpointEdit,
    response=schemas.Endpoint,
    errors=(404, 412),
)
def update_endpoint(scope: Scope, endpoint_id: str, sent: Any) -> ResponseReturnValue:
    """Update an endpoint

    Omitted fields keep their values; null clears a field.
    """
    row = crud.update(scope, endpoint_id, sent, version=responses.expected_version())
    return _endpoint(scope, row, 200)


@endpoints.operation("DELETE", "/endpoints/<endpoint_id>", who=Who.SUPERADMIN, status=204, errors=(404, 412))
def delete_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Delete an endpoint"""
    crud.delete(scope, endpoint_id, version=responses.expected_version())
    return responses.no_content()


@endpoints.operation(
    "GET",
    "/endpoints/<endpoint_id>/observe",
    who=Who.SUPERADMIN,
    response=schemas.Observation,
    errors=(404, 429),
)
def observe_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Observe an endpoint

    Compares the webhook that the provider has for the phone number with the expected one.
    """
    return responses.document(endpoint.observe(scope, context.outbound(), endpoint_id).document())


@endpoints.operation(
    "POST",
    "/endpoints/<endpoint_id>/point",
    who=Who.SUPERADMIN,
    response=schemas.Observation,
    errors=(404, 409, 429),
)
def point_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Configure the webhook of an endpoint

    Sets inbound_webhook_url as the phone number's webhook at the provider, and observes the result.
    """
    return responses.document(endpoint.point(scope, context.outbound(), endpoint_id).document())


@endpoints.operation(
    "GET",
    "/endpoints/resolve",
    who=Who.USER,
    parameters=LOOKUP,
    response=schemas.Resolution,
    errors=(422,),
)
def resolve_endpoint(scope: Scope, query: Any) -> ResponseReturnValue:
    """Resolve the agent of a phone number

    Returns the agent that answers or dials. If there is none, blocked_reason has the cause.
    """
    answer = readiness.resolve(scope, query["phone_number"], query.get("direction", "inbound"))
    return responses.document(answer, tagged=True)


def _endpoint(scope: Scope, row: Any, status: int) -> Response:
    body = listing.document(scope.organization.public_base_url, row)
    return responses.document(body, status, tag=str(row.version))


def _filter(query: Any) -> Filter:
    return Filter(
        query.get("q", "").strip(), query.get("provider"), query.get("is_active"), query.get("agent")
    )


def _list_tag(scope: Scope) -> str:
    """Returns a tag that changes with the organization's data and with the query."""
    tagged = f"{scope.organization.id} {scope.organization.revision} {request.query_string!r}"
    return hashlib.sha256(tagged.encode()).hexdigest()[:32]
