"""The calls API: what dialers and AI-readiness banners read, and superadmins set."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from app import context
from app.api import responses, schemas
from app.api.operations import Who, blueprint
from app.core.errors import Unauthenticated
from app.services import validation
from app.services.providers import voice
from app.services.scope import Scope
from app.services.voice_ai import config

calls = blueprint("calls", "/api/calls")


class ActiveChoice(BaseModel):
    """The provider to make active, or null for none."""

    model_config = validation.OPEN

    provider: str | None
    reason: str | None = Field(None, max_length=300)


def _saved(message: str, unknown: list[str]) -> Response:
    body: dict[str, Any] = {"success": True, "message": message}
    if unknown:
        body["warnings"] = [f"{name} is not known here, and was ignored." for name in unknown]
    return responses.document(body)


def _active_for_token(token_id: str) -> Response:
    """The question of every call takes the short way: one query checks the token and answers."""
    found = voice.active_for_token(context.engine(), token_id)
    if found is None:
        raise Unauthenticated("The token was revoked. Sign in again.", code="INVALID_TOKEN")
    return responses.document({"provider": found[0], "phoneNumber": found[1]}, tagged=True)


@calls.operation(
    "GET",
    "/providers",
    who=Who.USER,
    answer=schemas.CallsActiveProviderResponse,
    shortcut=_active_for_token,
)
def active_provider(scope: Scope) -> ResponseReturnValue:
    """Get the active voice provider and the caller's default number for it"""
    provider, number = voice.active(scope)
    return responses.document({"provider": provider, "phoneNumber": number}, tagged=True)


@calls.operation(
    "GET", "/providers/config", who=Who.SUPERADMIN, answer=schemas.CallsVoiceProviderConfigResponse
)
def voice_config(scope: Scope) -> ResponseReturnValue:
    """Get the full voice provider configuration"""
    return responses.document(voice.read_config(scope, is_sent=responses.sends), tagged=True)


@calls.operation(
    "POST",
    "/providers/config",
    who=Who.SUPERADMIN,
    body=voice.ConfigChanges,
    answer=schemas.CallsSimpleSuccessResponse,
    refusals=(409, 412),
)
def save_voice_config(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Save one voice provider's values; absent keeps, null clears"""
    unknown = voice.save_config(scope, sent, if_match=responses.if_match())
    return _saved("Configuration saved", unknown)


@calls.operation(
    "DELETE",
    "/providers/config/<provider>",
    who=Who.SUPERADMIN,
    answer=schemas.CallsSimpleSuccessResponse,
    refusals=(404, 412),
)
def forget_voice_config(scope: Scope, provider: str) -> ResponseReturnValue:
    """Forget a voice provider's values, and unset it where it is active"""
    voice.forget(scope, provider, if_match=responses.if_match())
    return _saved("Configuration forgotten", [])


@calls.operation(
    "POST",
    "/providers/active",
    who=Who.SUPERADMIN,
    body=ActiveChoice,
    answer=schemas.CallsSimpleSuccessResponse,
    refusals=(409, 412),
)
def make_active(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Make a configured voice provider the active one"""
    draft = validation.read(ActiveChoice, sent)
    voice.make_active(scope, draft.provider, reason=draft.reason, if_match=responses.if_match())
    return _saved("Active provider saved", sorted(draft.model_extra or {}))


@calls.operation("GET", "/voice-ai/config", who=Who.USER, answer=schemas.CallsVoiceAiConfigResponse)
def voice_ai_config(scope: Scope) -> ResponseReturnValue:
    """Get the voice AI configuration: flags, never values, and the organization's Sinch numbers"""
    return responses.document(config.config(scope), tagged=True)


@calls.operation(
    "POST",
    "/voice-ai/config",
    who=Who.SUPERADMIN,
    body=config.ConfigChanges,
    answer=schemas.CallsSimpleSuccessResponse,
    refusals=(412,),
)
def save_voice_ai_config(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Save the voice AI configuration; absent keeps, null clears"""
    unknown = config.save(scope, context.outbound(), sent, if_match=responses.if_match())
    return _saved("Configuration saved", unknown)
