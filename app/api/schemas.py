"""What the API answers, as OpenAPI shows it: the contract's own names."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from app.core.naming import calls_name, settings_name
from app.provider import Family, Outcome
from app.provider.numbers import Reason
from app.providers import in_family, keys_in
from app.services.endpoints.fields import FIELDS
from app.services.endpoints.readiness import BlockedReason
from app.services.numbers.claims import Claim

OPEN = ConfigDict(extra="allow")
VoiceKey: TypeAlias = Literal[keys_in(Family.VOICE)]  # type: ignore[valid-type]
TelephonyKey: TypeAlias = Literal[keys_in(Family.TELEPHONY)]  # type: ignore[valid-type]


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class CallsActiveProviderResponse(_Camel):
    provider: VoiceKey | None = Field(description="Active voice provider, or null if none is.")
    phone_number: str | None = Field(description="The caller's default number for that provider.")


class CallsUserPhoneNumberEntry(_Camel):
    """An entry of `User.voicePhoneNumbers`. What is unset is left out."""

    provider: VoiceKey
    phone_number: str
    is_default: bool
    is_inbound_enabled: bool
    ai_enabled: bool
    ai_agent_id: str = ""
    elevenlabs_phone_number_id: str = ""
    label: str = ""


class UserPhoneNumber(CallsUserPhoneNumberEntry):
    """A number, and whose it is."""

    user_id: str
    user_name: str


class CallsVoiceAiOrgPhoneNumber(UserPhoneNumber):
    provider: Literal["sinch"]


class CallsVoiceAiConfigResponse(_Camel):
    ai_voice_provider: str | None
    has_api_key: bool
    has_tool_secret: bool
    has_est_credentials: bool
    sinch_est_project_id: str | None
    sinch_est_trunk_id: str | None
    sinch_est_trunk_domain: str | None
    phone_numbers: list[CallsVoiceAiOrgPhoneNumber]


class CallsSimpleSuccessResponse(BaseModel):
    success: Literal[True]
    message: str
    warnings: list[str] = Field([], description="What was sent and means nothing here.")


class CallsErrorDetail(BaseModel):
    field: str
    message: str


class CallsValidationError(BaseModel):
    code: str
    message: str
    details: list[CallsErrorDetail]


class CallsErrorResponse(BaseModel):
    """Every refusal has this shape; validation makes `error` an object."""

    model_config = OPEN

    success: Literal[False]
    error: str | CallsValidationError
    code: str


_ENDPOINT: dict[str, Any] = {
    "id": (str, ...),
    **{field.name: (field.read_type, Field(description=field.api_help)) for field in FIELDS},
    "created_at": (str, Field(description="UTC, such as 2026-03-18T10:00:00.")),
    "inbound_webhook_url": (str | None, Field(description="Null without an inbound agent or base URL.")),
}
Endpoint = create_model("Endpoint", **_ENDPOINT)


class Resolution(BaseModel):
    phone_number: str
    direction: Literal["inbound", "outbound"]
    endpoint_id: str | None
    provider: str | None
    agent_name: str | None
    inbound_webhook_url: str | None
    ready: bool
    blocked_reason: Literal[tuple(BlockedReason)] | None  # type: ignore[valid-type]


class Verification(BaseModel):
    ok: bool
    code: Literal[tuple(Outcome)]  # type: ignore[valid-type]
    reason: str = Field(description="What is wrong, and where to look.")
    checked_at: str = Field(description="UTC, such as 2026-03-18T10:00:00.")


class OwnedNumber(BaseModel):
    """A number that the provider's account owns."""

    phone_number: str = Field(description="E.164.")
    label: str | None = Field(description="What the provider calls it.")
    state: Literal[tuple(Claim)] = Field(  # type: ignore[valid-type]
        description="mapped: the organization has it; elsewhere: another organization has."
    )
    webhook_url: str | None = Field(description="What it calls now; null where that is nothing, or not told.")


class Observation(BaseModel):
    in_sync: bool | None = Field(description="Null where that cannot be told.")
    reason: Literal[tuple(Reason)] | None = Field(description="Null where the two agree.")  # type: ignore[valid-type]
    expected: str | None = Field(description="The inbound webhook URL; null where there is none.")
    actual: str | None = Field(description="What the provider calls now; null for nothing, or unknown.")
    checked_at: str = Field(description="UTC, such as 2026-03-18T10:00:00.")


class SignedIn(BaseModel):
    token: str
    token_type: Literal["Bearer"]
    expires_at: str


def _fields(family: Family, naming: Any, *, always: bool) -> dict[str, Any]:
    """Of the family's documents: optional secrets, and the rest as `always` says."""
    found: dict[str, Any] = {}
    for provider in in_family(family):
        for field in provider.fields_in(family):
            value = field.python_type
            info = Field(title=field.label) if always and not field.secret else Field(None, title=field.label)
            found[naming(provider.key, field.name)] = (value | None if always else value, info)
    return found


CallsVoiceProviderConfigItem = create_model(
    "CallsVoiceProviderConfigItem",
    __doc__="What is unset is left out, and so are secrets without the `secrets` scope.",
    provider=(VoiceKey, ...),
    isEnabled=(bool, ...),
    isConfigured=(bool, ...),
    **_fields(Family.VOICE, calls_name, always=False),
)


class CallsVoiceProviderConfigResponse(_Camel):
    active_provider: VoiceKey | None
    providers: list[CallsVoiceProviderConfigItem]  # type: ignore[valid-type]
    user_phone_numbers: list[CallsUserPhoneNumberEntry]


Telephony = create_model(
    "Telephony",
    __doc__="The full document. Secrets are left out without the `secrets` scope.",
    provider=(TelephonyKey | None, ...),
    public_base_url=(str | None, ...),
    **_fields(Family.TELEPHONY, settings_name, always=True),
)
