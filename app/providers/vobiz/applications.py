"""Vobiz's applications: how calls to a number that is attached to one are handled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.core import urls
from app.provider import messages, numbers
from app.provider.numbers import Fault, ProviderNumber, Reason


@dataclass(frozen=True)
class Application:
    id: str
    name: str
    url: str | None = None
    method: str | None = None
    fallback_url: str | None = None
    hangup_url: str | None = None
    is_enabled: bool = True
    shows_url: bool = True
    """Whether Vobiz returned its answer URL, or that it has none."""
    unread: tuple[str, ...] = ()
    """Other settings that decide how calls are answered and could not be read."""

    def number(self, phone_number: str, values: Mapping[str, Any]) -> ProviderNumber:
        """Returns a number as it is when attached to the application."""
        number = ProviderNumber(
            phone_number,
            webhook_url=self.url,
            shows_webhook=self.shows_url,
            method=self.method,
            override_name=self.name,
            application_id=self.id,
            fallback_url=self.fallback_url,
            expected_fallback=values.get("fallback_url"),
            status_url=None if self.repeats_answer else self.hangup_url,
            expected_status_url=values.get("hangup_url"),
        )
        if not self.shows_url:
            unread = Fault(Reason.NOT_SHOWN, messages.unread(["the application's answer URL"]))
            number = numbers.with_faults(number, unread)
        if self.unread:
            unread = Fault(Reason.NOT_SHOWN, messages.unread(self.unread))
            number = numbers.with_faults(number, unread)
        if not self.is_enabled:
            detail = f"The application “{self.name}” is disabled at Vobiz: no call gets an answer."
            number = numbers.with_faults(number, Fault(Reason.APPLICATION_DISABLED, detail))
        if self.url and self.repeats_answer:
            detail = (
                f"The application “{self.name}” has no hang-up URL of its own: Vobiz calls the webhook again "
                "when a call ends."
            )
            number = replace(number, warnings=(Fault(Reason.DIFFERENT_STATUS_CALLBACK, detail),))
        return number

    def changed(self, changes: Mapping[str, str]) -> Application:
        """Returns the application with the fields that were sent to Vobiz."""
        partial = read(changes)
        names = {"answer_url": "url", "answer_method": "method", "fallback_answer_url": "fallback_url"}
        names["hangup_url"] = "hangup_url"
        new: dict[str, Any] = {own: getattr(partial, own) for name, own in names.items() if name in changes}
        return replace(self, shows_url=self.shows_url or partial.shows_url, **new)

    @property
    def repeats_answer(self) -> bool:
        """Whether Vobiz calls the answer URL again at each hang-up, as it does without another URL."""
        return not self.hangup_url or (self.url is not None and urls.is_same(self.hangup_url, self.url))

    def does(self, url: str, values: Mapping[str, Any]) -> bool:
        """Whether a number attached to the application would be configured as expected."""
        return not numbers.differences(self.number("", values), url)


@dataclass
class Applications:
    """An account's applications as last read, with later changes. Several calls can share it."""

    by_id: dict[str, Application] | None = None


def read(row: Mapping[str, Any]) -> Application:
    """Returns the application of a row of Vobiz's list."""
    application_id = id_of(row.get("app_id")) or id_of(row.get("id"))
    return Application(
        application_id,
        numbers.one_line(row.get("app_name")) or application_id,
        numbers.one_line(row.get("answer_url"), 2000),
        numbers.one_line(row.get("answer_method"), 10),
        numbers.one_line(row.get("fallback_answer_url"), 2000),
        numbers.one_line(row.get("hangup_url"), 2000),
        numbers.flag(row.get("enabled")) is not False,
        isinstance(row.get("answer_url", 0), str | None) and isinstance(row.get("answer_method"), str | None),
        tuple(_unread(row)),
    )


def _unread(row: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(row.get("fallback_answer_url"), str | None):
        yield "the application's fallback URL"
    if row.get("enabled") is not None and numbers.flag(row["enabled"]) is None:
        yield "whether the application is enabled"


def id_of(value: Any) -> str:
    """Returns an id as text; empty if there is none. Vobiz also returns ids as numbers."""
    return numbers.one_line(str(value) if isinstance(value, int) else value) or ""
