"""The message of a notification: its sentences, and the link to the page where it can be resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app import providers
from app.core import phone, texts
from app.destination import Message
from app.models import Notification, Organization
from app.provider.numbers import Reason
from app.services.drift import messages as drift_messages
from app.services.notifications import messages
from app.services.notifications.events import Event
from app.services.scope import Scope

_LASTING = (
    Event.NUMBER_UNHEALTHY,
    Event.CONNECTION_REFUSED,
    Event.CALL_WEBHOOK_DISABLED,
    Event.CHECK_FAILED,
)

Link = Callable[[Notification, Organization | None], str | None]
"""Returns the URL of a notification's page; None if the portal's address is not set."""


def message(scope: Scope, row: Notification, link: Link, items: Iterable[Notification] = ()) -> Message:
    """Returns the message. `items` are the notifications of a digest."""
    organization = scope.session.get(Organization, row.organization_id) if row.organization_id else None
    event = Event.of(row.event)
    return Message(
        id=row.uid,
        event=row.event,
        tone=event.tone,
        at=row.at,
        title=title(row),
        details=details(row),
        organization=(organization.id, organization.name) if organization else None,
        subject=_subject(row),
        subjects=row.subjects,
        count=row.count,
        reason=row.reason,
        since=row.since,
        url=link(row, organization),
        items=[message(scope, item, link) for item in items],
    )


@dataclass(frozen=True)
class _Words:
    """The values in the title of an event."""

    label: str
    """The provider's label."""
    subject: str
    count: int
    days: int
    detail: str
    is_dated: bool


_TITLES: Mapping[Event, Callable[[_Words], str]] = {
    Event.NUMBER_UNHEALTHY: lambda it: messages.numbers_unhealthy(it.count, it.subject, it.label),
    Event.NUMBER_RECOVERED: lambda it: messages.numbers_recovered(it.count, it.subject, it.label),
    Event.CONNECTION_REFUSED: lambda it: messages.connection_refused(it.label),
    Event.CONNECTION_RECOVERED: lambda it: messages.connection_recovered(it.label),
    Event.CALL_WEBHOOK_DISABLED: lambda it: messages.call_webhook_disabled(it.label),
    Event.CALL_WEBHOOK_RECOVERED: lambda it: messages.call_webhook_recovered(it.label),
    Event.PROVIDER_SWITCHED: lambda it: messages.provider_switched(it.subject, it.label),
    Event.BASE_URL_CHANGED: lambda it: messages.base_url_changed(it.subject),
    Event.TOKEN_EXPIRING: lambda it: messages.token_expiring(it.subject, it.days),
    Event.SECRET_OLD: lambda it: messages.secret_old(it.subject, it.label, it.days),
    Event.CHECK_FAILED: lambda it: messages.check_failed(it.label),
    Event.CHECK_OVERDUE: lambda it: messages.check_overdue(it.label),
    Event.DESTINATION_DISABLED: lambda it: messages.destination_disabled(it.subject),
    Event.SIGN_IN_NEW_PLACE: lambda it: messages.new_place(it.subject, it.detail),
    Event.KEYS_ROTATED: lambda _it: messages.KEYS_ROTATED,
    Event.BACKUP_OLD: lambda it: messages.backup_old(it.days) if it.is_dated else messages.NO_BACKUP,
    Event.DIGEST: lambda it: messages.digest(it.count),
    Event.TEST: lambda _it: messages.TEST,
}


def title(row: Notification) -> str:
    """Returns the event in one sentence."""
    words = _Words(
        label=providers.label(row.provider) if row.provider else "",
        subject=phone.display(row.subject) if row.subject.startswith("+") else row.subject,
        count=row.count,
        days=int(row.reason or 0) if (row.reason or "").isdigit() else 0,
        detail=row.detail or "",
        is_dated=row.since is not None,
    )
    return texts.one_line(_TITLES[Event.of(row.event)](words), 500)


def details(row: Notification) -> list[str]:
    """Returns sentences with the reason, and since when it lasts."""
    since = unhealthy_since(row)
    return [*details_without_since(row), *([messages.since(since)] if since else [])]


def details_without_since(row: Notification) -> list[str]:
    """Returns the sentences without the time, for pages with `unhealthy_since` in a local time."""
    sentences = [_reason_sentence(row), _time_sentence(row)]
    return [texts.one_line(sentence, 1000) for sentence in sentences if sentence]


def unhealthy_since(row: Notification) -> datetime | None:
    """Returns when the problem began; None for an event that does not last."""
    return row.since if row.event in _LASTING else None


def _reason_sentence(row: Notification) -> str | None:
    if row.event == Event.NUMBER_UNHEALTHY:
        return _why_unhealthy(row)
    if row.event == Event.TOKEN_EXPIRING:
        return messages.token_of(row.detail or "")
    if row.event == Event.SIGN_IN_NEW_PLACE:
        return messages.NEW_PLACE_ADVICE
    return row.detail


def _why_unhealthy(row: Notification) -> str | None:
    label = providers.label(row.provider or "")
    if row.reason in messages.BLOCKED:
        return messages.BLOCKED[row.reason].format(provider=label)
    try:
        return drift_messages.verdict(label, Reason(row.reason or ""))
    except ValueError:
        return None


def _time_sentence(row: Notification) -> str | None:
    if row.since is None:
        return None
    words: dict[str, Callable[[datetime], str]] = {
        Event.CHECK_OVERDUE: messages.was_scheduled,
        Event.TOKEN_EXPIRING: messages.ends,
        Event.SECRET_OLD: messages.entered,
        Event.BACKUP_OLD: messages.last_backup,
    }
    sentence = words.get(row.event)
    return sentence(row.since) if sentence else None


def _subject(row: Notification) -> str:
    """Returns the subject of the event as a value: a number, a provider's key, or a name."""
    is_about_numbers = row.event in (Event.NUMBER_UNHEALTHY, Event.NUMBER_RECOVERED)
    return row.subject or ("" if is_about_numbers else row.provider or "")


def no_link(_row: Notification, _organization: Organization | None) -> None:
    """Returns no URL: a `Link` for messages without links."""
