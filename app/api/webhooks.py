"""What providers tell us. Whoever can sign it is believed."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.api import responses, schemas
from app.api.operations import Who, blueprint
from app.services.scope import Scope
from app.services.voice_ai import calls

webhooks = blueprint("webhooks", "/api/webhook")

LARGEST_EVENT = 2_000_000


@webhooks.operation(
    "POST",
    "/elevenlabs/<organization_id>",
    who=Who.SIGNER,
    answer=schemas.CallsSimpleSuccessResponse,
    refusals=(400, 401, 409, 413, 422),
    raw_body=LARGEST_EVENT,
)
def take_call_event(scope: Scope, organization_id: str, body: bytes) -> ResponseReturnValue:
    """Take what ElevenLabs tells of a call: of each conversation each kind of event is kept once"""
    signature = request.headers.get("ElevenLabs-Signature", "")
    message = calls.receive(scope, organization_id, signature, body)
    return responses.document({"success": True, "message": message})
