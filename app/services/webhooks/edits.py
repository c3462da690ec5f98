"""The edits of many numbers, one at a time: setting the webhook, restoring the former one, or clearing it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from app import providers
from app.core import urls
from app.core.errors import Conflict
from app.models import Endpoint
from app.provider import Capability, Provider, Restores
from app.provider import numbers as provider_numbers
from app.provider.numbers import ProviderNumber, Reason
from app.services.audit.actions import Action
from app.services.connections import store
from app.services.drift import probe, verdicts
from app.services.drift.verdicts import Observation, ProbeResult
from app.services.endpoints import readiness
from app.services.scope import Scope
from app.services.webhooks import changes, endpoint, messages
from app.services.webhooks.changes import Step


@dataclass(frozen=True)
class Item:
    """A number to change. `payload` is data that the edit needs beside the number."""

    endpoint_id: str
    provider: str
    phone_number: str
    payload: Any = None


@dataclass(frozen=True)
class Result:
    """The result for a number. `ok` is None if the outcome is unknown."""

    ok: bool | None
    code: str
    reason: str


class Edit(Protocol):
    """One kind of change. `is_undoable`: the former settings are stored, so that they can be restored."""

    is_undoable: bool

    def check(self, item: Item) -> None:
        """Raises Conflict if the number cannot be changed, whatever the provider has."""
        ...

    def step(self, item: Item, provider: Provider, observed: ProbeResult) -> Step | None:
        """Returns the step for the number as it was read; None if nothing needs to change.

        Raises Conflict if it cannot or must not be changed.
        """
        ...

    def result(self, item: Item, observed: ProbeResult) -> Result:
        """Returns the result for the number as read afterwards."""
        ...


class SetWebhook:
    """Sets the webhook, by the rules of `webhooks.endpoint`. The payload is not used.

    A number that a known service answers stays unchanged, unless `replaces_services`.
    """

    is_undoable = True

    def __init__(self, scope: Scope, *, replaces_services: bool) -> None:
        self._scope = scope
        self._readiness = readiness.load(scope)
        self._replaces_services = replaces_services

    def check(self, item: Item) -> None:
        self._expected_url(item)

    def step(self, item: Item, provider: Provider, observed: ProbeResult) -> Step | None:
        observation = self._observe(item, observed)
        number = changes.expect_within_reach(observation)
        if not endpoint.needs_setting(observation):
            return None
        service = providers.answering_service(number.webhook_url)
        if service and not self._replaces_services:
            raise Conflict(messages.left_to_service(service), code=str(Reason.KNOWN_TAKER).upper())
        return endpoint.step(provider, number, str(observation.expected))

    def result(self, item: Item, observed: ProbeResult) -> Result:
        observation = self._observe(item, observed)
        is_known = observation.in_sync is not None or not observed.trouble
        return Result(
            bool(observation.in_sync) if is_known else None,
            str(observation.reason or "in_sync"),
            observation.message,
        )

    def _observe(self, item: Item, observed: ProbeResult) -> Observation:
        return verdicts.observation(providers.label(item.provider), observed, self._expected_url(item))

    def _expected_url(self, item: Item) -> str:
        """Returns the URL that the endpoint needs now: it may have changed since the job began."""
        query = self._scope.select(Endpoint).where(Endpoint.id == item.endpoint_id)
        row = self._scope.session.execute(query.with_only_columns(*Endpoint.__table__.columns)).first()
        if row is None:
            raise Conflict(messages.ENDPOINT_DELETED, code="NOT_FOUND")
        return endpoint.wanted_url(self._scope, row, self._readiness)


class Restore:
    """Restores the settings that an earlier job replaced.

    The payload is the URL that it set, and the settings. A number that was changed since stays unchanged.
    """

    is_undoable = False

    def check(self, item: Item) -> None:
        _require_restore(item)

    def step(self, item: Item, provider: Provider, observed: ProbeResult) -> Step | None:
        number = _within_reach(item, observed)
        url, before = self._unpacked(item)
        if provider_numbers.has_settings(number, before):
            return None
        if not _calls_url(number, url):
            raise Conflict(messages.CHANGED_SINCE, code="CHANGED_SINCE")
        return _restore_step(provider, Action.NUMBER_RESTORED, number, before)

    def result(self, item: Item, observed: ProbeResult) -> Result:
        if observed.trouble:
            return _unread_result(item, observed)
        before = self._unpacked(item)[1]
        if observed.number is not None and provider_numbers.has_settings(observed.number, before):
            return Result(True, "restored", messages.RESTORED)
        return Result(False, "not_restored", messages.NOT_RESTORED)

    def _unpacked(self, item: Item) -> tuple[str, ProviderNumber]:
        url, settings = item.payload
        return url, provider_numbers.of_settings(json.loads(settings))


class Clear:
    """Removes the webhook of a deleted endpoint. The payload is its URL; any other URL stays."""

    is_undoable = False

    def check(self, item: Item) -> None:
        _require_restore(item)

    def step(self, item: Item, provider: Provider, observed: ProbeResult) -> Step | None:
        if observed.number is None and not observed.trouble:
            return None
        number = _within_reach(item, observed)
        if not _calls_url(number, item.payload):
            return None
        return _restore_step(provider, Action.NUMBER_CLEARED, number, _without_webhook(number, item.payload))

    def result(self, item: Item, observed: ProbeResult) -> Result:
        if observed.trouble:
            return _unread_result(item, observed)
        is_left = observed.number is not None and _calls_url(observed.number, item.payload)
        return cleared(providers.label(item.provider), observed.number, is_left=is_left)


def cleared(label: str, number: ProviderNumber | None, *, is_left: bool) -> Result:
    """Returns the result of clearing a webhook. A number that calls another URL stays unchanged."""
    if is_left:
        return Result(False, "not_cleared", messages.not_cleared(label))
    if number is not None and number.called_url:
        return Result(True, "left_alone", messages.left_alone(label, number.called_url))
    return Result(True, "cleared", messages.cleared(label))


def _require_restore(item: Item) -> None:
    provider = store.provider_of(item.provider)
    if not probe.can(provider, Capability.RESTORE):
        raise Conflict(messages.cannot_set(provider.label), code="CANNOT_POINT")


def _within_reach(item: Item, observed: ProbeResult) -> ProviderNumber:
    """Returns the number. Raises Conflict if it was not read, or belongs to another account."""
    label = providers.label(item.provider)
    return changes.expect_within_reach(verdicts.observation(label, observed, str(item.payload)))


def _restore_step(provider: Provider, action: Action, number: ProviderNumber, before: ProviderNumber) -> Step:
    restoring = cast(Restores, provider)
    return Step(
        action,
        number,
        verdicts.address(before),
        lambda client, values: restoring.restore(client, values, number, before),
    )


def _calls_url(number: ProviderNumber, url: str) -> bool:
    return number.called_url is not None and urls.is_same(number.called_url, url)


def _without_webhook(number: ProviderNumber, url: str) -> ProviderNumber:
    """Returns the number without a webhook, and without other URLs on the webhook's host."""
    host = provider_numbers.has_same_host
    return replace(
        number,
        webhook_url=None,
        override=None,
        override_name="",
        application_id="",
        fallback_url=number.fallback_url if not host(number.fallback_url or "", url) else None,
        status_url=number.status_url if not host(number.status_url or "", url) else None,
    )


def _unread_result(item: Item, observed: ProbeResult) -> Result:
    label = providers.label(item.provider)
    unread = verdicts.observation(label, observed, str(item.payload))
    return Result(None, str(observed.trouble), unread.message)
