"""`/api/settings/endpoints/{id}/webhook-test`, of one or many: whether webhooks answer only genuine calls."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from app import context
from app.api import error_codes, examples, parameters, responses, schemas
from app.api.jobs import start_job
from app.api.operations import Named, Tag, Who, blueprint
from app.provider import Capability
from app.services import validation
from app.services.jobs import Kind, Running
from app.services.scope import Scope
from app.services.webhook_tests import many, messages, results, runs
from app.services.webhook_tests.many import WebhookTestTargets

webhook_tests = blueprint(
    "webhook_tests",
    "/api/settings",
    Tag("Webhook tests", "Requests to an agent runtime, made as its provider makes them."),
)


class WebhookTestRequest(BaseModel):
    """Which requests are made."""

    model_config = validation.STRICT

    signed: bool = Field(False, description=messages.SIGNED)


@webhook_tests.operation(
    "POST",
    "/endpoints/<endpoint_id>/webhook-test",
    who=Who.SUPERADMIN,
    body=WebhookTestRequest,
    optional_body=True,
    returns="The result of the test.",
    body_example=examples.WEBHOOK_TEST_REQUEST,
    response=schemas.WebhookTest,
    example=examples.WEBHOOK_TEST,
    errors=("TOO_MANY_REQUESTS", *error_codes.NOT_TESTED),
)
def run_webhook_test(scope: Scope, endpoint_id: str, payload: Any) -> ResponseReturnValue:
    """Test the webhook of an endpoint

    Requests `inbound_webhook_url` without a signature, about a call that has ended: a runtime should refuse
    it. With `signed`, also with a wrong and with the right signature, as the provider requests it for a
    ringing call: a runtime starts an agent then, unless it knows the parameter `PatchbayTest` and the header
    `X-Patchbay-Test`, which mark every test.

    A webhook that does not work is a result, not an error: `ok` is false and `code` has the cause.
    """
    chosen = validation.read(WebhookTestRequest, payload)
    report = runs.run(scope, context.outbound(), endpoint_id, signed=chosen.signed)
    return responses.document(report.document())


@webhook_tests.operation(
    "GET",
    "/endpoints/<endpoint_id>/webhook-test",
    who=Who.SUPERADMIN,
    returns="The last results.",
    response=schemas.WebhookTest,
    example=examples.WEBHOOK_TEST,
    errors=("CANNOT_TEST",),
)
def get_webhook_test(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Get the last webhook test of an endpoint

    Returns the last result of each request to the present `inbound_webhook_url`, without making one. Without
    any, `ok` is null and `code` is `not_tested`. Results are kept for 90 days.
    """
    return responses.document(runs.last(scope, endpoint_id).document())


@webhook_tests.operation(
    "POST",
    "/endpoints/webhook-test",
    who=Who.SUPERADMIN,
    returns="The job was started. `Location` and `url` are where to read its progress.",
    body=WebhookTestTargets,
    body_example=Named({"By id": examples.WEBHOOK_TARGETS, "By filter": examples.WEBHOOK_TARGETS_BY_FILTER}),
    response=schemas.StartedJob,
    example=examples.STARTED_JOB,
    status=202,
    headers=("Location",),
    creates="/api/settings/jobs",
    errors=("JOB_RUNNING",),
)
def start_webhook_tests(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Test the webhooks of many endpoints

    Starts a job that does for each endpoint what `POST
    /api/settings/endpoints/{endpoint_id}/webhook-test` does: for up to 1,000 `ids`, or for all endpoints
    with an inbound agent that match `filter`, which may be empty. Without `signed`, it sends the unsigned
    request only. A runtime that cannot be reached is requested once for all numbers with the same URL.
    What reaches the rate limit of tests is tested after the others, up to 15 minutes later.

    An organization has one such job at a time.
    """
    selection, signed = many.read(scope, payload)
    http, total = context.outbound(), many.count(scope, selection)

    def run(inside: Scope, job: Running) -> str:
        many.run(inside, http, job, selection, signed=signed)
        return ""

    return start_job(scope, Kind.TEST_WEBHOOKS, run, step=messages.TESTING, total=total)


APPLICATION = parameters.provider(Capability.CALLBACK, Capability.WEBHOOK_TEST)


@webhook_tests.operation(
    "POST",
    "/providers/<provider>/callback-test",
    who=Who.SUPERADMIN,
    body=WebhookTestRequest,
    optional_body=True,
    parameters=(APPLICATION,),
    returns="The result of the test.",
    body_example=examples.WEBHOOK_TEST_REQUEST,
    response=schemas.WebhookTest,
    example=examples.WEBHOOK_TEST,
    errors=("TOO_MANY_REQUESTS", "NO_CALLBACK", *error_codes.NOT_TESTED),
)
def run_callback_test(scope: Scope, provider: str, payload: Any) -> ResponseReturnValue:
    """Test the callback URL of a provider's application

    Requests the callback URL that was last set from Patchbay, as `POST
    /api/settings/endpoints/{endpoint_id}/webhook-test` requests the webhook of an endpoint.
    """
    chosen = validation.read(WebhookTestRequest, payload)
    subject = runs.application(scope, provider)
    report = runs.run_test(scope, context.outbound(), subject, signed=chosen.signed)
    return responses.document(report.document())


@webhook_tests.operation(
    "GET",
    "/providers/<provider>/callback-test",
    who=Who.SUPERADMIN,
    parameters=(APPLICATION,),
    returns="The last results.",
    response=schemas.WebhookTest,
    example=examples.WEBHOOK_TEST,
    errors=("CANNOT_TEST",),
)
def get_callback_test(scope: Scope, provider: str) -> ResponseReturnValue:
    """Get the last test of an application's callback URL

    Returns the last result of each request to the present callback URL, without making one.
    """
    return responses.document(results.of(scope, runs.application(scope, provider)).document())
