"""The subjects of tests: an endpoint's webhook, or the callback URL that an application's numbers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement

from app.core import urls
from app.core.errors import Conflict
from app.models import CallbackTest, Endpoint, WebhookTest
from app.provider import Capability, Provider
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.connections.number_health import BlockedReason
from app.services.scope import Scope
from app.services.webhook_tests import messages
from app.services.webhooks import application, voice_numbers

Tested: TypeAlias = WebhookTest | CallbackTest


@dataclass(frozen=True)
class Subject:
    """A webhook to test. The row of `model` with the key `key` stores the results.

    `url` is None if there is nothing to test; `lack` is the error then. `name` is for the audit log,
    `phone_number` for the sample call.
    """

    provider: Provider
    model: type[WebhookTest] | type[CallbackTest]
    key: Mapping[str, str]
    url: str | None
    name: str
    phone_number: str
    lack: Conflict

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        return [getattr(self.model, name) == value for name, value in self.key.items()]

    def stored(self, scope: Scope) -> Any:
        """Returns the row, or None."""
        return scope.session.scalar(scope.select(self.model).where(*self.conditions))

    def require_url(self) -> str:
        """Returns the URL. Raises Conflict if there is nothing to test."""
        if self.url is None:
            raise self.lack
        return self.url


def can_test(key: str) -> bool:
    """Whether webhook tests support the provider."""
    return key in PROVIDERS and Capability.WEBHOOK_TEST in PROVIDERS[key].capabilities


def of_endpoint(scope: Scope, row: Endpoint) -> Subject | None:
    """Returns the subject of an endpoint, active or not; None if its provider cannot be tested."""
    if not can_test(row.provider):
        return None
    base = scope.organization.public_base_url
    return Subject(
        PROVIDERS[row.provider],
        WebhookTest,
        {"endpoint_id": row.id},
        urls.inbound_webhook_url(base, row.provider, row.inbound_agent_name),
        row.phone_number,
        row.phone_number,
        Conflict(messages.NO_AGENT, code=BlockedReason.NO_INBOUND_AGENT.upper())
        if base
        else Conflict(messages.NO_BASE_URL, code=BlockedReason.NO_PUBLIC_BASE_URL.upper()),
    )


def of_application(scope: Scope, key: str) -> Subject | None:
    """Returns the subject of an application, whose callback URL Patchbay has set.

    None if its provider cannot be tested. Raises NotFound.
    """
    provider = application.provider_of(key)
    if not can_test(key):
        return None
    connection = store.load(scope, provider)
    numbers = [number.number for number in voice_numbers.assigned_numbers(scope, provider)]
    phone_number = next(iter(numbers), None) or connection.values.get("phone_number")
    lack = messages.NO_NUMBER if connection.callback_url else messages.NO_CALLBACK
    return Subject(
        provider,
        CallbackTest,
        {"provider": provider.key},
        connection.callback_url if phone_number else None,
        provider.label,
        str(phone_number),
        Conflict(lack, code="NO_CALLBACK"),
    )
