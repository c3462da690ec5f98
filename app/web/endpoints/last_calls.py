"""The last call to an endpoint's number: the last result, and reading it again."""

from __future__ import annotations

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core.errors import Conflict, PatchbayError, TooMany
from app.services.endpoints import crud
from app.services.last_calls import endpoints
from app.services.last_calls.states import LastCallReport
from app.services.scope import Scope
from app.services.status.places import Place
from app.web.shell import render
from app.web.shell.guard import Pages, Who

last_calls = Pages("last_calls", __name__)


@last_calls.page(
    "/o/<slug>/endpoints/<endpoint_id>/last-call",
    who=Who.SUPERADMIN,
    title="Last call",
    places={Place.LAST_CALL: {}},
)
def show(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Shows the last result, without a request to the provider."""
    return _page(scope, endpoint_id, endpoints.show(scope, endpoint_id))


def _page(
    scope: Scope, endpoint_id: str, report: LastCallReport, problem: PatchbayError | None = None
) -> Response:
    response = render.page(
        "endpoints/last_call.html",
        problem.status if problem else 200,
        row=crud.get(scope, endpoint_id),
        report=report,
        problem=problem.message if problem else "",
    )
    return render.with_retry_after(response, problem) if problem else response


@last_calls.page("/o/<slug>/endpoints/<endpoint_id>/last-call", who=Who.SUPERADMIN, methods=["POST"])
def read(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Reads the last call from the provider, and shows it or why it could not be read."""
    try:
        report = endpoints.refresh(scope, context.outbound(), endpoint_id)
    except (Conflict, TooMany) as error:
        return _page(scope, endpoint_id, endpoints.show(scope, endpoint_id), error)
    if render.is_fragment_request() or report.failure:
        return _page(scope, endpoint_id, report)
    return render.redirect_to(url_for("endpoints.show", endpoint_id=endpoint_id, _anchor="last_call"))
