"""`/api/calls`: the configuration that dialers and agent runtimes read, and superadmins set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from app import context
from app.api import error_codes, examples, messages, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.api.parameters import Parameter
from app.core import clock
from app.core.errors import Unauthenticated
from app.provider import Family
from app.providers import keys_in
from app.services import validation
from app.services.access.tokens import Signed
from app.services.providers import dialer_tokens, voice
from app.services.scope import Scope
from app.services.voice_ai import config

calls = blueprint(
    "calls",
    "/api/calls",
    Tag("Calls", "The configuration that dialers and agent runtimes read, and superadmins set."),
)

VOICE_PROVIDER = Parameter(
    "provider",
    "Voice provider.",
    {"type": "string", "enum": list(keys_in(Family.VOICE))},
    example=examples.ACTIVE_PROVIDER["provider"],
)


class ActiveChoice(BaseModel):
    """The provider to activate, or null for none."""

    model_config = validation.OPEN

    provider: voice.Key | None
    reason: str | None = Field(None, max_length=300)


class TokenRequest(BaseModel):
    """An empty object."""

    model_config = validation.OPEN


def _saved(message: str, ignored: list[str]) -> Response:
    return responses.document({"success": True, "message": message} | _warnings(ignored))


def _warnings(ignored: Iterable[str]) -> dict[str, Any]:
    warnings = [messages.ignored_field(name) for name in ignored]
    return {"warnings": warnings} if warnings else {}


def _active_for_token(signed: Signed) -> Response:
    """Responds with one query, which also checks the token: dialers request this on every call.

    The edge caches the response by the token and the default that it depends on.
    """
    default = context.dialer_defaults().find(signed.token_id)
    if default is None:
        raise Unauthenticated(messages.TOKEN_REVOKED, code="INVALID_TOKEN")
    request.environ[context.MADE_OF] = signed, default
    return responses.document(
        {"provider": default.provider, "phoneNumber": default.phone_number}, tagged=True
    )


@calls.operation(
    "GET",
    "/providers",
    who=Who.USER,
    returns="Active provider and the caller's phone number for that provider.",
    response=schemas.CallsActiveProviderResponse,
    example=examples.ACTIVE_PROVIDER,
    headers=("ETag",),
    shortcut=_active_for_token,
)
def active_provider(scope: Scope) -> ResponseReturnValue:
    """Get the active voice provider for the organization

    Returns the provider whose SDK a dialer has to load, and the caller's default phone number for it;
    both are null if there is none. A dialer can send this before every call: with `If-None-Match` the
    response is an empty 304 until something changes.
    """
    provider, number = voice.active(scope)
    return responses.document({"provider": provider, "phoneNumber": number}, tagged=True)


@calls.operation(
    "GET",
    "/providers/config",
    who=Who.SUPERADMIN,
    returns="Provider configuration with credentials.",
    response=schemas.CallsVoiceProviderConfigResponse,
    example=examples.VOICE_CONFIG,
    headers=("ETag",),
)
def voice_config(scope: Scope) -> ResponseReturnValue:
    """Get full voice provider configuration (superadmin)

    Returns the stored values of every voice provider, the active one, and the caller's own phone numbers.
    Fields that are not set are omitted. Secrets are included only for tokens with the `secrets` scope;
    each response with secrets is audited.
    """
    return responses.document(
        voice.read_config(scope, is_sent=responses.sends), tagged=True, has_secrets=True
    )


@calls.operation(
    "POST",
    "/providers/config",
    who=Who.SUPERADMIN,
    returns="Configuration saved.",
    body=voice.ConfigChanges,
    body_example=examples.VOICE_CONFIG_CHANGES,
    response=schemas.CallsSimpleSuccessResponse,
    example=examples.saved(messages.SAVED),
    errors=("PROVIDER_ACTIVE", "STALE"),
)
def save_voice_config(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Save the configuration of a voice provider

    Omitted fields keep their values, and null clears a field. Fields of another voice provider are
    rejected; unknown fields are ignored and named in `warnings`. An item of the configuration can be sent
    back as it was read.
    """
    ignored = voice.save_config(scope, payload, if_match=responses.condition())
    return _saved(messages.SAVED, ignored)


@calls.operation(
    "DELETE",
    "/providers/config/<provider>",
    who=Who.SUPERADMIN,
    returns="Configuration deleted.",
    parameters=(VOICE_PROVIDER,),
    response=schemas.CallsSimpleSuccessResponse,
    example=examples.saved(messages.DELETED),
    errors=("STALE",),
)
def delete_voice_config(scope: Scope, provider: str) -> ResponseReturnValue:
    """Delete the configuration of a voice provider

    Deletes its stored values, secrets included. If it is the active voice provider, none is active
    afterwards.
    """
    voice.disconnect(scope, provider, if_match=responses.condition())
    return _saved(messages.DELETED, [])


@calls.operation(
    "POST",
    "/providers/active",
    who=Who.SUPERADMIN,
    returns="Active provider saved.",
    body=ActiveChoice,
    body_example=examples.ACTIVE_CHOICE,
    response=schemas.CallsSimpleSuccessResponse,
    example=examples.saved(messages.ACTIVE_SAVED),
    errors=("PROVIDER_NOT_CONFIGURED", "PROVIDER_DISABLED", "STALE"),
)
def make_active(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Set the active voice provider

    Dialers load its SDK from their next request on. The provider has to be configured and enabled; null
    deactivates voice calls. The reason is shown in the provider's history.
    """
    draft = validation.read(ActiveChoice, payload)
    voice.make_active(scope, draft.provider, reason=draft.reason, if_match=responses.condition())
    return _saved(messages.ACTIVE_SAVED, sorted(draft.model_extra or {}))


@calls.operation(
    "POST",
    "/token",
    who=Who.USER,
    returns="The token, for the calling user.",
    body=TokenRequest,
    optional_body=True,
    body_example={},
    response=schemas.CallsTokenResponse,
    example=examples.DIALER_TOKEN,
    errors=error_codes.NO_DIALER_TOKEN,
)
def create_dialer_token(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Create a token for the dialer's SDK

    The token is the active voice provider's, for the calling user, and expires within an hour. It contains no
    secret. If an active provider or its fields are missing, the error names them.
    """
    ignored = sorted(validation.read(TokenRequest, payload).model_extra or {})
    issued = dialer_tokens.issue(scope)
    body = {
        "provider": issued.provider,
        "token": issued.token.jwt,
        "identity": issued.identity,
        "expiresAt": clock.utc(issued.token.expires_at),
    }
    return responses.document(body | _warnings(ignored))


@calls.operation(
    "GET",
    "/voice-ai/config",
    who=Who.USER,
    returns="Voice AI config and the organization's phone numbers.",
    response=schemas.CallsVoiceAiConfigResponse,
    example=examples.VOICE_AI_CONFIG,
    headers=("ETag",),
)
def voice_ai_config(scope: Scope) -> ResponseReturnValue:
    """Get organization-level Voice AI configuration

    Returns the selected AI voice provider, the identifiers of the SIP trunk, and every phone number that an
    agent can answer, with its user. Credentials are reported as flags, never as values.
    """
    return responses.document(config.config(scope), tagged=True)


@calls.operation(
    "POST",
    "/voice-ai/config",
    who=Who.SUPERADMIN,
    returns="Configuration saved.",
    body=config.ConfigChanges,
    body_example=examples.VOICE_AI_CHANGES,
    response=schemas.CallsSimpleSuccessResponse,
    example=examples.saved(messages.SAVED),
    errors=("STALE",),
)
def save_voice_ai_config(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Save organization-level Voice AI configuration (superadmin)

    Omitted fields keep their values, and null clears a field. `generateToolSecret` replaces the tool
    secret by a new one. After the save, Patchbay configures the provider's post-call webhook; a failure
    there does not fail the save, and can be retried in the portal. Unknown fields are ignored and named
    in `warnings`.
    """
    ignored = config.save(scope, context.outbound(), payload, if_match=responses.condition())
    return _saved(messages.SAVED, ignored)
