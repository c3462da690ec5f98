"""`/api/calls`: the configuration that dialers and agent runtimes read, and superadmins set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from app import context
from app.api import messages, responses, schemas
from app.api.operations import Who, blueprint
from app.core import clock
from app.core.errors import Unauthenticated
from app.services import validation
from app.services.providers import dialer, voice
from app.services.scope import Scope
from app.services.voice_ai import config

calls = blueprint("calls", "/api/calls")


class ActiveChoice(BaseModel):
    """The provider to activate, or null for none."""

    model_config = validation.OPEN

    provider: str | None
    reason: str | None = Field(None, max_length=300)


class TokenRequest(BaseModel):
    """An empty object."""

    model_config = validation.OPEN


def _saved(message: str, unknown: list[str]) -> Response:
    return responses.document({"success": True, "message": message} | _warnings(unknown))


def _warnings(unknown: Iterable[str]) -> dict[str, Any]:
    warnings = [messages.unknown_field(name) for name in unknown]
    return {"warnings": warnings} if warnings else {}


def _active_for_token(token_id: str) -> Response:
    """Responds with one query, which checks the token too: dialers request this on every call."""
    found = voice.active_for_token(context.engine(), token_id)
    if found is None:
        raise Unauthenticated(messages.TOKEN_REVOKED, code="INVALID_TOKEN")
    return responses.document({"provider": found[0], "phoneNumber": found[1]}, tagged=True)


@calls.operation(
    "GET",
    "/providers",
    who=Who.USER,
    response=schemas.CallsActiveProviderResponse,
    shortcut=_active_for_token,
)
def active_provider(scope: Scope) -> ResponseReturnValue:
    """Get the active voice provider

    Returns the provider and the caller's default phone number for it.
    """
    provider, number = voice.active(scope)
    return responses.document({"provider": provider, "phoneNumber": number}, tagged=True)


@calls.operation(
    "GET", "/providers/config", who=Who.SUPERADMIN, response=schemas.CallsVoiceProviderConfigResponse
)
def voice_config(scope: Scope) -> ResponseReturnValue:
    """Get the voice provider configuration

    Secrets are included for tokens with the secrets scope, and each such read is audited.
    """
    return responses.document(voice.read_config(scope, is_sent=responses.sends), tagged=True)


@calls.operation(
    "POST",
    "/providers/config",
    who=Who.SUPERADMIN,
    body=voice.ConfigChanges,
    response=schemas.CallsSimpleSuccessResponse,
    errors=(409, 412),
)
def save_voice_config(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Save the configuration of a voice provider

    Omitted fields keep their values; null clears a field.
    """
    unknown = voice.save_config(scope, sent, if_match=responses.if_match())
    return _saved(messages.SAVED, unknown)


@calls.operation(
    "DELETE",
    "/providers/config/<provider>",
    who=Who.SUPERADMIN,
    response=schemas.CallsSimpleSuccessResponse,
    errors=(404, 412),
)
def delete_voice_config(scope: Scope, provider: str) -> ResponseReturnValue:
    """Delete the configuration of a voice provider

    An active provider is deactivated.
    """
    voice.disconnect(scope, provider, if_match=responses.if_match())
    return _saved(messages.DELETED, [])


@calls.operation(
    "POST",
    "/providers/active",
    who=Who.SUPERADMIN,
    body=ActiveChoice,
    response=schemas.CallsSimpleSuccessResponse,
    errors=(409, 412),
)
def make_active(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Set the active voice provider"""
    draft = validation.read(ActiveChoice, sent)
    voice.make_active(scope, draft.provider, reason=draft.reason, if_match=responses.if_match())
    return _saved(messages.ACTIVE_SAVED, sorted(draft.model_extra or {}))


@calls.operation(
    "POST",
    "/token",
    who=Who.USER,
    body=TokenRequest,
    optional_body=True,
    response=schemas.CallsTokenResponse,
    errors=(409, 429),
)
def create_dialer_token(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Create a token for the dialer's SDK

    The token is the active voice provider's, for the calling user, and expires within an hour. It contains no
    secret. 409 names what is missing: an active provider, or its fields.
    """
    unknown = sorted(validation.read(TokenRequest, sent).model_extra or {})
    issued = dialer.issue(scope)
    body = {
        "provider": issued.provider,
        "token": issued.token.jwt,
        "identity": issued.identity,
        "expiresAt": clock.utc(issued.token.expires_at),
    }
    return responses.document(body | _warnings(unknown))


@calls.operation("GET", "/voice-ai/config", who=Who.USER, response=schemas.CallsVoiceAiConfigResponse)
def voice_ai_config(scope: Scope) -> ResponseReturnValue:
    """Get the voice AI configuration

    Credentials are reported as flags, never as values. Includes the organization's Sinch numbers.
    """
    return responses.document(config.config(scope), tagged=True)


@calls.operation(
    "POST",
    "/voice-ai/config",
    who=Who.SUPERADMIN,
    body=config.ConfigChanges,
    response=schemas.CallsSimpleSuccessResponse,
    errors=(412,),
)
def save_voice_ai_config(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Save the voice AI configuration

    Omitted fields keep their values; null clears a field.
    """
    unknown = config.save(scope, context.outbound(), sent, if_match=responses.if_match())
    return _saved(messages.SAVED, unknown)
