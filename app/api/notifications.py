"""`/api/notifications`, `/api/problems`, `/api/quiet-periods` and `/api/notification-settings`.

Each operation is declared once, for an organization (`/api/organizations/{organization_id}/…`) and for the
installation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Unpack

from flask import request
from flask.typing import ResponseReturnValue

from app import context
from app.api import notification_examples as examples
from app.api import notification_schemas as schemas
from app.api import parameters, responses
from app.api.operations import Declared, Tag, View, Who, blueprint
from app.api.parameters import UUID, Parameter
from app.services.notifications import destinations, inbox, limits, quiet
from app.services.notifications.destinations import (
    DestinationDraft,
    DestinationEdit,
    InstallationDestinationDraft,
    InstallationDestinationEdit,
)
from app.services.notifications.limits import InstallationLimits, OrganizationLimits
from app.services.notifications.quiet import QuietDraft
from app.services.scope import Scope

notifications = blueprint(
    "notifications",
    "/api",
    Tag("Notifications", "Messages about what breaks and recovers: by webhook, e-mail and Slack."),
)

DESTINATION_ID = Parameter("destination_id", "Id of the destination.", UUID, example=examples.DESTINATION_ID)
DELIVERY_ID = Parameter("delivery_id", "Id of the delivery.", UUID, example=examples.DELIVERY_ID)
PROBLEM_ID = Parameter("problem_id", "Id of the problem.", UUID, example=examples.PROBLEM_ID)
PERIOD_ID = Parameter("period_id", "Id of the quiet period.", UUID, example=examples.PERIOD_ID)
IN_PATH = (DESTINATION_ID, DELIVERY_ID, PROBLEM_ID, PERIOD_ID)
OF_ORGANIZATION = "/organizations/<organization_id>"


def _operation(
    method: str,
    rule: str,
    *,
    more: tuple[Parameter, ...] = (),
    of_installation: Mapping[str, Any] | None = None,
    **declared: Unpack[Declared],
) -> Callable[[View], View]:
    """Declares an operation for an organization, and for the installation.

    `of_installation` has the declarations that differ for the installation.
    """
    named = tuple(parameter for parameter in IN_PATH if f"<{parameter.name}>" in rule)

    def declare(view: View) -> View:
        here: Declared = {**declared, **(of_installation or {})}  # type: ignore[typeddict-item]
        for prefix, variant, options in (
            (OF_ORGANIZATION, view, declared),
            ("", _of_installation(view), here),
        ):
            notifications.operation(
                method,
                prefix + rule,
                who=Who.SUPERADMIN,
                parameters=(*named, *more),
                **options,
            )(variant)
        return view

    return declare


def _of_installation(view: View) -> View:
    """Returns the view without an organization; its title says that it is of the installation."""

    @functools.wraps(view)
    def run(scope: Scope, **arguments: Any) -> ResponseReturnValue:
        return view(replace(scope, organization_or_none=None), **arguments)

    title, _, rest = (view.__doc__ or "").partition("\n")
    run.__name__ = f"{view.__name__}_of_installation"
    run.__doc__ = f"{title} of the installation\n{rest}"
    return run


@_operation(
    "GET",
    "/notifications",
    returns="The destinations.",
    response=schemas.Destination,
    is_list=True,
    example=[examples.DESTINATION],
    headers=("ETag",),
)
def list_destinations(scope: Scope) -> ResponseReturnValue:
    """List the destinations

    Returns where messages are sent, oldest first. Secret values are not in it.
    """
    documents = [destinations.document(row) for row in destinations.listed(scope)]
    return responses.document(documents, tagged=True)


@_operation(
    "POST",
    "/notifications",
    returns="The new destination; for a webhook with its signing secret, which is shown this once.",
    body=DestinationDraft,
    of_installation={"body": InstallationDestinationDraft},
    body_example=examples.NEW_DESTINATION,
    response=schemas.CreatedDestination,
    example=examples.DESTINATION | {"secret": examples.SIGNING_SECRET},
    status=201,
    headers=("ETag", "Location"),
    errors=("TOO_MANY_DESTINATIONS",),
)
def create_destination(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Add a destination

    A `webhook` and `slack` have a `url`, and `email` has an `address`. `events` are the types that it
    receives; `["*"]` is all of them. The signing secret of a webhook is in this response only.
    """
    saved = destinations.create(scope, payload)
    body = destinations.document(saved.row) | _secret(saved.secrets)
    return responses.resource(body, 201, location=f"{request.path}/{saved.row.id}")


def _secret(secrets: Any) -> dict[str, str]:
    """Returns the generated secret, if the kind has one."""
    return {"secret": next(iter(secrets.values()))} if secrets else {}


@_operation(
    "GET",
    "/notifications/<destination_id>",
    returns="The destination.",
    response=schemas.Destination,
    example=examples.DESTINATION,
    headers=("ETag",),
)
def get_destination(scope: Scope, destination_id: str) -> ResponseReturnValue:
    """Get a destination

    Returns its events, whether it is muted or disabled, and since when its messages are not accepted.
    """
    return responses.resource(destinations.document(destinations.get(scope, destination_id)))


@_operation(
    "PUT",
    "/notifications/<destination_id>",
    returns="The destination after the change.",
    body=DestinationEdit,
    of_installation={"body": InstallationDestinationEdit},
    body_example=examples.DESTINATION_CHANGES,
    response=schemas.Destination,
    example=examples.DESTINATION,
    headers=("ETag",),
    errors=("STALE",),
)
def update_destination(scope: Scope, destination_id: str, payload: Any) -> ResponseReturnValue:
    """Update a destination

    Omitted fields keep their values. Messages wait until `muted_until`; with `enabled` false none are kept
    for it. Setting `enabled` to true ends that Patchbay disabled it.
    """
    row = destinations.change(scope, destination_id, payload, version=responses.version_condition())
    return responses.resource(destinations.document(row))


@_operation("DELETE", "/notifications/<destination_id>", returns="The destination was deleted.", status=204)
def delete_destination(scope: Scope, destination_id: str) -> ResponseReturnValue:
    """Delete a destination

    Deletes the log of its deliveries too. Messages that wait for it are not sent.
    """
    destinations.delete(scope, destination_id)
    return responses.no_content()


@_operation(
    "POST",
    "/notifications/<destination_id>/secret",
    returns="The new signing secret, which is shown this once.",
    response=schemas.SigningSecret,
    example={"secret": examples.SIGNING_SECRET, "previous_secret_until": examples.LATER},
    errors=("NO_SECRET",),
)
def replace_secret(scope: Scope, destination_id: str) -> ResponseReturnValue:
    """Replace the signing secret

    For 24 hours each message has two signatures, one with each secret, so that the receiver can be changed
    without losing any.
    """
    saved = destinations.replace_secret(scope, destination_id)
    until = destinations.document(saved.row)["previous_secret_until"]
    return responses.document(_secret(saved.secrets) | {"previous_secret_until": until})


@_operation(
    "POST",
    "/notifications/<destination_id>/test",
    returns="The delivery of the test message with its one attempt, accepted or not.",
    response=schemas.Delivery,
    example=examples.TEST_DELIVERY,
)
def test_destination(scope: Scope, destination_id: str) -> ResponseReturnValue:
    """Send a test message

    It is sent now, once, even if the destination is muted. The response says whether it was accepted, and
    if not, why.
    """
    return responses.document(inbox.document(inbox.test(scope, context.sender(), destination_id)))


@_operation(
    "GET",
    "/notifications/<destination_id>/deliveries",
    more=parameters.paging("deliveries", inbox.PAGE, inbox.PAGE_MOST),
    returns="The deliveries, newest first. The Link header has the next page.",
    response=schemas.Delivery,
    is_list=True,
    example=[examples.DELIVERY],
    headers=("Link",),
)
def list_deliveries(scope: Scope, destination_id: str, query: dict[str, Any]) -> ResponseReturnValue:
    """List the deliveries to a destination

    Returns each message with its state and every attempt: when, how long it took, the status of the
    response, and why it failed. They are kept for 90 days.
    """
    limit = query.get("limit", inbox.PAGE)
    page = inbox.deliveries(scope, destination_id, query.get("cursor"), limit=limit)
    return responses.with_next(responses.document([inbox.document(entry) for entry in page.rows]), page.next)


@_operation(
    "POST",
    "/notifications/<destination_id>/deliveries/<delivery_id>/resend",
    returns="The new delivery with its one attempt, accepted or not.",
    response=schemas.Delivery,
    example=examples.DELIVERY | {"resent": True},
)
def resend_delivery(scope: Scope, destination_id: str, delivery_id: str) -> ResponseReturnValue:
    """Send a message again

    It is sent now, once, with the same message id, so that a receiver recognizes it.
    """
    entry = inbox.resend(scope, context.sender(), destination_id, delivery_id)
    return responses.document(inbox.document(entry))


@_operation(
    "GET",
    "/problems",
    returns="The open problems, newest first.",
    response=schemas.OpenProblem,
    is_list=True,
    example=[examples.PROBLEM],
)
def list_problems(scope: Scope) -> ResponseReturnValue:
    """List the open problems

    Returns what was reported and is not over, acknowledged or not; up to 200.
    """
    return responses.document([inbox.problem(row) for row in inbox.open_now(scope)])


@_operation(
    "POST",
    "/problems/<problem_id>/acknowledge",
    returns="The problem, acknowledged.",
    response=schemas.OpenProblem,
    example=examples.PROBLEM | {"acknowledged_at": examples.LATER, "acknowledged_by": "alex@example.com"},
)
def acknowledge_problem(scope: Scope, problem_id: str) -> ResponseReturnValue:
    """Acknowledge a problem

    It stays open until it is over, and is no longer counted in the portal. Doing it again changes nothing.
    """
    return responses.document(inbox.problem(inbox.acknowledge(scope, problem_id)))


@_operation(
    "GET",
    "/quiet-periods",
    returns="The quiet periods that are not over.",
    response=schemas.QuietPeriod,
    is_list=True,
    example=[examples.QUIET_PERIOD],
)
def list_quiet_periods(scope: Scope) -> ResponseReturnValue:
    """List the quiet periods

    Returns the planned changes during which messages wait, by their start.
    """
    return responses.document([quiet.document(row) for row in quiet.listed(scope)])


@_operation(
    "POST",
    "/quiet-periods",
    returns="The new quiet period.",
    body=QuietDraft,
    body_example=examples.NEW_QUIET_PERIOD,
    response=schemas.QuietPeriod,
    example=examples.QUIET_PERIOD,
    status=201,
)
def create_quiet_period(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Add a quiet period

    Messages wait until it ends, up to 30 days from now: at `ends_at`, or after so many `hours` from now. What
    is over by then is not sent.
    """
    return responses.document(quiet.document(quiet.add(scope, payload)), 201)


@_operation("DELETE", "/quiet-periods/<period_id>", returns="The quiet period has ended.", status=204)
def end_quiet_period(scope: Scope, period_id: str) -> ResponseReturnValue:
    """End a quiet period

    Messages that wait for it are sent. One that has not begun is deleted.
    """
    quiet.end(scope, period_id)
    return responses.no_content()


@_operation(
    "GET",
    "/notification-settings",
    returns="The chosen ages.",
    response=schemas.NotificationLimits,
    example=examples.LIMITS,
)
def get_notification_settings(scope: Scope) -> ResponseReturnValue:
    """Get the ages that are reported

    Returns after how many days a secret (of an organization) or the last backup (of the installation) is
    reported; null if it is not.
    """
    return responses.document(limits.get(scope).model_dump())


@_operation(
    "PUT",
    "/notification-settings",
    returns="The chosen ages after the change.",
    body=OrganizationLimits,
    body_example={"most_secret_days": 365},
    of_installation={"body": InstallationLimits, "body_example": {"most_backup_days": 2}},
    response=schemas.NotificationLimits,
    example=examples.LIMITS,
)
def update_notification_settings(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Change the ages that are reported

    Each is a whole number of days, or null for no report. `most_secret_days` is for organizations, and
    `most_backup_days` for the installation.
    """
    return responses.document(limits.save(scope, payload).model_dump())
