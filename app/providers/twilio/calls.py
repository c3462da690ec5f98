"""The last calls to Twilio's numbers, and the errors that Twilio reports about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from app.core import urls
from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Refusal, calls, numbers
from app.provider.calls import CallError, CallOutcome, LastCalls, ProviderCall
from app.providers.twilio import api

FEW = 5
"""Up to this many numbers, calls are read for each number, and errors for its last call only."""

RECENT = 20
"""How many calls of a number are read per page: its last incoming call may be older than outgoing ones."""

OUTCOMES = {
    "queued": CallOutcome.IN_PROGRESS,
    "ringing": CallOutcome.IN_PROGRESS,
    "in-progress": CallOutcome.IN_PROGRESS,
    "completed": CallOutcome.ANSWERED,
    "busy": CallOutcome.BUSY,
    "no-answer": CallOutcome.NO_ANSWER,
    "canceled": CallOutcome.CANCELED,
    "failed": CallOutcome.FAILED,
}
ERRORS = {
    "10003": "The account is not active, so Twilio rejects calls.",
    "11200": "The webhook could not be retrieved: no connection, or no response in time.",
    "11203": "The webhook did not respond within the total time limit that its URL sets.",
    "11205": "Twilio could not connect to the webhook, or got no response within 15 seconds.",
    "11206": "The webhook's response broke the HTTP protocol.",
    "11210": "The webhook's host name does not resolve.",
    "11215": "The webhook redirected too often.",
    "11217": "The webhook responded with an HTTP status of 400 or more.",
    "11220": "No secure connection to the webhook: the TLS handshake failed.",
    "11235": "The certificate of the webhook's host is for another domain.",
    "11236": "The certificate of the webhook's host has expired.",
    "11237": "The certificate of the webhook's host has no path to a trusted root.",
    "11750": "The webhook's response is larger than 64 kB.",
    "12100": "The webhook's response is not valid XML.",
    "12300": "The webhook's response has a content type that Twilio does not accept.",
}
ERROR_PAGE = "https://www.twilio.com/docs/api/errors/{}"


class Calls:
    """The calls of one account, in the region of the connection."""

    def __init__(self, http: Outbound, values: Mapping[str, Any]) -> None:
        self._http = http
        self._values = values

    def last(self, phone_numbers: Collection[str], since: datetime | None) -> LastCalls:
        if len(phone_numbers) <= FEW:
            by_number = {number: call for number in phone_numbers if (call := self._of_number(number, since))}
            return LastCalls(by_number, since)
        rows = [row for page in self._pages(since, PageSize=api.PAGE) for row in page]
        by_number = calls.newest((call for _, call in rows), phone_numbers)
        sids = {call: sid for sid, call in rows}
        errors, unread = self._errors("Notifications", since)
        with_errors = {
            number: replace(call, errors=tuple(errors[sids[call]]), unread=unread)
            for number, call in by_number.items()
        }
        return LastCalls(with_errors, since)

    def _of_number(self, phone_number: str, since: datetime | None) -> ProviderCall | None:
        """Returns the last incoming call. Pages list the newest first, so the first match is enough."""
        pages = self._pages(since, PageSize=RECENT, To=phone_number)
        own = ([row for row in page if row[1].phone_number == phone_number] for page in pages)
        rows = next((page for page in own if page), None)
        if rows is None:
            return None
        sid, call = max(rows, key=lambda row: row[1].started_at)
        errors, unread = self._errors(f"Calls/{quote(sid, safe='')}/Notifications")
        return replace(call, errors=tuple(errors[sid]), unread=unread)

    def _pages(self, since: datetime | None, **query: Any) -> Iterator[list[tuple[str, ProviderCall]]]:
        """Yields each page's incoming calls, with their SIDs."""
        for page in self._listed("Calls", "calls", query | _since_filter("StartTime", since)):
            incoming = ((row, _call(row)) for row in page if row.get("direction") == "inbound")
            yield [(numbers.one_line(row.get("sid")) or "", call) for row, call in incoming if call]

    def _errors(
        self, path: str, since: datetime | None = None
    ) -> tuple[defaultdict[str, list[CallError]], str]:
        """Returns the errors by their call's SID, newest first, and the reason if none can be read."""
        by_sid: defaultdict[str, list[CallError]] = defaultdict(list)
        query = {"Log": "0", "PageSize": api.PAGE} | _since_filter("MessageDate", since)
        try:
            for page in self._listed(path, "notifications", query):
                for row in page:
                    if error := _error(row):
                        by_sid[numbers.one_line(row.get("call_sid")) or ""].append(error)
        except Refusal as refusal:
            return defaultdict(list), refusal.result.reason
        except OutboundError as error:
            return defaultdict(list), error.message
        for errors in by_sid.values():
            errors.sort(key=lambda error: error.at, reverse=True)
        return by_sid, ""

    def _listed(self, path: str, name: str, query: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
        url = f"{api.account_url(self._values)}/{path}.json?{urlencode(query)}"
        return api.pages(self._http, self._values, url, name)


def _since_filter(name: str, since: datetime | None) -> dict[str, str]:
    """Returns the filter for rows since a day: Twilio compares days only."""
    return {f"{name}>": f"{since:%Y-%m-%d}"} if since else {}


def _call(row: Mapping[str, Any]) -> ProviderCall | None:
    """Returns the call of a row; None if it has no number or no time.

    A call that has not begun has the time of its creation.
    """
    number = numbers.phone_number(row.get("to"))
    started = calls.from_mail_date(row.get("start_time") or row.get("date_created"))
    if number is None or started is None:
        return None
    return ProviderCall(number, started, calls.outcome(OUTCOMES, row.get("status")))


def _error(row: Mapping[str, Any]) -> CallError | None:
    """Returns the error of a notification; None if it has no code or time.

    The query of the URL is left out: with GET, it has the caller's number.
    """
    code, at = row.get("error_code"), calls.from_mail_date(row.get("message_date") or row.get("date_created"))
    written = str(code) if type(code) is int else code
    if at is None or not isinstance(written, str) or not (written.isascii() and written.isdigit()):
        return None
    url = numbers.one_line(row.get("request_url"), 2000)
    return CallError(
        written[:10], at, urls.sanitized(url.partition("#")[0].partition("?")[0]) if url else None
    )
