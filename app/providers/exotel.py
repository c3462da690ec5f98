from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from app.core import phone
from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.provider import (
    MOST_PAGES,
    Count,
    Family,
    Outcome,
    PhoneNumber,
    Provider,
    Refusal,
    Secret,
    ServiceHost,
    Text,
    Verified,
    json_list,
    json_object,
    numbers,
    pagination_error,
    proven,
    refused,
    summed,
    unexpected,
)
from app.provider.answers import is_unauthorized
from app.provider.numbers import ProviderNumber

PAGE = 50
FLOW = re.compile(r"([a-z0-9-]+\.)*exotel\.(com|in)/(?:[^?#]*/)?exoml/(?:[^/]+/)*?([^/]*)/?")
"""Host and path of a flow: `/exoml/start_voice/501`, or `/exoml/start/501`."""
REFUSALS = {
    401: (
        Outcome.BAD_CREDENTIALS,
        "Exotel rejects this API key and token. Compare both with the dashboard's API settings, and "
        "the API base with the account's region.",
    ),
    403: (
        Outcome.SUSPENDED,
        "Exotel refuses this account: it is suspended, or may not use the API. See the dashboard.",
    ),
    404: (
        Outcome.NOT_FOUND,
        "Account not found at this API base. Compare the account SID with the dashboard's API "
        "settings, and the API base with the account's region.",
    ),
}
CUT = refused(
    Outcome.UNEXPECTED_ANSWER,
    "Exotel's list repeats its first pages, and some numbers are missing. Find those in the dashboard.",
)


class Exotel(Provider):
    key = "exotel"
    label = "Exotel"
    position = 30
    families = (Family.TELEPHONY,)
    summary = "For agent calls."
    observes_by_listing = True
    webhook_steps = (
        "In the Exotel dashboard, open App Bazaar, and there the flow that the number is assigned to.",
        "In the flow, open its Voicebot applet, or its Passthru applet.",
        "Paste the URL into the applet, and save the flow.",
        "A number that is assigned to no flow, or to another one, has to be assigned to this flow.",
        "Exotel's API can neither set nor show this URL: a number there points to a flow.",
    )

    account_sid = Text("Account SID", help="Exotel dashboard → API settings.", required=True)
    api_key = Secret("API key", help="Exotel dashboard → API settings.", required=True)
    api_token = Secret("API token", help="Exotel dashboard → API settings, with the API key.", required=True)
    phone_number = PhoneNumber("Phone number", help="The default ExoPhone.", group="Calls")
    api_base = ServiceHost(
        "API base",
        help="The region of the account. Changing it requires the key and token again.",
        hosts=("api.exotel.com", "api.in.exotel.com"),
    )
    max_concurrent = Count(
        "Max concurrent calls",
        help="How many agent calls may run at the same time.",
        default=5,
        group="Calls",
    )

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads one call of the account, because Exotel returns nothing of the account itself."""
        if lacking := self.missing_credentials(values):
            return lacking
        answer = self._get(http, values, "v1", "Calls.json", PageSize=1)
        if answer.status != 200 or not json_object(answer) or _is_refusal(answer):
            return _why(answer)
        known = proven("Exotel accepts the API key and token for this account.")
        return summed([known, *filter(None, [self.caller(http, values)])])

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[ProviderNumber]:
        self.require_credentials(values)
        for rows in self._pages(http, values):
            yield from filter(None, map(_line, rows))

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        """Looks through the whole list: Exotel has no search for a number."""
        self.require_credentials(values)
        for rows in self._pages(http, values):
            for line in filter(None, map(_line, rows)):
                if line.phone_number == phone_number:
                    return line
        return None

    def _pages(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
        """Yields each page's rows up to the end. Raises Refusal if Exotel does not show the end.

        Its own addresses of pages lead to another host, over http: they are not called.
        """
        seen: set[str] = set()
        for page in range(MOST_PAGES):
            answer = self._get(http, values, "v2_beta", "IncomingPhoneNumbers", Page=page, PageSize=PAGE)
            if answer.status in REFUSALS:
                raise Refusal(_why(answer))
            rows = json_list(answer, "incoming_phone_numbers")
            fresh = [row for row in rows if str(row.get("phone_number")) not in seen]
            if rows and not fresh:
                raise Refusal(CUT)
            yield fresh
            if _is_last(json_object(answer)):
                return
            seen |= {str(row.get("phone_number")) for row in fresh}
        raise pagination_error(self.label)

    def _get(
        self, http: Outbound, values: Mapping[str, Any], version: str, what: str, **query: int
    ) -> Answer:
        base = self.api_base.in_force(values.get("api_base"))
        return http.send(
            "GET",
            f"{base}/{version}/Accounts/{quote(values['account_sid'], safe='')}/{what}",
            query=query,
            auth=(values["api_key"], values["api_token"]),
        )


def _line(row: Mapping[str, Any]) -> ProviderNumber | None:
    """Returns None for an unreadable number. Exotel does not return what a flow calls."""
    if not (phone_number := _phone_number(row)):
        return None
    url = numbers.cleaned(row.get("voice_url"), 2000)
    flow = _flow(url)
    sid = row.get("sid")
    return ProviderNumber(
        phone_number=phone_number,
        label=numbers.cleaned(row.get("friendly_name")),
        webhook_url=url,
        shows_webhook=flow is None and "voice_url" in row,
        override_name=flow or "",
        reference=numbers.cleaned(str(sid) if isinstance(sid, int) else sid) or "",
        has_voice=numbers.has_voice(row.get("capabilities")),
    )


def _flow(url: str | None) -> str | None:
    """The id of the flow that the URL starts; None if it is no flow."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    found = FLOW.fullmatch(f"{(parts.hostname or '').rstrip('.')}{parts.path}")
    return found[3] if found else None


def _phone_number(row: Mapping[str, Any]) -> str | None:
    """A number without `+`, such as 08055500001, is read with the row's country, by default India."""
    written, country = row.get("phone_number"), row.get("country")
    if not isinstance(written, str):
        return None
    is_known = isinstance(country, str) and country in phone.country_names()
    try:
        return phone.normalize(written, country if is_known else "IN")
    except ValueError:
        return None


def _is_last(found: Mapping[str, Any]) -> bool:
    """Whether a page is the end: it leads to no other, or has fewer rows than it could."""
    count, size = len(found["incoming_phone_numbers"]), found.get("page_size")
    return not (count and found.get("next_page_uri")) or (isinstance(size, int) and count < size)


def _why(answer: Answer) -> Verified:
    """Of a test as of a list."""
    is_known = json_object(answer) or _is_refusal(answer) or is_unauthorized(answer)
    if answer.status in REFUSALS and is_known:
        return refused(*REFUSALS[answer.status])
    return unexpected(answer)


def _is_refusal(answer: Answer) -> bool:
    """Its errors are JSON or XML, and have this name in either."""
    return b"RestException" in answer.body
