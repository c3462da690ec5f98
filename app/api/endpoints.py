"""`/api/settings/endpoints`: phone numbers and their agents."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from app import context
from app.api import error_codes, examples, messages, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.api.parameters import E164, Parameter
from app.core.errors import Invalid, Problem
from app.provider import Family
from app.providers import keys_in
from app.services import fields
from app.services.endpoints import crud, listing, paging, readiness
from app.services.endpoints.fields import SEARCHED_WORDS, EndpointDraft, EndpointEdit
from app.services.endpoints.listing import Filter
from app.services.scope import Scope
from app.services.webhooks import endpoint

endpoints = blueprint(
    "endpoints",
    "/api/settings",
    Tag("Endpoints", "Phone numbers, and the agents that answer and dial for them."),
)

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
    Parameter("phone_number", "Phone number in E.164 format.", E164, required=True, example=examples.NUMBER),
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
    returns="The endpoints.",
    parameters=(*FILTERS, *PAGING),
    response=schemas.Endpoint,
    is_list=True,
    example=[examples.ENDPOINT],
    headers=("ETag", "Link"),
)
def list_endpoints(scope: Scope, query: Any) -> ResponseReturnValue:
    """List endpoints

    Returns the organization's endpoints, sorted by phone number. With `limit`, returns one page, and the
    `Link` header has the URL of the next one; without it, returns all endpoints as one streamed array.
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
    returns="The new endpoint.",
    body=EndpointDraft,
    body_example=examples.NEW_ENDPOINT,
    response=schemas.Endpoint,
    example=examples.ENDPOINT,
    status=201,
    headers=("ETag",),
    errors=("NUMBER_IN_USE",),
)
def create_endpoint(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Create an endpoint

    A phone number can have one endpoint across all organizations. Configure the returned
    `inbound_webhook_url` at the provider, or let Patchbay do it with `POST
    /api/settings/endpoints/{endpoint_id}/point`.
    """
    return _endpoint(scope, crud.create(scope, sent), 201)


@endpoints.operation(
    "PUT",
    "/endpoints/<endpoint_id>",
    who=Who.SUPERADMIN,
    returns="The endpoint after the change.",
    body=EndpointEdit,
    body_example=examples.ENDPOINT_CHANGES,
    response=schemas.Endpoint,
    example=examples.ENDPOINT,
    headers=("ETag",),
    errors=("STALE",),
)
def update_endpoint(scope: Scope, endpoint_id: str, sent: Any) -> ResponseReturnValue:
    """Update an endpoint

    Omitted fields keep their values, and null clears a field. The phone number and the provider of an
    endpoint never change: delete it and create another one.
    """
    row = crud.update(scope, endpoint_id, sent, version=responses.condition())
    return _endpoint(scope, row, 200)


@endpoints.operation(
    "DELETE",
    "/endpoints/<endpoint_id>",
    who=Who.SUPERADMIN,
    returns="The endpoint was deleted.",
    status=204,
    errors=("STALE",),
)
def delete_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Delete an endpoint

    The phone number can be used again afterwards, also by another organization. The provider keeps
    calling the webhook URL until it is changed there.
    """
    crud.delete(scope, endpoint_id, version=responses.condition())
    return responses.no_content()


@endpoints.operation(
    "GET",
    "/endpoints/<endpoint_id>/observe",
    who=Who.SUPERADMIN,
    returns="What the provider has, compared with what is expected.",
    response=schemas.Observation,
    example=examples.OBSERVATION,
    errors=("TOO_MANY_REQUESTS",),
)
def observe_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Observe an endpoint

    Reads the webhook of the phone number from the provider, and compares it with `inbound_webhook_url`. A
    provider that refuses or does not respond is a result, not an error: `in_sync` is null and `reason`
    has the cause.
    """
    return responses.document(endpoint.observe(scope, context.outbound(), endpoint_id).document())


@endpoints.operation(
    "POST",
    "/endpoints/<endpoint_id>/point",
    who=Who.SUPERADMIN,
    returns="What the provider has after the change.",
    response=schemas.Observation,
    example=examples.OBSERVATION,
    errors=(*error_codes.PROVIDER_CALL, *error_codes.NOT_POINTED),
)
def point_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Configure the webhook of an endpoint

    Sets `inbound_webhook_url` as the phone number's webhook at the provider, and returns what the
    provider has afterwards. An application or trunk that takes precedence over the webhook is removed
    from the number.
    """
    return responses.document(endpoint.point(scope, context.outbound(), endpoint_id).document())


@endpoints.operation(
    "GET",
    "/endpoints/resolve",
    who=Who.USER,
    parameters=LOOKUP,
    returns="The agent, and whether it can take or make the call.",
    response=schemas.Resolution,
    example=examples.RESOLUTION,
    headers=("ETag",),
)
def resolve_endpoint(scope: Scope, query: Any) -> ResponseReturnValue:
    """Resolve the agent of a phone number

    Returns the agent that answers calls to a number, or dials from it, for an agent runtime to start the call
    with. If none can, `ready` is false and `blocked_reason` has the cause.
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
