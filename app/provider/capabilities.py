"""The capabilities of providers, with the signatures of their methods."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from app.core.outbound.client import Outbound
from app.provider.calls import LastCalls
from app.provider.dialer import DialerToken
from app.provider.fields import Field
from app.provider.numbers import Callback, ProviderNumber
from app.provider.results import Verified
from app.provider.voice_ai import (
    Agent,
    CallReport,
    CallWebhookSetting,
    CreatedWebhook,
    ImportedNumbers,
    ListedWebhooks,
    SipEndpoint,
)
from app.provider.webhooks import Instructions, SampleCall, Signing, WebhookRequest, WebhookRules


class Capability(StrEnum):
    """Each is the name of a method on the provider's class."""

    VERIFY = "verify"
    NUMBERS = "numbers"
    POINT = "point"
    RESTORE = "restore"
    OBSERVE = "observe"
    CALLBACK = "callback"
    DIALER_TOKEN = "dialer_token"  # noqa: S105 (a name)
    WEBHOOK_TEST = "webhook_test"
    AGENTS = "agents"
    SIP_TRUNK = "sip_domain"
    CALL_REPORTS = "read_report"
    LAST_CALLS = "last_calls"


class Verifies(Protocol):
    """Can test the credentials of a connection."""

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Makes the cheapest calls that prove the values, and changes nothing.

        `values`: by field name, stored or just submitted, secrets in the clear; None or missing if unset.
        OutboundError passes through.
        """
        ...


class Numbers(Protocol):
    """Can list the numbers of its account."""

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[ProviderNumber]:
        """Yields every number that `observe` finds, page by page, in E.164, from the official host only.

        The generator returns False if some entries could not be read: then a missing number may exist.
        Raises Refusal; OutboundError passes through.
        """
        ...


class Observes(Protocol):
    """Can look up one number."""

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        """Returns the number with its settings; None if the account has no such number.

        Raises as `numbers`.
        """
        ...

    def completed(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        number: ProviderNumber | None,
        *,
        phone_number: str,
        place: str | None = None,
    ) -> ProviderNumber | None:
        """Completes a number that `numbers` yielded to the one that `observe` returns.

        `place`: the number's place as an earlier call returned it; it is not read again then.
        """
        ...


class Points(Protocol):
    """Can set the webhook of a number."""

    def point(self, http: Outbound, values: Mapping[str, Any], number: ProviderNumber, url: str) -> None:
        """Sets the number's webhook to `url`, called with POST, and removes any override.

        `number` is what `observe` just returned. Every write is sent once. Raises as `numbers`.
        """
        ...


class Restores(Protocol):
    """Can restore earlier settings of a number."""

    def restore(
        self, http: Outbound, values: Mapping[str, Any], number: ProviderNumber, before: ProviderNumber
    ) -> None:
        """Restores the settings `before`, which were read from the same number earlier.

        `number` is what `observe` just returned. Only differing settings are sent, once. Raises as `numbers`.
        """
        ...


class CallsBack(Protocol):
    """Has one callback URL for all numbers of its application."""

    def callback(self, http: Outbound, values: Mapping[str, Any]) -> Callback:
        """Returns the application's callback. Raises as `numbers`."""
        ...

    def set_callback(self, http: Outbound, values: Mapping[str, Any], url: str) -> None:
        """Sets the application's callback to `url`, and leaves its fallback unchanged.

        The write is sent once. Raises as `numbers`.
        """
        ...


class ReadsCalls(Protocol):
    """Can return when its numbers were last called, and how the call ended."""

    def last_calls(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        phone_numbers: Collection[str],
        since: datetime | None,
    ) -> LastCalls:
        """Returns the last incoming call to each of the numbers, as far back as `since`.

        `since` is None for as far as the provider allows. For many numbers, the account's calls are read in
        one list if the provider has one. Nothing of the caller is returned. Raises as `numbers`; `Refusal`
        with NO_PERMISSION if only this is not allowed.
        """
        ...


class MakesDialerTokens(Protocol):
    """A voice provider whose SDK signs in with a short-lived token, without the account's secrets."""

    dialer_fields: ClassVar[tuple[Field, ...]]
    """The fields that a token requires."""

    def dialer_token(self, values: Mapping[str, Any], identity: str, now: datetime) -> DialerToken:
        """Returns a token that is valid from `now`, for `dialer.LONGEST` at most. Sends nothing.

        `values`: by field name, in the clear, with all of `dialer_fields`. `identity` names the user, in
        lower-case letters, digits and underscores, at most 40 characters.
        """
        ...


class CallsWebhooks(Protocol):
    """Requests a webhook when a number rings, in a way that a test can repeat."""

    webhook_rules: ClassVar[WebhookRules]

    def webhook_test(
        self, values: Mapping[str, Any], url: str, call: SampleCall, signing: Signing, signed_url: str = ""
    ) -> WebhookRequest:
        """Returns the request that reports the call to `url`, byte for byte as the provider makes it.

        It carries the id of the test, in `MARK` and `MARK_HEADER`. A wrong signature has the right form.
        `signed_url`: the URL that the signature is for instead, as a runtime that misreads its own expects.
        """
        ...

    def instructions(self, body: bytes) -> Instructions:
        """Returns the instructions in the body of a response. Raises Unreadable."""
        ...


class HasAgents(Protocol):
    """A voice AI provider whose agents answer phone numbers that are imported to it.

    Every method raises Refusal, and OutboundError passes through. Every write is sent once.
    """

    def agents(self, http: Outbound, values: Mapping[str, Any]) -> list[Agent]:
        """Returns the agents that can be chosen, by name."""
        ...

    def sip_hosts(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Returns the host names at which agents accept calls from SIP trunks, the usual one first."""
        ...

    def imported_numbers(self, http: Outbound, values: Mapping[str, Any]) -> ImportedNumbers:
        """Returns the imported numbers by phone number, usually one for each."""
        ...

    def import_number(
        self, http: Outbound, values: Mapping[str, Any], phone_number: str, sip_domain: str, label: str
    ) -> str:
        """Imports a number that calls out through the trunk. Returns the provider's id of it."""
        ...

    def assign_agent(
        self, http: Outbound, values: Mapping[str, Any], number_id: str, agent_id: str | None
    ) -> None:
        """Makes the agent answer the imported number; None removes the agent."""
        ...

    def remove_number(self, http: Outbound, values: Mapping[str, Any], number_id: str) -> None:
        """Removes the imported number. A number that is gone already counts as removed."""
        ...


class SipTrunk(Observes, Protocol):
    """A provider whose SIP trunk carries the numbers of the voice provider `numbers_of` to agents."""

    def sip_domain(self, http: Outbound, values: Mapping[str, Any]) -> str:
        """Returns the domain of the trunk: the stored one, or the provider's. Raises Refusal."""
        ...

    def carries(self, number: ProviderNumber, values: Mapping[str, Any]) -> bool:
        """Whether the number is on the trunk of the values, not on another one or on none."""
        ...

    def endpoints(self, http: Outbound, values: Mapping[str, Any]) -> list[SipEndpoint]:
        """Returns the enabled endpoints, to which the trunk sends calls. Raises Refusal."""
        ...


class ReportsCalls(Protocol):
    """A voice AI provider that reports calls to a webhook of its workspace, and signs the reports.

    It declares the fields `webhook_id` and `webhook_secret`, of `Origin.PROVIDER`. Calls raise as those of
    `HasAgents`.
    """

    signature_header: ClassVar[str]
    signature_format: ClassVar[str]
    """The form of a signature, for the API's documentation."""
    signature_window: ClassVar[timedelta]
    """How far the time of a signature may be from this server's, in both directions."""
    conversation_page: ClassVar[str]
    """Address of a conversation in the provider's console, with `{id}`; empty if there is none."""

    def webhooks(self, http: Outbound, values: Mapping[str, Any]) -> ListedWebhooks:
        """Returns every webhook of the workspace."""
        ...

    def create_webhook(
        self, http: Outbound, values: Mapping[str, Any], name: str, url: str
    ) -> CreatedWebhook:
        """Creates a webhook and returns it, without a secret if the response has none."""
        ...

    def enable_webhook(self, http: Outbound, values: Mapping[str, Any], webhook_id: str, name: str) -> None:
        """Enables a webhook, and turns on retries of failed deliveries."""
        ...

    def delete_webhook(self, http: Outbound, values: Mapping[str, Any], webhook_id: str) -> None:
        """Deletes a webhook. One that is gone already counts as deleted."""
        ...

    def call_webhook(self, http: Outbound, values: Mapping[str, Any]) -> CallWebhookSetting:
        """Returns the workspace's setting of which webhook receives call reports."""
        ...

    def set_call_webhook(
        self, http: Outbound, values: Mapping[str, Any], setting: CallWebhookSetting, webhook_id: str
    ) -> None:
        """Makes the webhook receive call reports, with all events that Patchbay needs."""
        ...

    def agents_reporting_elsewhere(
        self, http: Outbound, values: Mapping[str, Any], agent_ids: Collection[str], webhook_id: str
    ) -> list[Agent]:
        """Returns the agents whose own setting reports their calls to another webhook, or to none."""
        ...

    def receipt(self, secret: str, signature: str, body: bytes, now: int) -> str | None:
        """Returns an id of the message, in hex; None unless `secret` signed it within the window."""
        ...

    def read_report(self, event: Any) -> CallReport | None:
        """Returns the report that an event contains; None for other kinds of events. Raises Invalid."""
        ...
