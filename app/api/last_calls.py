"""`/api/settings/endpoints/{id}/last-call`: whether real calls to a number get through."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app import context
from app.api import error_codes, examples, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.services.last_calls import endpoints
from app.services.scope import Scope

last_calls = blueprint(
    "last_calls",
    "/api/settings",
    Tag("Last calls", "When a number was last called, as its provider lists it, without the caller."),
)


@last_calls.operation(
    "GET",
    "/endpoints/<endpoint_id>/last-call",
    who=Who.SUPERADMIN,
    returns="The last call, as it was last read.",
    response=schemas.LastCallReport,
    example=examples.LAST_CALL,
)
def get_last_call(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Get the last call to an endpoint

    Returns what was last read from the provider, at `checked_at`, without a request to it. `state` is
    `not_read` before the first reading, `never_called` if the provider lists no call, and `unreadable` if the
    calls cannot be read.
    """
    return responses.document(endpoints.show(scope, endpoint_id).document())


@last_calls.operation(
    "POST",
    "/endpoints/<endpoint_id>/last-call",
    who=Who.SUPERADMIN,
    returns="The last call.",
    response=schemas.LastCallReport,
    example=examples.LAST_CALL,
    errors=(*error_codes.PROVIDER_CALL, "CANNOT_READ_CALLS"),
)
def read_last_call(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Read the last call to an endpoint

    Reads the last incoming call from the provider, and stores it. For Twilio, `webhook_failure` has the error
    that it reports about the call, and whether that was at the webhook as it is now. A provider that refuses
    or does not respond is a result, not an error: `problem` says why, and what was read before stays.
    """
    return responses.document(endpoints.refresh(scope, context.outbound(), endpoint_id).document())
