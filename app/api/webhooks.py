"""Reports that voice AI providers send. The signature authenticates them."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.api import responses, schemas
from app.api.operations import View, Who, blueprint
from app.provider import Provider
from app.services.scope import Scope
from app.services.voice_ai import calls, selection, webhook

webhooks = blueprint("webhooks", "/api/webhook")

LARGEST_EVENT = 2_000_000


def _receiver(provider: Provider) -> View:
    def receive(scope: Scope, organization_id: str, body: bytes) -> ResponseReturnValue:
        signature = request.headers.get(selection.reports_of(provider).signature_header, "")
        message = calls.receive(scope, provider, organization_id, signature, body)
        return responses.document({"success": True, "message": message})

    receive.__name__ = f"receive_{provider.key}_report"
    receive.__doc__ = f"Receive a call event from {provider.label}\n\nDuplicate events are ignored."
    return receive


for _provider in webhook.providers():
    webhooks.operation(
        "POST",
        f"/{_provider.key}/<organization_id>",
        who=Who.SIGNER,
        response=schemas.CallsSimpleSuccessResponse,
        errors=(400, 401, 409, 413, 422),
        raw_body=LARGEST_EVENT,
    )(_receiver(_provider))
