"""`/api/settings/endpoints`: phone numbers and their agents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from app import context
from app.api import error_codes, examples, messages, parameters, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.api.parameters import POSSIBLE_NUMBER, TEXT, Parameter
from app.core.errors import Invalid, Problem
from app.models import Verdict
from app.provider import Family
from app.providers import keys_in
from app.services import fields
from app.services.connections import transitions
from app.services.endpoints import batch, crud, listing, paging, proven, readiness
from app.services.endpoints.batch import EndpointBatch
from app.services.endpoints.fields import SEARCHED_WORDS, EndpointDraft, EndpointEdit
from app.services.endpoints.listing import Filter
from app.services.endpoints.writes import Outcome
from app.services.scope import Scope
from app.services.webhooks import deleting, endpoint

endpoints = blueprint(
    "endpoints",
    "/api/settings",
    Tag("Endpoints", "Phone numbers, and the agents that answer and dial for them."),
)

FILTERS = (
    Parameter(
        "q",
        f"Text to find in the {SEARCHED_WORDS}.",
        TEXT | {"maxLength": fields.LABEL_LONGEST},
    ),
    Parameter(
        "provider",
        "Only endpoints of this provider.",
        {"type": "string", "enum": list(keys_in(Family.TELEPHONY))},
    ),
    Parameter("is_active", "Only active (true) or inactive (false) endpoints.", {"type": "boolean"}),
    Parameter("agent", "Only endpoints with this inbound or outbound agent.", TEXT),
    Parameter(
        "health",
        "Only endpoints with this health: off for those that take no calls, unknown until they are checked.",
        {"type": "string", "enum": [str(verdict) for verdict in Verdict]},
    ),
    Parameter(
        "proven",
        "Only endpoints whose number is proven (true), or is not (false).",
        {"type": "boolean"},
    ),
)
LOOKUP = (
    Parameter(
        "phone_number",
        "Phone number in E.164 format.",
        POSSIBLE_NUMBER,
        required=True,
        example=examples.NUMBER,
    ),
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
    parameters=(*FILTERS, *parameters.paging("endpoints", None, listing.PAGE_MOST)),
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
    response = responses.document(listing.documents(scope, page.rows), tagged=True)
    return responses.with_next(response, page.next)


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
    headers=("ETag", "Location"),
    errors=("NUMBER_IN_USE",),
)
def create_endpoint(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Create an endpoint

    A phone number can have one endpoint across all organizations. Configure the returned
    `inbound_webhook_url` at the provider, or let Patchbay do it with `POST
    /api/settings/endpoints/{endpoint_id}/point`.
    """
    row = crud.create(scope, payload)
    location = responses.own_path(scope, ".get_endpoint", endpoint_id=row.id)
    # A new endpoint has no webhook test, so its number is not proven.
    return _endpoint(scope, row, {}, 201, location=location)


@endpoints.operation(
    "POST",
    "/endpoints/bulk",
    who=Who.SUPERADMIN,
    returns="How many endpoints were created and changed, and all of them in the order of the request.",
    body=EndpointBatch,
    body_example=examples.ENDPOINT_BATCH,
    response=schemas.SavedEndpoints,
    example=examples.SAVED_ENDPOINTS,
    errors=("NUMBER_IN_USE", "STALE"),
    versions_in_body=True,
)
def save_endpoints(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Create or update many endpoints

    Saves up to 1,000 endpoints, or none of them if one is wrong: `error.details` names the row and the field,
    such as `endpoints.3.phone_number`. A row with an `id` changes that endpoint, and its omitted fields keep
    their values; any other row is a new endpoint. With `version`, a row is only changed if that is still the
    endpoint's version.

    The history of each number has the change, and it can be undone as a whole in the portal.
    """
    saved = batch.save(scope, payload)
    names = {"created": Outcome.ADDED, "updated": Outcome.CHANGED, "unchanged": Outcome.UNCHANGED}
    counts = {name: saved.counts.get(outcome, 0) for name, outcome in names.items()}
    return responses.document(counts | {"endpoints": listing.documents(scope, saved.rows, saved.proven)})


@endpoints.operation(
    "GET",
    "/endpoints/<endpoint_id>",
    who=Who.SUPERADMIN,
    returns="The endpoint.",
    response=schemas.Endpoint,
    example=examples.ENDPOINT,
    headers=("ETag",),
)
def get_endpoint(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Get an endpoint

    Returns the endpoint with its webhook URL. Send its `ETag`, or its `version` in quotes, in `If-Match` to
    change only what you have read.
    """
    return _endpoint(scope, crud.get(scope, endpoint_id))


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
def update_endpoint(scope: Scope, endpoint_id: str, payload: Any) -> ResponseReturnValue:
    """Update an endpoint

    Omitted fields keep their values, and null clears a field. The phone number and the provider of an
    endpoint never change: delete it and create another one.
    """
    saved = crud.save(scope, endpoint_id, payload, version=responses.version_condition())
    return _endpoint(scope, saved.row, saved.proven)


@endpoints.operation(
    "DELETE",
    "/endpoints/<endpoint_id>",
    who=Who.SUPERADMIN,
    returns="The endpoint was deleted.",
    parameters=(
        Parameter(
            "clear_webhook",
            "Also clear the webhook at the provider. Defaults to false.",
            {"type": "boolean"},
        ),
    ),
    status=204,
    errors=("STALE", "NOT_CLEARED"),
)
def delete_endpoint(scope: Scope, endpoint_id: str, query: Any) -> ResponseReturnValue:
    """Delete an endpoint

    The phone number can be used again afterwards, also by another organization. The provider keeps
    calling the webhook URL until it is changed there: with `clear_webhook`, Patchbay removes it, unless the
    number calls another URL. If that fails, the endpoint is deleted nevertheless, and the error says both.
    """
    http = context.outbound() if query.get("clear_webhook") else None
    deleting.delete(scope, http, endpoint_id, version=responses.version_condition()).expect_cleared()
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


def _endpoint(
    scope: Scope,
    row: Any,
    times: Mapping[str, datetime] | None = None,
    status: int = 200,
    *,
    location: str | None = None,
) -> Response:
    (body,) = listing.documents(scope, [row], times)
    return responses.resource(body, status, location=location)


def _filter(query: Any) -> Filter:
    health = query.get("health")
    return Filter(
        query.get("q", "").strip(),
        query.get("provider"),
        query.get("is_active"),
        query.get("agent"),
        health=Verdict(health) if health else None,
        proven=query.get("proven"),
    )


def _list_tag(scope: Scope) -> str:
    """Returns a tag that changes with the organization's data and with the query."""
    times = sorted(proven.times(scope).items())
    state = f"{scope.organization.revision} {transitions.newest_id(scope)} {times}"
    tagged = f"{scope.organization.id} {state} {request.query_string!r}"
    return hashlib.sha256(tagged.encode()).hexdigest()[:32]
