"""The last calls to Vobiz's numbers, from its records of ended calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from app.core import clock
from app.core.outbound.client import Outbound
from app.provider import Refusal, calls, json_list, json_object, numbers, pagination_error
from app.provider.calls import CallOutcome, LastCalls, ProviderCall
from app.providers.vobiz.account import API, PAGE, refusal_of

RECENT = 20
"""How many records of a number are on a page. Its last call is on the first page or on the last one."""

OUTCOMES = {
    "NO_ANSWER": CallOutcome.NO_ANSWER,
    "NORMAL_CLEARING": CallOutcome.NO_ANSWER,
    "NO_USER_RESPONSE": CallOutcome.NO_ANSWER,
    "USER_BUSY": CallOutcome.BUSY,
    "CALL_REJECTED": CallOutcome.BUSY,
    "ORIGINATOR_CANCEL": CallOutcome.CANCELED,
}
"""The outcomes of calls that were not answered. Every other hang-up cause is a failure."""


class Calls:
    """The records of one account."""

    def __init__(self, http: Outbound, values: Mapping[str, Any]) -> None:
        self._http = http
        self._headers = {"X-Auth-ID": values["auth_id"], "X-Auth-Token": values["auth_token"]}
        self._url = f"{API}/Account/{quote(values['auth_id'], safe='')}/cdr"

    def last(self, phone_numbers: Collection[str], since: datetime | None) -> LastCalls:
        """Returns the last calls: for one number, from the first and the last page.

        The order of the records is not documented.
        """
        query = {"call_direction": "inbound"} | _date_filter(since)
        if len(phone_numbers) == 1:
            records = self._of_number(query | {"to_number": next(iter(phone_numbers))})
        else:
            records = self._all(query)
        return LastCalls(calls.newest(records, phone_numbers), since)

    def _of_number(self, query: Mapping[str, Any]) -> list[ProviderCall]:
        records, pages = self._page(query, 1, RECENT)
        if pages > 1:
            records += self._page(query, pages, RECENT)[0]
        return records

    def _all(self, query: Mapping[str, Any]) -> list[ProviderCall]:
        records, pages = self._page(query, 1, PAGE)
        if pages > calls.MOST_PAGES:
            raise pagination_error("Vobiz")
        for page in range(2, pages + 1):
            records += self._page(query, page, PAGE)[0]
        return records

    def _page(self, query: Mapping[str, Any], page: int, size: int) -> tuple[list[ProviderCall], int]:
        """Returns the calls of a page, and how many pages there are."""
        parameters = {**query, "page": page, "per_page": size}
        answer = self._http.send("GET", self._url, headers=self._headers, query=parameters)
        if answer.status != 200:
            raise Refusal(refusal_of("GET", answer))
        rows = json_list(answer, "data")
        pagination = json_object(answer).get("pagination")
        pages = pagination.get("pages") if isinstance(pagination, dict) else None
        return [call for row in rows if (call := _call(row))], pages if type(pages) is int else 1


def _date_filter(since: datetime | None) -> dict[str, str]:
    """Returns the filter by days: Vobiz requires both dates or none."""
    if since is None:
        return {}
    return {"start_date": f"{since:%Y-%m-%d}", "end_date": f"{clock.now() + timedelta(days=1):%Y-%m-%d}"}


def _call(row: Mapping[str, Any]) -> ProviderCall | None:
    number, started = (
        numbers.phone_number(row.get("destination_number")),
        calls.from_iso(row.get("start_time")),
    )
    if number is None or started is None or row.get("call_direction") != "inbound":
        return None
    name = row.get("hangup_cause")
    outcome = OUTCOMES.get(name, CallOutcome.FAILED) if isinstance(name, str) else CallOutcome.UNKNOWN
    if row.get("answer_time"):
        outcome = CallOutcome.ANSWERED
    return ProviderCall(number, started, outcome, calls.cause(row.get("hangup_cause_name")))
