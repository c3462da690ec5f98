"""Reports that voice AI providers send. The signature authenticates them."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.api import error_codes, examples, responses, schemas
from app.api.operations import Tag, View, Who, blueprint
from app.provider import Provider
from app.services.scope import Scope
from app.services.voice_ai import calls, selection, webhook

webhooks = blueprint(
    "webhooks", "/api/webhook", Tag("Webhooks", "Events that voice AI providers send to Patchbay.")
)

LARGEST_EVENT = 2_000_000


def _receiver(provider: Provider) -> View:
    def receive(scope: Scope, organization_id: str, body: bytes) -> ResponseReturnValue:
        signature = request.headers.get(selection.reports_of(provider).signature_header, "")
        message = calls.receive(scope, provider, organization_id, signature, body)
        return responses.document({"success": True, "message": message})

    receive.__name__ = f"receive_{provider.key}_report"
    receive.__doc__ = (
        f"Receive a call event from {provider.label}\n\n"
        f"{provider.label} sends it after a call, signed with the webhook's secret. Patchbay stores the call "
        "and its outcome. Duplicate events are ignored."
    )
    return receive


for _provider in webhook.providers():
    webhooks.operation(
        "POST",
        f"/{_provider.key}/<organization_id>",
        who=Who.SIGNER,
        returns="The event was processed.",
        response=schemas.CallsSimpleSuccessResponse,
        body_example=examples.CALL_EVENT,
        example=examples.saved("Call saved"),
        errors=("INVALID_SIGNATURE", "REPLAYED", *error_codes.BODY),
        raw_body=LARGEST_EVENT,
    )(_receiver(_provider))
