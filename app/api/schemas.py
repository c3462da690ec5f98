"""Responses of the API, under the names of the API contract."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model
from pydantic.alias_generators import to_camel

from app.api import parameters
from app.core.naming import calls_name, settings_name
from app.models import Role, Verdict
from app.provider import Family, Outcome
from app.provider.calls import CallOutcome
from app.provider.numbers import Reason
from app.provider.webhooks import Signing
from app.providers import in_family, keys_in
from app.services import jobs
from app.services.connections.number_health import BlockedReason
from app.services.endpoints.fields import FIELDS
from app.services.jobs import State
from app.services.last_calls.states import CallState
from app.services.numbers.claims import Claim
from app.services.voice_ai.webhook import State as WebhookState
from app.services.webhook_tests import results
from app.services.webhook_tests.verdicts import WebhookVerdict

OPEN = ConfigDict(extra="allow")
Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Number = Annotated[str, WithJsonSchema(parameters.E164)]
Url = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]
Utc = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
LocalTime = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
            "description": "Time in UTC, such as 2026-03-18T10:00:00.",
        }
    ),
]
"""A time as the API contract writes it: without an offset, so it is not a `date-time`."""
VERSION = "Rises with each change. Send it in If-Match to change only this version."
UTC = "Time in UTC, such as 2026-03-18T10:00:00Z."
VoiceKey: TypeAlias = Literal[keys_in(Family.VOICE)]  # type: ignore[valid-type]
TelephonyKey: TypeAlias = Literal[keys_in(Family.TELEPHONY)]  # type: ignore[valid-type]


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class CallsActiveProviderResponse(_Camel):
    provider: VoiceKey | None = Field(description="The active voice provider; null if there is none.")
    phone_number: Number | None = Field(
        description="The caller's default phone number; null if there is none."
    )


class CallsTokenResponse(_Camel):
    provider: VoiceKey
    token: str = Field(description="For the provider's dialer SDK.")
    identity: str = Field(description="The identity under which this user's dialer can be called.")
    expires_at: Utc = Field(description=UTC)
    warnings: list[str] = Field([], description="Fields of the request that were ignored.")


class CallsUserPhoneNumberEntry(_Camel):
    """An entry of `User.voicePhoneNumbers`. Unset fields are omitted."""

    provider: VoiceKey
    phone_number: Number
    is_default: bool
    is_inbound_enabled: bool
    ai_enabled: bool
    ai_agent_id: str = ""
    elevenlabs_phone_number_id: str = ""
    label: str = ""


class _HeldPhoneNumber(CallsUserPhoneNumberEntry):
    user_id: Id
    user_name: str


class UserPhoneNumber(_HeldPhoneNumber):
    """A voice phone number and the user it is assigned to."""

    id: Id
    version: int = Field(description=VERSION)


class CallsVoiceAiOrgPhoneNumber(_HeldPhoneNumber):
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
    warnings: list[str] = Field([], description="Fields of the request that were ignored.")


class CallsErrorDetail(BaseModel):
    field: str
    message: str


class CallsValidationError(BaseModel):
    code: str
    message: str
    details: list[CallsErrorDetail]


class CallsErrorResponse(BaseModel):
    """The body of every error. For validation errors, `error` is an object."""

    model_config = OPEN

    success: Literal[False]
    error: str | CallsValidationError
    code: str
    existing_id: str = Field(  # type: ignore[assignment]
        None, description="In a conflict with something of the organization itself: its id."
    )


_ENDPOINT: dict[str, Any] = {
    "id": (Id, ...),
    **{field.name: (field.read_type, Field(description=field.api_help)) for field in FIELDS},
    "created_at": (LocalTime, ...),
    "inbound_webhook_url": (
        Url | None,
        Field(description="Webhook URL to configure; null without an inbound agent or base URL."),
    ),
    "proven_at": (
        LocalTime | None,
        Field(
            description="When the provider, a webhook test and the last call had proven that calls to the "
            "number get through; null if they do not."
        ),
    ),
    "version": (int, Field(description=VERSION)),
}
Endpoint = create_model("Endpoint", **_ENDPOINT)


class Resolution(BaseModel):
    phone_number: Number
    direction: Literal["inbound", "outbound"]
    endpoint_id: Id | None
    provider: str | None
    agent_name: str | None
    inbound_webhook_url: str | None
    ready: bool
    blocked_reason: Literal[tuple(BlockedReason)] | None  # type: ignore[valid-type]
    health: Verdict = Field(description="The verdict on the number, for inbound calls.")
    health_reason: str | None = Field(description="Why it is not healthy; null if it is.")
    proven: bool = Field(
        description="Whether the provider, the webhook test and the last call since then agree that calls to "
        "the number get through."
    )
    health_detail: str | None = Field(
        description="What the last check found; null if the verdict is about something else."
    )


class Verification(BaseModel):
    ok: bool
    code: Literal[tuple(Outcome)]  # type: ignore[valid-type]
    reason: str = Field(description="Explanation of the code.")
    checked_at: LocalTime


class OwnedNumber(BaseModel):
    """A phone number in the provider's account."""

    phone_number: Number = Field(description="Phone number in E.164 format.")
    label: str | None = Field(description="Name of the number at the provider.")
    state: Literal[tuple(Claim)] = Field(  # type: ignore[valid-type]
        description="mapped: has an endpoint; elsewhere: in another organization; unmapped: in none."
    )
    webhook_url: str | None = Field(description="Webhook URL at the provider; null if none or unknown.")


class Fault(BaseModel):
    reason: Literal[tuple(Reason)]  # type: ignore[valid-type]
    detail: str


class Observation(BaseModel):
    in_sync: bool | None = Field(description="Null if the provider's configuration is unknown.")
    reason: Literal[tuple(Reason)] | None = Field(description="Null if in_sync is true.")  # type: ignore[valid-type]
    detail: str = Field(description="A sentence that names what was found.")
    warnings: list[Fault] = Field(description="What else is not as expected, or worth knowing.")
    expected: str | None = Field(description="The expected webhook URL; null if there is none.")
    actual: str | None = Field(description="Webhook URL at the provider; null if none or unknown.")
    checked_at: LocalTime


class RequestResult(BaseModel):
    """One request of a webhook test."""

    name: Signing
    ok: bool
    code: WebhookVerdict
    reason: str = Field(description="A sentence that names what was found.")
    status: int | None = Field(description="HTTP status of the response; null if there was none.")
    latency_ms: int = Field(description="Until the response was complete.")


class WebhookTest(BaseModel):
    ok: bool | None = Field(description="Null if it was not tested.")
    code: Literal[(results.NOT_TESTED, *WebhookVerdict)] = Field(  # type: ignore[valid-type]
        description="Of the first request whose result is wrong, or of the last one."
    )
    reason: str = Field(description="A sentence that names what was found.")
    latency_ms: int | None = Field(description="Of the same request.")
    limit_ms: int = Field(description="How long the provider waits for a response.")
    tests: list[RequestResult] = Field(description="The last result of each request that was made.")
    tested_at: Utc | None = Field(description=UTC)


class StartedJob(BaseModel):
    id: Id
    url: Url = Field(description="Where to read its progress.")


class Job(BaseModel):
    id: Id
    kind: Literal[tuple(map(jobs.name, jobs.API_KINDS))]  # type: ignore[valid-type]
    state: Literal[tuple(State)]  # type: ignore[valid-type]
    total: int = Field(description="How many endpoints were selected.")
    done: int = Field(description="How many of them have a result.")
    failed: int = Field(description="How many of the results are failures.")
    problem: str | None = Field(description="Why the job failed as a whole; null if it did not.")
    created_at: Utc = Field(description=UTC)
    finished_at: Utc | None = Field(description=UTC)


class JobResult(BaseModel):
    """What became of one endpoint."""

    endpoint_id: Id
    phone_number: Number
    ok: bool | None = Field(description="Null while the change is not confirmed.")
    code: str = Field(
        description="in_sync, the code of a webhook test, or why a webhook is not as expected or was not set."
    )
    reason: str = Field(description="Explanation of the code.")


class FailedDelivery(BaseModel):
    at: Utc = Field(description=UTC)
    status: int | None = Field(description="The HTTP status of the response; null if there was none.")


class CallWebhook(BaseModel):
    state: WebhookState
    reason: str | None = Field(description="What is wrong, or missing.")
    url: str | None
    last_failure: FailedDelivery | None
    auto_disabled_at: Utc | None = Field(description=UTC)
    since: Utc | None = Field(description=UTC)
    checked_at: Utc | None = Field(description=UTC)


class ListedCall(BaseModel):
    started_at: Utc = Field(description=UTC)
    outcome: CallOutcome
    reason: str = Field(description="How the call ended, in words.")


class WebhookFailure(BaseModel):
    code: str = Field(description="The provider's code of the error.")
    reason: str
    url: str | None = Field(description="What was requested, without query; null if nothing was.")
    url_is_ours: bool = Field(description="Whether it is the number's webhook URL as it is now.")
    at: Utc = Field(description=UTC)
    help_url: Url | None = Field(description="The provider's page about the code.")


class LastCallReport(BaseModel):
    state: CallState
    detail: str = Field(description="A sentence that says what is known.")
    last_call: ListedCall | None
    webhook_failure: WebhookFailure | None
    problem: str | None = Field(description="Why the calls could not be read.")
    since: Utc | None = Field(description="Without a call: since when there was none; null for ever.")
    checked_at: Utc | None = Field(description=UTC)


class SavedEndpoints(BaseModel):
    created: int
    updated: int
    unchanged: int = Field(description="Endpoints that had all submitted values already.")
    endpoints: list[Endpoint] = Field(description="All of them, in the order of the request.")  # type: ignore[valid-type]


class Organization(BaseModel):
    id: Id
    name: str
    slug: str = Field(description="Names the organization in addresses of the portal.")
    country: str | None = Field(description="Two-letter code, for phone numbers without a country code.")
    public_base_url: str | None = Field(description="Webhook URLs begin with it.")
    reads_last_calls: bool = Field(
        description="Whether the last call to each number is read from its provider once a day."
    )
    created_at: Utc = Field(description=UTC)
    version: int = Field(description=VERSION)


class User(BaseModel):
    id: Id
    email: str
    name: str
    role: Role
    is_active: bool = Field(description="False for a disabled user, who cannot sign in.")
    two_step_sign_in: bool
    last_signed_in_at: Utc | None = Field(description=UTC)
    created_at: Utc = Field(description=UTC)
    version: int = Field(description=VERSION)
    voice_phone_numbers: list[CallsUserPhoneNumberEntry]


class PasswordLink(BaseModel):
    """A link with which a user chooses a password, once."""

    purpose: Literal["invitation", "reset"]
    url: Url = Field(description="Send it to the user. Its token is stored as a hash only.")
    expires_at: Utc = Field(description=UTC)


class CreatedUser(User):
    invitation: PasswordLink | None = Field(description="Null for a user who was created with a password.")


class Token(BaseModel):
    """An API token, without the token itself."""

    id: Id
    name: str
    scopes: list[str] = Field(description="`secrets`: the token can read credentials.")
    is_sign_in: bool = Field(description="Whether it came from `POST /api/auth/login`.")
    created_at: Utc = Field(description=UTC)
    expires_at: Utc = Field(description=UTC)
    last_used_at: Utc | None = Field(description=UTC)
    revoked_at: Utc | None = Field(description=UTC)


class IssuedToken(Token):
    """A new API token, which no other response contains."""

    token: str
    token_type: Literal["Bearer"]


class AuditEvent(BaseModel):
    """`of_number`: what a change of many numbers changed of the one in `about`."""

    id: int
    at: Utc = Field(description=UTC)
    organization_id: str | None
    actor_id: str | None = Field(description="Null for the command line.")
    actor_name: str
    ip: str
    request_id: str
    action: str
    subject: str
    changes: dict[str, list[Any]] = Field(description="The value before and after, by field.")
    numbers_digest: str | None
    digest: str | None = Field(description="Links the event to those before it.")
    of_number: dict[str, list[Any]] = Field(None)  # type: ignore[arg-type]


class OwnUser(BaseModel):
    id: Id
    name: str
    email: str
    role: Role


class OwnOrganization(BaseModel):
    id: Id
    name: str
    slug: str


class Me(BaseModel):
    """The token's user, their organization, and what the token may do."""

    user: OwnUser
    organization: OwnOrganization
    scopes: list[str] = Field(description="`secrets`: the token can read credentials.")
    expires_at: Utc = Field(description=UTC)


class SignedIn(BaseModel):
    token: str
    token_type: Literal["Bearer"]
    expires_at: Utc


def _fields(family: Family, naming: Any, *, always: bool) -> dict[str, Any]:
    """Returns the provider fields of a family; `always`: all but secrets and extras are required."""
    fields: dict[str, Any] = {}
    for provider in in_family(family):
        for field in provider.fields_in(family):
            value = field.python_type
            is_certain = always and not field.secret and not field.is_extra
            info = Field(title=field.label) if is_certain else Field(None, title=field.label)
            fields[naming(provider.key, field.name)] = (value | None if always else value, info)
    return fields


CallsVoiceProviderConfigItem = create_model(
    "CallsVoiceProviderConfigItem",
    __doc__="Unset fields are omitted, and so are secrets without the `secrets` scope.",
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
    __doc__="The telephony configuration. Secrets are omitted without the `secrets` scope.",
    provider=(TelephonyKey | None, ...),
    public_base_url=(str | None, ...),
    **_fields(Family.TELEPHONY, settings_name, always=True),
)
